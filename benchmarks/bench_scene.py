"""One frame of each scene as a headset sees it: 2x 896x1007, 20,000 Gaussians, the CPU's or a GPU's OpenGL.

`cropped_vs_whole` and `cropped_vs_full` say what the avatar's picture gains from drawing only its rectangle, and from
leaving out normals. `room` is the mirror's scene without anybody; `*_half` are at half the width and height.
"""

from collections.abc import Callable
from dataclasses import replace

import moderngl
import numpy as np

from benchmarks import BenchReport, side_by_side
from benchmarks.scene import EYE_DISTANCE, figure
from inperson.avatar.gaussians import PosedGaussians
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gl import create_context
from inperson.render.scene.crop import crop_views
from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import HostPictures
from inperson.render.scene.scenes import SceneName
from inperson.render.views import EyeView, look_at

COUNT, WIDTH, HEIGHT = 20_000, 896, 1007
SRGB8_ALPHA8 = 0x8C43
OPPOSITE = np.array([0.0, 0.0, -1.3], np.float32)


def run() -> BenchReport:
    """Everything is ready before and finished after each call: no work is left to the next one."""
    with create_context() as context:
        return _run(context)


def _run(context: moderngl.Context) -> BenchReport:
    rasterizer, wearer = CpuRasterizer(), figure(COUNT)
    pictures = HostPictures(context, rasterizer)
    opposite = replace(wearer, means=wearer.means + OPPOSITE)

    def frame(scene: SceneName, gaussians: PosedGaussians | None, scale: float = 1.0) -> Callable[[], None]:
        width, height = round(scale * WIDTH), round(scale * HEIGHT)
        painter, views = ScenePainter(context, pictures, scene), eyes(width, height)
        targets = [_target(context, width, height) for _ in views]

        def draw() -> None:
            painter.draw(painter.prepare(gaussians), views, targets)
            context.finish()

        return draw

    whole = eyes(WIDTH, HEIGHT)
    crop = crop_views(opposite, whole)
    assert crop is not None
    return side_by_side(
        "scene",
        {
            "mirror": frame("mirror", wearer),
            "face_to_face": frame("face-to-face", opposite),
            "room": frame("mirror", None),
            "mirror_half": frame("mirror", wearer, 0.5),
            "face_to_face_half": frame("face-to-face", opposite, 0.5),
            "room_half": frame("mirror", None, 0.5),
            "cropped": lambda: rasterizer.render_color(opposite, crop.views),
            "whole": lambda: rasterizer.render_color(opposite, whole),
            "full": lambda: rasterizer.render(opposite, crop.views),
        },
        compare=[("cropped", "whole"), ("cropped", "full"), ("mirror_half", "mirror")],
        seconds=15.0,
    )


def eyes(width: int, height: int) -> list[EyeView]:
    """A standing wearer's, who looks ahead and a little down."""
    head = look_at(np.array([0.0, 1.6, 0.0]), np.array([0.0, 1.35, -1.5]))
    views = []
    for side, left, right in ((-1, -0.94, 0.74), (1, -0.74, 0.94)):
        eye = head.copy()
        eye[:3, 3] += 0.5 * side * EYE_DISTANCE * head[:3, 0]
        views.append(EyeView(eye, left, right, 0.85, -0.85, width, height))
    return views


def _target(context: moderngl.Context, width: int, height: int) -> moderngl.Framebuffer:
    color = context.texture((width, height), 4, internal_format=SRGB8_ALPHA8)
    return context.framebuffer([color], context.depth_texture((width, height)))
