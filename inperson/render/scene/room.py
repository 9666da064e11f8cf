"""`Room`: floor, sky and mirror, drawn before the avatar."""

from dataclasses import dataclass

import moderngl
import numpy as np
from jaxtyping import Float

from inperson.render.scene import shaders
from inperson.render.scene.crop import PixelRectangle, pixels_of_polygon
from inperson.render.scene.polygon import cut
from inperson.render.scene.rays import (
    clip_from_pixels,
    floor_s_of_ray,
    ray_from_clip,
    set_uniforms,
    uniforms_of,
    upright_s_of_ray,
)
from inperson.render.scene.scenes import MIRROR, SceneName
from inperson.render.views import EyeView

ALWAYS = "1"
"""moderngl's name of GL_ALWAYS: depth is written without being tested."""
MOST_CORNERS = 64
"""Of all polygons of one eye together."""
CLIP_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
NO_SHADOW = (0.0, 0.0, 1e3)
NO_SHADOW = (0.0, 0.0, 1e3)
NO_DISTANCE = (0.0, 0.0, 0.0)
"""s of the sky, for every ray."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A round blob on the floor, metres."""

    x: float
    z: float
    radius: float


@dataclass(frozen=True, slots=True)
class _Part:
    """A convex polygon of the picture and what is seen in it."""

    program: moderngl.Program
    corners: Float[np.ndarray, "N 2"]
    """In clip space."""
    s_of_ray: tuple[float, float, float]
    in_mirror: bool


class Room:
    """What a scene has besides the avatar.

    The picture is cut along the horizon and the mirror gets its rectangle to itself, so that no pixel pays for what
    it does not show.

    Args:
        context: of OpenGL; stays the caller's.
        passthrough: of the floor only the shadow, and no sky.
    """

    def __init__(self, context: moderngl.Context, scene: SceneName, *, passthrough: bool) -> None:
        self._context, self._passthrough, self._has_mirror = context, passthrough, scene == "mirror"
        compile_ = lambda fragment: context.program(shaders.VERTEX, fragment)  # noqa: E731
        self._floor = compile_(shaders.SHADOW_ALONE if passthrough else shaders.FLOOR)
        self._sky = compile_(shaders.SKY)
        self._frame = compile_(shaders.FRAME)
        self._floor_in_glass, self._sky_in_glass = compile_(shaders.FLOOR_IN_GLASS), compile_(shaders.SKY_IN_GLASS)
        self._programs = self._floor, self._sky, self._frame, self._floor_in_glass, self._sky_in_glass
        self._corners = context.buffer(reserve=MOST_CORNERS * 8, dynamic=True)
        layout = [(self._corners, "2f", "corner")]
        self._arrays = {program: context.vertex_array(program, layout) for program in self._programs}

    def draw(self, view: EyeView, shadow: Shadow | None, *, spare_hidden: bool) -> None:
        """Into the framebuffer in use, which is clear, with depth test and premultiplied blending set up.

        Args:
            spare_hidden: leave alone what is at the near plane already.
        """
        parts = self._parts(view)
        self._corners.write(np.concatenate([part.corners for part in parts]).astype(np.float32))
        uniforms = uniforms_of(view)
        uniforms["shadow"] = NO_SHADOW if shadow is None else (shadow.x, shadow.z, 1.0 / shadow.radius)
        first = 0
        for part in parts:
            set_uniforms(part.program, uniforms | {"s_of_ray": part.s_of_ray})
            self._context.depth_func = "<=" if spare_hidden and not part.in_mirror else ALWAYS
            (self._context.enable if part.in_mirror else self._context.disable)(moderngl.BLEND)
            self._arrays[part.program].render(moderngl.TRIANGLE_FAN, len(part.corners), first=first)
            first += len(part.corners)

    def close(self) -> None:
        """Free what was made on the GPU."""
        for array in self._arrays.values():
            array.release()
        for program in self._programs:
            program.release()
        self._corners.release()

    def _parts(self, view: EyeView) -> list[_Part]:
        below, above = _at_horizon(view, CLIP_SQUARE)
        parts = [_Part(self._floor, below, floor_s_of_ray(view), in_mirror=False)]
        if not self._passthrough:
            parts.append(_Part(self._sky, above, NO_DISTANCE, in_mirror=False))
        if self._has_mirror:
            parts += self._mirror_parts(view)
        return [part for part in parts if len(part.corners)]

    def _mirror_parts(self, view: EyeView) -> list[_Part]:
        """The frame as a board, then what the glass shows, as far away as it looks."""
        board = pixels_of_polygon(MIRROR.board_corners, view)
        if board is None:
            return []
        parts = [
            _Part(self._frame, clip_rectangle(view, board), upright_s_of_ray(view, MIRROR.plane_z), in_mirror=True)
        ]
        glass = glass_in(view)
        if glass is not None:
            below, above = _at_horizon(view, clip_rectangle(view, glass))
            parts.append(_Part(self._floor_in_glass, below, floor_s_of_ray(view), in_mirror=True))
            parts.append(_Part(self._sky_in_glass, above, NO_DISTANCE, in_mirror=True))
        return parts


def glass_in(view: EyeView) -> PixelRectangle | None:
    """The pixels of the mirror's glass, if the eye is on its side and sees it."""
    if view.T_world_from_eye[2, 3] <= MIRROR.plane_z:
        return None
    return pixels_of_polygon(MIRROR.corners, view)


def _at_horizon(
    view: EyeView, corners: Float[np.ndarray, "N 2"]
) -> tuple[Float[np.ndarray, "M 2"], Float[np.ndarray, "K 2"]]:
    """A polygon's parts below and above the horizon."""
    heights = np.c_[corners, np.ones(len(corners))] @ ray_from_clip(view)[1]
    return cut(corners, -heights), cut(corners, heights)


def clip_rectangle(view: EyeView, part: PixelRectangle) -> Float[np.ndarray, "4 2"]:
    """A rectangle's corners in clip space, one after the other around it."""
    corners = [[part.left, part.bottom], [part.right, part.bottom], [part.right, part.top], [part.left, part.top]]
    return clip_from_pixels(view, np.array(corners, float))
