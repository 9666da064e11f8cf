"""Everything that draws in a headset and outlives its sessions: context, rasteriser, painter, pacing."""

import time
from contextlib import ExitStack
from functools import partial

import moderngl
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.wardrobe import Worn
from inperson.app.shading.engines import open_engines, sizes_for
from inperson.app.shading.headset import ShadedPictures
from inperson.app.shading.person import PersonShader
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError, DeviceError
from inperson.render.backends import make_rasterizer
from inperson.render.gl import GlRasterizer, is_software
from inperson.render.gpu_timer import GpuTimer
from inperson.render.gsplat_cuda import GsplatRasterizer
from inperson.render.headset import FAR, NEAR
from inperson.render.pacing import Pacing, Rung, ladder
from inperson.render.scene.crop import crop_views
from inperson.render.scene.cuda_pictures import CudaPictures
from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import AvatarPictures, GlPictures, HostPictures
from inperson.render.scene.reflection import reflect
from inperson.render.scene.scenes import MIRROR
from inperson.render.views import EyeView
from inperson.render.xr.graphics import Graphics
from inperson.shader_model.conditions.moment import as_posed

EYE_HEIGHT, HALF_IPD = 1.6, 0.0315
HALF_FOV, LOOKING_DOWN = np.deg2rad(45.0), np.deg2rad(-45.0)
"""Of nobody in particular: warming up needs some eyes."""
USUAL_PERIOD_MS = 1e3 / 60
"""Of a display that is not there yet to ask."""
REHEARSAL_SHARE = 0.6
"""Of that period: the runtime's compositor does not draw yet, but it will take its part."""
REHEARSED = 12
"""Frames on one rung before it is taken for the right one."""


class Stage:
    """Draws scenes. Use from the thread that made the graphics.

    Args:
        plan: of the headset.
        graphics: current; stays the caller's.
        counts: Gaussians of the first avatar's levels of detail.
        threads: that draw, where the CPU does.
    """

    def __init__(self, plan: HeadsetPlan, graphics: Graphics, counts: tuple[int, ...], threads: int) -> None:
        self._context = graphics.context
        with ExitStack() as closing:
            self.backend, pictures = _open_pictures(plan.backend, self._context, threads, closing)
            closing.callback(pictures.close)
            self.shading = _open_shading(plan, self._context, pictures, self.backend, threads, closing)
            self.painter = ScenePainter(
                *(self._context, self.shading or pictures, plan.scene),
                passthrough=plan.passthrough,
                cropping=self.shading or crop_views,
            )
            closing.callback(self.painter.close)
            self._closing = closing.pop_all()
        self.gpu_timer = GpuTimer(self._context)
        self._plain_rungs = ladder(counts)
        self._rungs = self._plain_rungs if self.shading is None else self.shading.rungs(self._plain_rungs)
        self.pacing = Pacing(self._rungs)

    def dress(self, worn: Worn) -> None:
        """Draw this avatar from the next frame on."""
        if self.shading is not None:
            self.shading.posers = worn.posers

    def toggle_shader(self) -> None:
        """Go on without the shader, or with it again, as sharply as it was; pacing finds what that costs."""
        rung, shaded = self.pacing.rung, self._rungs is not self._plain_rungs
        if self.shading is None:
            return
        self._rungs = self._plain_rungs if shaded else self.shading.rungs(self._plain_rungs)
        alike = (k for k, other in enumerate(self._rungs) if (other.scale, other.level) == (rung.scale, rung.level))
        self.pacing = Pacing(self._rungs, start=next(alike))

    def warm(self, worn: Worn, eye_size: tuple[int, int]) -> None:
        """Draw into a drawer: after this nothing is compiled, memory has its size, and pacing knows what this machine
        can do, so that the first frames a wearer sees are in time."""
        self.dress(worn)
        heads = [_head(pitch) for pitch in (0.0, LOOKING_DOWN)]  # ahead a mirror or somebody, below the own body
        state = worn.feed.state_for(HeadsetPose(0, heads[0])) or worn.somebody()
        context = self._context
        targets = [
            context.framebuffer([context.texture(eye_size, 4)], context.depth_texture(eye_size)) for _ in range(2)
        ]
        for rung in {rung.level: rung for rung in self._plain_rungs}.values():
            for head in heads:
                self._draw(worn, state, rung, head, eye_size, targets)
        self._rehearse(worn, state, heads[self.painter.scene == "embodied"], eye_size, targets)
        for target in targets:
            target.color_attachments[0].release()
            target.depth_attachment.release()
            target.release()
        worn.feed.start_anew()
        if self.shading is not None:
            self.shading.forget_figures()

    def _rehearse(
        self,
        worn: Worn,
        state: BodyState,
        head: Float[np.ndarray, "4 4"],
        eye_size: tuple[int, int],
        targets: list[moderngl.Framebuffer],
    ) -> None:
        """Frames for nobody, as sharp as pacing wants them, until it wants no other."""
        unchanged = 0
        while unchanged < REHEARSED:
            rung = self.pacing.rung
            begin = time.perf_counter()
            width, height = (max(round(rung.scale * side), 1) for side in eye_size)
            self._draw(worn, state, rung, head, (width, height), targets)
            cost_ms = 1e3 * (time.perf_counter() - begin)
            period_ms = REHEARSAL_SHARE * USUAL_PERIOD_MS
            missed = int(cost_ms / period_ms)
            unchanged = unchanged + 1 if self.pacing.add(cost_ms, missed, period_ms) == rung else 0

    def _draw(
        self,
        worn: Worn,
        state: BodyState,
        rung: Rung,
        head: Float[np.ndarray, "4 4"],
        size: tuple[int, int],
        targets: list[moderngl.Framebuffer],
    ) -> None:
        views = [_eye(head, shift, *size) for shift in (-HALF_IPD, HALF_IPD)]
        if self.shading is not None:
            self.shading.begin(rung, state, time.monotonic_ns())
        self.painter.draw(self.painter.prepare(worn.posers[rung.level].pose(state)), views, targets)
        self._context.finish()

    def close(self) -> None:
        """Free what was made."""
        self._closing.close()


