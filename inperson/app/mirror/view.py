"""An avatar in the mirror: a body state in, the mirror's picture out."""

import numpy as np
from jaxtyping import Float, UInt8

from inperson.app.mirror.framing import Framing, mirror_picture, studio_background
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.split import split_picture
from inperson.app.timing import StageTimes
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import ColorBuffer, Rasterizer

HEAD_JOINT = 15
SETTLING_STATES = 60
"""After centring, the frame follows the mean of the head over this many pictures, then holds still: the first
seconds of tracking still move the person in depth."""


class MirrorView:
    """Draws one avatar at a time.

    Args:
        avatar, body: who is in the mirror, and the body the avatar was made for.
        rasterizer: draws; stays the caller's to close.
        width, height: pixels of one view.
        stereo: a pair side by side instead of one picture.
        shader: refines what is drawn, where there is one.
    """

    def __init__(
        self,
        avatar: GaussianAvatar,
        body: BodyModel,
        rasterizer: Rasterizer,
        width: int,
        height: int,
        *,
        stereo: bool = False,
        shader: MirrorShader | None = None,
    ) -> None:
        self.shader = shader
        self._rasterizer = rasterizer
        self._width, self._height, self._stereo = width, height, stereo
        self._background = studio_background(width, height)
        self._head = np.zeros(3)
        self._settled = 0
        self._held: Framing | None = None
        self.reflect = True
        self.change_avatar(avatar, body)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of what `draw` returns, pixels."""
        return self._width * (2 if self._stereo else 1), self._height

    @property
    def avatar_name(self) -> str:
        """Who is in the mirror."""
        return self._poser.avatar.name

    def change_avatar(self, avatar: GaussianAvatar, body: BodyModel) -> None:
        """Put another avatar in the mirror; the frame finds its head anew."""
        self._poser = AvatarPoser(avatar, body)
        self._joints = BodyPoser(body, avatar.betas)
        self.recenter()

    def recenter(self) -> None:
        """Put the person's head where heads belong in the frame."""
        self._settled = 0
        self._held = None

    def hold(self, framing: Framing) -> None:
        """Show this part of the world, wherever the head is, until somebody recentres or another avatar comes."""
        self._held = framing

    def draw(self, state: BodyState, times: StageTimes) -> UInt8[np.ndarray, "H VW 3"]:
        """The avatar in `state`; notes the stages `pose` and `draw`, and the shader's before `draw`."""
        with times.measure("pose"):
            gaussians = self._poser.pose(state)
            eyes = self._framing(state).eyes(self._width, self._height, stereo=self._stereo)
        both = None if self.shader is None else self.shader.draw(self._poser, state, gaussians, eyes, times)
        with times.measure("draw"):
            if both is None:
                return self._reflected(self._rasterizer.render_color(gaussians, eyes))
            picture = self._reflected(both.shaded)
            if self.shader is not None and self.shader.split:
                return split_picture(self._reflected(both.plain), picture, len(eyes))
            return picture

    def draw_nobody(self) -> UInt8[np.ndarray, "H VW 3"]:
        """The empty room, before anybody was seen."""
        views = np.concatenate([self._background] * (2 if self._stereo else 1), axis=1)
        return (views * 255.0 + 0.5).astype(np.uint8)

    def _reflected(self, colors: ColorBuffer) -> UInt8[np.ndarray, "H VW 3"]:
        return mirror_picture(colors, self._background, reflect=self.reflect)

    def _framing(self, state: BodyState) -> Framing:
        if self._held is not None:
            return self._held
        if self._settled < SETTLING_STATES:
            self._head += (self._head_of(state) - self._head) / (self._settled + 1)
            self._settled += 1
        return Framing.of_person(self._head)

    def _head_of(self, state: BodyState) -> Float[np.ndarray, "3"]:
        _, joints, _ = self._joints.joint_transforms(state)
        return joints[HEAD_JOINT].astype(float)
