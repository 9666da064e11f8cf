"""The two textures that an avatar's pictures lie in, one view below the other: they grow as they must."""

from collections.abc import Callable

import moderngl

GRANULE = 64
"""Textures grow in steps of this many pixels, and never shrink."""


class PictureTextures:
    """Colour (RGBA) and depth (one float32), at least as large as the last pictures.

    Args:
        context: of OpenGL, current in the calling thread; stays the caller's.
        color_dtype: moderngl's name of the colour's precision.
        before_release: told of a texture that is about to go.
    """

    def __init__(
        self,
        context: moderngl.Context,
        color_dtype: str,
        before_release: Callable[[moderngl.Texture], None] = lambda texture: None,
    ) -> None:
        self._context, self._color_dtype, self._before_release = context, color_dtype, before_release
        self._pair: tuple[moderngl.Texture, moderngl.Texture] | None = None

    def holding(self, width: int, height: int) -> tuple[moderngl.Texture, moderngl.Texture]:
        """Colour and depth for at least so many pixels."""
        if self._pair is not None:
            old_width, old_height = self._pair[0].size
            if old_width >= width and old_height >= height:
                return self._pair
            width, height = max(width, old_width), max(height, old_height)
            self.close()
        size, context = grown_size(width, height), self._context
        self._pair = context.texture(size, 4, dtype=self._color_dtype), context.texture(size, 1, dtype="f4")
        return self._pair

    def close(self) -> None:
        """Free them."""
        for texture in self._pair or ():
            self._before_release(texture)
            texture.release()
        self._pair = None


def grown_size(width: int, height: int) -> tuple[int, int]:
    """Of a texture for at least so many pixels, with room to grow."""
    return -(-width // GRANULE) * GRANULE, -(-height // GRANULE) * GRANULE
