"""Rooms behind a webcam's subject: wall, window, shelf, door, pictures, plant, drawn plainly and out of focus."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFilter

from inperson.synthetic.people import hsv_to_rgb

Color = tuple[int, int, int]
_DRAWN_AT = 2
"""Drawn at twice the size, then averaged down."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A drawing of the room; lengths are fractions of its height, x from the left."""

    draw: ImageDraw.ImageDraw
    width: int
    height: int

    def box(self, x: float, y: float, w: float, h: float, color: Color) -> None:
        """A filled rectangle."""
        s = self.height
        self.draw.rectangle((x * s, y * s, (x + w) * s, (y + h) * s), fill=color)


def sample_room(rng: np.random.Generator, width: int, height: int, blur: float = 0.006) -> UInt8[np.ndarray, "H W 3"]:
    """A random room; `blur` is the circle of confusion as a share of the height."""
    hue = float(rng.uniform(0.04, 0.62))
    wall = np.array(hsv_to_rgb(hue, float(rng.uniform(0.03, 0.16)), float(rng.uniform(0.62, 0.86))))
    w, h = width * _DRAWN_AT, height * _DRAWN_AT
    image = Image.fromarray(_wall(rng, wall, w, h))
    sheet = _Sheet(ImageDraw.Draw(image), w, h)
    aspect = width / height
    side = rng.random() < 0.5
    things = [_window, _shelf, _door, _pictures]
    left, right = rng.permutation(len(things))[:2]
    things[left](rng, sheet, 0.02 + 0.03 * rng.random(), wall)
    things[right](rng, sheet, aspect - 0.48 + 0.04 * rng.random(), wall)
    if rng.random() < 0.6:
        _plant(rng, sheet, 0.16 if side else aspect - 0.14)
    image = image.filter(ImageFilter.GaussianBlur(blur * h))
    image = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(image)


