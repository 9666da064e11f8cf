"""Reading BVH, anybody's: a hierarchy of joints with offsets, and their angles frame by frame.

Format: Meredith and Maddock, "Motion Capture File Formats Explained" (2001). Read as untrusted input.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError

MOST_BYTES = 1 << 30
MOST_JOINTS = 1000
MOST_FRAMES = 2_000_000
_MEND = "give a BVH file: HIERARCHY, then MOTION"
_AXES = "XYZ"
_CHANNELS = {f"{axis.lower()}{kind}": (kind, k) for k, axis in enumerate(_AXES) for kind in ("position", "rotation")}


@dataclass(frozen=True, slots=True, eq=False)
class BvhJoint:
    """A joint of the hierarchy, in the file's units."""

    name: str
    parent: int
    """-1 for the root."""
    offset: Float[np.ndarray, "3"]
    """From its parent."""
    position_columns: tuple[tuple[int, int], ...] = ()
    """Column of a frame, and the axis (0 to 2) it is of."""
    rotation_columns: tuple[tuple[int, int], ...] = ()
    """The same, in the order in which the angles apply: the first is the outermost."""


@dataclass(frozen=True, slots=True, eq=False)
class BvhClip:
    """T frames of J joints, parents before children; the file's own units and axes."""

    joints: tuple[BvhJoint, ...]
    frame_time: float
    """Seconds."""
    frames: Float[np.ndarray, "T C"]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the joints."""
        return tuple(joint.name for joint in self.joints)

    def rest(self) -> Float[np.ndarray, "J 3"]:
        """Where the joints are when nothing is turned and the root is in the origin."""
        out = np.zeros((len(self.joints), 3))
        for k, joint in enumerate(self.joints):
            if joint.parent >= 0:
                out[k] = out[joint.parent] + joint.offset
        return out

    def root_places(self) -> Float[np.ndarray, "T 3"]:
        """The root in the world: its channels, which stand in place of its offset."""
        out = np.tile(self.joints[0].offset, (len(self), 1))
        for column, axis in self.joints[0].position_columns:
            out[:, axis] = self.frames[:, column]
        return out

    def rotations(self, joint: int) -> Rotation:
        """A joint's in its parent, one a frame."""
        out = Rotation.identity(len(self))
        for column, axis in self.joints[joint].rotation_columns:
            out = out * Rotation.from_euler(_AXES[axis], self.frames[:, column, None], degrees=True)
        return out


