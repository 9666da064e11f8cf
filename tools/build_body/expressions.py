"""ARKit's 52 face units as directions of the T-posed mesh, without creases."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix, diags

from tools.build_body.makehuman import MakeHuman
from tools.build_body.topology import EYES_RANGE
from tools.build_body.tpose import TPose

_OPENING_UNITS = frozenset(("jawOpen", "mouthClose"))
"""Units whose steepest places are the true ones: lips that part."""
_CALM_STRAIN, _CREASE_STRAIN = 0.25, 0.55
"""Change of displacement along an edge by its length: from here smoothing sets in, and is full."""
_ROUNDS = 40
_LID_RADIUS = 0.024
"""Metres around an eye's centre that are left alone: lids do slide steeply."""


def build_expressions(mh: MakeHuman, body_faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "n 52 3"]:
    """All hm08 vertices per unit of each face unit, in the rest pose and axes of hm08.

    Eyeballs are left out: gaze belongs to `leye_pose` and `reye_pose` alone, `eyeLook*` moves the lids.
    MakeHuman's smile folds the cheek beside the mouth into a step; wherever a unit is as steep as that,
    its displacement is averaged with its neighbours' until it is not.
    """
    units = mh.expression_dirs.astype(np.float64)
    units[:, EYES_RANGE] = 0.0
    edges = np.unique(np.sort(body_faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    free = _away_from_eyes(mh)
    for name, unit in zip(mh.expression_names, units, strict=True):
        if name not in _OPENING_UNITS:
            unit[:] = _without_creases(unit, mh.vertices, edges, free)
    return np.moveaxis(units, 0, 1)


def tpose_expressions(mh: MakeHuman, tpose: TPose, units: Float[np.ndarray, "n 52 3"]) -> Float[np.ndarray, "n 3 52"]:
    """The same directions on the T-posed mesh."""
    posed, _ = tpose.apply(np.moveaxis(units, 1, 0), np.zeros((units.shape[1], len(mh.bone_names), 3)))
    return np.moveaxis(posed, 0, -1)


def _away_from_eyes(mh: MakeHuman) -> Bool[np.ndarray, " n"]:
    left, right = (mh.bone_heads[mh.bone(f"eye.{side}")] for side in "LR")
    distance = np.minimum(*(np.linalg.norm(mh.vertices - eye, axis=1) for eye in (left, right)))
    return distance > _LID_RADIUS


def _without_creases(
    unit: Float[np.ndarray, "n 3"],
    vertices: Float[np.ndarray, "n 3"],
    edges: Int[np.ndarray, "e 2"],
    free: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, "n 3"]:
    a, b = edges.T
    length = np.linalg.norm(vertices[a] - vertices[b], axis=1) + 1e-6
    n = len(vertices)
    adjacency = csr_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (n, n))
    average = diags(1.0 / np.maximum(adjacency.sum(1).A1, 1.0)) @ adjacency
    out = unit
    for _ in range(_ROUNDS):
        strain = np.linalg.norm(out[a] - out[b], axis=1) / length
        steepest = np.zeros(n)
        np.maximum.at(steepest, a, strain)
        np.maximum.at(steepest, b, strain)
        amount = np.clip((steepest - _CALM_STRAIN) / (_CREASE_STRAIN - _CALM_STRAIN), 0.0, 1.0)
        amount = 0.5 * np.where(free, 0.5 * amount + 0.5 * (average @ amount), 0.0)[:, None]
        out = (1 - amount) * out + amount * (average @ out)
    return out
