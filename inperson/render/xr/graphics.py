"""`Graphics`: the OpenGL context a session draws with. It outlives sessions, so that a reconnect keeps programs and
textures."""

from typing import Any, Literal, Protocol

import moderngl
import xr

GraphicsKind = Literal["egl", "glx", "wgl", "wayland"]

GRAPHICS_EXTENSIONS: dict[GraphicsKind, tuple[str, ...]] = {
    "egl": (xr.KHR_OPENGL_ENABLE_EXTENSION_NAME, xr.MNDX_EGL_ENABLE_EXTENSION_NAME),
    "glx": (xr.KHR_OPENGL_ENABLE_EXTENSION_NAME,),
    "wgl": (xr.KHR_OPENGL_ENABLE_EXTENSION_NAME,),
    "wayland": (xr.KHR_OPENGL_ENABLE_EXTENSION_NAME,),
}
"""OpenXR extensions that a kind of context needs."""

OLDEST_GL = 330
"""moderngl's version code of the OpenGL that everything drawn here is written for."""


class Graphics(Protocol):
    """An OpenGL context of this thread that a runtime can share."""

    kind: GraphicsKind
    context: moderngl.Context

    def binding(self) -> Any:
        """The XrGraphicsBinding... to chain into XrSessionCreateInfo; keep it alive as long as that is used."""
        ...

    def make_current(self) -> None:
        """Make the context this thread's current one."""
        ...

    def close(self) -> None:
        """Free the context and its window."""
        ...


def open_graphics(kind: GraphicsKind = "egl") -> Graphics:
    """A context of its own, without a visible window, current in this thread.

    Raises:
        DeviceError: this machine has no such context (no display, no such platform, OpenGL too old).
    """
    # One module per platform, imported only there: each loads that platform's libraries.
    match kind:
        case "egl":
            from inperson.render.xr.graphics_egl import EglGraphics

            return EglGraphics()
        case "glx":
            from inperson.render.xr.graphics_glx import GlxGraphics

            return GlxGraphics()
        case "wgl":
            from inperson.render.xr.graphics_wgl import WglGraphics

            return WglGraphics()
        case "wayland":
            from inperson.render.xr.graphics_wayland import WaylandGraphics

            return WaylandGraphics()
