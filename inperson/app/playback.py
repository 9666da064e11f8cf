"""A recorded motion on an avatar, seen by the clip's own camera, by a mirror, or by an eye that walks around."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from inperson.app.mirror import INTERPUPILLARY_M, Framing, mirror_picture, studio_background
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.tracking.motion_file import MotionClip

Camera = Literal["source", "mirror", "orbit"]

DEFAULT_SIZE = (512, 512)
PELVIS, NECK, HEAD = 0, 12, 15


class Playback:
    """Draws every frame of a motion.

    Args:
        motion: what to play.
        performer: the body the motion was fitted to; None where nobody knows (AMASS).
        avatar, body: who plays it, and the body the avatar was made for.
        rasterizer: draws; stays the caller's to close.
        camera: `source` lines up with the clip's own frames, `mirror` shows head to waist reflected, `orbit`
            walks once around.
        size: width and height of one view, pixels; None for the clip's own (`source`) or 512x512.
        stereo: a pair side by side.

    Raises:
        BadInputError: the `source` camera of a motion that has none.
    """

    def __init__(
        self,
        motion: MotionClip,
        performer: BodyModel | None,
        avatar: GaussianAvatar,
        body: BodyModel,
        rasterizer: Rasterizer,
        *,
        camera: Camera,
        size: tuple[int, int] | None = None,
        stereo: bool = False,
    ) -> None:
        if camera == "source" and motion.intrinsics is None:
            raise BadInputError("the motion does not know its camera", "use --camera mirror or --camera orbit")
        self._rasterizer = rasterizer
        self._camera, self._stereo = camera, stereo
        self._poser = AvatarPoser(avatar, body)
        self._joints = BodyPoser(body, avatar.betas)
        self._motion = motion.y_up(self._joints.rest_joints[PELVIS])
        self._expression = expression_for(motion, body)
        self._performer = None if performer is None else BodyPoser(performer, _fitting(motion.betas, performer))
        own = motion.intrinsics
        self.view_size = size or ((own.width, own.height) if camera == "source" and own else DEFAULT_SIZE)
        heads = [self._joints_of(self.state(frame))[HEAD] for frame in range(0, len(motion), 5)]
        self._framing = Framing.of_person(np.median(heads, axis=0))

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of a picture, pixels."""
        return self.view_size[0] * (2 if self._stereo else 1), self.view_size[1]

    def state(self, frame: int) -> BodyState:
        """The avatar's state in a frame: the performer's pose, with the avatar's neck where theirs is.

        Two people of different proportions cannot agree everywhere; head and shoulders are what one looks at.
        """
        state = replace(self._motion.state(frame), expression=self._expression[frame])
        if self._performer is None:
            return state
        bare = replace(state, expression=state.expression[:0])
        _, theirs, _ = self._performer.joint_transforms(bare)
        return replace(state, transl=state.transl + (theirs[NECK] - self._joints_of(bare)[NECK]))

    def pictures(self) -> Iterator[tuple[UInt8[np.ndarray, "H VW 3"], float]]:
        """Every frame's picture with its time in seconds from the start."""
        background = studio_background(*self.view_size)
        start_ns = self._motion.times_ns[0]
        for frame in range(len(self._motion)):
            gaussians = self._poser.pose(self.state(frame))
            gbuffer = self._rasterizer.render(gaussians, self.eyes(frame))
            picture = mirror_picture(gbuffer, background, reflect=self._camera == "mirror")
            yield picture, float(self._motion.times_ns[frame] - start_ns) / 1e9

    def eyes(self, frame: int) -> list[EyeView]:
        """Where the frame is seen from."""
        if self._camera == "source":
            assert self._motion.intrinsics is not None
            return source_eyes(self._motion.intrinsics, *self.view_size, stereo=self._stereo)
        turned = 2.0 * np.pi * frame / len(self._motion) if self._camera == "orbit" else 0.0
        return replace(self._framing, azimuth=turned).eyes(*self.view_size, stereo=self._stereo)

    def _joints_of(self, state: BodyState) -> Float[np.ndarray, "55 3"]:
        _, joints, _ = self._joints.joint_transforms(state)
        return joints


def source_eyes(camera: Intrinsics, width: int, height: int, *, stereo: bool = False) -> list[EyeView]:
    """The clip's camera at the world's origin, its picture stretched to width x height; or a pair around it."""
    sx, sy = width / camera.width, height / camera.height
    K = Intrinsics(camera.fx * sx, camera.fy * sy, camera.cx * sx, camera.cy * sy, width, height)
    eyes = []
    for shift in (-0.5 * INTERPUPILLARY_M, 0.5 * INTERPUPILLARY_M) if stereo else (0.0,):
        T_world_from_eye = np.eye(4)
        T_world_from_eye[0, 3] = shift
        eyes.append(EyeView.from_intrinsics(K, T_world_from_eye))
    return eyes


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


def _fitting(betas: Float[np.ndarray, " B"], body: BodyModel) -> Float[np.ndarray, " B"]:
    return betas[: body.num_betas]
