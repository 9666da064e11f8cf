"""OpenGL through GLX on an X display: what OpenXR runtimes on Linux know besides Monado's EGL."""

import ctypes
from ctypes import c_int
from typing import Any

import glfw
import xr
from OpenGL import GLX

from inperson.errors import DeviceError
from inperson.render.xr.glfw_window import HiddenGlfwWindow
from inperson.render.xr.graphics import GraphicsKind


class GlxGraphics:
    """An OpenGL context of a hidden X window.

    Raises:
        DeviceError: no X display, or no OpenGL 3.3 on it.
    """

    kind: GraphicsKind = "glx"

    def __init__(self) -> None:
        self._window = HiddenGlfwWindow(glfw.PLATFORM_X11, glfw.NATIVE_CONTEXT_API, "an X display (DISPLAY)")
        self.context = self._window.context

    def binding(self) -> Any:
        """XrGraphicsBindingOpenGLXlibKHR of the window's context, drawable and framebuffer configuration."""
        self.make_current()
        display, context = GLX.glXGetCurrentDisplay(), GLX.glXGetCurrentContext()
        fbconfig = _fbconfig(display, context)
        visual_id = c_int()
        GLX.glXGetFBConfigAttrib(display, fbconfig, GLX.GLX_VISUAL_ID, ctypes.byref(visual_id))
        return xr.GraphicsBindingOpenGLXlibKHR(
            x_display=display,
            visualid=visual_id.value,
            glx_fbconfig=fbconfig,
            glx_drawable=GLX.glXGetCurrentDrawable(),
            glx_context=context,
        )

    def make_current(self) -> None:
        """Make the context this thread's current one."""
        self._window.make_current()

    def close(self) -> None:
        """Free the context and the window."""
        self._window.close()


def _fbconfig(display: Any, context: Any) -> Any:
    """The GLXFBConfig a context was made with, asked back by its id and screen."""
    config_id, screen, count = c_int(), c_int(), c_int()
    GLX.glXQueryContext(display, context, GLX.GLX_FBCONFIG_ID, ctypes.byref(config_id))
    GLX.glXQueryContext(display, context, GLX.GLX_SCREEN, ctypes.byref(screen))
    wanted = (c_int * 3)(GLX.GLX_FBCONFIG_ID, config_id.value, 0)
    configs = GLX.glXChooseFBConfig(display, screen.value, wanted, ctypes.byref(count))
    if not count.value:
        raise DeviceError("GLX does not say which configuration its context has", "update the graphics driver")
    return configs[0]
