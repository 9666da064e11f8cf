"""The pictures: where they land on the display, in which colours, and whose they are."""

import numpy as np
import pytest
from jaxtyping import UInt8
from OpenGL import GL

from inperson.render.xr import extensions, swapchains
from inperson.render.xr.swapchains import COLOR_FORMAT, EyeTarget
from tests.vr.monado import MonadoService
from tests.vr.session_client import Draw, SessionClient

GREY, GREEN, BLUE = (128, 128, 128), (0, 255, 0), (0, 0, 255)
LOWER_LEFT = ((255, 0, 0), (255, 0, 255))
"""Of the left and of the right eye."""


def corners(scale: float) -> Draw:
    """Grey with a mark in the lower left and one in the upper right corner; the pixels outside are green."""

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        width, height = round(targets[0].max_width * scale), round(targets[0].max_height * scale)
        for target, mark in zip(targets, LOWER_LEFT, strict=True):
            target.framebuffer.clear(*encoded(GREEN))
            target.framebuffer.clear(*encoded(GREY), viewport=(0, 0, width, height))
            target.framebuffer.clear(*encoded(mark), viewport=(0, 0, width // 2, height // 4))
            right, top = width - width // 4, height - height // 2
            target.framebuffer.clear(*encoded(BLUE), viewport=(right, top, width - right, height - top))
        return width, height

    return draw


def encoded(color: tuple[int, int, int]) -> tuple[float, float, float, float]:
    r, g, b = color
    return r / 255, g / 255, b / 255, 1.0


def eyes_on_screen(picture: UInt8[np.ndarray, "h w 3"]) -> tuple[UInt8[np.ndarray, "h w 3"], ...]:
    """Monado's window shows the eyes side by side; the rest of the screen is black."""
    rows, columns = np.nonzero(picture.any(axis=2))
    shown = picture[: rows.max() + 1, : columns.max() + 1]
    half = shown.shape[1] // 2
    return shown[:, :half], shown[:, half:]


@pytest.mark.parametrize("scale", [1.0, 0.55])
def test_what_is_drawn_is_what_is_shown(monado_xcb: MonadoService, scale: float):
    with SessionClient() as client:
        client.show(corners(scale), frames=8)
        shown = eyes_on_screen(monado_xcb.screenshot())
    for eye, mark in zip(shown, LOWER_LEFT, strict=True):
        height, width, _ = eye.shape

        def at(x: float, y: float, eye=eye, width=width, height=height) -> tuple[int, ...]:
            return tuple(map(int, eye[int(y * height), int(x * width)]))

        assert at(0.25, 0.25) == GREY  # encoded as it was drawn: no second gamma
        assert at(0.25, 0.88) == mark
        assert at(0.88, 0.25) == BLUE
        assert at(0.88, 0.88) == GREY
        # edges in their places: the marks' inner corners
        assert at(0.49, 0.76) == mark
        assert at(0.51, 0.74) == GREY
        assert at(0.76, 0.49) == BLUE
        assert at(0.74, 0.51) == GREY
        assert not (eye == GREEN).all(axis=2).any()


def test_targets_are_made_once_for_each_picture(monado_null: MonadoService):
    seen: set[tuple[int, int]] = set()

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        left, right = targets
        assert (left.layer, right.layer) == (0, 1)
        assert left.color_glo == right.color_glo
        assert left.framebuffer.size == right.framebuffer.size == (left.max_width, left.max_height) == (320, 240)
        assert left.framebuffer.viewport == (0, 0, 320, 240)
        seen.update((target.framebuffer.glo, target.color_glo) for target in targets)
        return left.max_width, left.max_height

    with SessionClient() as client:
        client.show(draw, frames=12)
    assert len(seen) == 6  # Monado's three pictures, two eyes
    assert len({framebuffer for framebuffer, _ in seen}) == 6


def test_each_eye_has_its_own_colour_and_depth(monado_null: MonadoService):
    read = []

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        for target, level, depth in zip(targets, (51, 204), (0.25, 0.75), strict=True):
            target.framebuffer.clear(*encoded((level, level, level)), depth=depth)
        for target in targets:
            pixels = np.frombuffer(target.framebuffer.read(), np.uint8)
            depths = np.frombuffer(target.framebuffer.read(components=1, attachment=-1, dtype="f4"), np.float32)
            read.append((set(pixels), depths.min(), depths.max(), pixels.size, depths.size))
        return targets[0].max_width, targets[0].max_height

    with SessionClient() as client:
        client.show(draw, frames=0)
    pixels, depths = 320 * 240 * 3, 320 * 240
    assert read[:2] == [({51}, 0.25, 0.25, pixels, depths), ({204}, 0.75, 0.75, pixels, depths)]


def test_pictures_are_srgb_arrays(monado_null: MonadoService):
    formats = []

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        for glo in (targets[0].color_glo, targets[0].depth_glo):
            GL.glBindTexture(GL.GL_TEXTURE_2D_ARRAY, glo)
            formats.append(int(GL.glGetTexLevelParameteriv(GL.GL_TEXTURE_2D_ARRAY, 0, GL.GL_TEXTURE_INTERNAL_FORMAT)))
        return targets[0].max_width, targets[0].max_height

    with SessionClient() as client:
        client.show(draw, frames=0)
    assert formats == [COLOR_FORMAT, GL.GL_DEPTH_COMPONENT32F]


def test_without_the_depth_layer_each_eye_has_a_depth_of_its_own(
    monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch
):
    offered = tuple(name for name in extensions.OPTIONAL if name != extensions.DEPTH_LAYER)
    monkeypatch.setattr(extensions, "OPTIONAL", offered)
    depths = set()

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        for target, depth in zip(targets, (0.125, 0.5), strict=True):
            target.framebuffer.clear(depth=depth)
        for target in targets:
            value = np.frombuffer(target.framebuffer.read(components=1, attachment=-1, dtype="f4"), np.float32)
            depths.add((target.depth_glo, round(float(value.mean()), 3)))
        return targets[0].max_width, targets[0].max_height

    with SessionClient() as client:
        assert client.session.swapchains.depth is None
        client.show(draw)
    assert sorted(depth for _, depth in depths) == [0.125, 0.5]


@pytest.mark.parametrize("depth_format", [GL.GL_DEPTH24_STENCIL8, GL.GL_DEPTH32F_STENCIL8, GL.GL_DEPTH_COMPONENT16])
def test_every_depth_format_that_the_runtime_has(
    monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch, depth_format: int
):
    monkeypatch.setattr(swapchains, "DEPTH_FORMATS", (int(depth_format),))
    values = []

    def draw(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
        for target in targets:
            target.framebuffer.clear(depth=0.375)
            depth = np.frombuffer(target.framebuffer.read(components=1, attachment=-1, dtype="f4"), np.float32)
            values.extend((depth.min(), depth.max()))
        return targets[0].max_width, targets[0].max_height

    with SessionClient() as client:
        assert client.session.swapchains.depth is not None
        client.show(draw)
    np.testing.assert_allclose(values, 0.375, atol=1e-5)


def test_pictures_go_back_when_nothing_was_drawn(monado_null: MonadoService):
    with SessionClient() as client:
        client.show()
        for _ in range(5):  # more often than there are pictures
            client.session.swapchains.acquire()
            client.session.swapchains.release()
        client.session.swapchains.release()  # nothing is out: nothing happens
        client.frame()
