"""Binding a MakeHuman proxy to a body: from (triangle, weights, offset) to a skinned mesh in SMPL-X's terms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.synthetic.basemesh import BaseMesh
from inperson.synthetic.mhassets import Proxy


@dataclass(frozen=True, slots=True)
class BoundMesh:
    """N vertices that follow a body's betas, expression and joints exactly as the body's own vertices do."""

    template: Float[np.ndarray, "N 3"]
    shapedirs: Float[np.ndarray, "N 3 B"]
    exprdirs: Float[np.ndarray, "N 3 E"]
    weights: Float[np.ndarray, "N 55"]


def bind(proxy: Proxy, base: BaseMesh) -> BoundMesh:
    """Binds in the T-pose: `v = sum_i w_i p[idx_i] + R (offset * s)`.

    MakeHuman binds in its rest pose, where offsets lie along the axes; `R` (blended like the positions) turns
    them into the T-pose. The scale `s_axis = |p_a - p_b|_axis / denominator` is measured along the same
    turned-back axes. Offsets and denominators are decimetres, positions metres: the ratio leaves metres.
    Everything is linear in betas because no measured distance changes sign.
    """
    w = proxy.weights.astype(np.float32)

    def blend(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nk...->n...", w, values[proxy.indices])

    scale = np.zeros(3, np.float32)
    scale_of_betas = np.zeros((3, base.num_betas), np.float32)
    for s in proxy.scales:
        axis = base.R_tpose_from_rest[s.vertex_a][:, s.axis]
        span = axis @ (base.template[s.vertex_a] - base.template[s.vertex_b])
        span_of_betas = axis @ (base.shapedirs[s.vertex_a] - base.shapedirs[s.vertex_b])
        scale[s.axis] = abs(span) / s.denominator
        scale_of_betas[s.axis] = np.sign(span) * span_of_betas / s.denominator

    offsets = proxy.offsets.astype(np.float32)
    R = blend(base.R_tpose_from_rest)
    template = blend(base.template) + np.einsum("nij,nj->ni", R, offsets * scale)
    shapedirs = blend(base.shapedirs)
    shapedirs += np.einsum("nij,nj,jb->nib", R, offsets, scale_of_betas, optimize=True)
    weights = np.clip(blend(base.weights), 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    return BoundMesh(template, shapedirs, blend(base.exprdirs), weights)
