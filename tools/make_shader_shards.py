"""The data that the video shader learns from, as webdataset shards:

    python -m tools.make_shader_shards --out out/shader

Every person of the recipe is dressed and photographed once, becomes an avatar, moves, and is drawn both ways: as the
avatar and as they truly look. Needs the wardrobe and the reconstruction network's weights. Shards that are already
there are kept, so an interrupted run goes on where it stopped; several runs of `--part K N` share the work.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tyro
from rich.progress import track

from inperson.errors import BadInputError
from inperson.reconstruct.training.people import PersonSeed, all_people
from inperson.reconstruct.training.shards import write_shard
from inperson.shader_model.data.recipe import DataRecipe
from inperson.shader_model.data.shards import encode_window
from inperson.shader_model.data.subjects import SubjectMaker
from inperson.shader_model.data.window import Window
from inperson.shader_model.data.windows import make_windows
from inperson.shader_model.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

SPLITS = ("held_out", "train")


def shards_of(recipe: DataRecipe, out: Path) -> Iterator[tuple[Path, list[PersonSeed], int]]:
    """Every shard of both splits: its path, whom it holds, and how many windows of each."""
    who = recipe.subjects
    for split in SPLITS:
        held_out = split == "held_out"
        everybody = all_people(who.split(), held_out)
        for first in range(0, len(everybody), who.per_shard):
            path = out / f"{split}-{first // who.per_shard:05d}.tar"
            yield path, everybody[first : first + who.per_shard], who.held_out_windows if held_out else who.windows


def main(
    out: Path = Path("out/shader"),
    recipe: Path = DEFAULT_RECIPE,
    wardrobe: Path | None = None,
    part: tuple[int, int] = (0, 1),
) -> None:
    """Render both splits of a recipe.

    Args:
        out: folder for train-NNNNN.tar and held_out-NNNNN.tar.
        recipe: TOML; its table `data` says who, how many and how.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
        part: K N: only every N-th shard from number K on, for N processes side by side.
    """
    if not 0 <= part[0] < part[1]:
        raise BadInputError(f"--part {part[0]} {part[1]}", "count parts from 0: K must be below N")
    how = read_recipe(recipe).data
    wanted = [s for s in list(shards_of(how, out))[part[0] :: part[1]] if not s[0].exists()]
    with Stage() as stage:
        subjects = SubjectMaker(Dresser(Wardrobe(wardrobe)), stage, how)

        def windows(members: list[PersonSeed], count: int) -> Iterator[Window]:
            for who in members:
                rng = np.random.default_rng([who.seed, 1])
                yield from make_windows(subjects.make(who), subjects.body, stage, how.window, count, rng)

        for path, members, count in track(wanted, "Shards"):
            write_shard(path, (encode_window(window) for window in windows(members, count)))


if __name__ == "__main__":
    tyro.cli(main)
