"""Fields on a mesh: areas around vertices and the Laplacian that smooths over them."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix, diags
from scipy.sparse.linalg import SuperLU, splu

_MAX_COTANGENT = 5.0
"""Of needle-shaped faces: their Laplacian would be as large as all others' together."""


def vertex_areas(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, " V"]:
    """A third of the area of each vertex' faces, square metres, float64."""
    v = vertices.astype(np.float64)
    cross = np.cross(v[faces[:, 1]] - v[faces[:, 0]], v[faces[:, 2]] - v[faces[:, 0]])
    third = np.linalg.norm(cross, axis=1) / 6.0
    return np.bincount(faces.ravel(), np.repeat(third, 3), len(v))


def edge_laplacian(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> csr_matrix:
    """(V, V) positive semidefinite: x' L x is the integral of |grad x|^2 (cotangent weights, Pinkall and
    Polthier 1993), obtuse angles' negative weights left out so that no solution exceeds its data."""
    v = vertices.astype(np.float64)
    rows, columns, weights = [], [], []
    for k in range(3):
        a, b, c = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        u, w = v[b] - v[a], v[c] - v[a]
        cotangent = (u * w).sum(axis=1) / np.maximum(np.linalg.norm(np.cross(u, w), axis=1), 1e-12)
        rows += [b, c]
        columns += [c, b]
        weights += [0.5 * np.clip(cotangent, 0.0, _MAX_COTANGENT)] * 2
    adjacency = coo_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(len(v), len(v))
    ).tocsr()
    return (diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsr()


def symmetric_factor(matrix: csr_matrix) -> SuperLU:
    """Factors of a symmetric positive definite matrix; ordered for symmetry, which takes a quarter of the time."""
    return splu(
        csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
