"""A motion file for whole runs of the program."""

from dataclasses import replace
from pathlib import Path

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.tracking.motion_file import clip_of_states, save_motion
from tests.vr.headset_run import standing

FRAMERATE = 25


def someone_standing(folder: Path, seconds: float = 60.0) -> str:
    """The path of a new motion file in which somebody turns slowly on the spot."""
    body = load_body(load_avatar("ada").body_name)
    states = [
        replace(standing(body, 0.0, 0.0, 0.1 * k / FRAMERATE), time_ns=k * 10**9 // FRAMERATE)
        for k in range(int(seconds * FRAMERATE))
    ]
    path = folder / "standing.npz"
    save_motion(clip_of_states(states, framerate=FRAMERATE, body_name=body.name, body_sha256=body.sha256), path)
    return str(path)
