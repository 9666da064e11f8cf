"""`EyeSwapchains`: the pictures a runtime shows, as framebuffers to draw into."""

from dataclasses import dataclass

import moderngl


@dataclass(frozen=True, slots=True)
class EyeTarget:
    """One eye's picture of this frame: draw into its lower-left `width` x `height` pixels, then submit that size.

    The colour is SRGB8_ALPHA8: write encoded colours with GL_FRAMEBUFFER_SRGB disabled.
    """

    framebuffer: moderngl.Framebuffer
    """Colour and depth attached; its own viewport is the whole picture."""
    max_width: int
    max_height: int
    color_glo: int
    """OpenGL's names of the colour and depth textures."""
    depth_glo: int
    layer: int
    """Of an array texture; 0 for a plain one."""


class EyeSwapchains:
    """Colour and depth pictures for both eyes. Belongs to a session, which closes it."""

    width: int
    height: int

    def acquire(self) -> tuple[EyeTarget, EyeTarget]:
        """This frame's left and right pictures, ready to draw into; their contents are undefined.

        Raises:
            RuntimeLost: the runtime went away.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Give the pictures back to the runtime: before `end_frame`, also when drawing failed.

        Raises:
            RuntimeLost: the runtime went away.
        """
        raise NotImplementedError
