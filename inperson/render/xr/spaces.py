"""`PlaySpace`: the origin on the floor under the wearer, and where things are in it."""

import numpy as np
import xr
from jaxtyping import Float

from inperson.render.xr.loss import destroy
from inperson.render.xr.poses import matrix_from_posef, posef_from_matrix

DEFAULT_EYE_HEIGHT = 1.6
"""Of a standing adult, metres: for runtimes that know nothing of the floor."""

_VALID = xr.SpaceLocationFlags.ORIENTATION_VALID_BIT | xr.SpaceLocationFlags.POSITION_VALID_BIT


class PlaySpace:
    """A reference space of our own: y up from the floor, and after recentring -z where the wearer looked.

    It lies in the runtime's LOCAL_FLOOR. Where that is not offered it lies in LOCAL, whose origin is at eye height,
    lowered to the floor that STAGE knows as soon as both are tracked, or else by `DEFAULT_EYE_HEIGHT`.
    """

    def __init__(self, session: xr.Session) -> None:
        self._session = session
        offered = {xr.ReferenceSpaceType(kind) for kind in xr.enumerate_reference_spaces(session)}
        knows_floor = xr.ReferenceSpaceType.LOCAL_FLOOR in offered
        self.base_type = xr.ReferenceSpaceType.LOCAL_FLOOR if knows_floor else xr.ReferenceSpaceType.LOCAL
        self._T_base_from_play = np.eye(4)
        self._T_base_from_play[1, 3] = 0.0 if knows_floor else -DEFAULT_EYE_HEIGHT
        self._head = self._create(xr.ReferenceSpaceType.VIEW, np.eye(4))
        self._stage: xr.Space | None = None
        if not knows_floor and xr.ReferenceSpaceType.STAGE in offered:
            self._stage = self._create(xr.ReferenceSpaceType.STAGE, np.eye(4))
        self.handle = self._create(self.base_type, self._T_base_from_play)
        self._floor_settled = self._stage is None
        self._base_moves_at: int | None = None
        self._recenter_asked = False

    @property
    def T_base_from_play(self) -> Float[np.ndarray, "4 4"]:
        """Where it lies in the runtime's own space; another array after every move."""
        return self._T_base_from_play

    def recenter(self) -> None:
        """Put the origin under the head at the next `update` that knows where it is."""
        self._recenter_asked = True

    def base_moves(self, xr_time: int) -> None:
        """The runtime will move its own origin under the wearer: from then on that counts, not our offset."""
        self._base_moves_at = xr_time

    def update(self, xr_time: int) -> None:
        """Apply what is due, between two frames: nothing located earlier may be used afterwards."""
        if self._base_moves_at is not None and xr_time >= self._base_moves_at:
            self._base_moves_at = None
            self._floor_settled = self._stage is None
            self._replace(_raised(np.eye(4), self._T_base_from_play[1, 3]))
        if self._stage is not None and not self._floor_settled:
            self._settle_on(self._stage, xr_time)
        if self._recenter_asked and (T_play_from_head := self.locate_head(xr_time)) is not None:
            self._recenter_asked = False
            self._replace(self._T_base_from_play @ under_head(T_play_from_head))

    def locate(self, space: xr.Space, xr_time: int) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_space`; None where its position or orientation is not valid."""
        return _locate(space, self.handle, xr_time)

    def locate_head(self, xr_time: int) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_head` of the VIEW space."""
        return _locate(self._head, self.handle, xr_time)

    def close(self) -> None:
        """Destroy the spaces."""
        for space in (self.handle, self._head, self._stage):
            if space is not None:
                destroy(xr.destroy_space, space)

    def _settle_on(self, stage: xr.Space, xr_time: int) -> None:
        T_play_from_stage = _locate(stage, self.handle, xr_time)
        if T_play_from_stage is not None:
            self._floor_settled = True
            self._replace(_raised(self._T_base_from_play, T_play_from_stage[1, 3]))

    def _replace(self, T_base_from_play: Float[np.ndarray, "4 4"]) -> None:
        replaced = self.handle
        self.handle = self._create(self.base_type, T_base_from_play)
        self._T_base_from_play = T_base_from_play
        destroy(xr.destroy_space, replaced)

    def _create(self, kind: xr.ReferenceSpaceType, T_base_from_space: Float[np.ndarray, "4 4"]) -> xr.Space:
        return xr.create_reference_space(
            self._session,
            xr.ReferenceSpaceCreateInfo(
                reference_space_type=kind, pose_in_reference_space=posef_from_matrix(T_base_from_space)
            ),
        )


def _raised(matrix: Float[np.ndarray, "4 4"], height: float) -> Float[np.ndarray, "4 4"]:
    raised = matrix.copy()
    raised[1, 3] += height
    return raised


def under_head(T_play_from_head: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """`T_play_from_recentred`: on the floor (y = 0) below the head, turned about the vertical so that -z is where
    the head looks. Looking steeply up or down, the direction of the head's top says where ahead is."""
    forward, top = -T_play_from_head[:3, 2], T_play_from_head[:3, 1]
    steep = abs(forward[1]) > np.cos(np.deg2rad(15.0))
    ahead = -np.sign(forward[1]) * top if steep else forward
    yaw = np.arctan2(-ahead[0], -ahead[2])
    recentred = np.eye(4)
    recentred[:3, :3] = [[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]]
    recentred[[0, 2], 3] = T_play_from_head[[0, 2], 3]
    return recentred


def _locate(space: xr.Space, base: xr.Space, xr_time: int) -> Float[np.ndarray, "4 4"] | None:
    location = xr.locate_space(space, base, xr_time)
    valid = location.location_flags & _VALID == _VALID
    return matrix_from_posef(location.pose) if valid else None
