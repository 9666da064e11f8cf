"""The mirror window: shows a picture as large as it fits, an overlay over it, and collects hot keys."""

import warnings
from enum import Enum
from typing import Any, Self

import glfw
import moderngl
import numpy as np
from imgui_bundle import imgui
from jaxtyping import UInt8

from inperson.errors import DeviceError
from inperson.render.overlay import Overlay, draw_overlay
from inperson.render.overlay_gl import ImguiRenderer
from inperson.render.overlay_recording import RecordingSign, draw_recording_sign
from inperson.render.overlay_timeline import TimelineRequest


class Action(Enum):
    """What a hot key asks for."""

    RECENTER = "C"
    OVERLAY = "O"
    REFLECT = "M"
    NEXT_AVATAR = "N"
    SHADER = "S"
    SPLIT = "X"
    QUIT = "Q"
    PLAY = "Space"
    BACK = "Left"
    FORWARD = "Right"
    PREVIOUS = ","
    NEXT = "."
    BEGIN = "Home"
    END = "End"
    FASTER = "Up"
    SLOWER = "Down"
    LOOP = "L"


HOT_KEYS = {
    glfw.KEY_C: Action.RECENTER,
    glfw.KEY_O: Action.OVERLAY,
    glfw.KEY_M: Action.REFLECT,
    glfw.KEY_N: Action.NEXT_AVATAR,
    glfw.KEY_S: Action.SHADER,
    glfw.KEY_X: Action.SPLIT,
    glfw.KEY_Q: Action.QUIT,
    glfw.KEY_ESCAPE: Action.QUIT,
    glfw.KEY_SPACE: Action.PLAY,
    glfw.KEY_LEFT: Action.BACK,
    glfw.KEY_RIGHT: Action.FORWARD,
    glfw.KEY_COMMA: Action.PREVIOUS,
    glfw.KEY_PERIOD: Action.NEXT,
    glfw.KEY_HOME: Action.BEGIN,
    glfw.KEY_END: Action.END,
    glfw.KEY_UP: Action.FASTER,
    glfw.KEY_DOWN: Action.SLOWER,
    glfw.KEY_L: Action.LOOP,
}
REPEATED = frozenset({Action.BACK, Action.FORWARD, Action.PREVIOUS, Action.NEXT})
"""Asked for again and again while the key is held."""

_BORDER = (0.05, 0.05, 0.06, 1.0)

# One triangle that covers the viewport; the picture's first row is its top.
_VERTEX = """
#version 330
out vec2 uv;
void main() {
    vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
    uv = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
"""
_FRAGMENT = """
#version 330
uniform sampler2D picture;
in vec2 uv;
out vec4 color;
void main() { color = vec4(texture(picture, uv).rgb, 1.0); }
"""


