"""What the mirror window shows over the picture: timings, confidence, the camera with its landmarks, hot keys."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui
from jaxtyping import Float, UInt8

from inperson.render.overlay_timeline import (
    MARGIN,
    PANEL_HEIGHT,
    TIMELINE_KEYS_HELP,
    Timeline,
    TimelineRequest,
    draw_timeline,
)

PANEL_WIDTH = 330.0
PREVIEW_WIDTH = 240.0
"""Sizes are for a screen of ordinary density and grow with its content scale."""

KEYS_HELP = "C recenter   O overlay   M mirror   N next avatar   Q quit"
SHADER_KEYS_HELP = "S shader   X split: without | with"

_HAND_BONES = (
    (0, 1, 2, 3, 4),
    (0, 5, 6, 7, 8),
    (9, 10, 11, 12),
    (13, 14, 15, 16),
    (0, 17, 18, 19, 20),
    (5, 9, 13, 17),
)
BONES: dict[str, tuple[tuple[int, ...], ...]] = {
    "body": ((11, 12, 24, 23, 11), (11, 13, 15), (12, 14, 16)),
    "left_hand": _HAND_BONES,
    "right_hand": _HAND_BONES,
}
"""Chains of MediaPipe's landmarks that are joined by lines; a part without chains is drawn as dots."""

_COLORS = {
    "body": (0.35, 0.85, 1.0),
    "left_hand": (1.0, 0.75, 0.2),
    "right_hand": (1.0, 0.45, 0.75),
    "face": (0.6, 1.0, 0.6),
}
_GOOD, _POOR, _LOST = (0.35, 0.85, 0.45), (0.95, 0.75, 0.25), (0.9, 0.35, 0.3)


@dataclass(frozen=True, slots=True)
class StageLine:
    """One row of the timing table, milliseconds."""

    name: str
    p50: float
    p95: float
    p99: float | None = None
    """Where it is shown."""


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """What the camera sees and what was found in it."""

    preview: UInt8[np.ndarray, "h w 3"]
    """The camera's picture, not mirrored."""
    marks: Mapping[str, Float[np.ndarray, "n 2"]]
    """Landmarks by part of `BONES` or `face`, 0 to 1 across the preview."""


@dataclass(frozen=True, slots=True)
class HeadsetLines:
    """How the headset is doing."""

    title: str
    """Its runtime and state."""
    summary: str
    """Rate, missed frames, resolution; empty before the first frame."""
    stages: tuple[StageLine, ...]


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything the overlay shows. Figures are of the last seconds."""

    source: str
    avatar: str
    stages: tuple[StageLine, ...]
    age_ms: float
    """From capture to pixels on the screen (median)."""
    tracking_fps: float
    display_fps: float
    dropped: int
    """Camera frames that were never tracked."""
    confidence: Mapping[str, float]
    """By part, 0 to 1; empty when nothing is tracked."""
    camera: CameraPicture | None
    """None when nothing is tracked."""
    headset: HeadsetLines | None
    """None without one."""
    reflected: bool
    """Whether the picture below is a mirror's; the preview then is one as well."""
    shader: str = ""
    """How the video shader stands; empty where there is none, and then its keys are not listed."""
    notice: str = ""
    """One line in the middle, such as that nobody is in view."""
    timeline: Timeline | None = None
    """Where a replay is; None in a live session."""


def draw_overlay(
    overlay: Overlay, preview: imgui.ImTextureRef | None, width: int, height: int, scale: float
) -> TimelineRequest | None:
    """Issue the imgui calls of one frame (between new_frame and render).

    Args:
        preview: the texture that holds the camera's picture, if there is one.
        width, height: of the framebuffer, pixels.
        scale: the screen's content scale (1 on ordinary screens, 2 on dense ones).

    Returns:
        What the mouse asked the timeline for, if there is one.
    """
    imgui.push_font(None, 15.0 * scale)
    request = None
    keys = [KEYS_HELP, *([SHADER_KEYS_HELP] if overlay.shader else [])]
    if overlay.timeline is not None:
        request = draw_timeline(overlay.timeline, width, height, scale)
        height -= round((PANEL_HEIGHT + MARGIN) * scale)  # everything else is above it
        keys.append(TIMELINE_KEYS_HELP)
    _panel(overlay, scale)
    if overlay.camera is not None and preview is not None:
        _camera(overlay.camera, overlay.reflected, preview, width, height, scale)
    _keys("\n".join(keys), height, scale)
    if overlay.notice:
        _notice(overlay.notice, width, height)
    imgui.pop_font()
    return request


