"""Levels of detail: an avatar with half, a quarter and an eighth of its Gaussians, for a renderer short of time.

Near neighbours on the canonical surface are merged in pairs, cheapest first, never what moves apart: lips, eyelids,
fingers. Deterministic: equal avatars give equal levels. About a second for 58,000 Gaussians, once, when an avatar
is loaded.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit
from scipy.spatial import cKDTree

from inperson.avatar.appearance import diffuse_color
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.merging import CanonicalGaussians, RestSurface, covered_areas, merge

LEVELS = 4
NEIGHBOURS = 6
"""Of each Gaussian, with which it may be merged."""
SHARE_OF_A_ROUND = 0.3
"""At most so many merges, as a share of the Gaussians left, before neighbours are looked for again."""
COLOR_LENGTH = 0.04
"""Metres that cost as much as a colour difference of one."""
ACROSS = 3.0
"""How many times more a metre across the surface costs than one along it: layers are kept apart."""
MOST_TURNED = float(np.cos(np.deg2rad(60.0)))
"""Normals further apart belong to two sides of something thin."""
DIFFERENT_JOINTS = 0.3
"""Share of their skin weights in which two faces may differ to be merged, 0 to 1."""
DIFFERENT_EXPRESSION = 3e-3
"""Metres by which one expression coefficient of one may shift two faces differently to be merged."""


@dataclass(frozen=True, slots=True)
class FaceMotions:
    """How a body's faces are moved: what tells an upper from a lower lip that touches it."""

    weights: Float[np.ndarray, "F 55"]
    """Skin weights, the mean over a face's corners."""
    shifts: Float[np.ndarray, "F E 3"]
    """What one of each expression coefficient adds to a face's centre, metres."""

    @staticmethod
    def of(body: BodyModel) -> "FaceMotions":
        """Those of a body."""
        shifts = np.moveaxis(body.exprdirs[body.faces].mean(axis=1), 2, 1)
        return FaceMotions(body.weights[body.faces].mean(axis=1), np.ascontiguousarray(shifts))

    def alike(self, a: Int[np.ndarray, " P"], b: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """Whether faces a[n] and b[n] move so much alike that what is on them may be merged."""
        return _move_alike(a, b, self.weights, self.shifts, DIFFERENT_JOINTS, DIFFERENT_EXPRESSION)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Gaussians that may be merged, first[n] with second[n], cheapest first."""

    first: Int[np.ndarray, " P"]
    second: Int[np.ndarray, " P"]


def levels_of_detail(avatar: GaussianAvatar, body: BodyModel, levels: int = LEVELS) -> tuple[GaussianAvatar, ...]:
    """The avatar itself, then each with half the Gaussians of the one before.

    A level is larger than half where nothing is left that may be merged.

    Args:
        avatar: the full one.
        body: the one it was made for.
        levels: how many in all.
    """
    surface, motions = RestSurface(avatar, body), FaceMotions.of(body)
    gaussians, out = surface.unbind(), [avatar]
    for _ in range(1, levels):
        gaussians = _halved(gaussians, surface.frames, motions)
        out.append(surface.bind(gaussians))
    return tuple(out)


def _halved(
    gaussians: CanonicalGaussians, frames: Float[np.ndarray, "F 3 3"], motions: FaceMotions
) -> CanonicalGaussians:
    """Merge until half are left, in rounds: within one, each Gaussian is merged at most once."""
    goal = -(-len(gaussians) // 2)
    while (surplus := len(gaussians) - goal) > 0:
        pairs = _candidates(gaussians, motions)
        if len(pairs.first) == 0:
            break
        most = min(surplus, int(np.ceil(SHARE_OF_A_ROUND * len(gaussians))))
        chosen = _disjoint(pairs.first, pairs.second, len(gaussians), most)
        first, second = pairs.first[chosen], pairs.second[chosen]
        alone = np.ones(len(gaussians), bool)
        alone[first] = alone[second] = False
        merged = merge(gaussians.take(first), gaussians.take(second), frames)
        gaussians = gaussians.take(alone).and_then(merged)
    return gaussians


def _candidates(gaussians: CanonicalGaussians, motions: FaceMotions) -> _Pairs:
    """Near neighbours that face and move the same way, by what merging them costs."""
    first, second = _neighbours(gaussians.means)
    turned = np.einsum("pi,pi->p", gaussians.normals[first], gaussians.normals[second])
    same_side = turned > MOST_TURNED
    first, second = first[same_side], second[same_side]
    alike = motions.alike(gaussians.face_index[first], gaussians.face_index[second])
    first, second = first[alike], second[alike]
    order = np.argsort(_costs(gaussians, first, second), kind="stable")
    return _Pairs(first[order], second[order])


def _neighbours(means: Float[np.ndarray, "N 3"]) -> tuple[Int[np.ndarray, " P"], Int[np.ndarray, " P"]]:
    """Every pair in which one is among the nearest of the other, once, the lower index first."""
    count = len(means)
    nearest = cKDTree(means).query(means, k=min(NEIGHBOURS + 1, count))[1]
    one = np.repeat(np.arange(count), nearest.shape[1])
    other = nearest.ravel()
    pairs = np.unique(np.minimum(one, other) * count + np.maximum(one, other))
    first, second = pairs // count, pairs % count
    return first[first != second], second[first != second]


def _costs(
    gaussians: CanonicalGaussians, first: Int[np.ndarray, " P"], second: Int[np.ndarray, " P"]
) -> Float[np.ndarray, " P"]:
    """By how much merging raises the spread of place and colour within the merged (Ward 1963), weighted by what
    the two cover."""
    apart = gaussians.means[second] - gaussians.means[first]
    normals = gaussians.normals[first] + gaussians.normals[second]
    across = np.einsum("pi,pi->p", apart, normals / np.linalg.norm(normals, axis=1, keepdims=True))
    colors = diffuse_color(gaussians.sh)
    squared = np.square(apart).sum(axis=1) + (ACROSS**2 - 1.0) * np.square(across)
    squared += COLOR_LENGTH**2 * np.square(colors[second] - colors[first]).sum(axis=1)
    cover = gaussians.opacities * covered_areas(gaussians.covariances, gaussians.normals)
    a, b = cover[first], cover[second]
    return a * b / (a + b) * squared


@njit(cache=True)
def _move_alike(a, b, weights, shifts, different_joints, different_expression):
    """`FaceMotions.alike`, leaving off at the first difference found."""
    out = np.ones(len(a), np.bool_)
    for n in range(len(a)):
        i, j = a[n], b[n]
        if i == j:
            continue
        apart = 0.0
        for k in range(weights.shape[1]):
            apart += abs(weights[i, k] - weights[j, k])
        out[n] = apart <= 2.0 * different_joints
        for k in range(shifts.shape[1]):
            if not out[n]:
                break
            x, y, z = (
                shifts[i, k, 0] - shifts[j, k, 0],
                shifts[i, k, 1] - shifts[j, k, 1],
                shifts[i, k, 2] - shifts[j, k, 2],
            )
            out[n] = x * x + y * y + z * z <= different_expression * different_expression
    return out


@njit(cache=True)
def _disjoint(first, second, count, most):
    """Numbers of the first pairs that share no Gaussian with an earlier one of them, `most` at most."""
    taken = np.zeros(count, np.bool_)
    chosen = np.empty(most, np.int64)
    found = 0
    for n in range(len(first)):
        if found == most:
            break
        if not taken[first[n]] and not taken[second[n]]:
            taken[first[n]] = taken[second[n]] = True
            chosen[found] = n
            found += 1
    return chosen[:found]
