"""Levels of detail: an avatar with half, a quarter and an eighth of its Gaussians, for a renderer short of time.

Neighbours on the canonical surface are merged in pairs, cheapest first. What may not be merged is what moves apart:
lips, eyelids, fingers. Deterministic: equal avatars give equal levels.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit
from scipy.spatial import cKDTree

from inperson.avatar.appearance import diffuse_color
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.merging import CanonicalGaussians, RestSurface, merge

LEVELS = 4
NEIGHBOURS = 6
SHARE_A_ROUND = 0.3
"""Of the Gaussians that are left, at most so many merges are made before neighbours are looked for again."""
MOST_TURNED = np.cos(np.deg2rad(60.0))
"""Normals further apart are two sides of something thin."""
COLOR_LENGTH = 0.02
"""Metres that weigh as much as a colour difference of one."""
ACROSS = 9.0
DIFFERENT_JOINTS = 0.3
"""Largest difference of skin weights (half their summed distance, 0 to 1) of what may be merged."""
DIFFERENT_EXPRESSION = 3e-3
"""Largest difference, metres, of how far any one expression coefficient moves what may be merged."""


def levels_of_detail(avatar: GaussianAvatar, body: BodyModel, levels: int = LEVELS) -> tuple[GaussianAvatar, ...]:
    """The avatar itself, then each with half the Gaussians of the one before.

    Args:
        avatar: the full one.
        body: the one it was made for.
        levels: how many in all.
    """
    surface, motions = RestSurface(avatar, body), _face_motions(body)
    gaussians, out = surface.unbind(), [avatar]
    for _ in range(1, levels):
        gaussians = _halved(gaussians, surface.frames, motions)
        out.append(surface.bind(gaussians))
    return tuple(out)


def _face_motions(body: BodyModel) -> tuple[Float[np.ndarray, "F 55"], Float[np.ndarray, "F E*3"]]:
    """How each face is moved: the mean skin weights of its corners and their mean shift by each expression."""
    weights = body.weights[body.faces].mean(axis=1)
    shifts = body.exprdirs[body.faces].mean(axis=1)
    return weights, np.ascontiguousarray(np.moveaxis(shifts, 2, 1).reshape(len(shifts), -1))


def _halved(g, frames, motions):
    target = -(-len(g) // 2)
    while len(g) > target:
        first, second, cost = _candidates(g, motions)
        if len(first) == 0:
            break
        most = min(len(g) - target, int(np.ceil(SHARE_A_ROUND * len(g))))
        chosen = _disjoint(first, second, np.argsort(cost, kind="stable"), len(g), most)
        alone = np.ones(len(g), bool)
        alone[first[chosen]] = alone[second[chosen]] = False
        g = g.take(alone).and_then(merge(g.take(first[chosen]), g.take(second[chosen]), frames))
    return g


def _candidates(g, motions):
    """Pairs of near neighbours that may be merged, and what each merge costs."""
    distance, near = cKDTree(g.means).query(g.means, k=NEIGHBOURS + 1)
    a = np.repeat(np.arange(len(g)), NEIGHBOURS)
    b = near[:, 1:].ravel()
    a, b = np.minimum(a, b), np.maximum(a, b)
    ab = np.unique(a * len(g) + b)
    a, b = ab // len(g), ab % len(g)
    ok = (a != b) & (np.einsum("ni,ni->n", g.normals[a], g.normals[b]) > MOST_TURNED)
    a, b = a[ok], b[ok]
    ok = _move_alike(g.face_index[a], g.face_index[b], *motions)
    a, b = a[ok], b[ok]
    color = diffuse_color(g.sh)
    apart = g.means[b] - g.means[a]
    normal = g.normals[a] + g.normals[b]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    across = (apart * normal).sum(1)
    d2 = (apart**2).sum(1) + (ACROSS - 1) * across**2 + COLOR_LENGTH**2 * ((color[a] - color[b]) ** 2).sum(1)
    # n^T adj(C) n
    C = g.covariances
    adj = np.stack([np.cross(C[:, 1], C[:, 2]), np.cross(C[:, 2], C[:, 0]), np.cross(C[:, 0], C[:, 1])], 1)
    area = np.sqrt(np.einsum("ni,nij,nj->n", g.normals, adj, g.normals))
    w = g.opacities * area
    cost = w[a] * w[b] / (w[a] + w[b]) * d2
    return a, b, cost


@njit(cache=True)
def _move_alike(a, b, weights, shifts):
    out = np.ones(len(a), np.bool_)
    for n in range(len(a)):
        i, j = a[n], b[n]
        if i == j:
            continue
        total = 0.0
        for k in range(weights.shape[1]):
            total += abs(weights[i, k] - weights[j, k])
        if total > 2.0 * DIFFERENT_JOINTS:
            out[n] = False
            continue
        for k in range(0, shifts.shape[1], 3):
            x = shifts[i, k] - shifts[j, k]
            y = shifts[i, k + 1] - shifts[j, k + 1]
            z = shifts[i, k + 2] - shifts[j, k + 2]
            if x * x + y * y + z * z > DIFFERENT_EXPRESSION**2:
                out[n] = False
                break
    return out


@njit(cache=True)
def _disjoint(first, second, order, count, most):
    """The first pairs in `order` that share no member with an earlier one, `most` of them at most."""
    taken = np.zeros(count, np.bool_)
    chosen = np.empty(most, np.int64)
    n = 0
    for k in order:
        if n == most:
            break
        if not taken[first[k]] and not taken[second[k]]:
            taken[first[k]] = taken[second[k]] = True
            chosen[n] = k
            n += 1
    return chosen[:n]
