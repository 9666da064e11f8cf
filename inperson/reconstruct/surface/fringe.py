"""Gaussians off the surface for what the matte shows beside it (locks of hair, collars), and less of those on the
surface where the matte shows nothing.

Each lies on the ray of its pixel, as deep as the surface's outline it belongs to. What belongs to which part is told
by nearness and likeness of colour: hair beside a shoulder moves with the head. A fringe is about as thick as
it is wide, so it is drawn in layers in depth, thinner towards its own outline.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.sparse import diags
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from inperson.avatar.binding import SurfaceBinding, quats_of
from inperson.avatar.body import JOINT_NAMES, SKIN, BodyModel
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.reconstruct.canonical import CanonicalGaussians, float_tensor
from inperson.reconstruct.stages import DressedSurface, Matte, MeshPicture, PhotoFit, SeenSites, Sites
from inperson.reconstruct.surface.gaussians import joined, site_normals
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import turned_back
from inperson.reconstruct.surface.smoothing import edge_laplacian, symmetric_factor, vertex_areas

MAX_PIXELS = 2500
"""Of the fringe; more are drawn coarser."""
LAYERS = (-0.7, 0.0, 0.7)
"""Depths of the Gaussians of one pixel, in units of the fringe's half thickness there."""
MAX_HALF_THICKNESS = 0.03
"""Metres."""
HAND_REACH = 0.01
"""Metres on the picture's plane that a hand's fringe may stand off it; it is not thicker either."""
METRES_PER_COLOR = 0.5
"""How much farther along the outline a place may be that is as much more alike in colour (RGB distance 1)."""
LEAST_ALPHA = 0.25
SPILLED_LOGIT = -4.0
"""Opacity (0.02) of what the matte says is not there."""
INSET_PIXELS = 0.8
"""How far sites move inwards: a rasteriser widens what it draws by about as much (its low-pass filter)."""
THIN_METRES = 0.01
"""Lids and lips reach about that far from the linings' edges."""
MAX_INSET = 0.004
"""Metres."""
RIM_PIXELS = 1
"""Beside the surface, discs reach that far by themselves."""


def fringe_gaussians(
    surface: DressedSurface, fit: PhotoFit, picture: MeshPicture, matte: Matte
) -> CanonicalGaussians:
    """Gaussians for the pixels of the matte that the surface leaves empty; may be none.

    Args:
        picture: `draw_mesh` of the surface in the fit's pose.
    """
    drawn = picture.face_index >= 0
    person = matte.alpha > LEAST_ALPHA
    beyond_discs = person & ~binary_dilation(drawn, iterations=RIM_PIXELS)
    missing = person & ~drawn & binary_dilation(beyond_discs, iterations=RIM_PIXELS + 1)
    rows, columns, step = _thinned(missing)
    if not len(rows) or not drawn.any():
        none, nowhere = np.zeros(0), np.zeros((0, 3))
        return _hung(surface, fit, none.astype(np.int32), nowhere, nowhere, nowhere, none, nowhere)
    edge_rows, edge_columns = np.nonzero(drawn & (_inwards(drawn) < 2.0))
    metres = _pixel_metres(picture, fit)

    def key(r: np.ndarray, c: np.ndarray) -> Float[np.ndarray, "N 5"]:
        return np.hstack([metres * np.stack([c, r], axis=1), METRES_PER_COLOR * matte.foreground[r, c]])

    on_hand = _hand_faces(fit.body)[picture.face_index[edge_rows, edge_columns]]
    nearest = _nearest(key(edge_rows, edge_columns), on_hand, key(rows, columns))
    at = edge_rows[nearest], edge_columns[nearest]
    face_index, barycentric, depth = picture.face_index[at], picture.barycentric[at], picture.depth[at]

    outwards = _inwards(person)[rows, columns]
    thickest = np.where(on_hand[nearest], HAND_REACH, MAX_HALF_THICKNESS)
    half = np.clip(outwards * metres, 0.5 * step * metres, thickest)
    layer = np.tile(LAYERS, len(rows))
    each = np.repeat(np.arange(len(rows)), len(LAYERS))
    points = _on_rays(fit, rows[each], columns[each], depth[each] + layer * half[each])
    sigma = 0.6 * step * metres
    scales = np.stack([np.full(len(each), sigma)] * 2 + [np.maximum(0.4 * half[each], 0.5 * sigma)], axis=1)
    opacity = 1.0 - (1.0 - np.clip(matte.alpha[rows, columns][each], 0.0, 0.95)) ** (1.0 / len(LAYERS))
    return _hung(
        surface,
        fit,
        face_index[each],
        barycentric[each],
        points,
        scales,
        opacity,
        matte.foreground[rows, columns][each],
    )


def _nearest(
    places: Float[np.ndarray, "E 5"], on_hand: Bool[np.ndarray, " E"], wanted: Float[np.ndarray, "N 5"]
) -> Int[np.ndarray, " N"]:
    """The place that each of the wanted ones belongs to: the nearest, but a hand has no fringe that reaches far.

    What stands further off is a sleeve's or a trouser leg's, and would fly about with the fingers.
    """
    nearest = cKDTree(places).query(wanted)[1]
    reach = np.linalg.norm((places[nearest] - wanted)[:, :2], axis=1)
    far = on_hand[nearest] & (reach > HAND_REACH)
    others = np.flatnonzero(~on_hand)
    if far.any() and len(others):
        nearest[far] = others[cKDTree(places[others]).query(wanted[far])[1]]
    return nearest


def _hand_faces(body: BodyModel) -> Bool[np.ndarray, " F"]:
    """Faces that wrists and fingers move."""
    hands = [i for i, name in enumerate(JOINT_NAMES) if name.endswith("_wrist")] + list(range(25, len(JOINT_NAMES)))
    return (body.weights[:, hands].sum(axis=1) > 0.5)[body.faces].any(axis=1)


