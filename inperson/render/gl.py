"""The `gl` backend: OpenGL 3.3, on any GPU and on software GL. Quads, sorted on the CPU, blended back to front.

Blending has no early stop, so a pixel's last 1e-4 of transmittance is drawn that the other backends leave out.
"""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from inperson.avatar.gaussians import PosedGaussians
from inperson.errors import DeviceError
from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.gl_shaders import CHANNELS_PER_TARGET, SHAPE_TEXELS, fragment_shader, vertex_shader
from inperson.render.packing import channels_from_gaussians, gbuffer_from_planes
from inperson.render.views import EyeView, common_size

TEXTURE_WIDTH = 1024
MOST_TARGETS = 8
"""Every OpenGL 3.3 can draw into as many at once."""
CONTEXT_SETTINGS: dict[str, Any] = {"backend": "egl"} if sys.platform == "linux" else {}
"""On Linux through EGL, which needs no display."""
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software rasterizer")


def create_context() -> moderngl.Context:
    """A context of its own, without a window.

    Raises:
        DeviceError: there is no OpenGL 3.3.
    """
    try:
        return moderngl.create_context(standalone=True, require=330, **CONTEXT_SETTINGS)
    except Exception as error:
        mend = "install a graphics driver (or Mesa's libegl1 and libgl1-mesa-dri), or use `cpu`"
        raise DeviceError(f"the gl rasteriser found no OpenGL 3.3 ({error})", mend) from error


