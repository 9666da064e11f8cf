"""The sign that a session is being recorded: over the mirror's picture, whatever else is shown there."""

from dataclasses import dataclass

from imgui_bundle import imgui

RED, AMBER = (0.95, 0.2, 0.18), (0.98, 0.72, 0.2)
WHITE, GREY = (0.95, 0.95, 0.95), (0.75, 0.75, 0.75)
SOUND, CAMERA = "+ SOUND", "+ CAMERA"
MARGIN = 12.0
DOT_RADIUS = 6.5
WRAP = 300.0
"""Sizes are for a screen of ordinary density and grow with its content scale."""


@dataclass(frozen=True, slots=True)
class RecordingSign:
    """How a recording is doing."""

    seconds: float
    """Since it began."""
    size: int
    """Bytes on the disk."""
    camera: bool
    """Whether the camera's pictures are recorded, too."""
    sound: bool
    """Whether a microphone is."""
    warning: str = ""
    """What may soon end it."""
    stopped: str = ""
    """Why it has ended, if it has."""

    @property
    def title(self) -> str:
        """As `REC 00:12`."""
        minutes, seconds = divmod(int(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"
        return "RECORDING STOPPED" if self.stopped else f"REC {clock}"

    @property
    def line(self) -> str:
        """All that matters in one line, for inside a headset."""
        if self.stopped:
            return self.title
        low = "  DISK NEARLY FULL" if self.warning else ""
        return "  ".join((self.title, *self.kept)) + low

    @property
    def kept(self) -> tuple[str, ...]:
        """What is recorded besides motion."""
        return tuple(word for word, on in ((SOUND, self.sound), (CAMERA, self.camera)) if on)


def draw_recording_sign(sign: RecordingSign, width: int, scale: float) -> None:
    """Issue the imgui calls of the sign in the upper right corner (between new_frame and render).

    Args:
        width: of the framebuffer, pixels.
        scale: the screen's content scale.
    """
    imgui.push_font(None, 15.0 * scale)
    imgui.set_next_window_pos(imgui.ImVec2(width - MARGIN * scale, MARGIN * scale), pivot=imgui.ImVec2(1.0, 0.0))
    imgui.set_next_window_bg_alpha(0.8)
    flags = (
        imgui.WindowFlags_.no_decoration
        | imgui.WindowFlags_.no_inputs
        | imgui.WindowFlags_.always_auto_resize
        | imgui.WindowFlags_.no_saved_settings
    )
    imgui.begin("recording", None, flags)
    _dot(AMBER if sign.stopped else RED, scale)
    imgui.same_line()
    imgui.text(sign.title)
    if not sign.stopped:
        imgui.same_line()
        _colored(f"{sign.size / 1e6:.1f} MB", GREY)
        for word in sign.kept:
            imgui.same_line()
            _colored(word, RED if word == CAMERA else WHITE)
    for line in (sign.stopped, sign.warning if not sign.stopped else ""):
        if line:
            imgui.push_text_wrap_pos(WRAP * scale)
            _colored(line, AMBER)
            imgui.pop_text_wrap_pos()
    imgui.end()
    imgui.pop_font()


def _dot(color: tuple[float, float, float], scale: float) -> None:
    at, radius = imgui.get_cursor_screen_pos(), DOT_RADIUS * scale
    middle = imgui.ImVec2(at.x + radius, at.y + 0.5 * imgui.get_text_line_height())
    imgui.get_window_draw_list().add_circle_filled(
        middle, radius, imgui.color_convert_float4_to_u32(imgui.ImVec4(*color, 1.0))
    )
    imgui.dummy(imgui.ImVec2(2.0 * radius, imgui.get_text_line_height()))


def _colored(text: str, color: tuple[float, float, float]) -> None:
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(*color, 1.0))
    imgui.text_unformatted(text)
    imgui.pop_style_color()
