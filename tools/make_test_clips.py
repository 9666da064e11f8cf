"""Renders the clips tracking is measured on: `python -m tools.make_test_clips --count 6`.

Three fixed ones are shipped (`still`, `gestures`, `chest`); `--count` adds random people with random gestures.
"""

from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track

from inperson.synthetic.cameras import webcam_view
from inperson.synthetic.cast import cast_member
from inperson.synthetic.dressing import DressedPerson, Dresser
from inperson.synthetic.lights import room_light, sample_light
from inperson.synthetic.motion.clip import MotionClip
from inperson.synthetic.motion.scripts import arms_before_chest, random_gestures, stand_still
from inperson.synthetic.motion.upper_body import perform
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.penetration import deepest_forearm
from inperson.synthetic.people import sample_person
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe
from inperson.synthetic.webcam_clips import save_webcam_clip

FPS = 30
SHIPPED = (("still", "samuel", stand_still()), ("chest", "ada", arms_before_chest()))
_CLEARANCE = 0.012
"""Metres that forearms keep from the torso's skin."""


def main(out: Path = Path("assets/captures"), wardrobe: Path | None = None, count: int = 0, seed: int = 0) -> None:
    """Render test clips with ground truth.

    Args:
        out: folder to write into.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
        count: random people with random gestures, instead of the shipped clips.
        seed: of the random ones.
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    dresser = Dresser(Wardrobe(wardrobe))
    with Stage() as stage:
        if count == 0:
            for name, who, script in SHIPPED:
                person = bake_occlusion(dresser.dress(cast_member(who)), stage)
                save_webcam_clip(out / f"{name}.mp4", stage, person, perform(person, script, FPS), room_light(), 11)
            person = bake_occlusion(dresser.dress(cast_member("kenji")), stage)
            clip = clear_gestures(person, np.random.default_rng(5))
            save_webcam_clip(out / "gestures.mp4", stage, person, clip, room_light(), 12)
        for index in track(range(count), "Clips"):
            rng = np.random.default_rng([seed, index])
            person = bake_occlusion(dresser.dress(sample_person(rng, f"random{index}")), stage)
            clip = clear_gestures(person, rng)
            path = out / f"random{index:02d}.mp4"
            save_webcam_clip(path, stage, person, clip, sample_light(rng), int(rng.integers(2**31)))
    for path in sorted(out.glob("*.mp4")):
        console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def clear_gestures(person: DressedPerson, rng: np.random.Generator, tries: int = 60) -> MotionClip:
    """Random gestures in which no forearm enters the torso and both hands stay in the picture."""
    for _ in range(tries):
        clip = perform(person, random_gestures(rng), FPS, int(rng.integers(2**31)))
        if not _hands_in_picture(person, clip):
            continue
        if deepest_forearm(person.body, person.poser, clip.states) < -_CLEARANCE:
            return clip
    raise SystemExit(f"no clear gestures in {tries} tries")


def _hands_in_picture(person: DressedPerson, clip: MotionClip) -> bool:
    k = webcam_view().intrinsics
    p = np.stack([person.poser.joint_transforms(state)[1][25:] for state in clip.states])
    u, v = k.cx - k.fx * p[..., 0] / p[..., 2], k.cy + k.fy * p[..., 1] / p[..., 2]
    return bool(((u > 0) & (u < k.width) & (v > 0) & (v < k.height)).all())


if __name__ == "__main__":
    tyro.cli(main)
