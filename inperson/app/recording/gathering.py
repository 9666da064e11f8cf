"""States of one body, packed into a motion as they come: a long session's states would fill the memory one by one."""

import numpy as np

from inperson.app.recording.records import ParticipantRecord
from inperson.avatar.state import BodyState
from inperson.tracking.motion_file import MotionClip, clip_of_states

_BATCH = 4096
_PER_FRAME = ("poses", "trans", "times_ns", "expression", "confidence", "source")
USUAL_RATE = 30.0
"""States a second of a motion of one state, which does not say."""


class GatheredStates:
    """Times of a motion rise: of states of the same time the first counts."""

    def __init__(self) -> None:
        self._clips: list[MotionClip] = []
        self._batch: list[BodyState] = []
        self._newest = -1
        self.count = 0
        """States so far."""

    def add(self, state: BodyState) -> None:
        """The next state.

        Raises:
            ValueError: it is of another body than those before.
        """
        if state.time_ns <= self._newest:
            return
        self._newest, self.count = state.time_ns, self.count + 1
        self._batch.append(state)
        if len(self._batch) == _BATCH:
            self._pack()

    def motion(self, about: ParticipantRecord) -> MotionClip:
        """All of them; their shape is the last one's.

        Args:
            about: whose they are.

        Raises:
            ValueError: there are none, or they are of different bodies.
        """
        if self._batch:
            self._pack()
        if not self._clips:
            raise ValueError("no states")
        if len(about.expr_names) not in (0, self._clips[0].expression.shape[1]):
            raise ValueError("states of another body than the participant's")
        joined = {name: np.concatenate([getattr(clip, name) for clip in self._clips]) for name in _PER_FRAME}
        return MotionClip(
            poses=joined["poses"],
            trans=joined["trans"],
            betas=self._clips[-1].betas,
            framerate=about.framerate or _rate(joined["times_ns"]),
            times_ns=joined["times_ns"],
            expression=joined["expression"],
            confidence=joined["confidence"],
            source=joined["source"],
            expr_names=about.expr_names or None,
            intrinsics=about.intrinsics,
            body_name=about.body_name or None,
            body_sha256=about.body_sha256 or None,
        )

    def _pack(self) -> None:
        states, self._batch = self._batch, []
        shapes = {(state.expression.shape, state.betas.shape) for state in states}
        shapes |= {(clip.expression.shape[1:], clip.betas.shape) for clip in self._clips[:1]}
        if len(shapes) > 1:
            raise ValueError("states of different bodies")
        self._clips.append(clip_of_states(states, framerate=1.0))


def _rate(times_ns: np.ndarray) -> float:
    """States a second, by the median of what lies between them."""
    return float(1e9 / np.median(np.diff(times_ns))) if len(times_ns) > 1 else USUAL_RATE
