"""An avatar beside the photo it was made from: the photo, the same view, and walking around the person."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from inperson.app.mirror.framing import studio_background
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.reconstruct.polish_target import PolishTarget
from inperson.reconstruct.stages import PhotoFit
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView

AZIMUTHS = (0.0, 30.0, -30.0, 60.0, -60.0, 180.0)
"""Degrees around the person, of the pictures after the photo; positive shows more of the person's left side."""
SPINE = (0, 3, 6, 9, 12)
"""Pelvis to neck: what a walk around the person turns about."""


def photo_strip(
    photo: UInt8[np.ndarray, "H W 3"],
    avatar: GaussianAvatar,
    fit: PhotoFit,
    target: PolishTarget,
    rasterizer: Rasterizer,
    azimuths: tuple[float, ...] = AZIMUTHS,
) -> UInt8[np.ndarray, "H VW 3"]:
    """The photo's own cut, then the avatar as it stands there from each side, all of one size.

    Args:
        photo: the whole picture.
        fit: the person in it.
        target: the cut of it that is shown, with its camera.
    """
    posed = AvatarPoser(avatar, fit.body).pose(fit.state)
    spine = BodyPoser(fit.body, avatar.betas).pose(fit.state).joints[list(SPINE)].mean(axis=0)
    views = [around(target.view, spine, np.deg2rad(a)) for a in azimuths]
    background = studio_background(target.view.width, target.view.height)
    drawn = [rasterizer.render_color(posed, [view]) for view in views]
    pictures = [d.rgb[0] + (1 - d.alpha[0][..., None]) * background for d in drawn]
    as_bytes = [(np.clip(picture, 0, 1) * 255).round().astype(np.uint8) for picture in pictures]
    return np.concatenate([target.cut(photo), *as_bytes], axis=1)


def around(view: EyeView, centre: Float[np.ndarray, "3"], azimuth: float) -> EyeView:
    """The same camera, carried around the vertical axis through `centre`."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([0.0, azimuth, 0.0]).as_matrix()
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    return replace(view, T_world_from_eye=turn @ view.T_world_from_eye)
