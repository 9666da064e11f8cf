"""Pose correctives: SMPL-X `posedirs` that make linear skinning follow the centre-of-rotation deformer.

Per vertex, linear least squares in posed space over random poses: M (P f) ~ target - lbs, with M the blended
linear part, f the 9 numbers of R - I of each joint that bends the vertex, P the 3 x 9 blocks asked for.
Correctives are local: only joints below the nearest common ancestor of a vertex's own joints can drive it.
"""

from collections import defaultdict

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix, diags

from tools.build_body.corrective_poses import random_pose_rotations
from tools.build_body.rotation_centers import CenterDeformer, center_deformer
from tools.build_body.skeleton import PARENTS

_POSES = 320
_RIDGE = 2e-3
_DRIVES = 0.015
"""Skinning weight from which a joint counts as one of a vertex's own."""
_SMOOTHINGS = 3
_FIRST_HAND_JOINT = 25
_WORTH = 5e-4
"""Metres: a block that never moves its vertex farther than this is dropped, and the rest fitted again."""


def build_posedirs(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    weights: Float[np.ndarray, "V 55"],
    joints: Float[np.ndarray, "55 3"],
    seed: int = 0,
) -> Float[np.ndarray, "V 3 486"]:
    """`posedirs` of one T-posed mesh, sparse, and smooth over the surface where limbs are thick."""
    deformer = center_deformer(vertices, faces, weights)
    posedirs = _fit(deformer, joints, np.random.default_rng(seed))
    posedirs = _smooth(posedirs, faces, weights)
    return np.where(np.abs(posedirs) < _WORTH / 4, 0.0, posedirs)[:, :, 1:].reshape(len(vertices), 3, -1)


def _fit(
    deformer: CenterDeformer, joints: Float[np.ndarray, "55 3"], rng: np.random.Generator
) -> Float[np.ndarray, "V 3 55 9"]:
    local = random_pose_rotations(_POSES, rng)
    features = (local - np.eye(3)).reshape(_POSES, len(PARENTS), 9)
    transforms = [_world_transforms(R, joints) for R in local]
    posedirs = np.zeros((len(deformer.vertices), 3, len(PARENTS), 9))
    for drivers, rows in _by_drivers(deformer.weights).items():
        blended, residual = _samples(deformer, transforms, rows)
        blocks = _solve(blended, residual, features[:, list(drivers)])
        effect = np.abs(np.einsum("vajk,njk->vnja", blocks, features[:, list(drivers)])).max((1, 3))
        for kept, members in _by_worth(effect).items():
            if kept:
                chosen = [drivers[k] for k in kept]
                refit = _solve(blended[members], residual[members], features[:, chosen])
                posedirs[rows[members][:, None], :, chosen] = refit.transpose(0, 2, 1, 3)
    return posedirs


def _smooth(
    posedirs: Float[np.ndarray, "V 3 55 9"], faces: Int[np.ndarray, "F 3"], weights: Float[np.ndarray, "V 55"]
) -> Float[np.ndarray, "V 3 55 9"]:
    """Neighbour averaging of the blocks; hands, whose triangles are as large as their creases, are left."""
    num_vertices = len(posedirs)
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    adjacency = csr_matrix((np.ones(len(ends)), ends.T), (num_vertices, num_vertices))
    adjacency.data[:] = 1.0
    average = diags(1.0 / np.maximum(adjacency.sum(1).A1, 1.0)) @ adjacency
    keep = np.clip(weights[:, _FIRST_HAND_JOINT:].sum(1) * 2, 0, 1)[:, None]
    flat = posedirs.reshape(num_vertices, -1)
    for _ in range(_SMOOTHINGS):
        flat = keep * flat + (1 - keep) * (0.5 * flat + 0.5 * (average @ flat))
    return flat.reshape(posedirs.shape)


def _by_drivers(weights: Float[np.ndarray, "V 55"]) -> dict[tuple[int, ...], Int[np.ndarray, " r"]]:
    """Vertices grouped by the joints that bend them."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for vertex, row in enumerate(weights):
        drivers = _drivers(np.flatnonzero(row > _DRIVES))
        if drivers:
            groups[drivers].append(vertex)
    return {drivers: np.array(rows) for drivers, rows in groups.items()}


def _drivers(own: Int[np.ndarray, " k"]) -> tuple[int, ...]:
    chains = [_chain(int(j)) for j in own]
    common = set(chains[0]).intersection(*chains[1:])
    return tuple(sorted(set().union(*chains) - common))


def _chain(joint: int) -> list[int]:
    chain = [joint]
    while PARENTS[chain[-1]] >= 0:
        chain.append(PARENTS[chain[-1]])
    return chain


def _world_transforms(local: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation of each joint, posed from rest."""
    R = np.empty_like(local)
    place = np.empty_like(joints)
    for j, p in enumerate(PARENTS):
        R[j] = local[j] if p < 0 else R[p] @ local[j]
        place[j] = joints[j] if p < 0 else place[p] + R[p] @ (joints[j] - joints[p])
    return R, place - np.einsum("jrc,jc->jr", R, joints)


def _samples(
    deformer: CenterDeformer, transforms: list[tuple[np.ndarray, np.ndarray]], rows: np.ndarray
) -> tuple[Float[np.ndarray, "r n 3 3"], Float[np.ndarray, "r n 3"]]:
    """Blended linear part, and what linear skinning misses, for each vertex and pose."""
    w = deformer.weights[rows]
    blended = np.empty((len(rows), len(transforms), 3, 3))
    residual = np.empty((len(rows), len(transforms), 3))
    for n, (R, t) in enumerate(transforms):
        blended[:, n] = np.einsum("vj,jrc->vrc", w, R)
        linear = np.einsum("vrc,vc->vr", blended[:, n], deformer.vertices[rows]) + w @ t
        residual[:, n] = deformer.deform(R, t, rows) - linear
    return blended, residual


def _solve(
    blended: Float[np.ndarray, "r n 3 3"], residual: Float[np.ndarray, "r n 3"], features: Float[np.ndarray, "n d 9"]
) -> Float[np.ndarray, "r 3 d 9"]:
    """Ridge regression of every vertex's blocks: normal matrices are sums of (M^T M) kron (f f^T)."""
    r, n = blended.shape[:2]
    f = features.reshape(n, -1)
    size = f.shape[1]
    gram = np.einsum("rnka,rnkb->rabn", blended, blended).reshape(r * 9, n)
    outer = np.einsum("ni,nj->nij", f, f).reshape(n, size * size)
    normal = (gram @ outer).reshape(r, 3, 3, size, size).transpose(0, 1, 3, 2, 4).reshape(r, 3 * size, 3 * size)
    normal += _RIDGE * n * np.eye(3 * size)
    projected = np.einsum("rnka,rnk->ran", blended, residual)
    wanted = (projected @ f).reshape(r, 3 * size)
    return np.linalg.solve(normal, wanted[..., None]).reshape(r, 3, -1, 9)


def _by_worth(effect: Float[np.ndarray, "r d"]) -> dict[tuple[int, ...], Int[np.ndarray, " m"]]:
    """Vertices grouped by which of their drivers matter."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, worth in enumerate(effect > _WORTH):
        groups[tuple(np.flatnonzero(worth).tolist())].append(row)
    return {kept: np.array(members) for kept, members in groups.items()}
