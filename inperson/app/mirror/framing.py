"""Where a virtual eye stands before a person, and how its picture becomes a mirror's."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numba import njit

from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.views import EyeView

INTERPUPILLARY_M = 0.063
"""Distance between the eyes of the stereo pair (the adult mean)."""


@dataclass(frozen=True, slots=True)
class Framing:
    """What part of the world a mirror shows. Metres, world axes."""

    centre: Float[np.ndarray, "3"]
    """The point in the middle of the picture."""
    height: float = 0.9
    """What fits between the lower and the upper edge at the centre's distance."""
    distance: float = 1.4
    """Of the eye from the centre."""
    azimuth: float = 0.0
    """Where the eye stands: 0 on the side people face (+z), growing towards +x, radians."""

    @staticmethod
    def of_person(head: Float[np.ndarray, "3"]) -> "Framing":
        """Head to waist of a person whose head joint (the base of the skull) is at `head`."""
        return Framing(centre=np.asarray(head, float) - np.array([0.0, 0.2, 0.0]))

    def eyes(self, width: int, height: int, *, stereo: bool = False) -> list[EyeView]:
        """One view, or left and right with parallel axes and fields of view that meet at the centre."""
        half_up = 0.5 * self.height
        half_right = half_up * width / height
        shifts = (-0.5 * INTERPUPILLARY_M, 0.5 * INTERPUPILLARY_M) if stereo else (0.0,)
        return [self._eye(shift, half_right, half_up, width, height) for shift in shifts]

    def _eye(self, shift: float, half_right: float, half_up: float, width: int, height: int) -> EyeView:
        c, s = np.cos(self.azimuth), np.sin(self.azimuth)
        right, back = np.array([c, 0.0, -s]), np.array([s, 0.0, c])
        T_world_from_eye = np.eye(4)
        T_world_from_eye[:3, :3] = np.stack([right, [0.0, 1.0, 0.0], back], axis=1)
        T_world_from_eye[:3, 3] = self.centre + shift * right + self.distance * back
        return EyeView(
            T_world_from_eye=T_world_from_eye,
            angle_left=float(np.arctan2(-half_right - shift, self.distance)),
            angle_right=float(np.arctan2(half_right - shift, self.distance)),
            angle_up=float(np.arctan2(half_up, self.distance)),
            angle_down=float(np.arctan2(-half_up, self.distance)),
            width=width,
            height=height,
        )


def studio_background(width: int, height: int) -> Float[np.ndarray, "H W 3"]:
    """A plain grey wall, a little lighter behind the head, sRGB-encoded 0 to 1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    r2 = ((x + 0.5) / width - 0.5) ** 2 + ((y + 0.5) / height - 0.4) ** 2
    light = 0.30 + 0.28 * np.exp(-r2 / 0.25)
    return light[..., None] * np.array([0.96, 1.0, 1.06], np.float32)


def mirror_picture(
    drawn: ColorBuffer | GBuffer, background: Float[np.ndarray, "H W 3"], *, reflect: bool = True
) -> UInt8[np.ndarray, "H VW 3"]:
    """Views side by side over `background`, sRGB-encoded RGB.

    A mirror that faces the eye shows what the eye would see of the person with left and right exchanged: the
    picture's columns run backwards. In a stereo pair this exchanges the eyes as well.
    """
    views, height, width = drawn.alpha.shape
    out = np.empty((height, views * width, 3), np.uint8)
    _compose(drawn.rgb, drawn.alpha, background, reflect, out)
    return out


def mirror_picture_reference(
    gbuffer: GBuffer, background: Float[np.ndarray, "H W 3"], *, reflect: bool = True
) -> UInt8[np.ndarray, "H VW 3"]:
    """The plain twin of `mirror_picture`."""
    pictures = np.concatenate(list(gbuffer.over(background if not reflect else background[:, ::-1])), axis=1)
    rounded = (np.clip(pictures, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return rounded[:, ::-1] if reflect else rounded


@njit(cache=True, nogil=True)
def _compose(rgb, alpha, background, reflect, out):
    """out (H, V*W, 3) = rgb + (1 - alpha) * background, clipped and rounded; reflected if asked."""
    views, height, width = alpha.shape
    total = views * width
    for y in range(height):
        for v in range(views):
            for x in range(width):
                column = v * width + x
                bx = x
                if reflect:
                    column = total - 1 - column
                    bx = width - 1 - x
                through = np.float32(1.0) - alpha[v, y, x]
                for c in range(3):
                    value = rgb[v, y, x, c] + through * background[y, bx, c]
                    value = min(max(value, np.float32(0.0)), np.float32(1.0))
                    out[y, column, c] = np.uint8(value * np.float32(255.0) + np.float32(0.5))
