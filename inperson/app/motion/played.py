"""A recorded motion as states of an avatar's body: frame by frame, or at any moment between frames."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import SHIPPED_BODIES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.fit.so3 import exp_all, log_all, slerp_all
from inperson.tracking.motion_file import MotionClip, load_motion

PELVIS, NECK, HEAD = 0, 12, 15
EVERY = 5
"""One frame in as many says where the head is."""
SUFFIX = ".npz"


class PlayedMotion:
    """A motion on a body.

    Args:
        motion: what to play.
        performer: the body the motion was fitted to; None where nobody knows (AMASS).
        body, betas: who plays it: an avatar's body and its shape.
    """

    def __init__(
        self, motion: MotionClip, performer: BodyModel | None, body: BodyModel, betas: Float[np.ndarray, " B"]
    ) -> None:
        self._joints = BodyPoser(body, betas)
        self._betas = np.zeros(body.num_betas, np.float32)
        self._betas[: len(betas)] = betas
        self._motion = motion.y_up(self._joints.rest_joints[PELVIS])
        self._expression = expression_for(motion, body)
        self._performer = None
        if performer is not None:
            self._performer = BodyPoser(performer, motion.betas[: performer.num_betas])
        self._state = lru_cache(maxsize=4)(self._state_of)  # a display asks for the same two frames again and again
        self._since_start = (motion.times_ns - motion.times_ns[0]) / 1e9

    @staticmethod
    def open(path: Path, body: BodyModel, betas: Float[np.ndarray, " B"]) -> "PlayedMotion":
        """The motion in a file.

        Raises:
            BadInputError: no such file, or not a motion.
        """
        motion = load_motion(path)
        return PlayedMotion(motion, performer_of(motion, body), body, betas)

    def __len__(self) -> int:
        return len(self._motion)

    @property
    def seconds(self) -> float:
        """How long it plays: the last frame lasts as long as a frame does."""
        return float(self._since_start[-1]) + 1.0 / self._motion.framerate

    def state(self, frame: int) -> BodyState:
        """The body's state in a frame: the performer's pose, with this body's neck where theirs is.

        Two people of different proportions cannot agree everywhere; head and shoulders are what one looks at.
        """
        return self._state(frame)

    def state_at(self, seconds: float, time_ns: int) -> BodyState:
        """The body's state `seconds` after the first frame, between frames where it falls between them.

        It plays again from the start when it has ended; the last frame then stays for its own duration.

        Args:
            time_ns: what the state says its time is.
        """
        seconds %= self.seconds
        frame = int(np.searchsorted(self._since_start, seconds, side="right")) - 1
        if frame == len(self) - 1:
            return replace(self.state(frame), time_ns=time_ns)
        begin, end = self._since_start[frame : frame + 2]
        return between(self.state(frame), self.state(frame + 1), (seconds - begin) / (end - begin), time_ns)

    def joints(self, state: BodyState) -> Float[np.ndarray, "55 3"]:
        """Where the body's joints are in a state, metres."""
        _, joints, _ = self._joints.joint_transforms(state)
        return joints

    def heads(self) -> Float[np.ndarray, "n 3"]:
        """Where the head joint is in every fifth frame, metres."""
        return np.array([self.joints(self.state(frame))[HEAD] for frame in range(0, len(self), EVERY)])

    def _state_of(self, frame: int) -> BodyState:
        state = replace(self._motion.state(frame), betas=self._betas, expression=self._expression[frame])
        if self._performer is None:
            return state
        bare = replace(state, expression=state.expression[:0])
        _, theirs, _ = self._performer.joint_transforms(bare)
        return replace(state, transl=state.transl + (theirs[NECK] - self.joints(bare)[NECK]))


def between(first: BodyState, second: BodyState, share: float, time_ns: int) -> BodyState:
    """`first` (share 0) to `second` (share 1): rotations on the shortest arc, everything else on a straight line."""
    R_first, R_second = (exp_all(state.full_pose.astype(np.float64)) for state in (first, second))
    pose = log_all(slerp_all(R_first, R_second, np.full(len(R_first), share)))

    def mix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return ((1.0 - share) * a + share * b).astype(np.float32)

    return replace(
        (first if share < 0.5 else second).with_full_pose(pose),
        transl=mix(first.transl, second.transl),
        expression=mix(first.expression, second.expression),
        confidence=mix(first.confidence, second.confidence),
        time_ns=time_ns,
    )


def performer_of(motion: MotionClip, body: BodyModel) -> BodyModel | None:
    """The body that a motion was fitted to, if it is `body` or a shipped one."""
    if motion.body_sha256 == body.sha256:
        return body
    return load_body(motion.body_name) if motion.body_name in SHIPPED_BODIES else None


def expression_for(motion: MotionClip, body: BodyModel) -> Float[np.ndarray, "T E"]:
    """The motion's expressions as coefficients of `body`.

    Coefficients go by name where both sides name them, and are taken as they are on the very same body; values
    for another body's unnamed coefficients mean nothing, and the face then stays at rest.
    """
    out = np.zeros((len(motion), body.num_expression), np.float32)
    if motion.expr_names is not None and body.expr_names is not None:
        column = {name: i for i, name in enumerate(motion.expr_names)}
        for i, name in enumerate(body.expr_names):
            if name in column:
                out[:, i] = motion.expression[:, column[name]]
    elif motion.body_sha256 is not None and motion.body_sha256 == body.sha256:
        shared = min(motion.expression.shape[1], body.num_expression)
        out[:, :shared] = motion.expression[:, :shared]
    return out
