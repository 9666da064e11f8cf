"""UV targets: what the target views truly see of a person, on the body's uv map.

Every pixel of a target view becomes a point of the world, finds the texel of the true posed body that it lies
over, and is brought into the T-pose there by the inverse of the surface's motion. Texels that no view sees weigh
nothing: no loss is taken there (GenLCA's visibility-aware training, ViSA's UV space).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import convolve
from scipy.spatial import cKDTree

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import SurfacePoser, turned_back
from inperson.reconstruct.training.motion import motion_at
from inperson.reconstruct.training.people import PersonShots
from inperson.render.views import EyeView

NORMAL_METRES = 0.05
"""How many metres of distance a normal turned by 60 degrees counts for, when a point looks for its texel."""
BEHIND = 0.02
"""Metres that a point may lie under the body's skin (lids, lips, cloth drawn over slightly different shapes)."""
STEP = 0.03
"""A jump in depth between neighbouring pixels, metres: normals across it mean nothing."""
OPAQUE = 200
"""Of 255: pixels of a thinner person than this are left out."""
SHARPNESS = 2.0
"""Exponent of the facing cosine in a pixel's weight."""
NUM_PARTS = 8
"""`drawables.Part`, 0 for background."""


@dataclass(frozen=True, slots=True, eq=False)
class UvTargets:
    """S x S texels of one person in the T-pose."""

    color: Float[np.ndarray, "S S 3"]
    """sRGB-encoded 0 to 1."""
    position: Float[np.ndarray, "S S 3"]
    """Of what is seen there, metres, T-pose; compare with the dressed surface to get an offset."""
    part: UInt8[np.ndarray, "S S"]
    """`drawables.Part`; 0 where nothing was seen."""
    weight: Float[np.ndarray, "S S"]
    """0 (never truly seen) to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """N seen points of one view."""

    place: Float[np.ndarray, "N 3"]
    """World, metres."""
    normal: Float[np.ndarray, "N 3"]
    """Towards the viewer."""
    color: Float[np.ndarray, "N 3"]
    part: UInt8[np.ndarray, " N"]
    facing: Float[np.ndarray, " N"]


def measure_targets(body: BodyModel, person: PersonShots, atlas: UvAtlas, reach: float) -> UvTargets:
    """Measure what the person's target views show.

    Args:
        body: the neutral body that the person's states are of.
        reach: how far a point may lie from the body, metres.
    """
    betas = person.states[0].betas
    bare = DressedSurface(body, betas, np.zeros((body.num_vertices, 3), np.float32))
    sites = texel_sites(atlas, bare)
    rest = at_places(body.shaped(betas), body.faces, sites.face_index, sites.barycentric)
    gathered = _Gathered(len(sites))
    poser = SurfacePoser(bare)
    for state_index in np.unique(person.target_state):
        texels = _PosedTexels.of(poser, person.states[int(state_index)], body, sites.face_index, sites.barycentric)
        for v in np.flatnonzero(person.target_state == state_index):
            seen = points_of(
                person.target_rgba[v], person.target_depth[v], person.target_part[v], person.target_views[v]
            )
            texel, near = texels.under(seen, reach)
            back = rest[texel] + turned_back(texels.quats[texel], seen.place[near] - texels.place[texel])
            gathered.add(texel, seen.color[near], back, seen.part[near], seen.facing[near] ** SHARPNESS)
    return gathered.on(atlas)


def points_of(
    rgba: UInt8[np.ndarray, "H W 4"],
    depth: Float[np.ndarray, "H W"],
    part: UInt8[np.ndarray, "H W"],
    view: EyeView,
) -> _Points:
    """The view's pixels as points of the world; outlines and jumps in depth are left out."""
    K, T = view.intrinsics, view.T_cv_from_world
    height, width = depth.shape
    x, y = (np.arange(width) + 0.5 - K.cx) / K.fx, (np.arange(height) + 0.5 - K.cy) / K.fy
    camera = np.stack(np.broadcast_arrays(x[None, :] * depth, y[:, None] * depth, depth), axis=-1)
    across, down = np.zeros_like(camera), np.zeros_like(camera)
    across[:, 1:-1] = camera[:, 2:] - camera[:, :-2]
    down[1:-1] = camera[2:] - camera[:-2]
    normal = np.cross(down, across)
    length = np.linalg.norm(normal, axis=-1)
    smooth = (np.abs(across[..., 2]) < STEP) & (np.abs(down[..., 2]) < STEP) & (length > 0)
    inside = np.zeros((height, width), bool)
    inside[1:-1, 1:-1] = True
    good = smooth & inside & (depth > 0) & (part > 0) & (rgba[..., 3] >= OPAQUE)
    point, normal = camera[good], normal[good] / length[good][:, None]
    facing = np.clip(-(normal * point).sum(axis=1) / np.linalg.norm(point, axis=1), 0.0, 1.0)
    straight = rgba[good][:, :3].astype(np.float32) / rgba[good][:, 3:].astype(np.float32)
    return _Points(
        place=((point - T[:3, 3]) @ T[:3, :3]).astype(np.float32),
        normal=(normal @ T[:3, :3]).astype(np.float32),
        color=np.minimum(straight, 1.0),
        part=part[good],
        facing=facing.astype(np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _PosedTexels:
    """Places of M texels on the posed body."""

    place: Float[np.ndarray, "M 3"]
    normal: Float[np.ndarray, "M 3"]
    quats: Float[np.ndarray, "M 4"]
    tree: cKDTree

    @staticmethod
    def of(
        poser: SurfacePoser,
        state: BodyState,
        body: BodyModel,
        face_index: Int[np.ndarray, " M"],
        barycentric: Float[np.ndarray, "M 3"],
    ) -> "_PosedTexels":
        posed = poser.pose(state)
        place, normal = (at_places(v, body.faces, face_index, barycentric) for v in (posed.vertices, posed.normals))
        quats = motion_at(posed.motion, body.faces, face_index, barycentric).quats
        return _PosedTexels(place, normal, quats, cKDTree(np.hstack([place, NORMAL_METRES * normal])))

    def under(self, seen: _Points, reach: float) -> tuple[Int[np.ndarray, " K"], Int[np.ndarray, " K"]]:
        """The texel that each point lies over, for those points (second result) that lie over one."""
        limit = reach + NORMAL_METRES
        _, texel = self.tree.query(
            np.hstack([seen.place, NORMAL_METRES * seen.normal]), distance_upper_bound=limit, eps=0.1
        )
        near = np.flatnonzero(texel < len(self.place))
        texel = texel[near]
        apart = seen.place[near] - self.place[texel]
        outwards = (apart * self.normal[texel]).sum(axis=1)
        good = (np.linalg.norm(apart, axis=1) < reach) & (outwards > -BEHIND)
        good &= (seen.normal[near] * self.normal[texel]).sum(axis=1) > 0.0
        return texel[good], near[good]


class _Gathered:
    """What falls on M texels, from all views, kept apart by part."""

    def __init__(self, texels: int) -> None:
        self._texels = texels
        self._rows: list[Int[np.ndarray, " K"]] = []
        self._values: list[Float[np.ndarray, "K 7"]] = []

    def add(
        self,
        texel: Int[np.ndarray, " K"],
        color: Float[np.ndarray, "K 3"],
        position: Float[np.ndarray, "K 3"],
        part: UInt8[np.ndarray, " K"],
        weight: Float[np.ndarray, " K"],
    ) -> None:
        """More points."""
        self._rows.append(texel * NUM_PARTS + part)
        self._values.append(np.column_stack([weight, color, position]))

    def on(self, atlas: UvAtlas) -> UvTargets:
        """Means of the part that prevails on each texel; single texels between seen ones are closed."""
        rows, values = np.concatenate(self._rows), np.concatenate(self._values)
        weight = np.bincount(rows, values[:, 0], self._texels * NUM_PARTS).reshape(-1, NUM_PARTS)
        part = weight.argmax(axis=1)
        of_part = part[rows // NUM_PARTS] == rows % NUM_PARTS
        texel, values = rows[of_part] // NUM_PARTS, values[of_part]
        total = np.bincount(texel, values[:, 0], self._texels)
        size = atlas.size
        sums = np.zeros((size, size, 7), np.float32)
        sums[atlas.inside, 0] = total
        for k in range(6):
            sums[atlas.inside, 1 + k] = np.bincount(texel, values[:, 0] * values[:, 1 + k], self._texels)
        parts = np.zeros((size, size), np.uint8)
        parts[atlas.inside] = np.where(total > 0, part, 0)
        return _closed(sums, parts, atlas)


def _closed(sums: Float[np.ndarray, "S S 7"], part: UInt8[np.ndarray, "S S"], atlas: UvAtlas) -> UvTargets:
    """Divide by the weight, after giving unseen texels the mean of their seen neighbours of one part."""
    unseen = atlas.inside & (sums[..., 0] == 0)
    around = np.ones((3, 3))
    by_part = np.stack([convolve(((part == k) & atlas.inside).astype(np.float32), around) for k in range(NUM_PARTS)])
    by_part[0] = 0
    commonest = by_part.argmax(axis=0).astype(np.uint8)
    fillable = unseen & (by_part.max(axis=0) >= 3)
    filled = np.zeros_like(sums)
    for k in np.unique(commonest[fillable]):
        chosen = fillable & (commonest == k)
        for channel in range(7):
            plane = np.where(part == k, sums[..., channel], 0.0)
            filled[chosen, channel] = convolve(plane, around)[chosen]
    sums = np.where(fillable[..., None], filled, sums)
    part = np.where(fillable, commonest, part).astype(np.uint8)
    weight = sums[..., 0]
    mean = sums[..., 1:] / np.maximum(weight, 1e-12)[..., None]
    confidence = np.clip(weight / 0.5, 0.0, 1.0) * np.where(fillable, 0.5, 1.0)
    return UvTargets(
        color=mean[..., :3].astype(np.float32),
        position=mean[..., 3:].astype(np.float32),
        part=part,
        weight=confidence.astype(np.float32),
    )
