"""The photo that an avatar was made from, kept with it for the video shader: the person cut out, and where each
Gaussian is in it.

Asked of the finished avatar, not of the sites it began as: polishing moves and splits Gaussians.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import distance_transform_edt, map_coordinates, maximum_filter, minimum_filter

from inperson.avatar.gaussians import LONGEST_PHOTO, GaussianAvatar, PosedGaussians, ReferencePhoto
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.stages import Matte, PhotoFit
from inperson.reconstruct.surface.mesh_picture import project
from inperson.reconstruct.surface.seeing import EDGE_METRES, FACING, MIN_EDGE_PIXELS, STEP_METRES
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.scene.crop import PixelRectangle
from inperson.render.views import EyeView

BEHIND = 0.012
"""Metres a Gaussian may lie behind what is drawn and still be shown: Gaussians are thick, and lie in layers."""
SHOWN_ALPHA = 0.5
"""Alpha from which a pixel of the avatar shows a surface."""
FLAT = 0.5
"""Thickness, as a share of the lesser width, below which a Gaussian is a disc and has a normal."""
SPECK = 5
"""Pixels of the median that takes specks off the drawn depth."""
MARGIN = 4
"""Pixels of the photo around the person, for what is sampled at the outline."""
LEAST_WEIGHT = 1e-3
"""Of a colour beyond the outline, where it is averaged; less than an 8-bit step of alpha."""
CLOSED = 0.02
"""Alpha below which the matte shows nobody."""


def reference_photo(avatar: GaussianAvatar, fit: PhotoFit, matte: Matte) -> ReferencePhoto | None:
    """What of the photo an avatar carries for the shader; None where the matte is empty.

    Trusted is what faces the camera, is hidden by nothing and not beside the edge of something in front, where the
    fitted pose may be off by more than the edge; by as much as the matte says that the person is there at all.

    Args:
        avatar: finished.
        fit: the pose in the photo, and its camera; the avatar's betas are the fit's.
        matte: the person's own colours.
    """
    box = _person_box(matte)
    if box is None:
        return None
    posed = AvatarPoser(avatar, fit.body).pose(fit.state)
    pixels, depth = project(posed.means, fit.view)
    trust = _trust(posed, pixels, depth, fit.view, matte)
    places = (pixels - [box.left, box.top]) / [box.width, box.height]
    inside = ((places > 0.0) & (places < 1.0)).all(axis=1)
    return ReferencePhoto(
        image=_cut_out(matte, box),
        places=np.clip(places, 0.0, 1.0).astype(np.float32),
        trust=(trust * inside).astype(np.float32),
    )


def _person_box(matte: Matte) -> PixelRectangle | None:
    """Whole pixels around the person."""
    rows, columns = np.nonzero(matte.alpha > CLOSED)
    if not len(rows):
        return None
    height, width = matte.alpha.shape
    left, top = max(int(columns.min()) - MARGIN, 0), max(int(rows.min()) - MARGIN, 0)
    right, bottom = min(int(columns.max()) + 1 + MARGIN, width), min(int(rows.max()) + 1 + MARGIN, height)
    return PixelRectangle(left, top, right - left, bottom - top)


def _cut_out(matte: Matte, box: PixelRectangle) -> UInt8[np.ndarray, "H W 4"]:
    """The box of the matte, no longer than `LONGEST_PHOTO`. Colours are averaged as far as they are the person's."""
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    weight = np.maximum(matte.alpha[rows, columns, None], LEAST_WEIGHT)
    layer = np.concatenate([matte.foreground[rows, columns] * weight, weight], axis=2, dtype=np.float32)
    longest = max(box.width, box.height)
    if longest > LONGEST_PHOTO:
        width, height = (max(round(side * LONGEST_PHOTO / longest), 1) for side in (box.width, box.height))
        layer = np.asarray(cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA))
    rgba = np.concatenate([layer[..., :3] / layer[..., 3:], layer[..., 3:]], axis=2)
    return np.rint(np.clip(rgba, 0.0, 1.0) * 255.0).astype(np.uint8)


def _trust(
    posed: PosedGaussians,
    pixels: Float[np.ndarray, "N 2"],
    depth: Float[np.ndarray, " N"],
    view: EyeView,
    matte: Matte,
) -> Float[np.ndarray, " N"]:
    """How surely the photo shows each Gaussian, 0 to 1."""
    facing = _facing(posed, view)
    drawn = _drawn_depth(posed, view)
    focal = view.intrinsics.fx
    shown = drawn[drawn > 0]
    margin = max(MIN_EDGE_PIXELS, EDGE_METRES * focal / float(np.median(shown))) if len(shown) else MIN_EDGE_PIXELS
    row, column = (np.clip(np.floor(pixels[:, axis]), 0, drawn.shape[1 - axis] - 1).astype(int) for axis in (1, 0))
    slope = np.sqrt(np.maximum(1.0 - facing**2, 0.0)) / np.maximum(facing, 0.05) * depth / focal
    here, around = drawn[row, column], _nearest(drawn, margin)[row, column]
    visible = (here > 0) & (depth - here < BEHIND + 1.5 * slope)
    clear = depth - around < STEP_METRES + (margin + 1.0) * slope
    sure = np.clip(_to_a_step(drawn)[row, column] / margin, 0.0, 1.0)
    ramp = np.clip((facing - FACING[0]) / (FACING[1] - FACING[0]), 0.0, 1.0)
    there = map_coordinates(matte.alpha, pixels.T[::-1] - 0.5, order=1, mode="constant", prefilter=False)
    return np.clip((depth > view.near) * visible * clear * sure * ramp * ramp * (3.0 - 2.0 * ramp) * there, 0.0, 1.0)


def _facing(posed: PosedGaussians, view: EyeView) -> Float[np.ndarray, " N"]:
    """Cosine between normal and line of sight; 1 for what is not flat (a fringe's Gaussians), and has no normal."""
    towards = view.T_world_from_eye[:3, 3] - posed.means
    cosine = np.einsum("nc,nc->n", posed.normals, towards) / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
    thinnest, middle, _ = np.sort(posed.scales, axis=1).T
    return np.where(thinnest < FLAT * middle, cosine, 1.0)


def _drawn_depth(posed: PosedGaussians, view: EyeView) -> Float[np.ndarray, "H W"]:
    """Metres along the view axis, without what shines through in single pixels; 0 where the avatar is not."""
    rasterizer = CpuRasterizer()
    premultiplied, alpha = rasterizer.render_color(posed, [view]).planes[0, 3:]
    rasterizer.close()
    depth = np.divide(premultiplied, alpha, out=np.zeros_like(alpha), where=alpha > SHOWN_ALPHA)
    return np.asarray(cv2.medianBlur(depth, SPECK))


def _nearest(depth: Float[np.ndarray, "H W"], margin: float) -> Float[np.ndarray, "H W"]:
    """Least depth within a margin of pixels, metres."""
    reach = 2 * int(np.ceil(margin)) + 1
    return minimum_filter(np.where(depth > 0, depth, np.inf), size=reach, mode="nearest")


def _to_a_step(depth: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Pixels to the next jump from one part of the person to another; the outline is none."""
    far = np.where(depth > 0, depth, np.inf)
    jump = maximum_filter(depth, 3) - minimum_filter(far, 3) > STEP_METRES
    return distance_transform_edt(~jump) if jump.any() else np.full(depth.shape, np.inf)
