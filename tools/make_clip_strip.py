"""Real frames beside the avatar: `python -m tools.make_clip_strip CLIP=AVATAR ... -o docs/images/clips.jpg`.

Tracked frame by frame as live does it, by a tracker that meets the user for the first time; drawn by the clip's own
camera, so that real and avatar line up.
"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro
from jaxtyping import UInt8
from PIL import Image

from inperson.app.pictures.playback import Playback
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.errors import BadInputError
from inperson.render.backends import make_rasterizer
from inperson.tracking.clip import observe_clip
from inperson.tracking.motion_file import clip_of_states
from inperson.tracking.sources import open_source
from inperson.tracking.tracker import Tracker


def main(
    clips: tyro.conf.Positional[tuple[str, ...]],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    columns: int = 4,
    height: int = 210,
    margin: float = 0.12,
) -> None:
    """One row a clip, `columns` pairs of a real frame and the avatar in it.

    Args:
        clips: CLIP=AVATAR, each a video file and who plays it.
        out: picture to write.
        columns: pairs in a row, spread over the clip between its margins.
        height: of one picture, pixels.
        margin: share of the clip left out at either end.
    """
    rows = []
    for item in clips:
        path, _, avatar = item.rpartition("=")
        if not path:
            raise BadInputError(item, "write CLIP=AVATAR, as in me.mp4=ada")
        rows.append(_row(Path(path), avatar, columns, height, margin))
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(out, quality=84)


def _row(clip: Path, avatar_name: str, columns: int, height: int, margin: float) -> UInt8[np.ndarray, "H W 3"]:
    avatar = load_avatar(avatar_name)
    body = load_body(avatar.body_name)
    seen = observe_clip(clip)
    tracker = Tracker(body)
    motion = clip_of_states(
        [tracker.update(observation).state for observation in seen.observations],
        framerate=seen.fps,
        intrinsics=seen.observations[0].intrinsics,
        expr_names=body.expr_names,
        body_name=body.name,
        body_sha256=body.sha256,
    )
    last = len(motion) - 1
    chosen = np.linspace(margin * last, (1.0 - margin) * last, columns).round().astype(int)
    with open_source(clip, live=False) as source:
        frames = [frame.image for frame in iter(source.read, None)]
    with closing(make_rasterizer("auto")) as rasterizer:
        playback = Playback(motion, body, avatar, body, rasterizer, camera="source")
        drawn = [picture for picture, _ in playback.pictures()]
    return np.concatenate([_tile(side[i], height) for i in chosen for side in (frames, drawn)], axis=1)


def _tile(picture: UInt8[np.ndarray, "h w 3"], height: int) -> UInt8[np.ndarray, "H W 3"]:
    """The upright middle three quarters of a landscape frame, where the person is."""
    tall, wide = picture.shape[:2]
    width = min(wide, round(0.75 * tall))
    left = (wide - width) // 2
    cut = picture[:, left : left + width]
    return cv2.resize(cut, (round(width * height / tall), height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    tyro.cli(main)
