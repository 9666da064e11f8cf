"""`EyeSwapchains`: the pictures a runtime shows, as framebuffers to draw into."""

from dataclasses import dataclass

import moderngl
import xr
from OpenGL import GL

from inperson.errors import DeviceError
from inperson.render.xr.loss import destroy, noticing_loss

COLOR_FORMAT = GL.GL_SRGB8_ALPHA8
DEPTH_FORMATS = (
    *(GL.GL_DEPTH_COMPONENT32F, GL.GL_DEPTH24_STENCIL8),
    *(GL.GL_DEPTH32F_STENCIL8, GL.GL_DEPTH_COMPONENT24, GL.GL_DEPTH_COMPONENT16),
)
"""Best first."""
_STENCILLED = (GL.GL_DEPTH24_STENCIL8, GL.GL_DEPTH32F_STENCIL8)


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
    """Colour and depth pictures for both eyes. Belongs to a session, which closes it.

    Args:
        session: whose runtime shows the pictures.
        context: of the session's graphics, current.
        width, height: of one eye's picture, pixels.
        submit_depth: the runtime takes depth too (XR_KHR_composition_layer_depth).

    Raises:
        DeviceError: the runtime offers no SRGB8_ALPHA8.
    """

    def __init__(
        self, session: xr.Session, context: moderngl.Context, width: int, height: int, *, submit_depth: bool
    ) -> None:
        color_format, depth_format = choose_formats(tuple(xr.enumerate_swapchain_formats(session)))
        self.width, self.height = width, height
        self._eyes: list[_EyePictures] = []
        for _ in range(2):
            color = _Chain(session, color_format, xr.SwapchainUsageFlags.COLOR_ATTACHMENT_BIT, width, height)
            depth = (
                _Chain(session, depth_format, xr.SwapchainUsageFlags.DEPTH_STENCIL_ATTACHMENT_BIT, width, height)
                if submit_depth and depth_format is not None
                else None
            )
            self._eyes.append(_EyePictures(context, color, depth))

    def color(self, eye: int) -> xr.Swapchain:
        """The colour swapchain of an eye (0 left, 1 right)."""
        return self._eyes[eye].color.handle

    def depth(self, eye: int) -> xr.Swapchain | None:
        """The depth swapchain of an eye; None where the runtime takes no depth."""
        depth = self._eyes[eye].depth
        return None if depth is None else depth.handle

    @noticing_loss()
    def acquire(self) -> tuple[EyeTarget, EyeTarget]:
        """This frame's left and right pictures, ready to draw into; their contents are undefined.

        Raises:
            RuntimeLost: the runtime went away.
        """
        return self._eyes[0].acquire(), self._eyes[1].acquire()

    @noticing_loss()
    def release(self) -> None:
        """Give the pictures back to the runtime: before `end_frame`, also when drawing failed.

        Raises:
            RuntimeLost: the runtime went away.
        """
        for eye in self._eyes:
            eye.release()

    def close(self) -> None:
        """Free framebuffers and pictures; the context must be current."""
        for eye in self._eyes:
            eye.close()


def choose_formats(offered: tuple[int, ...]) -> tuple[int, int | None]:
    """The colour format, and the best depth format or None, out of a runtime's OpenGL formats. Runtimes list first
    what costs them least, not what stores encoded colour exactly.

    Raises:
        DeviceError: SRGB8_ALPHA8 is not among them.
    """
    if COLOR_FORMAT not in offered:
        raise DeviceError("the OpenXR runtime offers no SRGB8_ALPHA8 pictures", "update it, or use another runtime")
    return COLOR_FORMAT, next((depth for depth in DEPTH_FORMATS if depth in offered), None)


class _Chain:
    """One swapchain and its OpenGL textures."""

    def __init__(
        self, session: xr.Session, image_format: int, usage: xr.SwapchainUsageFlags, width: int, height: int
    ) -> None:
        self.width, self.height, self.format = width, height, image_format
        self.handle = xr.create_swapchain(
            session,
            xr.SwapchainCreateInfo(
                usage_flags=usage | xr.SwapchainUsageFlags.SAMPLED_BIT,
                format=image_format,
                sample_count=1,
                width=width,
                height=height,
                face_count=1,
                array_size=1,
                mip_count=1,
            ),
        )
        images = xr.enumerate_swapchain_images(self.handle, xr.SwapchainImageOpenGLKHR)
        self._textures = [int(image.image) for image in images]

    def acquire(self) -> int:
        """The next texture, once the runtime has done with it."""
        index = xr.acquire_swapchain_image(self.handle, xr.SwapchainImageAcquireInfo())
        xr.wait_swapchain_image(self.handle, xr.SwapchainImageWaitInfo(timeout=xr.INFINITE_DURATION))
        return self._textures[index]

    def release(self) -> None:
        xr.release_swapchain_image(self.handle, xr.SwapchainImageReleaseInfo())

    def close(self) -> None:
        destroy(xr.destroy_swapchain, self.handle)


class _EyePictures:
    """One eye's colour chain and its depth: a chain too, or a texture of our own where the runtime takes none."""

    def __init__(self, context: moderngl.Context, color: _Chain, depth: _Chain | None) -> None:
        self.color, self.depth = color, depth
        self._context = context
        self._own_depth = None if depth else context.depth_texture((color.width, color.height))
        self._targets: dict[tuple[int, int], EyeTarget] = {}
        self._acquired: list[_Chain] = []

    def acquire(self) -> EyeTarget:
        textures = self._acquire(self.color), self._acquire_depth()
        if textures not in self._targets:
            self._targets[textures] = self._make_target(*textures)
        return self._targets[textures]

    def release(self) -> None:
        while self._acquired:
            self._acquired.pop().release()

    def close(self) -> None:
        for target in self._targets.values():
            target.framebuffer.release()
        if self._own_depth is not None:
            self._own_depth.release()
        self.color.close()
        if self.depth is not None:
            self.depth.close()

    def _acquire(self, chain: _Chain) -> int:
        texture = chain.acquire()
        self._acquired.append(chain)
        return texture

    def _acquire_depth(self) -> int:
        if self._own_depth is not None:
            return self._own_depth.glo
        assert self.depth is not None
        return self._acquire(self.depth)

    def _make_target(self, color_glo: int, depth_glo: int) -> EyeTarget:
        """A framebuffer around textures that are not moderngl's: made once for each pair, then found again."""
        self._context.error  # noqa: B018 - reading clears an older error, which PyOpenGL would raise as its own
        stencilled = self.depth is not None and self.depth.format in _STENCILLED
        depth_attachment = GL.GL_DEPTH_STENCIL_ATTACHMENT if stencilled else GL.GL_DEPTH_ATTACHMENT
        glo = int(GL.glGenFramebuffers(1))
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, glo)
        GL.glFramebufferTexture2D(GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_TEXTURE_2D, color_glo, 0)
        GL.glFramebufferTexture2D(GL.GL_FRAMEBUFFER, depth_attachment, GL.GL_TEXTURE_2D, depth_glo, 0)
        status = GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER)
        if status != GL.GL_FRAMEBUFFER_COMPLETE:
            raise DeviceError(
                f"OpenGL cannot draw into the OpenXR runtime's pictures (status {status:#x})",
                "update the graphics driver",
            )
        framebuffer = self._context.detect_framebuffer(glo)
        return EyeTarget(framebuffer, self.color.width, self.color.height, color_glo, depth_glo, layer=0)