class MirrorWindow:
    """A resizable window with its own OpenGL context. Use from one thread, in a `with` block or with `close`.

    Args:
        title: of the window.
        width, height: of the window, in screen coordinates.
        visible: hidden windows draw all the same.

    Raises:
        DeviceError: no display, or one without OpenGL 3.3.
    """

    def __init__(self, title: str, width: int, height: int, *, visible: bool = True) -> None:
        self._window = _open_glfw_window(title, width, height, visible)
        glfw.make_context_current(self._window)
        glfw.swap_interval(1)
        self._context = moderngl.create_context(require=330, context=_GlfwContext())  # type: ignore[arg-type]
        self._screen = self._context.detect_framebuffer(0)
        program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._triangle = self._context.vertex_array(program, [])
        self._picture: moderngl.Texture | None = None
        self._preview: moderngl.Texture | None = None
        self._actions: list[Action] = []
        self._timeline_request: TimelineRequest | None = None
        self._has_timeline = False
        self._imgui = imgui.create_context()
        imgui.get_io().set_ini_filename("")
        imgui.style_colors_dark()
        self._imgui_renderer = ImguiRenderer(self._context)
        glfw.set_key_callback(self._window, self._on_key)
        glfw.set_mouse_button_callback(self._window, self._on_mouse_button)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def refresh_rate(self) -> int:
        """Of the monitor, in pictures a second."""
        mode = glfw.get_video_mode(glfw.get_primary_monitor())
        return mode.refresh_rate or 60

    def show(
        self,
        picture: UInt8[np.ndarray, "H W 3"],
        overlay: Overlay | None = None,
        sign: RecordingSign | None = None,
    ) -> None:
        """Draw and present one picture (sRGB-encoded RGB), overlay and sign over it; handles window events."""
        glfw.make_context_current(self._window)  # a rasteriser may have its own in this thread
        glfw.poll_events()
        width, height = glfw.get_framebuffer_size(self._window)
        if width and height:  # zero while minimised
            self._draw(self._screen, picture, overlay, sign, width, height)
        glfw.swap_buffers(self._window)

    def capture(
        self,
        picture: UInt8[np.ndarray, "H W 3"],
        overlay: Overlay | None = None,
        sign: RecordingSign | None = None,
    ) -> UInt8[np.ndarray, "h w 3"]:
        """What `show` would present, in framebuffer pixels."""
        glfw.make_context_current(self._window)
        width, height = glfw.get_framebuffer_size(self._window)
        target = self._context.simple_framebuffer((width, height), 3)
        self._draw(target, picture, overlay, sign, width, height)
        pixels = np.frombuffer(target.read(components=3, alignment=1), np.uint8).reshape(height, width, 3)
        target.release()
        return pixels[::-1]

    def take_actions(self) -> list[Action]:
        """What was asked for since the last call; closing the window is QUIT."""
        actions, self._actions = self._actions, []
        if glfw.window_should_close(self._window):
            actions.append(Action.QUIT)
        return actions

    def take_timeline_request(self) -> TimelineRequest | None:
        """What the mouse asked the timeline for in the last picture."""
        request, self._timeline_request = self._timeline_request, None
        return request

    def resize(self, width: int, height: int) -> None:
        """Set the window's size, in screen coordinates."""
        glfw.set_window_size(self._window, width, height)

    def close(self) -> None:
        """Close the window and free its context."""
        glfw.make_context_current(self._window)
        imgui.set_current_context(self._imgui)
        self._imgui_renderer.release()
        imgui.destroy_context(self._imgui)
        self._context.release()
        glfw.destroy_window(self._window)
        glfw.terminate()

    def _draw(
        self,
        target: moderngl.Framebuffer,
        picture: UInt8[np.ndarray, "H W 3"],
        overlay: Overlay | None,
        sign: RecordingSign | None,
        width: int,
        height: int,
    ) -> None:
        self._picture = self._upload(self._picture, picture)
        target.use()
        target.viewport = (0, 0, width, height)
        self._context.enable_only(moderngl.NOTHING)
        target.clear(*_BORDER)
        target.viewport = fitted_viewport(picture.shape[1], picture.shape[0], width, height)
        self._picture.use(0)
        self._triangle.render(moderngl.TRIANGLES, vertices=3)
        target.viewport = (0, 0, width, height)
        self._has_timeline = overlay is not None and overlay.timeline is not None
        if overlay is not None or sign is not None:
            self._draw_over_it(overlay, sign, width, height)

    def _draw_over_it(self, overlay: Overlay | None, sign: RecordingSign | None, width: int, height: int) -> None:
        imgui.set_current_context(self._imgui)
        io = imgui.get_io()
        io.display_size = imgui.ImVec2(width, height)  # framebuffer pixels: sharp text on dense screens
        io.delta_time = 1.0 / self.refresh_rate
        if self._has_timeline:
            self._tell_mouse()
        imgui.new_frame()
        scale = glfw.get_window_content_scale(self._window)[0]
        if overlay is not None:
            texture = None
            if overlay.camera is not None:
                self._preview = self._upload(self._preview, overlay.camera.preview)
                texture = self._imgui_renderer.add_texture(self._preview)
            self._timeline_request = draw_overlay(overlay, texture, width, height, scale)
        if sign is not None:
            draw_recording_sign(sign, width, scale)
        imgui.render()
        self._imgui_renderer.render(imgui.get_draw_data(), width, height)

    def _upload(self, texture: moderngl.Texture | None, image: UInt8[np.ndarray, "H W 3"]) -> moderngl.Texture:
        size = (image.shape[1], image.shape[0])
        data = np.ascontiguousarray(image)
        if texture is not None and texture.size == size:
            texture.write(data, alignment=1)
            return texture
        if texture is not None:
            texture.release()
        return self._context.texture(size, 3, data, alignment=1)

    def _on_key(self, window: object, key: int, scancode: int, action: int, modifiers: int) -> None:
        asked = HOT_KEYS.get(key)
        if asked is not None and (action == glfw.PRESS or (action == glfw.REPEAT and asked in REPEATED)):
            self._actions.append(asked)

    def _on_mouse_button(self, window: object, button: int, action: int, modifiers: int) -> None:
        if self._has_timeline:  # else nothing would ever take it
            self._tell_mouse()
            imgui.get_io().add_mouse_button_event(button, action == glfw.PRESS)

    def _tell_mouse(self) -> None:
        """Where the mouse is, in framebuffer pixels."""
        imgui.set_current_context(self._imgui)
        (x, y), (width, height) = glfw.get_cursor_pos(self._window), glfw.get_window_size(self._window)
        columns, rows = glfw.get_framebuffer_size(self._window)
        imgui.get_io().add_mouse_pos_event(x * columns / max(width, 1), y * rows / max(height, 1))


