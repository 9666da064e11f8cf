"""OpenGL through WGL: Windows, where every OpenXR runtime with OpenGL takes it."""

import ctypes
from typing import Any

import glfw
import xr

from inperson.render.xr.glfw_window import HiddenGlfwWindow
from inperson.render.xr.graphics import GraphicsKind


class WglGraphics:
    """An OpenGL context of a hidden window on Windows.

    Raises:
        DeviceError: not on Windows, or no OpenGL 3.3.
    """

    kind: GraphicsKind = "wgl"

    def __init__(self) -> None:
        self._window = HiddenGlfwWindow(glfw.PLATFORM_WIN32, glfw.NATIVE_CONTEXT_API, "Windows")
        self.context = self._window.context

    def binding(self) -> Any:
        """XrGraphicsBindingOpenGLWin32KHR of the current device and rendering contexts."""
        self.make_current()
        opengl32 = ctypes.WinDLL("opengl32")  # type: ignore[attr-defined]
        return wgl_binding(_current(opengl32.wglGetCurrentDC), _current(opengl32.wglGetCurrentContext))

    def make_current(self) -> None:
        """Make the context this thread's current one."""
        self._window.make_current()

    def close(self) -> None:
        """Free the context and the window."""
        self._window.close()


def wgl_binding(device_context: int, rendering_context: int) -> Any:
    """The binding of an HDC and an HGLRC."""
    kinds = dict(xr.GraphicsBindingOpenGLWin32KHR._fields_)
    return xr.GraphicsBindingOpenGLWin32KHR(
        h_dc=ctypes.cast(device_context, kinds["h_dc"]),
        h_glrc=ctypes.cast(rendering_context, kinds["h_glrc"]),
    )


def _current(function: Any) -> int:
    function.restype = ctypes.c_void_p
    return function()
