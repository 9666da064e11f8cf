"""OpenGL through EGL without a display (XR_MNDX_egl_enable): the default on Linux."""

import ctypes
from ctypes import c_int, c_uint, c_void_p
from typing import Any

import moderngl
import xr

from inperson.errors import DeviceError
from inperson.render.xr.graphics import OLDEST_GL, GraphicsKind

_EGL_CONFIG_ID = 0x3028
_EGL_NONE = 0x3038
_EGL_DRAW = 0x3059
_MEND = "install a graphics driver (or Mesa's libegl1 and libgl1-mesa-dri)"


class EglGraphics:
    """An OpenGL context on EGL's default device.

    Raises:
        DeviceError: there is no EGL, or no OpenGL 3.3 behind it.
    """

    kind: GraphicsKind = "egl"

    def __init__(self) -> None:
        self._egl = _load_egl()
        try:
            self.context = moderngl.create_context(standalone=True, backend="egl", require=OLDEST_GL)  # type: ignore[arg-type]
        except Exception as error:
            raise DeviceError(f"EGL gives no OpenGL 3.3 context ({error})", _MEND) from error
        self._display = self._egl.eglGetCurrentDisplay()
        self._native = self._egl.eglGetCurrentContext()
        self._surface = self._egl.eglGetCurrentSurface(_EGL_DRAW)

    def binding(self) -> Any:
        """XrGraphicsBindingEGLMNDX."""
        kinds = dict(xr.GraphicsBindingEGLMNDX._fields_)
        return xr.GraphicsBindingEGLMNDX(
            get_proc_address=ctypes.cast(self._egl.eglGetProcAddress, kinds["get_proc_address"]),
            display=ctypes.cast(self._display, kinds["display"]),
            config=ctypes.cast(self._config(), kinds["config"]),
            context=ctypes.cast(self._native, kinds["context"]),
        )

    def make_current(self) -> None:
        """Make the context this thread's current one."""
        self._egl.eglMakeCurrent(self._display, self._surface, self._surface, self._native)

    def close(self) -> None:
        """Free the context. It is no longer current either: a thread with a current EGL context cannot use GLX."""
        self.make_current()
        self.context.release()
        self._egl.eglMakeCurrent(self._display, None, None, None)

    def _config(self) -> int:
        """The EGLConfig that moderngl chose: asked back by its id, since the context does not keep the handle."""
        config_id, count, config = c_int(), c_int(), c_void_p()
        self._egl.eglQueryContext(self._display, self._native, _EGL_CONFIG_ID, ctypes.byref(config_id))
        wanted = (c_int * 3)(_EGL_CONFIG_ID, config_id.value, _EGL_NONE)
        self._egl.eglChooseConfig(self._display, wanted, ctypes.byref(config), 1, ctypes.byref(count))
        if not count.value or config.value is None:
            raise DeviceError("EGL does not say which configuration its context has", _MEND)
        return config.value


def _load_egl() -> ctypes.CDLL:
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        raise DeviceError(f"there is no EGL ({error})", _MEND) from error
    pointer_of_int = ctypes.POINTER(c_int)
    egl.eglGetCurrentDisplay.restype = c_void_p
    egl.eglGetCurrentContext.restype = c_void_p
    egl.eglGetCurrentSurface.argtypes = [c_int]
    egl.eglGetCurrentSurface.restype = c_void_p
    egl.eglMakeCurrent.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p]
    egl.eglMakeCurrent.restype = c_uint
    egl.eglQueryContext.argtypes = [c_void_p, c_void_p, c_int, pointer_of_int]
    egl.eglChooseConfig.argtypes = [c_void_p, pointer_of_int, ctypes.POINTER(c_void_p), c_int, pointer_of_int]
    return egl
