"""A recording in a headset: who is there moves as they did; who watches walks around inside it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.app.motion.placing import APART_M, PELVIS, SETTLING_STATES, T_ABOUT_FACE, Opposite, moved
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

    def position_at(self, time_ns: int) -> int:
        """The recorded moment that is shown at a moment, both monotonic nanoseconds."""
        if self.tempo is None:
            return int(self._recorded.passages[0].motion.times_ns[0])
        return self.tempo.position_at(time_ns)


class RecordedFeed:
    """Somebody recorded, opposite the viewer, or where the viewer stands: as one's own body, or before the scene's
    mirror. They are placed once, by where they were in all of the recording; the viewer's head moves nothing of them.

    Args:
        source: what they do.
        body, betas: of the avatar.
        here: where the viewer stands, not opposite.
    """

    def __init__(
        self, source: RecordedSource, body: BodyModel, betas: Float[np.ndarray, " B"], *, here: bool
    ) -> None:
        self._source, self._role, self._here = source, source.role_of(body, betas), here
        self._opposites = {world: Opposite(body, betas) for world in self._role.worlds}
        for world, opposite in self._opposites.items():
            for state in self._role.samples(world, SETTLING_STATES):
                opposite(state)
        self._pelvis = BodyPoser(body, betas).rest_joints[PELVIS].astype(float)

    def state_for(self, pose: HeadsetPose) -> BodyState | None:
        """The body at the pose's time, at its place."""
        position_ns = self._source.position_at(pose.time_ns)
        state = self._role.state_at(position_ns, pose.time_ns)
        if state is None:
            return None
        opposite = self._opposites[self._role.world_at(position_ns)](state)
        return moved(opposite, T_HERE_FROM_OPPOSITE, self._pelvis) if self._here else opposite

    def as_mirrored(self, state: BodyState) -> BodyState:
        """Who is where the viewer is looks along -z, as a wearer does."""
        return moved(state, T_ABOUT_FACE, self._pelvis) if self._here else state

    def start_anew(self) -> None:
        """They stay where they are: the play space's middle."""

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """They come along: to where the viewer is and looks now."""