def is_software(context: moderngl.Context) -> bool:
    """Whether the context draws on the CPU."""
    renderer = context.info["GL_RENDERER"].lower()
    return any(name in renderer for name in SOFTWARE_RENDERERS)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Up to `MOST_TARGETS` targets that are drawn together."""

    first_target: int
    targets: int
    program: moderngl.Program


class GlRasterizer:
    """Draws with OpenGL.

    Args:
        context: an existing one (a window's, say), current in the calling thread; by default its own.

    Raises:
        DeviceError: there is no OpenGL 3.3.
    """

    name = "gl"

    def __init__(self, context: moderngl.Context | None = None) -> None:
        self._owns_context = context is None
        self.context = create_context() if context is None else context
        self._passes: dict[int, list[_Pass]] = {}
        self._fields: moderngl.Texture | None = None
        self._framebuffer: moderngl.Framebuffer | None = None

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size."""
        return gbuffer_from_planes(self._planes(gaussians, channels_from_gaussians(gaussians), views))

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone."""
        return ColorBuffer(self._planes(gaussians, gaussians.colors, views))

    def draw_color(
        self, gaussians: PosedGaussians, views: Sequence[EyeView], targets: Sequence[moderngl.Framebuffer]
    ) -> None:
        """Draw colour and depth and leave them on the GPU.

        Args:
            gaussians: one or more.
            views: of any sizes.
            targets: one a view, at least as large, in this rasteriser's context. Each has two RGBA attachments: the
                first gets premultiplied colour and alpha; the second distance times alpha (metres) in red. The
                first row is the picture's top one.
        """
        with self._current():
            self._upload(gaussians, gaussians.colors)
            (one,) = self._passes_of(gaussians.colors.shape[1])
            for view, target in zip(views, targets, strict=True):
                self._draw(one, view, _farthest_first(gaussians.means, view), target)

    def close(self) -> None:
        """Free what was made on the GPU, and the context if it is its own."""
        with self._current():
            for passes in self._passes.values():
                for one in passes:
                    one.program.release()
            self._passes = {}
            self._release_framebuffer()
            if self._fields is not None:
                self._fields.release()
                self._fields = None
        if self._owns_context:
            self.context.release()

    def _current(self) -> AbstractContextManager[object]:
        """Makes a context of its own the thread's current one: another's, such as a window's, may be. A context
        that was lent is current already."""
        return self.context if self._owns_context else nullcontext()

    def _planes(
        self, gaussians: PosedGaussians, channels: Float[np.ndarray, "N C"], views: Sequence[EyeView]
    ) -> Float[np.ndarray, "V C+2 H W"]:
        width, height = common_size(views)
        image = np.zeros((len(views), height, width, channels.shape[1] + 2), np.float32)
        if len(channels):
            with self._current():
                self._upload(gaussians, channels)
                for view, planes in zip(views, image, strict=True):
                    order = _farthest_first(gaussians.means, view)
                    for one in self._passes_of(channels.shape[1]):
                        target = self._targets(width, height, one.targets)
                        self._draw(one, view, order, target)
                        self._read(one, target, planes)
        return np.moveaxis(image, -1, 1)

    def _upload(self, gaussians: PosedGaussians, channels: Float[np.ndarray, "N C"]) -> None:
        """The Gaussians' fields as texels, `SHAPE_TEXELS + targets` each."""
        n, c = channels.shape
        texels = SHAPE_TEXELS + _targets_for(c)
        rows = -(-n * texels // TEXTURE_WIDTH)
        flat = np.zeros((rows * TEXTURE_WIDTH, 4), np.float32)
        fields = flat[: n * texels].reshape(n, texels, 4)
        fields[:, 0, :3], fields[:, 0, 3] = gaussians.means, gaussians.opacities
        fields[:, 1], fields[:, 2, :3] = gaussians.quats, gaussians.scales
        for first in range(0, c, CHANNELS_PER_TARGET):
            group = channels[:, first : first + CHANNELS_PER_TARGET]
            fields[:, SHAPE_TEXELS + first // CHANNELS_PER_TARGET, : group.shape[1]] = group
        if self._fields is None or self._fields.size[1] != rows:
            if self._fields is not None:
                self._fields.release()
            self._fields = self.context.texture((TEXTURE_WIDTH, rows), 4, dtype="f4")
        self._fields.write(flat)

    def _passes_of(self, num_channels: int) -> list[_Pass]:
        """Programs for C channels and depth."""
        if num_channels not in self._passes:
            passes = []
            for first in range(0, _targets_for(num_channels), MOST_TARGETS):
                targets = min(MOST_TARGETS, _targets_for(num_channels) - first)
                depth = num_channels - first * CHANNELS_PER_TARGET
                depth_channel = depth if depth < targets * CHANNELS_PER_TARGET else -1
                program = self.context.program(
                    vertex_shader=vertex_shader(targets, depth_channel), fragment_shader=fragment_shader(targets)
                )
                program["texels"] = SHAPE_TEXELS + _targets_for(num_channels)
                program["first_target"] = first
                passes.append(_Pass(first, targets, program))
            self._passes[num_channels] = passes
        return self._passes[num_channels]

    def _draw(self, one: _Pass, view: EyeView, order: NDArray[np.uint32], target: moderngl.Framebuffer) -> None:
        """Draw one pass of one view into the first rows and columns of `target`."""
        K, program = view.intrinsics, one.program
        program["camera_from_world"] = tuple(view.T_cv_from_world.T.ravel().tolist())
        program["lens"] = (K.fx, K.fy, K.cx, K.cy)
        program["size"] = (view.width, view.height)
        program["range"] = (view.near, view.far)
        assert self._fields is not None
        self._fields.use(0)
        program["fields"] = 0

        order_buffer = self.context.buffer(order.tobytes())
        quads = self.context.vertex_array(program, [(order_buffer, "1u4/i", "gaussian")])
        with self.context.scope(target, moderngl.BLEND):
            self.context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            target.viewport = (0, 0, view.width, view.height)
            target.clear(viewport=target.viewport)
            quads.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(order))
        quads.release()
        order_buffer.release()

    def _read(self, one: _Pass, framebuffer: moderngl.Framebuffer, planes: Float[np.ndarray, "H W C+2"]) -> None:
        height, width, depth_and_alpha_end = planes.shape
        for t in range(one.targets):
            data = framebuffer.read(components=4, attachment=t, dtype="f4", alignment=1)
            target = np.frombuffer(data, np.float32).reshape(height, width, 4)
            first = (one.first_target + t) * CHANNELS_PER_TARGET
            used = min(CHANNELS_PER_TARGET, depth_and_alpha_end - 1 - first)
            planes[..., first : first + used] = target[..., :used]
            planes[..., -1] = target[..., 3]

    def _targets(self, width: int, height: int, count: int) -> moderngl.Framebuffer:
        current = self._framebuffer
        if current is None or current.size != (width, height) or len(current.color_attachments) != count:
            self._release_framebuffer()
            textures = [self.context.texture((width, height), 4, dtype="f4") for _ in range(count)]
            current = self._framebuffer = self.context.framebuffer(textures)
        return current

    def _release_framebuffer(self) -> None:
        if self._framebuffer is not None:
            for texture in self._framebuffer.color_attachments:
                texture.release()
            self._framebuffer.release()
            self._framebuffer = None


def _targets_for(num_channels: int) -> int:
    """Targets for C channels and depth."""
    return -(-(num_channels + 1) // CHANNELS_PER_TARGET)


def _farthest_first(means: Float[np.ndarray, "N 3"], view: EyeView) -> NDArray[np.uint32]:
    """The order in which the Gaussians are drawn."""
    forward = view.T_cv_from_world[2, :3].astype(np.float32)
    return np.argsort(-(means @ forward), kind="stable").astype(np.uint32)
