"""A recorded motion on an avatar, seen by the clip's own camera, by a mirror, by an eye that walks around, or from
where one likes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from inperson.app.mirror.framing import INTERPUPILLARY_M, Framing, mirror_picture, studio_background
from inperson.app.motion.played import PlayedMotion
from inperson.app.pictures.cutout import cutout_picture
from inperson.app.pictures.named_cameras import NamedCamera
from inperson.app.shading.offline import Frame, OfflineShader
from inperson.app.shading.split import split_picture
from inperson.app.shading.views import ShadedViews, ViewShader
from inperson.app.timing import StageTimes
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.render.gbuffer import ColorBuffer, Rasterizer
from inperson.render.views import EyeView
from inperson.tracking.motion_file import MotionClip

Camera = Literal["source", "mirror", "orbit"]

DEFAULT_SIZE = (512, 512)


class Playback:
    """Draws every frame of a motion.

    Args:
        motion: what to play.
        performer: the body the motion was fitted to; None where nobody knows (AMASS).
        avatar, body: who plays it, and the body the avatar was made for.
        rasterizer: draws; stays the caller's to close.
        camera: `source` lines up with the clip's own frames, `mirror` shows head to waist reflected, `orbit`
            walks once around; or one that stands somewhere.
        size: width and height of one view, pixels; None for the clip's own (`source`) or 512x512.
        stereo: a pair side by side.
        shader: refines every picture with its first engine, where there is one.
        teacher: refines the whole sequence, in place of `shader`.
        on_pass: told of the teacher's passes: how many are done, and of how many.
        split: show the left half of each view without it.
        transparent: pictures are the person alone, RGBA and not premultiplied, in place of before a wall.

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
        camera: Camera | NamedCamera,
        size: tuple[int, int] | None = None,
        stereo: bool = False,
        shader: ViewShader | None = None,
        teacher: OfflineShader | None = None,
        on_pass: Callable[[int, int], None] = lambda done, total: None,
        split: bool = False,
        transparent: bool = False,
    ) -> None:
        if camera == "source" and motion.intrinsics is None:
            raise BadInputError("the motion does not know its camera", "use --camera mirror or --camera orbit")
        self._rasterizer = rasterizer
        self._camera: Camera | NamedCamera = camera
        self._stereo = stereo
        self._shader, self._teacher, self._on_pass, self._split = shader, teacher, on_pass, split
        self._transparent = transparent
        self.times = StageTimes()
        """Of `conditions` and `shading`."""
        self._poser = AvatarPoser(avatar, body)
        self._motion = motion
        self._played = PlayedMotion(motion, performer, body, avatar.betas)
        own = motion.intrinsics
        self.view_size = size or ((own.width, own.height) if camera == "source" and own else DEFAULT_SIZE)
        self._framing = Framing.of_person(np.median(self._played.heads(), axis=0))

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of a picture, pixels."""
        return self.view_size[0] * (2 if self._stereo else 1), self.view_size[1]

    def state(self, frame: int) -> BodyState:
        """The avatar's state in a frame."""
        return self._played.state(frame)

    def pictures(self) -> Iterator[tuple[UInt8[np.ndarray, "H VW C"], float]]:
        """Every frame's picture with its time in seconds from the start."""
        wall = None if self._transparent else studio_background(*self.view_size)
        start_ns = self._motion.times_ns[0]
        taught = None if self._teacher is None else self._taught(self._teacher)
        for frame in range(len(self._motion)):
            picture = self._picture(frame, wall) if taught is None else self._shown(next(taught), wall)
            yield picture, float(self._motion.times_ns[frame] - start_ns) / 1e9

    def _picture(self, frame: int, wall: Float[np.ndarray, "H W 3"] | None) -> UInt8[np.ndarray, "H VW C"]:
        state, eyes = self.state(frame), self.eyes(frame)
        gaussians = self._poser.pose(state)
        if self._shader is None:
            return self._composed(self._rasterizer.render_color(gaussians, eyes), wall)
        return self._shown(self._shader.draw(self._poser, state, gaussians, eyes, 0, self.times), wall)

    def _shown(self, both: ShadedViews, wall: Float[np.ndarray, "H W 3"] | None) -> UInt8[np.ndarray, "H VW C"]:
        picture = self._composed(both.shaded, wall)
        if not self._split:
            return picture
        return split_picture(self._composed(both.plain, wall), picture, 1 + self._stereo)

    def _composed(self, drawn: ColorBuffer, wall: Float[np.ndarray, "H W 3"] | None) -> UInt8[np.ndarray, "H VW C"]:
        if wall is None:
            return cutout_picture(drawn, reflect=self._reflect)
        return mirror_picture(drawn, wall, reflect=self._reflect)

    def _taught(self, teacher: OfflineShader) -> Iterator[ShadedViews]:
        frames = [Frame(self.state(n), self.eyes(n), self._angle(n)) for n in range(len(self._motion))]
        closed = self._camera == "orbit" and comes_back([frame.state for frame in frames])
        return teacher.draw(self._poser, frames, closed=closed, on_pass=self._on_pass)

    @property
    def _reflect(self) -> bool:
        return self._camera == "mirror"

    def _angle(self, frame: int) -> float:
        """How far the eye has walked around, radians."""
        if isinstance(self._camera, NamedCamera):
            return self._camera.azimuth
        return 2.0 * np.pi * frame / len(self._motion) if self._camera == "orbit" else 0.0

    def eyes(self, frame: int) -> list[EyeView]:
        """Where the frame is seen from."""
        if isinstance(self._camera, NamedCamera):
            return self._camera.eyes(*self.view_size, stereo=self._stereo)
        if self._camera == "source":
            assert self._motion.intrinsics is not None
            return source_eyes(self._motion.intrinsics, *self.view_size, stereo=self._stereo)
        return replace(self._framing, azimuth=self._angle(frame)).eyes(*self.view_size, stereo=self._stereo)


def comes_back(states: Sequence[BodyState]) -> bool:
    """Whether the first state follows the last as others follow each other: it is no further away than twice the
    largest step between neighbours."""
    if len(states) < 3:
        return False
    return _apart(states[-1], states[0]) <= 2.0 * max(_apart(a, b) for a, b in pairwise(states))


def _apart(a: BodyState, b: BodyState) -> float:
    """The largest change of a joint's rotation, radians, or of the place, decimetres."""
    return max(float(np.abs(a.full_pose - b.full_pose).max()), 10.0 * float(np.abs(a.transl - b.transl).max()))


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
