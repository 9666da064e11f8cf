"""One command that rebuilds every shipped body: `python -m tools.build_body --out assets/body`."""

from pathlib import Path

import tyro
from rich.console import Console

from tools.build_body.body_npz import write_body
from tools.build_body.hm08_npz import write_hm08
from tools.build_body.pipeline import build_bodies, build_common


def main(out: Path = Path("assets/body")) -> None:
    """Build the neutral, male and female body and the hm08 space for garments.

    Args:
        out: folder to write into.
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    with console.status("MakeHuman data, T-pose, shape space, correctives"):
        common = build_common()
    for name, arrays in build_bodies(common).items():
        write_body(out / f"{name}.npz", arrays)
        console.print(f"{out / name}.npz: {len(arrays.v_template)} vertices, {len(arrays.faces)} faces")
    write_hm08(out / "hm08.npz", common)


if __name__ == "__main__":
    tyro.cli(main)
