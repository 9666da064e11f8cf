"""A recorded performance on an avatar's body: its state at any recorded moment, and where to look."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from inperson.app.mirror.framing import Framing
from inperson.app.motion.placing import PELVIS, T_ABOUT_FACE, moved
from inperson.app.motion.played import EVERY, PlayedMotion, between, performer_of
from inperson.app.replay.recorded import Passage, Recorded
from inperson.app.replay.spaces import common_space
from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState

HOLD_NS = 500_000_000
"""Between states further apart than this nobody knows what happened: the body holds still until the next."""


class Role:
    """A body that does what was recorded.

    A state's own time shows that state, bit for bit as `inperson render` does; a moment between two states lies
    between them; after the last one the body holds still.

    Args:
        recorded: what was done.
        body, betas: who does it now: an avatar's body and its shape.
    """

    def __init__(self, recorded: Recorded, body: BodyModel, betas: Float[np.ndarray, " B"]) -> None:
        self._parts = tuple(_Part.of(passage, recorded, body, betas) for passage in recorded.passages)
        self._begins = np.array([passage.motion.times_ns[0] for passage in recorded.passages])
        heads: dict[str, list[np.ndarray]] = {}
        for part in self._parts:
            heads.setdefault(part.world, []).append(part.heads())
        self._framings = {
            world: Framing.of_person(np.median(np.concatenate(each), axis=0)) for world, each in heads.items()
        }

    def state_at(self, position_ns: int, time_ns: int) -> BodyState | None:
        """The state at a recorded moment; None before the first.

        Args:
            time_ns: what the state says its time is.
        """
        part = self._part_at(position_ns)
        return None if part is None else part.state_at(position_ns, time_ns)

    def framing_at(self, position_ns: int) -> Framing:
        """Head to waist of the person, wherever they mostly were in the world of that moment."""
        return self._framings[self.world_at(position_ns)]

    @property
    def worlds(self) -> frozenset[str]:
        """Frames of the states."""
        return frozenset(self._framings)

    def world_at(self, position_ns: int) -> str:
        """The frame of a moment's state."""
        return (self._part_at(position_ns) or self._parts[0]).world

    def samples(self, world: str, count: int) -> Iterator[BodyState]:
        """Up to so many states of a world, evenly from all of the recording."""
        times = np.concatenate([part.times_ns for part in self._parts if part.world == world])
        for at in times[np.unique(np.linspace(0, len(times) - 1, count).round().astype(int))]:
            state = self.state_at(int(at), int(at))
            if state is not None:
                yield state

    def _part_at(self, position_ns: int) -> "_Part | None":
        number = int(np.searchsorted(self._begins, position_ns, side="right")) - 1
        return None if number < 0 else self._parts[number]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One passage on the body."""

    world: str
    times_ns: np.ndarray
    played: PlayedMotion
    T_shown_from_world: Float[np.ndarray, "T 4 4"] | None
    """Of each frame; None where the world is shown as it was."""
    pelvis: Float[np.ndarray, "3"]

    @staticmethod
    def of(passage: Passage, recorded: Recorded, body: BodyModel, betas: Float[np.ndarray, " B"]) -> "_Part":
        motion = passage.motion
        pelvis = BodyPoser(body, betas).rest_joints[PELVIS].astype(float)
        T = None
        if passage.world == "play":  # wearers look along -z
            T = T_ABOUT_FACE @ common_space(motion, recorded.recentrings, pelvis)
        played = PlayedMotion(motion, performer_of(motion, body), body, betas)
        return _Part(passage.world, motion.times_ns, played, T, pelvis)

    def state_at(self, position_ns: int, time_ns: int) -> BodyState:
        frame = max(int(np.searchsorted(self.times_ns, position_ns, side="right")) - 1, 0)
        begin = int(self.times_ns[frame])
        state = self._state(frame, time_ns)
        if position_ns <= begin or frame == len(self.times_ns) - 1:
            return state
        gap = int(self.times_ns[frame + 1]) - begin
        if gap > HOLD_NS:
            return state
        return between(state, self._state(frame + 1, time_ns), (position_ns - begin) / gap, time_ns)

    def heads(self) -> Float[np.ndarray, "n 3"]:
        """Where the head joint is in every fifth frame, as shown."""
        heads = self.played.heads()
        if self.T_shown_from_world is None:
            return heads
        T = self.T_shown_from_world[::EVERY]
        return np.einsum("nij,nj->ni", T[:, :3, :3], heads) + T[:, :3, 3]

    def _state(self, frame: int, time_ns: int) -> BodyState:
        state = replace(self.played.state(frame), time_ns=time_ns)
        T = self.T_shown_from_world
        return state if T is None else moved(state, T[frame], self.pelvis)
