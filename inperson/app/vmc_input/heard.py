"""What a VMC sender has said: bones, root and blendshapes, each with when it was last heard.

Messages of the protocol that say nothing about the body (cameras, lights, keys, devices) are passed over. What claims
to be a pose and cannot be one is refused: wrong arguments, numbers that are not finite, places far away, quaternions
that are no rotations.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from inperson.app.outputs.humanoid import BONES
from inperson.app.outputs.unity import mirror_points, rotations_from_unity
from inperson.app.vmc_input.osc_reading import Argument, OscMessage

FARTHEST = 100.0
"""Metres from the origin, beyond which nobody is."""
LENGTHS = (0.9, 1.1)
"""Lengths that a quaternion of a rotation may have, rounding included."""
VALUES = (-0.1, 1.5)
"""Of blendshapes, which should be 0 to 1."""
MOST_NAMES, LONGEST_NAME = 512, 64
"""Of blendshapes: senders have up to a hundred."""
_BONES = frozenset(BONES)


class RefusedMessage(ValueError):
    """A VMC message that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A place and a rotation in our axes, in the parent's frame, metres."""

    place: Float[np.ndarray, "3"]
    rotation: Float[np.ndarray, "3 3"]
    heard_ns: int
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class VmcHeard:
    """Everything heard so far, the newest of each."""

    bones: Mapping[str, Transform] = field(default_factory=dict)
    """By Unity's names."""
    root: Transform | None = None
    blendshapes: Mapping[str, float] = field(default_factory=dict)
    """As of the last `Apply`, by the sender's names."""
    blendshapes_ns: int = 0
    """When that was, monotonic."""
    tracking: bool = True
    """Whether the sender says that it tracks somebody."""


class VmcListener:
    """Understands messages. Not for two threads at once."""

    def __init__(self) -> None:
        self._bones: dict[str, Transform] = {}
        self._root: Transform | None = None
        self._told: dict[str, float] = {}
        self._applied: dict[str, float] = {}
        self._applied_ns = 0
        self._tracking = True

    @property
    def heard(self) -> VmcHeard:
        """Everything heard so far; later messages leave it as it is."""
        return VmcHeard(dict(self._bones), self._root, dict(self._applied), self._applied_ns, self._tracking)

    def listen(self, message: OscMessage, time_ns: int) -> None:
        """Take a message in.

        Args:
            time_ns: when it came, monotonic.

        Raises:
            RefusedMessage: it cannot be meant; nothing of it was taken in.
        """
        arguments = message.arguments
        match message.address:
            case "/VMC/Ext/Bone/Pos":
                name = _name(arguments)
                transform = _transform(arguments[1:8], time_ns)
                if name in _BONES:
                    self._bones[name] = transform
            case "/VMC/Ext/Root/Pos":
                _name(arguments)
                self._root = _transform(arguments[1:8], time_ns)
            case "/VMC/Ext/Blend/Val":
                self._tell(_name(arguments), _numbers(arguments[1:2], 1)[0])
            case "/VMC/Ext/Blend/Apply":
                self._applied |= self._told
                self._applied_ns = time_ns
                self._told.clear()
            case "/VMC/Ext/OK":
                loaded = _numbers(arguments[:1], 1)[0]
                status = _numbers(arguments[3:4], 1)[0] if len(arguments) > 3 else 1.0
                self._tracking = loaded != 0.0 and status != 0.0

    def _tell(self, name: str, value: float) -> None:
        if not VALUES[0] <= value <= VALUES[1]:
            raise RefusedMessage(f"a blendshape of {value}")
        if name not in self._applied and len(self._told) + len(self._applied) >= MOST_NAMES:
            raise RefusedMessage("too many blendshapes")
        self._told[name] = min(max(value, 0.0), 1.0)


def _name(arguments: tuple[Argument, ...]) -> str:
    if not arguments or not isinstance(arguments[0], str) or len(arguments[0]) > LONGEST_NAME:
        raise RefusedMessage("no name")
    return arguments[0]


def _numbers(arguments: tuple[Argument, ...], count: int) -> list[float]:
    numbers = [float(a) for a in arguments if isinstance(a, int | float) and not isinstance(a, bool)]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise RefusedMessage(f"not {count} finite numbers")
    return numbers


def _transform(arguments: tuple[Argument, ...], time_ns: int) -> Transform:
    numbers = np.array(_numbers(arguments, 7))
    place, quat_xyzw = numbers[:3], numbers[3:]
    if np.abs(place).max() > FARTHEST:
        raise RefusedMessage("a place far away")
    if not LENGTHS[0] <= np.linalg.norm(quat_xyzw) <= LENGTHS[1]:
        raise RefusedMessage("a quaternion that is no rotation")
    return Transform(mirror_points(place), rotations_from_unity(quat_xyzw[None])[0], time_ns)
