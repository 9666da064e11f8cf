"""An avatar's looks as colours of its body's vertices: for programs that draw meshes and not Gaussians."""

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar

SH_C0 = 0.28209479177387814
"""The constant harmonic."""
_UNSEEN = np.array([0.6, 0.5, 0.45])
"""Of a body without a single Gaussian near."""


def vertex_colors(avatar: GaussianAvatar, body: BodyModel) -> Float[np.ndarray, "V 3"]:
    """sRGB-encoded, 0 to 1: the mean of the Gaussians on a vertex's faces, each by its opacity and how near it is.

    Vertices without any (linings of the mouth, parts under others) take their neighbours' colour.
    """
    own = np.clip(avatar.sh[:, 0] * SH_C0 + 0.5, 0.0, 1.0).astype(np.float64)
    corners = body.faces[avatar.face_index]
    weights = (avatar.barycentric * avatar.opacities[:, None]).astype(np.float64).ravel()
    total = np.bincount(corners.ravel(), weights, body.num_vertices)
    colors = np.stack(
        [
            np.bincount(corners.ravel(), weights * np.repeat(own[:, channel], 3), body.num_vertices)
            for channel in range(3)
        ],
        axis=1,
    )
    known = total > 1e-6
    colors[known] = colors[known] / total[known, None]
    return _spread(colors, known, body.faces)


def _spread(
    colors: Float[np.ndarray, "V 3"], known: np.ndarray, faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 3"]:
    """Colours of known vertices carried on along edges until no more can be reached."""
    edges = np.concatenate([faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = np.concatenate([edges, edges[:, ::-1]])
    colors, known = colors.copy(), known.copy()
    while True:
        reaching = edges[known[edges[:, 0]] & ~known[edges[:, 1]]]
        if len(reaching) == 0:
            break
        count = np.bincount(reaching[:, 1], minlength=len(colors))
        fresh = count > 0
        for channel in range(3):
            total = np.bincount(reaching[:, 1], colors[reaching[:, 0], channel], len(colors))
            colors[fresh, channel] = total[fresh] / count[fresh]
        known |= fresh
    colors[~known] = colors[known].mean(axis=0) if known.any() else _UNSEEN
    return colors
