"""A headset's stereo frame, from the body's state to both eyes' finished pictures, without a runtime.

The avatar stands opposite, 1.3 m away. Each backend that this machine has draws whole frames, in the sizes of real
headsets where a GPU draws, smaller ones where the CPU does. Stages and savings are measured at one size.
"""

from collections.abc import Callable
from contextlib import ExitStack

import moderngl
import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from inperson.app.motion.placing import Opposite
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gl import GlRasterizer, create_context, is_software
from inperson.render.headset import FAR, NEAR
from inperson.render.scene.crop import Crop, PixelRectangle, crop_views
from inperson.render.scene.cuda_pictures import CudaPictures
from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import AvatarPictures, GlPictures, HostPictures
from inperson.render.views import EyeView
from inperson.workers import available_cores

AVATAR = "ada"
GPU_SIZES = ((1024, 1024), (1536, 1536), (2064, 2208))
CPU_SIZES = ((320, 360), (448, 504), (896, 1008))
"""Pixels an eye: of Monado's window a share of 0.36, 0.5 and 1."""
THINNED = ("1/2", "1/4", "1/8")
EYE_HEIGHT, HALF_IPD, HALF_FOV = 1.6, 0.032, np.deg2rad(48.0)


def run() -> BenchReport:
    """Whole frames `BACKEND WIDTHxHEIGHT`; at the middle size `1/2`, `1/4` and `1/8` of the Gaussians, the stages
    `pose`, `pictures` (the avatar's own) and `full view` (those without the crop)."""
    avatar = load_avatar(AVATAR)
    body = load_body(avatar.body_name)
    levels = levels_of_detail(avatar, body)
    with ExitStack() as closing:
        context = create_context()
        closing.callback(context.release)
        backends = _backends(context, closing)
        best, *others = backends
        sizes = CPU_SIZES if best == "cpu" else GPU_SIZES
        small, middle, _ = (_text(size) for size in sizes)
        painters = {name: ScenePainter(context, backends[name], "face-to-face") for name in backends}
        for painter in painters.values():
            closing.callback(painter.close)
        subjects: dict[str, Callable[[], object]] = {}
        for size in sizes:
            subjects[f"{best} {_text(size)}"] = Frame(context, painters[best], avatar, body, size)
        for name in others:
            subjects[f"{name} {small}"] = Frame(context, painters[name], avatar, body, sizes[0])
        for share, level in zip(THINNED, levels[1:], strict=True):
            subjects[share] = Frame(context, painters[best], level, body, sizes[1])
        stages = Frame(context, painters[best], avatar, body, sizes[1])
        posed = stages.posed()
        crop, full = crop_views(posed, stages.views), _everything(stages.views)
        assert crop is not None
        subjects["pose"] = stages.posed

        def pictures_of(part: Crop) -> Callable[[], None]:
            def draw() -> None:
                backends[best].draw(posed, part)
                context.finish()

            return draw

        subjects["pictures"], subjects["full view"] = pictures_of(crop), pictures_of(full)
        compare = [(f"{best} {small}", f"{name} {small}") for name in others]
        compare += [(share, f"{best} {middle}") for share in THINNED]
        return side_by_side("headset", subjects, [*compare, ("pictures", "full view")], seconds=40.0)


class Frame:
    """One way to draw the frame; called, it does.

    Args:
        context: that the painter draws with.
        painter: of the scene.
        avatar, body: who stands opposite.
        size: of an eye's picture, pixels.
    """

    def __init__(
        self,
        context: moderngl.Context,
        painter: ScenePainter,
        avatar: GaussianAvatar,
        body: BodyModel,
        size: tuple[int, int],
    ) -> None:
        self._context, self._painter = context, painter
        self._poser = AvatarPoser(avatar, body, threads=available_cores())
        self._state = Opposite(body, avatar.betas)(_at_ease(body))
        self.views = tuple(_eye(shift, size) for shift in (-HALF_IPD, HALF_IPD))
        self._targets = [
            context.framebuffer([context.texture(size, 4)], context.depth_texture(size)) for _ in self.views
        ]

    def posed(self) -> PosedGaussians:
        """The avatar's Gaussians in the room."""
        return self._poser.pose(self._state)

    def __call__(self) -> None:
        self._painter.draw(self._painter.prepare(self.posed()), self.views, self._targets)
        self._context.finish()


def _backends(context: moderngl.Context, closing: ExitStack) -> dict[str, AvatarPictures]:
    """What this machine can draw the avatar with, the fastest first."""
    cpu, gl = CpuRasterizer(), GlRasterizer(context)
    host, in_gl = HostPictures(context, cpu), GlPictures(gl)
    made: dict[str, AvatarPictures] = {"cpu": host, "gl": in_gl} if is_software(context) else {"gl": in_gl}
    if torch.cuda.is_available() and not is_software(context):
        made = {"gsplat": CudaPictures(context), **made}
    closing.callback(cpu.close)
    closing.callback(gl.close)
    for pictures in made.values():
        closing.callback(pictures.close)
    return made


def _everything(views: tuple[EyeView, ...]) -> Crop:
    """No crop: all of every view."""
    return Crop(tuple(PixelRectangle(0, 0, view.width, view.height) for view in views), views)


def _at_ease(body: BodyModel) -> BodyState:
    """Arms hanging, before a webcam."""
    pose = np.zeros((55, 3), np.float32)
    pose[16, 2], pose[17, 2] = -1.2, 1.2
    return BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)


def _eye(shift: float, size: tuple[int, int]) -> EyeView:
    T_play_from_eye = np.eye(4)
    T_play_from_eye[:2, 3] = shift, EYE_HEIGHT
    return EyeView(T_play_from_eye, -HALF_FOV, HALF_FOV, HALF_FOV, -HALF_FOV, *size, near=NEAR, far=FAR)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


if __name__ == "__main__":
    print(run())
