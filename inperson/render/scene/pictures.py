"""Avatars drawn into GL textures: what the painter composites."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import moderngl

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.crop import PixelRectangle
from inperson.render.views import EyeView


@dataclass(frozen=True, slots=True)
class EyePicture:
    """The avatar in one eye, in textures that belong to whoever drew it and hold until it draws again.

    The texel `origin` of both textures is the rectangle's top-left pixel; rows run downwards. Texels outside the
    rectangle are never read.
    """

    color: moderngl.Texture
    """RGBA of any precision: sRGB-encoded, premultiplied by alpha."""
    depth: moderngl.Texture
    """Red: distance along the view axis times alpha, metres (what rasterisers sum up). float32, or float16."""
    rectangle: PixelRectangle
    """Of the eye's picture."""
    origin: tuple[int, int] = (0, 0)


class AvatarPictures(Protocol):
    """A way to get Gaussians into textures. Everything it needs of GL is current in the calling thread."""

    def draw(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> tuple[EyePicture, ...] | None:
        """The Gaussians in every view (of one size); None where there is nothing in any."""
        ...

    def close(self) -> None:
        """Free the textures."""
        ...