class _GlfwContext:
    """What moderngl asks of a context that somebody else made: the addresses of OpenGL's functions."""

    def load_opengl_function(self, name: str) -> int:
        address: Any = glfw.get_proc_address(name)
        return address or 0

    def release(self) -> None:
        """glfw frees the context with its window."""

    def __enter__(self) -> None:
        """`MirrorWindow` makes the context current itself."""

    def __exit__(self, *error: object) -> None:
        pass


def fitted_viewport(picture_width: int, picture_height: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, bottom, width and height of the largest area of the picture's shape, centred."""
    scale = min(width / picture_width, height / picture_height)
    w, h = max(1, round(picture_width * scale)), max(1, round(picture_height * scale))
    return (width - w) // 2, (height - h) // 2, w, h


def has_display() -> bool:
    """Whether a window could be opened here."""
    try:
        _init_glfw()
    except DeviceError:
        return False
    glfw.terminate()
    return True


def _open_glfw_window(title: str, width: int, height: int, visible: bool) -> Any:
    _init_glfw()
    glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
    glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
    glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
    glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE)
    # EGL like the rasterisers' own contexts: one thread cannot go from EGL to GLX and back.
    glfw.window_hint(glfw.CONTEXT_CREATION_API, glfw.EGL_CONTEXT_API)
    glfw.window_hint(glfw.SCALE_TO_MONITOR, glfw.TRUE)
    glfw.window_hint(glfw.VISIBLE, glfw.TRUE if visible else glfw.FALSE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", glfw.GLFWError)
        window = glfw.create_window(width, height, title, None, None)
    if not window:
        reason = _glfw_reason()
        glfw.terminate()
        raise DeviceError(
            f"the display opens no OpenGL 3.3 window ({reason})",
            "update its driver, or write --view none --out FILE.mp4",
        )
    return window


def _init_glfw() -> None:
    with warnings.catch_warnings():  # glfw also warns on stderr of what is raised here
        warnings.simplefilter("ignore", glfw.GLFWError)
        if glfw.init():
            return
    raise DeviceError(
        f"there is no display for a window ({_glfw_reason()})",
        "start from a desktop session, or write --view none --out FILE.mp4",
    )


def _glfw_reason() -> str:
    reason: bytes | str | None = glfw.get_error()[1]  # bytes, whatever its stubs say
    if isinstance(reason, bytes):
        reason = reason.decode(errors="replace")
    return reason or "no reason given"
