"""Avatars drawn into GL textures: what the painter composites."""

from dataclasses import dataclass
from typing import Protocol

import moderngl
import numpy as np
from jaxtyping import Float, UInt32
from numba import njit

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import ColorBuffer, Rasterizer
from inperson.render.gl import GlRasterizer
from inperson.render.scene.crop import Crop
from inperson.render.scene.picture_textures import PictureTextures, grown_size


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


class UploadedPictures:
    """Pictures in this process's memory as textures: 8 bits a colour, as the headset shows them, and 32 of depth.

    Measured for 2x 656x912 pixels with software GL: rounding and uploading those takes 1.0 ms, uploading the
    rasteriser's float32 planes as they are 2.7; depth in 16 bits would save less than 0.1.

    Args:
        context: of OpenGL, current in the calling thread; stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._textures = PictureTextures(context, "f1")

    def upload(self, drawn: ColorBuffer) -> tuple[EyePicture, ...]:
        """What was drawn of a crop; the views one below the other in the textures."""
        planes = drawn.planes
        count, _, height, width = planes.shape
        colors, depths = np.empty((count * height, width), np.uint32), np.empty((count * height, width), np.float32)
        texels_from_planes(planes, colors.reshape(count, height, width), depths.reshape(count, height, width))
        color, depth = self._textures.holding(width, count * height)
        color.write(colors, viewport=(0, 0, width, count * height))
        depth.write(depths, viewport=(0, 0, width, count * height))
        return tuple(EyePicture(color, depth, (0, number * height)) for number in range(count))

    def close(self) -> None:
        """Free the textures."""
        self._textures.close()


class HostPictures:
    """Draws with any rasteriser and uploads the crop.

    Args:
        context: of OpenGL, current in the calling thread; stays the caller's.
        rasterizer: stays the caller's to close.
    """

    def __init__(self, context: moderngl.Context, rasterizer: Rasterizer) -> None:
        self._rasterizer, self._uploaded = rasterizer, UploadedPictures(context)

    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them."""
        return self._uploaded.upload(self._rasterizer.render_color(gaussians, crop.views))

    def close(self) -> None:
        """Free the textures."""
        self._uploaded.close()


class GlPictures:
    """Draws with OpenGL; nothing leaves the GPU but the order of the Gaussians.

    Args:
        rasterizer: in the painter's context; stays the caller's to close.
    """

    def __init__(self, rasterizer: GlRasterizer) -> None:
        self._rasterizer = rasterizer
        self._targets: list[moderngl.Framebuffer] = []

    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them."""
        targets = self._targets_for(crop)
        self._rasterizer.draw_color(gaussians, crop.views, targets)
        pictures = []
        for target in targets:
            color, depth = target.color_attachments
            assert isinstance(color, moderngl.Texture)
            assert isinstance(depth, moderngl.Texture)
            pictures.append(EyePicture(color, depth))
        return tuple(pictures)

    def close(self) -> None:
        """Free the textures."""
        for target in self._targets:
            for texture in target.color_attachments:
                texture.release()
            target.release()
        self._targets = []

    def _targets_for(self, crop: Crop) -> list[moderngl.Framebuffer]:
        """One a view, at least as large as it."""
        width, height = crop.rectangles[0].width, crop.rectangles[0].height
        if self._targets:
            old_width, old_height = self._targets[0].size
            if len(self._targets) == len(crop.views) and old_width >= width and old_height >= height:
                return self._targets
            width, height = max(width, old_width), max(height, old_height)
            self.close()
        size, context = grown_size(width, height), self._rasterizer.context
        self._targets = [
            context.framebuffer([context.texture(size, 4, dtype="f2"), context.texture(size, 4, dtype="f4")])
            for _ in crop.views
        ]
        return self._targets


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def texels_from_planes(
    planes: Float[np.ndarray, "V 5 H W"], colors: UInt32[np.ndarray, "V H W"], depths: Float[np.ndarray, "V H W"]
) -> None:
    """A `ColorBuffer`'s planes as texels: RGBA in 8 bits each, red in the lowest, and depth times those bits' alpha.

    Depth is multiplied by alpha as rounded, so that dividing by it gives the distance exactly.
    """
    zero, half, one, byte = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(255.0)
    for v in range(planes.shape[0]):
        for y in range(planes.shape[2]):
            for x in range(planes.shape[3]):
                alpha = planes[v, 4, y, x]
                red = np.uint32(np.int32(max(zero, min(planes[v, 0, y, x], one)) * byte + half))
                green = np.uint32(np.int32(max(zero, min(planes[v, 1, y, x], one)) * byte + half))
                blue = np.uint32(np.int32(max(zero, min(planes[v, 2, y, x], one)) * byte + half))
                bits = np.int32(alpha * byte + half)
                colors[v, y, x] = (
                    red | green << np.uint32(8) | blue << np.uint32(16) | np.uint32(bits) << np.uint32(24)
                )
                rounded = np.float32(bits) * np.float32(1.0 / 255.0)
                depths[v, y, x] = planes[v, 3, y, x] * rounded / max(alpha, np.float32(1e-6))
