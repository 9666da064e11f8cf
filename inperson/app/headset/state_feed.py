"""The body that a headset shows, at the moment it will be seen: who moves it, and how it gets into the room."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.recorded_feed import RecordedFeed, RecordedSource
from inperson.app.motion.placing import PELVIS, T_ABOUT_FACE, Opposite, moved
from inperson.app.motion.played import PlayedMotion
from inperson.app.motion.states import PredictedStates
from inperson.app.motion.tracked import TrackedReader
from inperson.app.processes.mailbox import Mailbox
from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import invert_rigid
from inperson.tracking.headset import HeadsetFusion
from inperson.tracking.headset_camera import STALE_NS
from inperson.tracking.play_calibration import PlayCalibration

StateAt = Callable[[int], BodyState | None]
"""The person in their own world (a camera's, a file's) at a moment, monotonic nanoseconds; None while unknown."""


class StateFeed(Protocol):
    """States in the play space."""

    def state_for(self, pose: HeadsetPose) -> BodyState | None:
        """The body to draw at the pose's time."""
        ...

    def as_mirrored(self, state: BodyState) -> BodyState:
        """A state it gave, turned as the mirror window shows people: facing +z."""
        ...

    def start_anew(self) -> None:
        """The wearer stands where a session begins, or the calibration was made."""
        ...

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """The play space moved under the wearer's feet."""
        ...


class WearerFeed:
    """The wearer's own body: the headset knows its parts best, the source supplies the rest.

    Args:
        source: who moves the body.
        body, betas: of the avatar.
        calibration: where the webcam is.
        head_only: take nothing but the head from the headset: hands are a motion file's as well.
    """

    def __init__(
        self,
        source: StateAt,
        body: BodyModel,
        betas: Float[np.ndarray, " B"],
        calibration: PlayCalibration | None,
        *,
        head_only: bool,
    ) -> None:
        self._source, self._head_only = source, head_only
        self._fusion = HeadsetFusion(body, betas, calibration)
        self._T_now_from_start = np.eye(4)
        self._pelvis = BodyPoser(body, betas).rest_joints[PELVIS]

    def state_for(self, pose: HeadsetPose) -> BodyState | None:
        """The fused body at the pose's time."""
        if self._head_only:
            pose = HeadsetPose(pose.time_ns, pose.T_play_from_head)
        return self._fusion.fuse(self._source(pose.time_ns), pose)

    def as_mirrored(self, state: BodyState) -> BodyState:
        """Wearers look along -z."""
        return moved(state, T_ABOUT_FACE, self._pelvis)

    def start_anew(self) -> None:
        """Forget where the body was, and how the play space moved since the calibration."""
        self._fusion.recentred(invert_rigid(self._T_now_from_start))
        self._fusion.forget()
        self._T_now_from_start = np.eye(4)

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """The body, and the camera, move along."""
        self._fusion.recentred(T_new_from_old)
        self._T_now_from_start = T_new_from_old @ self._T_now_from_start


class OppositeFeed:
    """Somebody else, who stands opposite the wearer.

    Args:
        source: who that is.
        body, betas: of the avatar.
    """

    def __init__(self, source: StateAt, body: BodyModel, betas: Float[np.ndarray, " B"]) -> None:
        self._source = source
        self._opposite = Opposite(body, betas)

    def state_for(self, pose: HeadsetPose) -> BodyState | None:
        """The body at the pose's time, at its place."""
        state = self._source(pose.time_ns)
        return None if state is None else self._opposite(state)

    def as_mirrored(self, state: BodyState) -> BodyState:
        """Who stands opposite faces +z already."""
        return state

    def start_anew(self) -> None:
        """Place them again."""
        self._opposite.settle_anew()

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """They come along: opposite is where the wearer looks now."""


class Sources:
    """Opens what moves the avatar, for one avatar after the other.

    Args:
        plan: says whether that is a file.
        tracked: the tracking process's mailbox, if it is a camera.
    """

    def __init__(self, plan: HeadsetPlan, tracked: Mailbox | None) -> None:
        self._plan = plan
        self.predicted = PredictedStates(TrackedReader(tracked).newest) if tracked is not None else None
        """What the webcam tracks."""
        self.recorded = RecordedSource(Path(plan.session), plan.participant) if plan.session is not None else None
        """What a recorded session holds."""
        self.start_ns = 0
        """When a motion file begins, monotonic."""

    def feed_for(
        self, body: BodyModel, betas: Float[np.ndarray, " B"], calibration: PlayCalibration | None
    ) -> StateFeed:
        """States for a body in a shape.

        Raises:
            BadInputError: the motion file is none.
        """
        if self.recorded is not None:
            return RecordedFeed(self.recorded, body, betas, here=self._plan.scene != "face-to-face")
        source = self._source(body, betas)
        if self._plan.scene == "face-to-face":
            return OppositeFeed(source, body, betas)
        head_only = self._plan.motion is not None
        return WearerFeed(self._believable(source), body, betas, calibration, head_only=head_only)

    def _believable(self, source: StateAt) -> StateAt:
        """What a webcam saw too long ago says nothing of where its wearer is: the headset goes on alone."""
        predicted = self.predicted
        if predicted is None:
            return source

        def believable(time_ns: int) -> BodyState | None:
            state, seen = source(time_ns), predicted.based_on
            return None if seen is None or time_ns - seen.state.time_ns > STALE_NS else state

        return believable

    def _source(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> StateAt:
        if self._plan.motion is not None:
            played = PlayedMotion.open(Path(self._plan.motion), body, betas)
            return lambda time_ns: played.state_at((time_ns - self.start_ns) / 1e9, time_ns)
        predicted = self.predicted
        if predicted is None:
            return lambda time_ns: None

        def newest(time_ns: int) -> BodyState | None:
            predicted.take()
            return predicted.state_at(time_ns)

        return newest