def spilled(sites: Sites, seen: SeenSites, matte: Matte, fade_pixels: float = 1.5) -> Float[np.ndarray, " N"]:
    """How far each site falls outside the person in the photo, 0 (inside, or outside the picture) to 1.

    Sites hidden behind others count too: nothing of the person is there at any depth.
    """
    height, width = matte.alpha.shape
    inside = (seen.pixels >= 0).all(axis=1) & (seen.pixels < [width, height]).all(axis=1)
    column = np.clip(np.floor(seen.pixels[:, 0]), 0, width - 1).astype(int)
    row = np.clip(np.floor(seen.pixels[:, 1]), 0, height - 1).astype(int)
    outside = distance_transform_edt(matte.alpha < 0.5)[row, column]
    return (inside * np.clip((outside - 0.5) / fade_pixels, 0.0, 1.0)).astype(np.float32)


def with_fringe(
    gaussians: CanonicalGaussians,
    sites: Sites,
    seen: SeenSites,
    surface: DressedSurface,
    fit: PhotoFit,
    picture: MeshPicture,
    matte: Matte,
) -> CanonicalGaussians:
    """Gaussians of all sites, in their order, then those of the fringe.

    The sites' are faded where they spill out of the matte, and inset so that the drawn outline is the surface's.
    """
    spill = torch.from_numpy(spilled(sites, seen, matte))
    logits = gaussians.logits.detach() * (1.0 - spill) + SPILLED_LOGIT * spill
    depth = min(INSET_PIXELS * _pixel_metres(picture, fit), MAX_INSET)
    inset = depth * _thick(sites, surface)[:, None] * site_normals(sites, surface)
    shift = gaussians.shift.detach() - torch.from_numpy(inset).float() / gaussians.spacing[:, None]
    kept = replace(gaussians, logits=logits.requires_grad_(True), shift=shift.requires_grad_(True))
    return joined(kept, fringe_gaussians(surface, fit, picture, matte))


def _thick(sites: Sites, surface: DressedSurface) -> Float[np.ndarray, " N"]:
    """1 on skin; 0 on and near lids and lips, behind which linings lie, and on everything inside."""
    body = surface.body
    if body.vertex_part is None:
        return np.ones(len(sites))
    rest = body.shaped(surface.betas)
    area, skin = vertex_areas(rest, body.faces), (body.vertex_part == SKIN).astype(np.float64)
    near = symmetric_factor(diags(area) + THIN_METRES**2 * edge_laplacian(rest, body.faces)).solve(area * skin)
    field = skin * np.clip(4.0 * near - 3.0, 0.0, 1.0)
    return at_places(field[:, None], body.faces, sites.face_index, sites.barycentric)[:, 0]


def _pixel_metres(picture: MeshPicture, fit: PhotoFit) -> float:
    """Width of a pixel at the person's distance; 0 where nobody is drawn."""
    depth = picture.depth[picture.depth > 0]
    return float(np.median(depth)) / fit.view.intrinsics.fx if len(depth) else 0.0


def _thinned(missing: Bool[np.ndarray, "H W"]) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows and columns of a grid over the missing pixels, and its step."""
    step = max(1, int(np.ceil(np.sqrt(missing.sum() / MAX_PIXELS))))
    grid = np.zeros_like(missing)
    grid[step // 2 :: step, step // 2 :: step] = True
    rows, columns = np.nonzero(missing & grid)
    return rows, columns, step


def _inwards(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Pixels to the mask's outline; the picture's border is none."""
    return distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1]


def _on_rays(
    fit: PhotoFit, rows: np.ndarray, columns: np.ndarray, depth: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N 3"]:
    """World points at a depth on the rays of pixels' centres."""
    K, T = fit.view.intrinsics, fit.view.T_world_from_eye
    in_eye = np.stack([(columns + 0.5 - K.cx) / K.fx, -(rows + 0.5 - K.cy) / K.fy, -np.ones(len(rows))], axis=1)
    return (in_eye * depth[:, None]) @ T[:3, :3].T + T[:3, 3]


def _hung(
    surface: DressedSurface,
    fit: PhotoFit,
    face_index: np.ndarray,
    barycentric: np.ndarray,
    points: Float[np.ndarray, "N 3"],
    scales: Float[np.ndarray, "N 3"],
    opacity: Float[np.ndarray, " N"],
    colors: Float[np.ndarray, "N 3"],
) -> CanonicalGaussians:
    """Gaussians of the posed world, their third axes along the view, taken back to the T-pose."""
    binding = SurfaceBinding(surface.body, surface.betas, face_index, barycentric)
    motion = binding.motion(fit.state)
    offsets = turned_back(motion.quats, (points - motion.points).astype(np.float32))
    to_rest = Rotation.from_quat(quat_xyzw_from_wxyz(motion.quats)).as_matrix().transpose(0, 2, 1)
    return CanonicalGaussians(
        face_index=face_index.astype(np.int32),
        barycentric=barycentric.astype(np.float32),
        base_offsets=float_tensor(offsets),
        spacing=float_tensor(scales[:, 0] / 0.6),
        shift=torch.zeros(len(points), 3, requires_grad=True),
        quats=float_tensor(quats_of(to_rest @ fit.view.T_world_from_eye[:3, :3])).requires_grad_(True),
        log_scales=float_tensor(np.log(scales / motion.stretch[:, None])).requires_grad_(True),
        logits=float_tensor(np.log(opacity / (1.0 - opacity))).requires_grad_(True),
        colors=float_tensor(colors).requires_grad_(True),
        features=torch.zeros(len(points), 0),
    )
