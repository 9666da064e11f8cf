"""A hidden glfw window whose OpenGL context a runtime can share: what GLX, WGL and Wayland have in common."""

import warnings

import glfw
import moderngl

from inperson.errors import DeviceError
from inperson.render.xr.graphics import OLDEST_GL


class HiddenGlfwWindow:
    """One pixel of a window, never shown, with an OpenGL core context that is current in this thread.

    Args:
        platform: such as glfw.PLATFORM_X11.
        context_api: glfw.NATIVE_CONTEXT_API or glfw.EGL_CONTEXT_API.
        needs: what the platform needs, for the error ("an X display").

    Raises:
        DeviceError: no such platform here, or no OpenGL 3.3.
    """

    def __init__(self, platform: int, context_api: int, needs: str) -> None:
        with warnings.catch_warnings():  # glfw also warns on stderr of what is raised here
            warnings.simplefilter("ignore", glfw.GLFWError)
            glfw.init_hint(glfw.PLATFORM, platform)
            is_open = glfw.init()
            glfw.init_hint(glfw.PLATFORM, glfw.ANY_PLATFORM)  # hints outlive glfw's end: others choose for themselves
            if not is_open:
                raise DeviceError(f"no hidden window for OpenGL ({_reason()})", f"this needs {needs}")
            glfw.default_window_hints()
            glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
            glfw.window_hint(glfw.CONTEXT_CREATION_API, context_api)
            glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, OLDEST_GL // 100)
            glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, OLDEST_GL // 10 % 10)
            glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
            glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE)
            self.window = glfw.create_window(1, 1, "InPerson", None, None)
        if not self.window:
            reason = _reason()
            glfw.terminate()
            raise DeviceError(f"no hidden window for OpenGL ({reason})", "update the graphics driver")
        self.make_current()
        backend = {"backend": "egl"} if context_api == glfw.EGL_CONTEXT_API else {}
        self.context = moderngl.create_context(require=OLDEST_GL, **backend)  # type: ignore[arg-type]

    def make_current(self) -> None:
        """Make the window's context this thread's current one."""
        glfw.make_context_current(self.window)

    def close(self) -> None:
        """Free the context and the window."""
        self.make_current()
        self.context.release()
        glfw.destroy_window(self.window)
        glfw.terminate()


def _reason() -> str:
    reason: bytes | str | None = glfw.get_error()[1]  # bytes, whatever its stubs say
    if isinstance(reason, bytes):
        reason = reason.decode(errors="replace")
    return reason or "no reason given"
