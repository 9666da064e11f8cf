"""OpenGL on a Wayland display: for runtimes that take it and offer no EGL binding (none is known to need it)."""

import ctypes
from typing import Any

import glfw
import xr

from inperson.errors import DeviceError
from inperson.render.xr.glfw_window import HiddenGlfwWindow
from inperson.render.xr.graphics import GraphicsKind


class WaylandGraphics:
    """An OpenGL context of a hidden Wayland window.

    Raises:
        DeviceError: no Wayland display, glfw without Wayland, or no OpenGL 3.3.
    """

    kind: GraphicsKind = "wayland"

    def __init__(self) -> None:
        if not hasattr(glfw, "get_wayland_display"):
            raise DeviceError("glfw was loaded without Wayland", "set PYGLFW_LIBRARY_VARIANT=wayland, or use egl")
        self._window = HiddenGlfwWindow(
            glfw.PLATFORM_WAYLAND, glfw.EGL_CONTEXT_API, "a Wayland display (WAYLAND_DISPLAY)"
        )
        self.context = self._window.context

    def binding(self) -> Any:
        """XrGraphicsBindingOpenGLWaylandKHR of glfw's display; the runtime finds the current context itself."""
        self.make_current()
        return wayland_binding(glfw.get_wayland_display())

    def make_current(self) -> None:
        """Make the context this thread's current one."""
        self._window.make_current()

    def close(self) -> None:
        """Free the context and the window."""
        self._window.close()


def wayland_binding(display: int) -> Any:
    """The binding of a wl_display's address."""
    kinds = dict(xr.GraphicsBindingOpenGLWaylandKHR._fields_)
    return xr.GraphicsBindingOpenGLWaylandKHR(display=ctypes.cast(display, kinds["display"]))
