"""An avatar shown from all sides, standing at ease."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8
from scipy.spatial.transform import Rotation

from inperson.app.mirror.framing import Framing, mirror_picture, studio_background
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import Rasterizer

HEAD_JOINT, LEFT_SHOULDER, RIGHT_SHOULDER = 15, 16, 17
ARMS_DOWN = np.deg2rad(62.0)
"""From the T-pose: the arms hang clear of the sides."""


def at_ease(num_betas: int, num_expression: int) -> BodyState:
    """Standing with the arms down, facing +z."""
    rest = BodyState.rest(num_betas, num_expression)
    pose = rest.full_pose.copy()
    pose[LEFT_SHOULDER] = Rotation.from_rotvec([0.0, 0.0, -ARMS_DOWN]).as_rotvec()
    pose[RIGHT_SHOULDER] = Rotation.from_rotvec([0.0, 0.0, ARMS_DOWN]).as_rotvec()
    return rest.with_full_pose(pose)


class Turntable:
    """Draws one avatar at ease from any side.

    Args:
        closeup: head and shoulders instead of the whole body.
    """

    def __init__(
        self,
        avatar: GaussianAvatar,
        body: BodyModel,
        rasterizer: Rasterizer,
        width: int,
        height: int,
        *,
        closeup: bool = False,
    ) -> None:
        self._rasterizer = rasterizer
        self._width, self._height = width, height
        self._background = studio_background(width, height)
        state = at_ease(body.num_betas, body.num_expression)
        self._gaussians = AvatarPoser(avatar, body).pose(state)
        posed = BodyPoser(body, avatar.betas).pose(state)
        self._framing = _bust(posed.joints[HEAD_JOINT]) if closeup else _whole(posed.vertices, width / height)

    def draw(self, azimuth: float) -> UInt8[np.ndarray, "H W 3"]:
        """From `azimuth`: 0 the front, growing towards the avatar's left, radians."""
        framing = Framing(self._framing.centre, self._framing.height, self._framing.distance, azimuth)
        colors = self._rasterizer.render_color(self._gaussians, framing.eyes(self._width, self._height))
        return mirror_picture(colors, self._background, reflect=False)

    def turn(self, count: int) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """One full turn in `count` pictures."""
        for azimuth in np.linspace(0.0, 2.0 * np.pi, count, endpoint=False):
            yield self.draw(float(azimuth))


def _bust(head: np.ndarray) -> Framing:
    return Framing(centre=head.astype(float) + np.array([0.0, 0.0, 0.03]), height=0.5, distance=1.0)


def _whole(vertices: np.ndarray, aspect: float) -> Framing:
    """Everything in the frame, with some air, whichever way the body is turned."""
    low, high = vertices.min(axis=0).astype(float), vertices.max(axis=0).astype(float)
    reach = 2.0 * float(np.linalg.norm(vertices[:, [0, 2]], axis=1).max())
    height = 1.12 * max(high[1] - low[1], reach / aspect)
    return Framing(centre=0.5 * (low + high) * np.array([0.0, 1.0, 0.0]), height=height, distance=2.0 * height)
