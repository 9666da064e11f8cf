"""Renders the shipped demo clip and its ground truth: `python -m tools.make_performer`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track

from inperson.synthetic.backgrounds import sample_room
from inperson.synthetic.cameras import webcam_view
from inperson.synthetic.cast import PERFORMER
from inperson.synthetic.dressing import DressedPerson, Dresser
from inperson.synthetic.lights import room_light
from inperson.synthetic.motion.clip import MotionClip, save_motion
from inperson.synthetic.motion.scripts import demo_performance
from inperson.synthetic.motion.upper_body import perform
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.penetration import forearm_depth
from inperson.synthetic.sensor import webcam_picture
from inperson.synthetic.stage import Stage
from inperson.synthetic.video import write_video
from inperson.synthetic.wardrobe import Wardrobe

FPS = 30
CLEARANCE = 0.015
"""Metres that forearms and hands keep from the skin of the torso (clothes are thinner)."""


def main(
    out: Path = Path("assets/performer"), wardrobe: Path | None = None, seed: int = 3, quality: float = 24.0
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
        deepest = max(forearm_depth(person.body, person.poser.pose(s).vertices) for s in clip.states)
        console.print(f"nearest an arm comes to the torso: {-1000 * deepest:.0f} mm")
        if deepest > -CLEARANCE:
            raise SystemExit("an arm enters the torso: change the script")
        write_video(out / "performer.mp4", _frames(stage, person, clip, seed), FPS, quality)
    view = webcam_view()
    save_motion(clip, out / "performer.npz", camera_K=view.intrinsics.matrix, body_name=np.array(person.body.name))
    for path in (out / "performer.mp4", out / "performer.npz"):
        console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _frames(stage: Stage, person: DressedPerson, clip: MotionClip, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    view = webcam_view()
    room = sample_room(rng, view.width, view.height)
    for state in track(clip.states, "Frames"):
        stage.set_scene(person.posed(state), room_light())
        yield webcam_picture(stage.shoot(view, room, geometry=False).rgb, rng, noise=0.8)


if __name__ == "__main__":
    tyro.cli(main)
