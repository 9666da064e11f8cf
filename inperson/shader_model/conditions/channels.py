"""What the rasteriser is to draw beside colours: channels of the Gaussians, and what the drawn planes mean.

One pass at the inner size draws them all, with any backend. The pass has no use for colours, so the displacement
takes their three channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.reconstruct.network.interface import PARTS
from inperson.render.gbuffer import GBuffer
from inperson.render.views import EyeView
from inperson.shader_model.interface import DENSE_CHANNELS, INNER

PLACE, TRUST = slice(len(PARTS), len(PARTS) + 2), len(PARTS) + 2
"""Of the features: where in the reference photo times how far that is trusted, and that trust."""
NUM_FEATURES = len(PARTS) + 3
"""Always as many: a rasteriser compiles one kernel for each number of channels."""
CLEAR = 1e-3
"""Alpha below which a pixel shows nothing."""


def surface_features(avatar: GaussianAvatar) -> Float[np.ndarray, "N 10"]:
    """What does not change while an avatar moves: parts (zeros where it does not know them), place in the photo
    times trust, trust (zeros without a photo). float32."""
    out = np.zeros((len(avatar.face_index), NUM_FEATURES), np.float32)
    if avatar.features.shape[1] == len(PARTS):
        out[:, : len(PARTS)] = avatar.features
    if avatar.photo is not None:
        out[:, PLACE] = avatar.photo.places * avatar.photo.trust[:, None]
        out[:, TRUST] = avatar.photo.trust
    return out


def dense_gaussians(
    gaussians: PosedGaussians, features: Float[np.ndarray, "N 10"], displacement: Float[np.ndarray, "N 3"]
) -> PosedGaussians:
    """The Gaussians with what the dense pass draws.

    Args:
        gaussians: of this frame.
        features: `surface_features` of their avatar.
        displacement: of each since the previous frame, world, metres.
    """
    return replace(gaussians, colors=np.ascontiguousarray(displacement, np.float32), features=features)


def inner_view(view: EyeView) -> EyeView:
    """The same field of view in inner pixels."""
    return replace(view, width=view.width // INNER, height=view.height // INNER)


@dataclass(frozen=True, slots=True, eq=False)
class DensePlanes:
    """What the dense pass of E eyes drew. float32; everything but `depth` is premultiplied by alpha."""

    alpha: Float[np.ndarray, "E h w"]
    depth: Float[np.ndarray, "E h w"]
    """Along the view axis, metres; 0 where alpha is 0."""
    displacement: Float[np.ndarray, "E h w 3"]
    """World, metres."""
    normal: Float[np.ndarray, "E h w 3"]
    """World."""
    parts: Float[np.ndarray, "E h w 7"]
    photo: Float[np.ndarray, "E h w 3"]
    """Place times trust, and trust."""

    @staticmethod
    def of(drawn: GBuffer) -> "DensePlanes":
        """Name what a rasteriser drew of `dense_gaussians`; views, without a copy."""
        f = drawn.features
        return DensePlanes(
            drawn.alpha, drawn.depth, drawn.rgb, drawn.normal, f[..., : len(PARTS)], f[..., len(PARTS) :]
        )


def dense_condition(
    planes: DensePlanes, views: Sequence[EyeView], middle: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "E D h w"]:
    """`Conditions.dense`.

    Args:
        planes: what was drawn.
        views: of the E eyes.
        middle: of the person, world.
    """
    eyes, height, width = planes.alpha.shape
    out = np.empty((eyes, len(DENSE_CHANNELS), height, width), np.float32)
    out[:, 0] = planes.alpha
    for e, view in enumerate(views):
        ahead = distance_ahead(view, middle)
        depth = np.where(planes.alpha[e] > CLEAR, planes.depth[e], ahead)
        out[e, 1] = planes.alpha[e] * (1.0 / depth - 1.0 / ahead)
        turn = view.T_world_from_eye[:3, :3].astype(np.float32)
        out[e, 2:5] = np.moveaxis(planes.normal[e] @ turn, -1, 0)
    out[:, 5:] = np.moveaxis(planes.parts, -1, 1)
    return out


def distance_ahead(view: EyeView, point: Float[np.ndarray, "3"]) -> float:
    """How far a point of the world is before an eye, along its view axis, metres; at least where the view begins."""
    return max(float(view.T_cv_from_world[2] @ [*point, 1.0]), view.near)
