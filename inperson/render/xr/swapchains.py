"""`EyeSwapchains`: the pictures a runtime shows, as framebuffers to draw into.

One swapchain holds both eyes as the two layers of an array. Against one swapchain for each eye, 896x1007 with depth
under Monado's compositor at 60 Hz on two cores, three runs in turns: acquire, release and end of a frame take 0.6 ms
instead of 0.9 (half as many calls into the runtime), and its service uses 7 to 10% less CPU a frame.
"""

from dataclasses import dataclass

import moderngl
import xr
from OpenGL import GL

from inperson.errors import DeviceError
from inperson.render.xr.loss import destroy, noticing_loss

COLOR_FORMAT = int(GL.GL_SRGB8_ALPHA8)
DEPTH_FORMATS = tuple(
    int(depth_format)
    for depth_format in (
        *(GL.GL_DEPTH_COMPONENT32F, GL.GL_DEPTH24_STENCIL8),
        *(GL.GL_DEPTH32F_STENCIL8, GL.GL_DEPTH_COMPONENT24, GL.GL_DEPTH_COMPONENT16),
    )
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
    """OpenGL's name of the colour texture, a GL_TEXTURE_2D_ARRAY that holds both eyes."""
    depth_glo: int
    """Of the depth texture: the same kind where the runtime takes depth, else a GL_TEXTURE_2D of this eye's own."""
    layer: int
    """This eye's layer of the arrays."""


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
        self._context = context
        self._color = _Chain(session, color_format, xr.SwapchainUsageFlags.COLOR_ATTACHMENT_BIT, width, height)
        self._depth: _Chain | None = None
        self._own_depths: list[moderngl.Texture] = []
        if submit_depth and depth_format is not None:
            usage = xr.SwapchainUsageFlags.DEPTH_STENCIL_ATTACHMENT_BIT
            self._depth = _Chain(session, depth_format, usage, width, height)
        else:
            self._own_depths = [context.depth_texture((width, height)) for _ in range(2)]
        self._targets: dict[tuple[int, int | None], tuple[EyeTarget, EyeTarget]] = {}
        self._acquired: list[_Chain] = []

    @property
    def color(self) -> xr.Swapchain:
        """Left eye in layer 0, right eye in layer 1."""
        return self._color.handle

    @property
    def depth(self) -> xr.Swapchain | None:
        """Likewise; None where the runtime takes no depth."""
        return None if self._depth is None else self._depth.handle

    @noticing_loss()
    def acquire(self) -> tuple[EyeTarget, EyeTarget]:
        """This frame's left and right pictures, ready to draw into; their contents are undefined.

        Raises:
            RuntimeLost: the runtime went away.
        """
        textures = self._acquire(self._color), None if self._depth is None else self._acquire(self._depth)
        if textures not in self._targets:  # framebuffers are made once for each pair of textures, then found again
            self._targets[textures] = self._make_target(*textures, 0), self._make_target(*textures, 1)
        return self._targets[textures]

    @noticing_loss()
    def release(self) -> None:
        """Give the pictures back to the runtime: before `end_frame`, also when drawing failed.

        Raises:
            RuntimeLost: the runtime went away.
        """
        while self._acquired:
            self._acquired.pop().release()

    def close(self) -> None:
        """Free framebuffers and pictures; the context must be current."""
        self._context.finish()  # after a loss drawing may still go on, into memory that goes with the swapchains
        for target in (target for pair in self._targets.values() for target in pair):
            target.framebuffer.release()
        for texture in self._own_depths:
            texture.release()
        for chain in (self._color, self._depth):
            if chain is not None:
                destroy(xr.destroy_swapchain, chain.handle)

    def _acquire(self, chain: "_Chain") -> int:
        texture = chain.acquire()
        self._acquired.append(chain)
        return texture

    def _make_target(self, color_glo: int, depth_glo: int | None, eye: int) -> EyeTarget:
        """A framebuffer around one layer of textures that are not moderngl's."""
        self._context.error  # noqa: B018 - reading clears an older error, which PyOpenGL would raise as its own
        framebuffer = _sized_framebuffer(self._context, self.width, self.height)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, framebuffer.glo)
        GL.glFramebufferTextureLayer(GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, color_glo, 0, eye)
        if depth_glo is None:
            depth_glo = self._own_depths[eye].glo
            GL.glFramebufferTexture2D(GL.GL_FRAMEBUFFER, GL.GL_DEPTH_ATTACHMENT, GL.GL_TEXTURE_2D, depth_glo, 0)
        else:
            stencilled = self._depth is not None and self._depth.format in _STENCILLED
            attachment = GL.GL_DEPTH_STENCIL_ATTACHMENT if stencilled else GL.GL_DEPTH_ATTACHMENT
            GL.glFramebufferTextureLayer(GL.GL_FRAMEBUFFER, attachment, depth_glo, 0, eye)
        status = GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER)
        if status != GL.GL_FRAMEBUFFER_COMPLETE:
            raise DeviceError(
                f"OpenGL cannot draw into the OpenXR runtime's pictures (status {int(status):#x})",
                "update the graphics driver",
            )
        return EyeTarget(framebuffer, self.width, self.height, color_glo, depth_glo, eye)


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
    """One swapchain of two layers, and its OpenGL textures."""

    def __init__(
        self, session: xr.Session, image_format: int, usage: xr.SwapchainUsageFlags, width: int, height: int
    ) -> None:
        self.format = image_format
        self.handle = xr.create_swapchain(
            session,
            xr.SwapchainCreateInfo(
                usage_flags=usage | xr.SwapchainUsageFlags.SAMPLED_BIT,
                format=image_format,
                sample_count=1,
                width=width,
                height=height,
                face_count=1,
                array_size=2,
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


def _sized_framebuffer(context: moderngl.Context, width: int, height: int) -> moderngl.Framebuffer:
    """A framebuffer without lasting attachments that knows its size. moderngl reads the size off the first
    attachment, and cannot read it off an array texture: so it is shown a renderbuffer, which then goes."""
    renderbuffer = GL.glGenRenderbuffers(1)
    GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, renderbuffer)
    GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, COLOR_FORMAT, width, height)
    glo = int(GL.glGenFramebuffers(1))
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, glo)
    GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_RENDERBUFFER, renderbuffer)
    framebuffer = context.detect_framebuffer(glo)
    GL.glDeleteRenderbuffers(1, [renderbuffer])
    return framebuffer
