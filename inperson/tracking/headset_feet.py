"""Where the feet stand: planted until the body has gone away from over them, then one step at a time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.tracking.headset_frames import ramp, wrapped

_STEP_S = 0.32
"""Seconds a foot swings."""
_STEP_M, _SETTLE_M, _STEP_TURN = 0.12, 0.06, 0.6
"""A new stance is taken when a foot should stand this far from the last one, metres, on the move and at rest, or
turned by so many radians."""
STILL = 0.06
"""Metres a second below which somebody is at rest."""
_CLOSE_M, _CLOSE_TURN = 0.02, 0.05
"""How nearly feet stand as the stance has them."""
_SWING_HEIGHT = 0.05
"""Metres a swinging foot rises."""
_LEAD_S = 0.25
"""Seconds ahead of which a step aims, on the move."""
_LEFT_BEHIND = 0.9
"""Metres at which feet no longer walk after the body but are put under it: it was somewhere else at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Footing:
    """Both feet (left, right) on or over the floor, play space."""

    places: Float[np.ndarray, "2 2"]
    """(x, z) of the ankles, metres."""
    yaws: Float[np.ndarray, "2"]
    """Radians about y from facing +z."""
    lifts: Float[np.ndarray, "2"]
    """Metres of the soles above the floor."""


class Feet:
    """Remembers where the feet stand. A stance is taken with both feet, one after the other."""

    def __init__(self) -> None:
        self._standing: Footing | None = None
        self._aims = np.zeros((2, 3))
        """(x, z, yaw) of the stance taken or being taken;"""
        self._from = np.zeros((2, 3))
        self._to = np.zeros((2, 3))
        """each foot's last step;"""
        self._swing = np.full(2, np.inf)
        """seconds since each foot left the floor, at least `_STEP_S` when it stands."""

    @property
    def footing(self) -> Footing | None:
        """Where the last call left them; None before the first."""
        return self._standing

    @property
    def aim(self) -> Float[np.ndarray, "2"]:
        """(x, z) between the ankles of the stance taken or being taken."""
        return self._aims[:, :2].mean(axis=0)

    def moved(self, T_new_from_old: Float[np.ndarray, "4 4"], yaw: float) -> None:
        """The play space was recentred: by a transform that turns by `yaw` radians about y."""
        for rows in (self._aims, self._from, self._to):
            rows[:, :2] = rows[:, :2] @ T_new_from_old[[0, 2]][:, [0, 2]].T + T_new_from_old[[0, 2], 3]
            rows[:, 2] += yaw
        if self._standing is not None:
            self._standing = self._footing()

    def follow(
        self, wished: Float[np.ndarray, "2 2"], yaw: float, speed: Float[np.ndarray, "2"], dt: float
    ) -> Footing:
        """Where the feet are `dt` seconds later.

        Args:
            wished: (x, z) of where the ankles would be best, left and right, metres.
            yaw: the body's heading, radians about y from facing +z.
            speed: of the body over the floor, (x, z), metres a second.
        """
        goal = np.column_stack([wished, np.full(2, yaw)])
        if self._standing is None or np.hypot(*(goal - self._to)[:, :2].mean(axis=0)) > _LEFT_BEHIND:
            for rows in (self._aims, self._from, self._to):
                rows[:] = goal
            self._swing[:] = np.inf
        self._swing += dt
        allowed = _STEP_M if np.hypot(*speed) > STILL else _SETTLE_M
        if _off(goal - self._aims, allowed, _STEP_TURN).max() > 1.0:
            self._aims = goal
            self._aims[:, :2] += _LEAD_S * speed
        if (self._swing >= _STEP_S).all():
            self._step_if_due()
        self._standing = self._footing()
        return self._standing

    def _step_if_due(self) -> None:
        """Lifts the foot that is further from its place in the stance, if one is."""
        due = _off(self._aims - self._to, _CLOSE_M, _CLOSE_TURN)
        foot = int(due.argmax())
        if due[foot] > 1.0:
            self._from[foot], self._to[foot] = self._to[foot], self._aims[foot]
            self._swing[foot] = 0.0

    def _footing(self) -> Footing:
        shares = np.array([ramp(float(t), 0.0, _STEP_S) for t in self._swing])
        way = self._to - self._from
        way[:, 2] = [wrapped(float(a)) for a in way[:, 2]]
        now = self._from + shares[:, None] * way
        return Footing(now[:, :2], now[:, 2], _SWING_HEIGHT * np.sin(np.pi * shares))


def _off(difference: Float[np.ndarray, "2 3"], metres: float, turn: float) -> Float[np.ndarray, "2"]:
    """How far each foot is off, in units of what is let pass."""
    turned = np.array([abs(wrapped(float(a))) for a in difference[:, 2]])
    return np.maximum(np.hypot(difference[:, 0], difference[:, 1]) / metres, turned / turn)