def load_bvh(path: Path) -> BvhClip:
    """Read a file.

    Raises:
        BadInputError: no such file, or something in it is not BVH; names the line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInputError(f"motion {path} is larger than {MOST_BYTES >> 30} GiB", "cut it into parts")
        text = path.read_text()
    except OSError as error:
        raise BadInputError(f"motion {path} cannot be read ({error.strerror})", _MEND) from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"motion {path} is not text", _MEND) from error
    try:
        return _Parser(text).clip()
    except ValueError as error:
        raise BadInputError(f"motion {path}: {error}", _MEND) from error


class _Parser:
    """Line by line. A ValueError names the line."""

    def __init__(self, text: str) -> None:
        head, mark, motion = text.partition("MOTION")
        if not mark:
            raise ValueError("it has no MOTION")
        self._lines = [(n, words) for n, line in enumerate(head.splitlines(), 1) if (words := line.split())]
        self._motion = motion
        self._joints: list[BvhJoint] = []
        self._columns = 0

    def clip(self) -> BvhClip:
        self._hierarchy()
        if not self._joints:
            raise ValueError("it has no ROOT")
        head, count, frame_time = self._times()
        frames = _table(head)
        if frames.shape != (count, self._columns):
            raise ValueError(
                f"it has {frames.shape[0]} frames of {frames.shape[1]} numbers, not {count} of {self._columns}"
            )
        if not np.isfinite(frames).all():
            raise ValueError("it has frames with numbers that are not finite")
        return BvhClip(tuple(self._joints), frame_time, frames)

    def _hierarchy(self) -> None:
        if not self._lines or self._lines[0][1] != ["HIERARCHY"]:
            raise ValueError("it does not begin with HIERARCHY")
        open_joints: list[int] = []
        """Joints whose brackets are open; -1 for an end site."""
        for number, words in self._lines[1:]:
            try:
                self._line(words, open_joints)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
        if open_joints:
            raise ValueError("a bracket is not closed before MOTION")

    def _line(self, words: list[str], open_joints: list[int]) -> None:
        word = words[0].upper()
        if word == "ROOT" and self._joints:
            raise ValueError("a second ROOT")
        if word in ("ROOT", "JOINT"):
            self._begin(" ".join(words[1:]), open_joints)
        elif word == "END":
            open_joints.append(-1)
        elif word == "}":
            if not open_joints:
                raise ValueError("a bracket too many")
            open_joints.pop()
        elif word == "OFFSET":
            self._offset(words[1:], open_joints)
        elif word == "CHANNELS":
            self._channels(words[1:], open_joints)
        elif word != "{":
            raise ValueError(f"{plain(words[0], 40)!r} is not a word of BVH")

    def _begin(self, name: str, open_joints: list[int]) -> None:
        if not name or (self._joints and (not open_joints or open_joints[-1] < 0)):
            raise ValueError("a joint without a name, or outside of another one")
        if len(self._joints) >= MOST_JOINTS:
            raise ValueError(f"more than {MOST_JOINTS} joints")
        self._joints.append(BvhJoint(plain(name, 100), open_joints[-1] if open_joints else -1, np.zeros(3)))
        open_joints.append(len(self._joints) - 1)

    def _offset(self, words: list[str], open_joints: list[int]) -> None:
        offset = np.array([float(word) for word in words])
        if offset.shape != (3,) or not np.isfinite(offset).all():
            raise ValueError("an OFFSET is three numbers")
        if not open_joints:
            raise ValueError("an OFFSET outside of a joint")
        if open_joints[-1] >= 0:
            joint = self._joints[open_joints[-1]]
            self._joints[open_joints[-1]] = BvhJoint(joint.name, joint.parent, offset)

    def _channels(self, words: list[str], open_joints: list[int]) -> None:
        if not open_joints or open_joints[-1] < 0:
            raise ValueError("CHANNELS outside of a joint")
        names = [word.lower() for word in words[1:]]
        if not words or words[0] != str(len(names)) or not set(names) <= set(_CHANNELS):
            raise ValueError("CHANNELS is a count and as many of Xposition, ..., Zrotation")
        joint = self._joints[open_joints[-1]]
        columns: dict[str, list[tuple[int, int]]] = {"position": [], "rotation": []}
        for name in names:
            kind, axis = _CHANNELS[name]
            columns[kind].append((self._columns, axis))
            self._columns += 1
        self._joints[open_joints[-1]] = BvhJoint(
            joint.name, joint.parent, joint.offset, tuple(columns["position"]), tuple(columns["rotation"])
        )

    def _times(self) -> tuple[str, int, float]:
        """What follows `Frames:` and `Frame Time:`, and both numbers."""
        lines = self._motion.lstrip().split("\n", 2)
        words = [line.split(":", 1) for line in lines[:2]]
        if len(lines) < 3 or [w[0].strip().lower() for w in words] != ["frames", "frame time"]:
            raise ValueError("after MOTION come 'Frames: COUNT', 'Frame Time: SECONDS' and a line for each frame")
        count, frame_time = int(words[0][1]), float(words[1][1])
        if not 0 < count <= MOST_FRAMES or not 1e-4 <= frame_time <= 100.0:
            raise ValueError(f"{count} frames, {frame_time:g} seconds each")
        return lines[2], count, frame_time


def _table(text: str) -> Float[np.ndarray, "T C"]:
    if not text.strip():
        return np.zeros((0, 0))
    try:
        return np.loadtxt(io.StringIO(text), ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"its frames are not rows of as many numbers ({plain(str(error), 120)})") from error
