"""`J_regressor`: every joint as a sparse affine combination of vertices that expressions do not move."""

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import JOINT_NAMES
from tools.build_body.skeleton import PARENTS

_NEAREST, _PICKED = 900, 110
_RIDGE = 3e-4
_TEMPLATE_WEIGHT = 30.0


def fit_joint_regressor(
    templates: Float[np.ndarray, "t V 3"],
    template_joints: Float[np.ndarray, "t 55 3"],
    dirs: Float[np.ndarray, "V 3 B"],
    joint_dirs: Float[np.ndarray, "55 3 B"],
    weights: Float[np.ndarray, "V 55"],
    still: Bool[np.ndarray, " V"],
) -> Float[np.ndarray, "55 V"]:
    """Least squares over the template persons and every shape direction.

    Each row sums to 1, so joints move with the body; being linear, a row that is right for the templates and
    for each beta is right for every shape.
    """
    regressor = np.zeros((len(JOINT_NAMES), templates.shape[1]))
    for j, name in enumerate(JOINT_NAMES):
        near = weights[:, j] + (weights[:, PARENTS[j]] if PARENTS[j] >= 0 else 0.0) > 0.3
        if name.endswith("eye"):
            near = weights[:, j] > 0.5
        elif name == "jaw":
            near = weights[:, JOINT_NAMES.index("head")] > 0.5
        candidates = np.flatnonzero(still & near)
        picked = _spread_around(templates[0], candidates, template_joints[0, j])
        rows = np.concatenate(
            [_TEMPLATE_WEIGHT * templates[:, picked].transpose(0, 2, 1), dirs[picked].transpose(2, 1, 0)]
        ).reshape(-1, len(picked))
        wanted = np.concatenate([_TEMPLATE_WEIGHT * template_joints[:, j], joint_dirs[j].T]).reshape(-1)
        regressor[j, picked] = _affine_ridge(rows, wanted)
    return regressor


def _spread_around(vertices: np.ndarray, candidates: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Farthest-point sampling among the candidates nearest to the joint."""
    distance = np.linalg.norm(vertices[candidates] - joint, axis=1)
    candidates = candidates[np.argsort(distance)[:_NEAREST]]
    picked = [0]
    gap = np.linalg.norm(vertices[candidates] - vertices[candidates[0]], axis=1)
    while len(picked) < min(_PICKED, len(candidates)):
        picked.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(vertices[candidates] - vertices[candidates[picked[-1]]], axis=1))
    return candidates[picked]


def _affine_ridge(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """argmin |rows x - wanted|^2 + ridge |x - 1/n|^2 with sum(x) = 1, by its KKT system."""
    n = rows.shape[1]
    kkt = np.zeros((n + 1, n + 1))
    kkt[:n, :n] = rows.T @ rows + _RIDGE * np.eye(n)
    kkt[:n, n] = kkt[n, :n] = 1.0
    return np.linalg.solve(kkt, np.append(rows.T @ wanted + _RIDGE / n, 1.0))[:n]
