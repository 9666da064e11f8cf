"""`ScenePainter`: draws a scene with an avatar in it into both eyes' framebuffers."""

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.pictures import AvatarPictures
from inperson.render.scene.scenes import SceneName
from inperson.render.views import EyeView


@dataclass(frozen=True, slots=True)
class VisibleMesh:
    """The part of an eye's picture that the lenses show (XR_VISIBILITY_MASK_TYPE_VISIBLE_TRIANGLE_MESH_KHR).

    Only this is drawn; the rest stays transparent black at the far plane.
    """

    vertices: Float[np.ndarray, "N 2"]
    """In the plane z = -1 of the eye."""
    indices: Int[np.ndarray, "M 3"]
    """Triangles."""


@dataclass(frozen=True, slots=True)
class PreparedAvatar:
    """One frame's Gaussians as the scene shows them (reflected where they are)."""

    gaussians: PosedGaussians | None
    """None: nobody is there."""


class ScenePainter:
    """Draws with OpenGL 3.3, or later, into framebuffers of the caller's.

    Args:
        context: current in the calling thread whenever a method is called; stays the caller's.
        pictures: draws the avatar; stays the caller's to close.
        scene: which one; may be set between frames.
        passthrough: leaves the room out (alpha 0) but for the floor's shadow and the mirror.
    """

    def __init__(
        self, context: moderngl.Context, pictures: AvatarPictures, scene: SceneName, *, passthrough: bool = False
    ) -> None:
        self.scene: SceneName = scene
        raise NotImplementedError

    def set_visible_meshes(self, meshes: tuple[VisibleMesh | None, VisibleMesh | None]) -> None:
        """What each eye can see; None is all of it. Call again when the runtime says that it changed."""
        raise NotImplementedError

    def show_panel(self, text: str | None) -> None:
        """Hang a panel of text in front of the wearer's place, 1.2 m ahead, or take it down."""
        raise NotImplementedError

    def prepare(self, gaussians: PosedGaussians | None) -> PreparedAvatar:
        """Everything that can be done before the eyes' poses are known. Gaussians in play space."""
        raise NotImplementedError

    def draw(
        self, prepared: PreparedAvatar, views: Sequence[EyeView], targets: Sequence[moderngl.Framebuffer]
    ) -> None:
        """Draw each view into its target's lower left `view.width` x `view.height` pixels (GL's rows run upwards).

        A target has one colour attachment, whose bytes become the sRGB-encoded colour with premultiplied alpha
        (GL_FRAMEBUFFER_SRGB is left disabled), and may have a depth attachment, which gets window depth (0 near to
        1 far) for the view's near and far.

        Args:
            views: left and right, in play space, of one size.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Free what was made on the GPU."""
        raise NotImplementedError
