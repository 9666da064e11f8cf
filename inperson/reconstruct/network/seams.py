"""The uv map's seams: what lies across the cut from each texel just outside an island.

The body's skin is cut to lie flat: down the back, around the neck, at the wrists. Convolutions stop at a cut, so
each side would be completed alone and a line would show on the back. `SeamExchange` copies what lies across a cut
into the texels beside it, before the convolutions read them.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from torch import Tensor, nn

from inperson.avatar.body import BodyModel
from inperson.reconstruct.surface.mesh_picture import rasterize_triangles

REACH = 2.5
"""Texels beyond an island that get what lies across the cut."""
SAMPLES_PER_TEXEL = 4


@lru_cache(maxsize=16)
def seam_texels(body: BodyModel, size: int) -> tuple[Int[np.ndarray, " M"], Int[np.ndarray, " M"]]:
    """Flat texels outside all islands but within `REACH` of a cut, and the flat texel inside that lies across it.

    Computed once for a body and a size; the arrays are read-only.

    Args:
        body: with texture coordinates.
        size: texels along the map's side.
    """
    assert body.vt is not None
    assert body.ft is not None
    flat = np.stack([body.vt[:, 0], 1.0 - body.vt[:, 1]], axis=1).astype(np.float64) * size
    every = np.ones(len(body.ft), np.bool_)
    covered = rasterize_triangles(flat, np.ones(len(flat)), body.ft, every, size, size)[0] >= 0
    start, end, start_across, end_across = (flat[corners] for corners in cut_edges(body.faces, body.ft))

    edge = end - start
    length = np.linalg.norm(edge, axis=1)
    counts = np.maximum(2, np.ceil(length * SAMPLES_PER_TEXEL).astype(int))
    which = np.repeat(np.arange(len(edge)), counts)
    along = (np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + 0.5) / counts[which]
    samples = start[which] + along[:, None] * edge[which]

    outside = np.flatnonzero(~covered.ravel())
    centres = np.stack([outside % size + 0.5, outside // size + 0.5], axis=1)
    distance, nearest = cKDTree(samples).query(centres, distance_upper_bound=REACH)
    near = np.isfinite(distance)
    outside, distance, nearest = outside[near], distance[near], nearest[near]

    on, t = which[nearest], along[nearest]
    edge_across = end_across[on] - start_across[on]
    length_across = np.linalg.norm(edge_across, axis=1)
    # a face lies to one side of its edges, as it is wound; the one across has its edge the other way round
    inwards = _winding(flat, body.ft) * np.stack([edge_across[:, 1], -edge_across[:, 0]], axis=1)
    inwards /= np.maximum(length_across, 1e-9)[:, None]
    depth = distance * length_across / np.maximum(length[on], 1e-9)
    points = start_across[on] + t[:, None] * edge_across + depth[:, None] * inwards
    columns, rows = np.clip(np.floor(points), 0, size - 1).astype(np.int64).T
    to_row, to_column = distance_transform_edt(~covered, return_distances=False, return_indices=True)
    across = to_row[rows, columns] * size + to_column[rows, columns]
    for array in (outside, across):
        array.setflags(write=False)
    return outside, across


def cut_edges(faces: Int[np.ndarray, "F 3"], ft: Int[np.ndarray, "F 3"]) -> tuple[Int[np.ndarray, " K"], ...]:
    """Texture corners (start, end, start across, end across) of each edge along which the skin is cut.

    Every cut comes twice, once from either side; start and start across are the same vertex of the body.
    """
    following = [1, 2, 0]
    a, b = faces.ravel(), faces[:, following].ravel()
    ta, tb = ft.ravel(), ft[:, following].ravel()
    half_edges = a.astype(np.int64) * (int(faces.max()) + 1) + b
    opposite = b.astype(np.int64) * (int(faces.max()) + 1) + a
    order = np.argsort(half_edges, kind="stable")
    place = np.minimum(np.searchsorted(half_edges, opposite, sorter=order), len(order) - 1)
    twin = order[place]
    cut = (half_edges[twin] == opposite) & ((ta != tb[twin]) | (tb != ta[twin]))
    return ta[cut], tb[cut], tb[twin][cut], ta[twin][cut]


def _winding(flat: Float[np.ndarray, "U 2"], ft: Int[np.ndarray, "F 3"]) -> float:
    """+1 where faces turn clockwise as seen (rows downwards), else -1; all of a body turn alike."""
    e1, e2 = flat[ft[:, 1]] - flat[ft[:, 0]], flat[ft[:, 2]] - flat[ft[:, 0]]
    return float(np.sign((e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]).sum()))


class SeamExchange(nn.Module):
    """Copies across the cuts at one size of the map. Nothing is learned."""

    outside: Tensor
    across: Tensor

    def __init__(self, body: BodyModel, size: int) -> None:
        super().__init__()
        outside, across = seam_texels(body, size)
        self.register_buffer("outside", torch.from_numpy(outside.copy()), persistent=False)
        self.register_buffer("across", torch.from_numpy(across.copy()), persistent=False)

    def forward(self, x: Float[Tensor, "B C S S"]) -> Float[Tensor, "B C S S"]:
        places = x.permute(0, 2, 3, 1).flatten(1, 2)  # a view when channels lie last
        places = places.index_copy(1, self.outside, places.index_select(1, self.across))
        return places.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