def _wall(rng: np.random.Generator, wall: np.ndarray, w: int, h: int) -> UInt8[np.ndarray, "h w 3"]:
    """Plaster lit from one side, darker towards the corners, with a skirting of shade at the bottom."""
    y, x = np.mgrid[0:h, 0:w] / np.array([h, w]).reshape(2, 1, 1)
    slope = rng.uniform(-0.14, 0.14)
    shade = 1.0 + slope * (x - 0.5) - 0.10 * (y - 0.3) - 0.10 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    plaster = rng.normal(0.0, 0.012, (h // 8 + 1, w // 8 + 1)).repeat(8, 0).repeat(8, 1)[:h, :w]
    return (np.clip(wall * (shade + plaster)[..., None], 0.0, 1.0) * 255.0).astype(np.uint8)


def _shaded(wall: np.ndarray, factor: float) -> Color:
    r, g, b = np.clip(wall * factor, 0.0, 1.0) * 255.0
    return int(r), int(g), int(b)


def _muted(rng: np.random.Generator, low: float = 0.2, high: float = 0.75) -> Color:
    r, g, b = hsv_to_rgb(float(rng.random()), float(rng.uniform(0.1, 0.6)), float(rng.uniform(low, high)))
    return int(255 * r), int(255 * g), int(255 * b)


def _wood(rng: np.random.Generator, low: float = 0.25, high: float = 0.6) -> Color:
    r, g, b = hsv_to_rgb(float(rng.uniform(0.05, 0.11)), float(rng.uniform(0.2, 0.6)), float(rng.uniform(low, high)))
    return int(255 * r), int(255 * g), int(255 * b)


def _window(rng: np.random.Generator, sheet: _Sheet, x: float, wall: np.ndarray) -> None:
    """Daylight, a hint of trees, frame and sill."""
    y, w, h = rng.uniform(0.04, 0.12), 0.40, 0.52
    sheet.box(x - 0.02, y - 0.02, w + 0.04, h + 0.04, (236, 234, 230))
    sheet.box(x, y, w, h, (214, 228, 240))
    for _ in range(14):
        cx, cy = x + rng.uniform(0, w), y + h * rng.uniform(0.55, 1.0)
        r = rng.uniform(0.02, 0.06)
        box = [max(x, cx - r), max(y, cy - r), min(x + w, cx + r), min(y + h, cy + r)]
        tone = int(rng.uniform(120, 170))
        sheet.draw.ellipse([v * sheet.height for v in box], fill=(tone - 20, tone + 15, tone - 40))
    sheet.box(x + w / 2 - 0.008, y, 0.016, h, (232, 230, 226))
    sheet.box(x - 0.04, y + h + 0.02, w + 0.08, 0.025, _shaded(wall, 0.9))


def _shelf(rng: np.random.Generator, sheet: _Sheet, x: float, wall: np.ndarray) -> None:
    """A bookcase: boards, books of all colours and heights, gaps."""
    wood = _wood(rng)
    dark = (int(wood[0] * 0.6), int(wood[1] * 0.6), int(wood[2] * 0.6))
    w, rows, top, step = 0.42, 4, rng.uniform(0.05, 0.15), 0.22
    sheet.box(x, top, w, rows * step, dark)
    for row in range(rows):
        bottom = top + (row + 1) * step
        at = x + 0.015
        while at < x + w - 0.03:
            width, height = rng.uniform(0.012, 0.034), rng.uniform(0.11, 0.175)
            if rng.random() < 0.86:
                sheet.box(at, bottom - height, width - 0.002, height, _muted(rng))
            at += width
        sheet.box(x, bottom - 0.012, w, 0.016, wood)
    for edge in (x, x + w - 0.012):
        sheet.box(edge, top, 0.012, rows * step, wood)


def _door(rng: np.random.Generator, sheet: _Sheet, x: float, wall: np.ndarray) -> None:
    """A panelled door in its frame."""
    sheet.box(x - 0.025, 0.03, 0.45, 1.0, _shaded(wall, 1.06))
    sheet.box(x, 0.06, 0.40, 1.0, _shaded(wall, 0.93))
    for py, ph in ((0.12, 0.34), (0.54, 0.40)):
        for px in (0.05, 0.22):
            sheet.box(x + px, py, 0.13, ph, _shaded(wall, 0.86))
            sheet.box(x + px + 0.008, py + 0.008, 0.114, ph - 0.016, _shaded(wall, 0.91))
    knob = (x + 0.365, 0.60)
    box = [knob[0] - 0.012, knob[1] - 0.012, knob[0] + 0.012, knob[1] + 0.012]
    sheet.draw.ellipse([v * sheet.height for v in box], fill=(120, 105, 80))


def _pictures(rng: np.random.Generator, sheet: _Sheet, x: float, wall: np.ndarray) -> None:
    """Framed pictures above a sideboard."""
    frame = _wood(rng, 0.1, 0.35)
    for k in range(2):
        px, py, size = x + 0.21 * k, rng.uniform(0.10, 0.16), rng.uniform(0.15, 0.19)
        sheet.box(px + 0.006, py + 0.01, size, 1.25 * size, _shaded(wall, 0.8))
        sheet.box(px, py, size, 1.25 * size, frame)
        sheet.box(px + 0.012, py + 0.012, size - 0.024, 1.25 * size - 0.024, (226, 222, 212))
        sheet.box(px + 0.04, py + 0.05, size - 0.08, 1.25 * size - 0.10, _muted(rng))
    sheet.box(x - 0.03, 0.66, 0.50, 0.40, _wood(rng))
    sheet.box(x - 0.04, 0.64, 0.52, 0.025, _wood(rng))


def _plant(rng: np.random.Generator, sheet: _Sheet, x: float) -> None:
    """Leaves from a pot."""
    for _ in range(26):
        angle, length = rng.uniform(-1.1, 1.1), rng.uniform(0.10, 0.26)
        tip = (x + length * np.sin(angle), 0.82 - length * np.cos(angle))
        green = int(rng.uniform(70, 130))
        points = [(x, 0.84), (tip[0] - 0.02, tip[1] + 0.03), tip, (tip[0] + 0.02, tip[1] + 0.04)]
        fill = (green // 2, green, green // 3)
        sheet.draw.polygon([(px * sheet.height, py * sheet.height) for px, py in points], fill=fill)
    sheet.box(x - 0.06, 0.83, 0.12, 0.2, _muted(rng, 0.4, 0.7))
