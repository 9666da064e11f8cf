"""The real part of the data that the video shader learns from:

    python -m tools.make_real_shader_shards clip1.mkv clip2.mkv --out out/shader

Each clip becomes one shard, `train-real-NAME.tar`, beside the rendered ones of `make_shader_shards`. Keep some people
out, or nothing can be said about others. Shards that are already there are kept.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.progress import track

from inperson.reconstruct.training.shards import write_shard
from inperson.shader_model.data.footage import footage_windows, reenacted
from inperson.shader_model.data.shards import encode_window
from inperson.shader_model.training.recipe import DEFAULT_RECIPE, read_recipe


def main(
    clips: Annotated[tuple[Path, ...], tyro.conf.Positional],
    out: Path = Path("out/shader"),
    recipe: Path = DEFAULT_RECIPE,
) -> None:
    """Re-enact clips.

    Args:
        clips: of one person each, upper body and hands in view, the camera standing still.
        out: folder for the shards.
        recipe: TOML; its table `data.footage` says how many windows and how long.
    """
    how = read_recipe(recipe).data.footage
    for clip in track(clips, "Clips"):
        path = out / f"train-real-{clip.stem}.tar"
        if not path.exists():
            windows = footage_windows(reenacted(clip), how, np.random.default_rng(0))
            write_shard(path, (encode_window(window) for window in windows))


if __name__ == "__main__":
    tyro.cli(main)
