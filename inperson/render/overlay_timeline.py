"""The timeline of a replay's window: where the replay is, what happened when, and where the mouse wants to go."""

from dataclasses import dataclass

from imgui_bundle import imgui

MARGIN = 12.0
"""Around every panel."""
PADDING = 10.0
BAR_HEIGHT = 22.0
BUTTON_WIDTH = 26.0
PANEL_HEIGHT = BAR_HEIGHT + 2.0 * PADDING
REACH = 5.0
"""Pixels from a mark within which the mouse means it. Sizes grow with the screen's content scale."""

TIMELINE_KEYS_HELP = "Space pause   Left Right 5 s   , . one state   Home End   Up Down speed   L loop"

_COLORS = {
    "lost": (0.95, 0.75, 0.25),
    "found": (0.35, 0.85, 0.45),
    "recenter": (0.35, 0.85, 1.0),
    "avatar": (1.0, 0.45, 0.75),
    "warning": (0.95, 0.40, 0.3),
}
_OTHER = (0.8, 0.8, 0.8)
_TRACK, _DONE, _HEAD = (0.28, 0.28, 0.30), (0.30, 0.50, 0.75), (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened."""

    seconds: float
    kind: str
    """Says its colour: `lost`, `found`, `recenter`, `avatar`, `warning`; others are grey."""
    text: str
    """Shown while the mouse is on it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where a replay is. Seconds from the start of the recording."""

    begin_s: float
    end_s: float
    """What is played."""
    position_s: float
    speed: float
    playing: bool
    loop: bool
    sound: str
    """How the voice is doing, in a word; empty where there is none."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """What the mouse asks for."""

    toggle: bool = False
    """Play or pause."""
    seek_s: float | None = None
    """Go there; the button is still held down."""


def clock_text(seconds: float) -> str:
    """A moment as people read it: `1:02.5`, or `1:00:02.5`."""
    tenths = int(10.0 * seconds + 1e-6)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes}:{rest / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{rest / 10:04.1f}" if hours else clock


def draw_timeline(timeline: Timeline, width: int, height: int, scale: float) -> TimelineRequest | None:
    """Issue the imgui calls of one frame.

    Args:
        width, height: of the framebuffer, pixels.
        scale: the screen's content scale.

    Returns:
        What the mouse asked for since the last frame, if anything.
    """
    imgui.set_next_window_pos(imgui.ImVec2(MARGIN * scale, height - MARGIN * scale), pivot=imgui.ImVec2(0.0, 1.0))
    imgui.set_next_window_size(imgui.ImVec2(width - 2.0 * MARGIN * scale, PANEL_HEIGHT * scale))
    imgui.set_next_window_bg_alpha(0.8)
    imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(PADDING * scale, PADDING * scale))
    flags = imgui.WindowFlags_.no_decoration | imgui.WindowFlags_.no_move | imgui.WindowFlags_.no_saved_settings
    imgui.begin("timeline", None, flags | imgui.WindowFlags_.no_nav)
    imgui.pop_style_var()
    toggle = _play_button(timeline.playing, scale)
    imgui.same_line()
    imgui.align_text_to_frame_padding()
    imgui.text(f"{clock_text(timeline.position_s)} / {clock_text(timeline.end_s)}")
    imgui.same_line()
    status = _status(timeline)
    room = imgui.get_content_region_avail().x - imgui.calc_text_size(status).x - 2.0 * PADDING * scale
    seek_s = _bar(timeline, max(room, 1.0), scale)
    imgui.same_line(0.0, 2.0 * PADDING * scale)
    imgui.align_text_to_frame_padding()
    imgui.text(status)
    imgui.end()
    return TimelineRequest(toggle, seek_s) if toggle or seek_s is not None else None


def _status(timeline: Timeline) -> str:
    words = (f"{timeline.speed:g}x", "loop" if timeline.loop else "", timeline.sound)
    return "   ".join(word for word in words if word)


def _play_button(playing: bool, scale: float) -> bool:
    """Two bars while it plays, a triangle while it does not."""
    corner = imgui.get_cursor_screen_pos()
    size = imgui.ImVec2(BUTTON_WIDTH * scale, BAR_HEIGHT * scale)
    pressed = imgui.invisible_button("play", size)
    color = _rgba(_HEAD, 1.0 if imgui.is_item_hovered() else 0.75)
    canvas, third = imgui.get_window_draw_list(), size.x / 3.0
    top, bottom = corner.y + 0.12 * size.y, corner.y + 0.88 * size.y
    if playing:
        for left in (corner.x + 0.5 * third, corner.x + 1.75 * third):
            canvas.add_rect_filled(imgui.ImVec2(left, top), imgui.ImVec2(left + 0.75 * third, bottom), color)
    else:
        left, right = corner.x + 0.5 * third, corner.x + 2.6 * third
        points = (imgui.ImVec2(left, top), imgui.ImVec2(right, 0.5 * (top + bottom)), imgui.ImVec2(left, bottom))
        canvas.add_triangle_filled(*points, color)
    return pressed


def _bar(timeline: Timeline, width: float, scale: float) -> float | None:
    """The track with its marks; where the mouse holds it, if it does."""
    corner, height = imgui.get_cursor_screen_pos(), BAR_HEIGHT * scale
    imgui.invisible_button("track", imgui.ImVec2(width, height))
    length = max(timeline.end_s - timeline.begin_s, 1e-9)

    def across(seconds: float) -> float:
        return corner.x + width * min(max((seconds - timeline.begin_s) / length, 0.0), 1.0)

    mouse = imgui.get_mouse_pos().x
    pointed = timeline.begin_s + length * min(max((mouse - corner.x) / width, 0.0), 1.0)
    _draw_track(timeline, corner, width, scale, across(timeline.position_s))
    canvas = imgui.get_window_draw_list()
    for mark in timeline.marks:
        x = across(mark.seconds)
        top, bottom = imgui.ImVec2(x, corner.y + 1.0), imgui.ImVec2(x, corner.y + height - 1.0)
        canvas.add_line(top, bottom, _rgba(_COLORS.get(mark.kind, _OTHER), 1.0), 2.0 * scale)
    if imgui.is_item_hovered() or imgui.is_item_active():
        near = [mark for mark in timeline.marks if abs(across(mark.seconds) - mouse) <= REACH * scale]
        lines = [f"{clock_text(mark.seconds)}  {mark.text}" for mark in near]
        above = imgui.ImVec2(mouse, corner.y - PADDING * scale)
        imgui.set_next_window_pos(above, pivot=imgui.ImVec2(0.5, 1.0))
        imgui.set_tooltip("\n".join(lines) or clock_text(pointed))
    return pointed if imgui.is_item_active() else None


def _draw_track(timeline: Timeline, corner: imgui.ImVec2, width: float, scale: float, head: float) -> None:
    canvas = imgui.get_window_draw_list()
    height = BAR_HEIGHT * scale
    top, bottom = corner.y + 0.3 * height, corner.y + 0.7 * height
    rounding = 0.15 * height
    begin = imgui.ImVec2(corner.x, top)
    canvas.add_rect_filled(begin, imgui.ImVec2(corner.x + width, bottom), _rgba(_TRACK, 1.0), rounding)
    canvas.add_rect_filled(begin, imgui.ImVec2(head, bottom), _rgba(_DONE, 1.0), rounding)
    canvas.add_circle_filled(imgui.ImVec2(head, corner.y + 0.5 * height), 0.32 * height, _rgba(_HEAD, 1.0))


def _rgba(color: tuple[float, float, float], alpha: float) -> int:
    return imgui.color_convert_float4_to_u32(imgui.ImVec4(*color, alpha))
