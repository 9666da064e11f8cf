"""A recording in a headset: who is there moves as they did; who watches walks around inside it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.app.placing import APART_M, PELVIS, T_ABOUT_FACE, Opposite, moved
from inperson.app.recording.reader import SessionReader
from inperson.app.replay.recorded import Recorded, read_recorded
from inperson.app.replay.role import Role
from inperson.app.replay.tempo import Tempo
from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState

T_HERE_FROM_OPPOSITE = T_ABOUT_FACE.copy()
"""From who stands opposite the viewer, facing them, to who stands where the viewer does and looks along."""
T_HERE_FROM_OPPOSITE[2, 3] = -APART_M


class RecordedSource:
    """States of a participant of a session, at the pace that the replay's own process sets.

    Args:
        session: the file.
        participant: their key.
    """

    def __init__(self, session: Path, participant: str) -> None:
        with SessionReader(session) as reader:
            self._recorded: Recorded = read_recorded(reader, participant)
        self.tempo: Tempo | None = None
        """None until it is told: the first state then stands still."""

    def role_of(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> Role:
        """What was done, on a body in a shape."""
        return Role(self._recorded, body, betas)

    def state_of(self, role: Role, time_ns: int) -> BodyState | None:
        """Of a role at a moment, monotonic nanoseconds."""
        first_ns = int(self._recorded.passages[0].motion.times_ns[0])
        return role.state_at(first_ns if self.tempo is None else self.tempo.position_at(time_ns), time_ns)


class HereFeed:
    """Somebody recorded, put where the viewer stands: as one's own body, or before the scene's mirror. The viewer's
    head moves nothing of them.

    Args:
        source: what they do.
        role: theirs, on the body.
        body, betas: of the avatar.
    """

    def __init__(self, source: RecordedSource, role: Role, body: BodyModel, betas: Float[np.ndarray, " B"]) -> None:
        self._source, self._role = source, role
        self._opposite = Opposite(body, betas)
        self._pelvis = BodyPoser(body, betas).rest_joints[PELVIS].astype(float)

    def state_for(self, pose: HeadsetPose) -> BodyState | None:
        """The body at the pose's time, at its place."""
        state = self._source.state_of(self._role, pose.time_ns)
        return None if state is None else moved(self._opposite(state), T_HERE_FROM_OPPOSITE, self._pelvis)

    def as_mirrored(self, state: BodyState) -> BodyState:
        """They look along -z, as a wearer does."""
        return moved(state, T_ABOUT_FACE, self._pelvis)

    def start_anew(self) -> None:
        """Place them again."""
        self._opposite.settle_anew()

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """They come along: they are where the viewer stands now."""
