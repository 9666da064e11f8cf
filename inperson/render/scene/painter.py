"""`ScenePainter`: draws a scene with an avatar in it into both eyes' framebuffers."""

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.crop import Crop, Cropping, PixelRectangle, crop_views
from inperson.render.scene.hidden import HiddenAreas, HiddenTriangles
from inperson.render.scene.look import SHADOW_RADIUS
from inperson.render.scene.panel import Panel
from inperson.render.scene.pictures import AvatarPictures, EyePicture
from inperson.render.scene.rays import Uniforms, floor_s_of_ray, set_uniforms, uniforms_of
from inperson.render.scene.reflection import reflect
from inperson.render.scene.room import ALWAYS, Room, Shadow, clip_rectangle, glass_in
from inperson.render.scene.scenes import MIRROR, SceneName
from inperson.render.scene.shaders import VERTEX, avatar_shader
from inperson.render.scene.sign import Sign
from inperson.render.views import EyeView

SAMPLE = 16
"""One Gaussian of so many says well enough where the avatar stands."""
FRAMEBUFFER_SRGB, DEPTH_CLAMP = 0x8DB9, 0x864F


@dataclass(frozen=True, slots=True)
class PreparedAvatar:
    """One frame's avatar as the scene shows it, before the eyes' poses are known."""

    gaussians: PosedGaussians | None
    """In play space, reflected where the scene does that; None: nobody is there."""
    shadow: Shadow | None
    """Under the body itself, not under its reflection."""


