"""The frames of a clip that an avatar is refined on, and how they are shared out. Data only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.render.views import EyeView

MIN_FRAMES = 24
"""Frames with the person in them that a clip must have: 16 to learn from, 8 to tell whether it helped."""
HELD_OUT = 1 / 3
"""Share of the clip, at its end, that nothing is learned from: the report's scores are its."""
VALIDATION = 0.2
"""Share of what is learned from, at its end, that only says when to stop."""
_MARGIN = 24
"""Pixels around the person that are kept."""
_EMPTY = 8
"""Alpha (0..255) from which a pixel belongs to the person's box."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrame:
    """One frame: the person cut out, and where the tracker found them."""

    rgba: UInt8[np.ndarray, "H W 4"]
    """Premultiplied, sRGB-encoded."""
    state: BodyState


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrames:
    """T frames of one camera, in time order."""

    frames: tuple[ClipFrame, ...]
    view: EyeView
    """Of the frames' size."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def states(self) -> list[BodyState]:
        """The tracked states."""
        return [frame.state for frame in self.frames]

    def part(self, rows: Sequence[int]) -> "ClipFrames":
        """Some of the frames."""
        return replace(self, frames=tuple(self.frames[n] for n in rows))

    def with_states(self, states: Sequence[BodyState]) -> "ClipFrames":
        """The same pictures with other states."""
        pairs = zip(self.frames, states, strict=True)
        return replace(self, frames=tuple(replace(frame, state=state) for frame, state in pairs))

    def scaled(self, share: float) -> "ClipFrames":
        """Pictures and view at `share` (at most 1) of their size."""
        if share == 1.0:
            return self
        k = self.view.intrinsics
        width, height = max(round(k.width * share), 1), max(round(k.height * share), 1)
        sx, sy = width / k.width, height / k.height
        camera = Intrinsics(k.fx * sx, k.fy * sy, k.cx * sx, k.cy * sy, width, height)
        pictures = (cv2.resize(f.rgba, (width, height), interpolation=cv2.INTER_AREA) for f in self.frames)
        return self._with_pictures(list(pictures), camera)

    def cropped(self) -> "ClipFrames":
        """Only the part of the pictures where the person ever is, and a margin."""
        covered = np.max([frame.rgba[..., 3] for frame in self.frames], axis=0) >= _EMPTY
        if not covered.any():
            raise ValueError("no frame has anybody in it")
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        top, left = max(rows[0] - _MARGIN, 0), max(columns[0] - _MARGIN, 0)
        height = min(rows[-1] + 1 + _MARGIN, covered.shape[0]) - top
        width = min(columns[-1] + 1 + _MARGIN, covered.shape[1]) - left
        k = self.view.intrinsics
        camera = Intrinsics(k.fx, k.fy, k.cx - left, k.cy - top, int(width), int(height))
        window = np.s_[top : top + height, left : left + width]
        return self._with_pictures([np.ascontiguousarray(f.rgba[window]) for f in self.frames], camera)

    def _with_pictures(self, pictures: list[np.ndarray], camera: Intrinsics) -> "ClipFrames":
        view = EyeView.from_intrinsics(camera, self.view.T_world_from_eye, self.view.near, self.view.far)
        pairs = zip(self.frames, pictures, strict=True)
        return ClipFrames(tuple(replace(frame, rgba=rgba) for frame, rgba in pairs), view)


@dataclass(frozen=True, slots=True, eq=False)
class ClipParts:
    """A clip shared out in time."""

    training: ClipFrames
    validation: ClipFrames
    held_out: ClipFrames


def share_out(clip: ClipFrames, name: str, fps: float) -> ClipParts:
    """First two thirds to learn from (their end only says when to stop), last third to report on.

    Args:
        clip: all frames with the person in them.
        name, fps: of the clip, for the message.

    Raises:
        BadInputError: the clip is too short.
    """
    if len(clip) < MIN_FRAMES:
        raise BadInputError(
            f"clip {name} shows the person in {len(clip)} frames ({len(clip) / fps:.1f} s)",
            f"give a longer one: at least {MIN_FRAMES} frames ({MIN_FRAMES / fps:.1f} s), better 3 seconds or more",
        )
    learned = len(clip) - round(len(clip) * HELD_OUT)
    training = learned - max(round(learned * VALIDATION), 2)
    return ClipParts(
        clip.part(range(training)), clip.part(range(training, learned)), clip.part(range(learned, len(clip)))
    )


def over(rgba: UInt8[np.ndarray, "H W 4"], background: float) -> Float[np.ndarray, "H W 3"]:
    """A premultiplied picture over grey, 0 to 1, float32."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return rgba[..., :3].astype(np.float32) / 255 + (1 - alpha) * np.float32(background)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` row numbers, evenly spaced."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