def _panel(overlay: Overlay, scale: float) -> None:
    imgui.set_next_window_pos(imgui.ImVec2(MARGIN * scale, MARGIN * scale))
    imgui.set_next_window_size(imgui.ImVec2(PANEL_WIDTH * scale, 0.0))
    _begin("timings")
    imgui.text(overlay.avatar)
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(0.65, 0.65, 0.65, 1.0))
    imgui.text_wrapped(overlay.source)
    imgui.pop_style_color()
    imgui.separator()
    _stage_table("stages", overlay.stages, scale)
    imgui.separator()
    if overlay.camera is not None:
        imgui.text(f"capture to photon {overlay.age_ms:.0f} ms")
        imgui.text(f"tracking {overlay.tracking_fps:.1f}/s   display {overlay.display_fps:.1f}/s")
        imgui.text(f"dropped frames {overlay.dropped}")
    else:
        imgui.text(f"display {overlay.display_fps:.1f}/s")
    if overlay.shader:
        imgui.text_wrapped(f"shader {overlay.shader}")
    if overlay.headset is not None:
        imgui.separator()
        _headset(overlay.headset, scale)
    imgui.separator()
    for part, value in overlay.confidence.items():
        _confidence_bar(part.replace("_", " "), value, scale)
    imgui.end()


def _headset(headset: HeadsetLines, scale: float) -> None:
    imgui.text_wrapped(headset.title)
    if headset.summary:
        imgui.text_wrapped(headset.summary)
        _stage_table("headset", headset.stages, scale)


def _stage_table(name: str, stages: tuple[StageLine, ...], scale: float) -> None:
    """One row a stage; the third column where some stage has it."""
    thirds = any(line.p99 is not None for line in stages)
    if imgui.begin_table(name, 4 if thirds else 3):
        imgui.table_setup_column("stage", imgui.TableColumnFlags_.width_stretch)
        for heading in ("p50 ms", "p95 ms", "p99 ms")[: 3 if thirds else 2]:
            imgui.table_setup_column(heading, imgui.TableColumnFlags_.width_fixed, 62.0 * scale)
        imgui.table_headers_row()
        for line in stages:
            values = (line.p50, line.p95, *(() if line.p99 is None else (line.p99,)))
            for cell in (line.name, *(f"{value:7.1f}" for value in values)):
                imgui.table_next_column()
                imgui.text(cell)
        imgui.end_table()


def _confidence_bar(name: str, value: float, scale: float) -> None:
    color = _GOOD if value > 0.6 else _POOR if value > 0.2 else _LOST
    imgui.push_style_color(imgui.Col_.plot_histogram, imgui.ImVec4(*color, 1.0))
    imgui.progress_bar(value, imgui.ImVec2(150.0 * scale, 14.0 * scale), f"{100.0 * value:.0f}%")
    imgui.pop_style_color()
    imgui.same_line()
    imgui.text(name)


def _camera(
    camera: CameraPicture, reflected: bool, texture: imgui.ImTextureRef, width: int, height: int, scale: float
) -> None:
    rows, columns = camera.preview.shape[:2]
    w = min(PREVIEW_WIDTH * scale, 0.35 * width)
    h = w * rows / columns
    left, top = width - w - MARGIN * scale, height - h - MARGIN * scale
    canvas = imgui.get_background_draw_list()
    x0, x1 = (1.0, 0.0) if reflected else (0.0, 1.0)
    corner, opposite = imgui.ImVec2(left, top), imgui.ImVec2(left + w, top + h)
    canvas.add_image(texture, corner, opposite, imgui.ImVec2(x0, 0.0), imgui.ImVec2(x1, 1.0))
    canvas.add_rect(corner, opposite, _rgba((1.0, 1.0, 1.0), 0.6))
    for part, marks in camera.marks.items():
        x = 1.0 - marks[:, 0] if reflected else marks[:, 0]
        points = np.stack([left + x * w, top + marks[:, 1] * h], axis=1)
        _landmarks(canvas, part, points, scale)


def _landmarks(canvas: imgui.ImDrawList, part: str, points: Float[np.ndarray, "n 2"], scale: float) -> None:
    color = _rgba(_COLORS[part], 0.9)
    if part not in BONES:
        for x, y in points[::6]:
            canvas.add_circle_filled(imgui.ImVec2(float(x), float(y)), 0.9 * scale, color)
        return
    for chain in BONES[part]:
        canvas.add_polyline([imgui.ImVec2(float(x), float(y)) for x, y in points[list(chain)]], color, 1.5 * scale, 0)


def _keys(text: str, height: int, scale: float) -> None:
    imgui.set_next_window_pos(imgui.ImVec2(MARGIN * scale, height - MARGIN * scale), pivot=imgui.ImVec2(0.0, 1.0))
    _begin("keys")
    imgui.text(text)
    imgui.end()


def _notice(text: str, width: int, height: int) -> None:
    imgui.set_next_window_pos(imgui.ImVec2(0.5 * width, 0.5 * height), pivot=imgui.ImVec2(0.5, 0.5))
    _begin("notice")
    imgui.text(text)
    imgui.end()


def _begin(name: str) -> None:
    flags = (
        imgui.WindowFlags_.no_decoration
        | imgui.WindowFlags_.no_inputs
        | imgui.WindowFlags_.always_auto_resize
        | imgui.WindowFlags_.no_saved_settings
    )
    imgui.set_next_window_bg_alpha(0.72)
    imgui.begin(name, None, flags)


def _rgba(color: tuple[float, float, float], alpha: float) -> int:
    return imgui.color_convert_float4_to_u32(imgui.ImVec4(*color, alpha))
