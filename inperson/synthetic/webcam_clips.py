"""Webcam clips with exact ground truth: a dressed person performs a script before a camera at the world's origin.

A clip on disk is `NAME.mp4` and beside it `NAME.npz`, the exact motion and the camera. Tracking is measured on
them; the demo performer is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.render.views import EyeView
from inperson.synthetic.backgrounds import sample_room
from inperson.synthetic.cameras import webcam_view
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.lights import Light
from inperson.synthetic.motion.clip import MotionClip, save_motion
from inperson.synthetic.sensor import webcam_picture
from inperson.synthetic.stage import Stage
from inperson.synthetic.video import write_video


@dataclass(frozen=True, slots=True, eq=False)
class WebcamTruth:
    """What is exactly known about a clip of T frames; the motion itself is in the same file."""

    joints: Float[np.ndarray, "T 55 3"]
    """SMPL-X's joints in the world: the camera is at the origin and looks along -z."""
    times_ns: Int[np.ndarray, " T"]
    intrinsics: Intrinsics

    def pixels(self) -> Float[np.ndarray, "T 55 2"]:
        """The joints in the picture."""
        k, p = self.intrinsics, self.joints
        return np.stack([k.cx + k.fx * p[..., 0] / -p[..., 2], k.cy - k.fy * p[..., 1] / -p[..., 2]], axis=-1)


def webcam_frames(
    stage: Stage,
    person: DressedPerson,
    clip: MotionClip,
    light: Light,
    seed: int,
    view: EyeView | None = None,
    noise: float = 1.0,
) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The pictures, one per state. Room and noise come from `seed`: the same seed gives the same pixels."""
    view = view or webcam_view()
    rng = np.random.default_rng(seed)
    room = sample_room(rng, view.width, view.height)
    for state in clip.states:
        stage.set_scene(person.posed(state), light)
        yield webcam_picture(stage.shoot(view, room, geometry=False).rgb, rng, noise=noise)


def save_webcam_clip(
    path: Path,
    stage: Stage,
    person: DressedPerson,
    clip: MotionClip,
    light: Light,
    seed: int,
    quality: float = 20.0,
) -> None:
    """Writes `path` (.mp4) and its ground truth beside it (.npz)."""
    view = webcam_view()
    joints = np.stack([person.poser.joint_transforms(state)[1] for state in clip.states])
    save_motion(clip, path.with_suffix(".npz"), person.body, view.intrinsics, joints)
    write_video(path, webcam_frames(stage, person, clip, light, seed, view), round(clip.fps), quality)


def load_webcam_truth(path: Path) -> WebcamTruth:
    """Ground truth of a clip.

    Args:
        path: the .mp4 or the .npz.

    Raises:
        BadInputError: no ground truth there.
    """
    path = path.with_suffix(".npz")
    if not path.is_file():
        raise BadInputError(f"no ground truth at {path}", "render the clip again")
    with np.load(path, allow_pickle=False) as file:
        if not {"joints", "times_ns", "camera", "image_size"} <= set(file.files):
            raise BadInputError(f"{path} is not the ground truth of a webcam clip", "render the clip again")
        fx, fy, cx, cy = (float(v) for v in file["camera"])
        width, height = (int(v) for v in file["image_size"])
        return WebcamTruth(file["joints"], file["times_ns"], Intrinsics(fx, fy, cx, cy, width, height))