class ScenePainter:
    """Draws with OpenGL 3.3, or later, into framebuffers of the caller's.

    The room first, by casting a ray through every pixel; then the avatar over the rectangle that it covers, blended
    in the encoded space. Depth follows alpha: what is written is the mean of avatar's and room's window depth, which
    is linear in 1 / distance as the parallax is that a compositor corrects. Behind glass it is the depth of what is
    reflected, as far away as it looks: that is where a compositor has to move it when the head has moved on.

    Args:
        context: current in the calling thread whenever a method is called; stays the caller's.
        pictures: draws the avatar; stays the caller's to close.
        scene: which one.
        passthrough: leave out the room (alpha 0) but for the shadow on the floor and the mirror.
        cropping: chooses what `pictures` is asked to draw.
    """

    def __init__(
        self,
        context: moderngl.Context,
        pictures: AvatarPictures,
        scene: SceneName,
        *,
        passthrough: bool = False,
        cropping: Cropping = crop_views,
    ) -> None:
        self.scene: SceneName = scene
        self._context, self._pictures, self._cropping = context, pictures, cropping
        self._room = Room(context, scene, passthrough=passthrough)
        self._hidden = HiddenAreas(context)
        self._panel = Panel(context)
        self._sign = Sign(context)
        self._avatar_program = context.program(VERTEX, avatar_shader(scene))
        self._corners = context.buffer(reserve=4 * 8, dynamic=True)
        self._avatar = context.vertex_array(self._avatar_program, [(self._corners, "2f", "corner")])

    def set_hidden_areas(self, areas: Sequence[HiddenTriangles | None]) -> None:
        """What is left transparent black, at the near plane, in the left and the right eye. In targets with a depth
        attachment no work is spent there on the room."""
        self._hidden.set(areas)

    def show_panel(self, text: str | None) -> None:
        """Hang a panel of text before the wearer's place, or take it down."""
        self._panel.write(text)

    def show_sign(self, text: str) -> None:
        """Show a line with a red dot at the edge of the wearer's view, or take it away."""
        self._sign.write(text)

    def prepare(self, gaussians: PosedGaussians | None) -> PreparedAvatar:
        """Everything that can be done before the eyes' poses are known. Gaussians in play space."""
        if gaussians is None or not len(gaussians.means):
            return PreparedAvatar(None, None)
        x, _, z = gaussians.means[::SAMPLE].mean(axis=0).tolist()
        shown = reflect(gaussians, MIRROR.plane_z) if self.scene == "mirror" else gaussians
        return PreparedAvatar(shown, Shadow(x, z, SHADOW_RADIUS))

    def draw(
        self, prepared: PreparedAvatar, views: Sequence[EyeView], targets: Sequence[moderngl.Framebuffer]
    ) -> None:
        """Draw each view into its target's lower left `view.width` x `view.height` pixels (GL's rows run upwards).

        A target has one colour attachment, which gets sRGB-encoded colours with premultiplied alpha as bytes
        (GL_FRAMEBUFFER_SRGB is disabled), and may have a depth attachment, which gets window depth, 0 at the view's
        near plane to 1 at its far plane.

        Args:
            views: left and right, in play space, of one size.
        """
        self._context.disable_direct(FRAMEBUFFER_SRGB)
        self._context.enable_direct(DEPTH_CLAMP)
        for eye, (view, target) in enumerate(zip(views, targets, strict=True)):
            self._draw_room(prepared, eye, view, target)
        crop = self._crop(prepared, views)
        if prepared.gaussians is not None and crop is not None:
            pictures = self._pictures.draw(prepared.gaussians, crop)
            for view, target, part, picture in zip(views, targets, crop.rectangles, pictures, strict=True):
                self._draw_avatar(view, target, part, picture)
        self._context.disable_direct(DEPTH_CLAMP)
        for view, target in zip(views, targets, strict=True):
            self._panel.draw(view, target)
        self._sign.draw(views, targets)
        for eye, (view, target) in enumerate(zip(views, targets, strict=True)):
            self._hide(eye, view, target)

    def close(self) -> None:
        """Free what was made on the GPU."""
        for drawer in (self._room, self._hidden, self._panel, self._sign):
            drawer.close()
        for resource in (self._avatar, self._corners, self._avatar_program):
            resource.release()

    def _crop(self, prepared: PreparedAvatar, views: Sequence[EyeView]) -> Crop | None:
        """What has to be drawn of the avatar: in the mirror, no more than the glass."""
        if prepared.gaussians is None:
            return None
        within = [glass_in(view) for view in views] if self.scene == "mirror" else None
        return self._cropping(prepared.gaussians, views, within)

    def _draw_room(self, prepared: PreparedAvatar, eye: int, view: EyeView, target: moderngl.Framebuffer) -> None:
        with self._context.scope(target, moderngl.DEPTH_TEST | moderngl.BLEND):
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            self._context.depth_func = ALWAYS
            target.viewport = (0, 0, view.width, view.height)
            target.clear(viewport=target.viewport)
            spare_hidden = self._hidden.draw(eye, view)
            self._room.draw(view, prepared.shadow, spare_hidden=spare_hidden)

    def _hide(self, eye: int, view: EyeView, target: moderngl.Framebuffer) -> None:
        """Clear what the lenses never show of what came after the room."""
        with self._context.scope(target, moderngl.DEPTH_TEST):
            target.viewport = (0, 0, view.width, view.height)
            self._context.depth_func = ALWAYS
            self._hidden.draw(eye, view)

    def _draw_avatar(
        self, view: EyeView, target: moderngl.Framebuffer, part: PixelRectangle, picture: EyePicture
    ) -> None:
        first_texel = picture.origin[0] - part.left, picture.origin[1] - part.top + view.height - 1
        of_picture: Uniforms = {
            "s_of_ray": floor_s_of_ray(view),
            "first_texel": first_texel,
            "colors": 0,
            "depths": 1,
        }
        set_uniforms(self._avatar_program, uniforms_of(view) | of_picture)
        picture.color.use(0)
        picture.depth.use(1)
        self._corners.write(clip_rectangle(view, part).astype("f4"))
        with self._context.scope(target, moderngl.DEPTH_TEST | moderngl.BLEND):
            target.viewport = (0, 0, view.width, view.height)
            self._context.depth_func = ALWAYS
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            self._avatar.render(moderngl.TRIANGLE_FAN)
