"""Renders the captures that shipped avatars are fitted to: `python -m tools.make_captures --people ada kenji`."""

from pathlib import Path

import tyro
from rich.progress import track

from inperson.synthetic.avatar_captures import capture_session
from inperson.synthetic.cast import CAST, cast_member
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe


def main(
    people: tuple[str, ...] = tuple(CAST),
    out: Path = Path("out/captures"),
    wardrobe: Path | None = None,
    size: int = 640,
    rounds: int = 1,
) -> None:
    """Render each person's capture session into a folder of their name.

    Args:
        people: members of the cast.
        out: where the folders go.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
        size: pixels, square.
        rounds: 1 gives 130 views a person.
    """
    dresser = Dresser(Wardrobe(wardrobe))
    with Stage() as stage:
        for name in track(people, "Captures"):
            person = bake_occlusion(dresser.dress(cast_member(name)), stage)
            capture_session(person, stage, out / name, size=size, rounds=rounds)


if __name__ == "__main__":
    tyro.cli(main)