def _open_pictures(
    backend: str, context: moderngl.Context, threads: int, closing: ExitStack
) -> tuple[str, AvatarPictures]:
    """The avatar's rasteriser by name, and how its pictures get to the painter."""
    if backend == "auto":
        backend = _fastest(context)
    if backend == "gl":
        gl = GlRasterizer(context)
        closing.callback(gl.close)
        return gl.name, GlPictures(gl)
    if backend == "gsplat" and not is_software(context):
        return backend, CudaPictures(context)
    rasterizer = make_rasterizer(backend, threads)
    closing.callback(rasterizer.close)
    return rasterizer.name, HostPictures(context, rasterizer)


def _open_shading(
    plan: HeadsetPlan,
    context: moderngl.Context,
    pictures: AvatarPictures,
    backend: str,
    threads: int,
    closing: ExitStack,
) -> ShadedPictures | None:
    """The video shader over `pictures`, if it is asked for."""
    sizes = sizes_for(plan.shader)
    if not sizes:
        return None
    rasterizer = GlRasterizer(context) if backend == "gl" else make_rasterizer(backend, threads)
    closing.callback(rasterizer.close)
    person = PersonShader(open_engines(sizes, 2, threads), rasterizer, threads)
    closing.callback(person.close)
    reflected = partial(reflect, plane_z=MIRROR.plane_z) if plan.scene == "mirror" else as_posed
    shading = ShadedPictures(context, pictures, person, plan.shader, reflected)
    closing.callback(shading.close)
    return shading


def _fastest(context: moderngl.Context) -> str:
    """gsplat where there is CUDA, else this context if a GPU draws it, else the CPU, which beats software OpenGL."""
    try:
        GsplatRasterizer().close()
    except (DeviceError, BadInputError):  # no CUDA, or without gsplat: the next best
        return "cpu" if is_software(context) else "gl"
    return "gsplat"


def _head(pitch: float) -> Float[np.ndarray, "4 4"]:
    T_play_from_head = np.eye(4)
    T_play_from_head[:3, :3] = Rotation.from_euler("x", pitch).as_matrix()
    T_play_from_head[1, 3] = EYE_HEIGHT
    return T_play_from_head


def _eye(T_play_from_head: Float[np.ndarray, "4 4"], shift: float, width: int, height: int) -> EyeView:
    T_head_from_eye = np.eye(4)
    T_head_from_eye[0, 3] = shift
    angles = (-HALF_FOV, HALF_FOV, HALF_FOV, -HALF_FOV)
    return EyeView(T_play_from_head @ T_head_from_eye, *angles, width, height, NEAR, FAR)
