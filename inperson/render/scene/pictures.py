"""Avatars drawn into GL textures: what the painter composites."""

from dataclasses import dataclass
from typing import Protocol

import moderngl

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.crop import Crop


@dataclass(frozen=True, slots=True)
class EyePicture:
    """The avatar in one eye's part of a `Crop`, in textures of whoever drew it that hold until it draws again.

    The texel `origin` of both textures is the rectangle's top-left pixel; rows run downwards. Texels outside the
    rectangle are never read.
    """

    color: moderngl.Texture
    """RGBA of any precision: sRGB-encoded, premultiplied by alpha."""
    depth: moderngl.Texture
    """Red: distance along the view axis times alpha, metres (what rasterisers sum up). float32, or float16."""
    origin: tuple[int, int] = (0, 0)


class AvatarPictures(Protocol):
    """A way to get Gaussians into textures. Everything it needs of GL is current in the calling thread."""

    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them."""
        ...

    def close(self) -> None:
        """Free the textures."""
        ...
