"""Renders the shipped demo clip and its ground truth: `python -m tools.make_performer`."""

from pathlib import Path

import tyro
from rich.console import Console

from inperson.synthetic.cast import PERFORMER
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.lights import room_light
from inperson.synthetic.motion.scripts import demo_performance
from inperson.synthetic.motion.upper_body import perform
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.penetration import deepest_forearm
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe
from inperson.synthetic.webcam_clips import save_webcam_clip

FPS = 30
CLEARANCE = 0.015
"""Metres that forearms and hands keep from the skin of the torso (clothes are thinner)."""


def main(
    out: Path = Path("assets/performer"), wardrobe: Path | None = None, seed: int = 3, quality: float = 20.0
) -> None:
    """Render performer.mp4 (640x480, 30 fps) and performer.npz (the exact motion).

    Args:
        out: folder to write into.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
        seed: of the motion's small variations, the room and the camera's noise.
        quality: x264's constant rate factor.
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    with Stage() as stage:
        person = bake_occlusion(Dresser(Wardrobe(wardrobe)).dress(PERFORMER), stage)
        clip = perform(person, demo_performance(), FPS, seed)
        deepest = deepest_forearm(person.body, person.poser, clip.states, step=1)
        console.print(f"nearest an arm comes to the torso: {-1000 * deepest:.0f} mm")
        if deepest > -CLEARANCE:
            raise SystemExit("an arm enters the torso: change the script")
        with console.status(f"{len(clip.states)} frames"):
            save_webcam_clip(out / "performer.mp4", stage, person, clip, room_light(), seed, quality)
    for path in (out / "performer.mp4", out / "performer.npz"):
        console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    tyro.cli(main)
