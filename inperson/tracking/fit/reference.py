"""The fit, stated plainly: every residual in ordinary numpy and SciPy's minimiser with a numeric Jacobian.

Slow, and the yardstick for `rows.py` and `solver.py`.
"""

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from inperson.tracking.fit.problem import Anchors, Contacts, FitProblem, Rims, num_unknowns
from inperson.tracking.fit.rows import HUBER_CONTACT, HUBER_DEPTH, HUBER_DIRECTIONS, HUBER_PIXELS
from inperson.tracking.fit.rows_surface import HUBER_ANCHORS, HUBER_RIMS, MIN_DEPTH
from inperson.tracking.fit.solver import FitResult


def forward_reference(
    problem: FitProblem, rotations: np.ndarray, transl: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """World rotations (55, 3, 3) and positions (55, 3) of the joints."""
    s = problem.skeleton
    G, P = rotations.copy(), s.offsets + transl
    for j in range(1, len(G)):
        p = s.parents[j]
        G[j] = G[p] @ rotations[j]
        P[j] = P[p] + G[p] @ s.offsets[j]
    return G, P


def residuals_reference(
    problem: FitProblem, contacts: Contacts, rotations: np.ndarray, transl: np.ndarray
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """All whitened residuals and where each turns linear, in no order that matters."""
    G, P = forward_reference(problem, rotations, transl)
    s = problem.skeleton
    X = P[s.point_joint] + np.einsum("nij,nj->ni", G[s.point_joint], s.point_offset)
    f = problem.reprojections
    x = X[f.point]
    pixels = (f.inv_sigma[:, None] * (_seen_at(x, f.camera) - f.pixel)).ravel()
    d = problem.directions
    vectors = (X[d.head] - X[d.tail]) * d.inv_length[:, None]
    directions = (d.inv_sigma * (vectors - d.target)).ravel()
    a = problem.anchors
    anchors = (a.inv_sigma[:, None] * (_seen_at(_blended(a, G, P), f.camera) - a.pixel)).ravel()
    e = problem.rims
    rims = e.inv_sigma * (e.normal * (_seen_at(_blended(e, G, P), f.camera) - e.pixel)).sum(axis=1)
    others = [
        _prior_reference(problem, rotations),
        _hinge_reference(problem, rotations),
        _temporal_reference(problem, rotations, transl),
        problem.temporal.inv_sigma_depth * (X[problem.temporal.point, 2] - problem.temporal.depth),
        _contact_reference(problem, contacts, G, P),
    ]
    r = np.concatenate([pixels, directions, anchors, rims, *others])
    huber = np.full(len(r), np.inf)
    first_anchor = len(pixels) + len(directions)
    huber[: len(pixels)] = HUBER_PIXELS
    huber[len(pixels) : first_anchor] = HUBER_DIRECTIONS
    first_rim = first_anchor + len(anchors)
    huber[first_anchor:first_rim] = HUBER_ANCHORS
    huber[first_rim : first_rim + len(rims)] = HUBER_RIMS
    touching = len(r) - len(contacts.sample)
    huber[touching - len(problem.temporal.point) : touching] = HUBER_DEPTH
    huber[touching:] = HUBER_CONTACT
    return r, huber


def _blended(places: Anchors | Rims, G: np.ndarray, P: np.ndarray) -> Float[np.ndarray, "N 3"]:
    """Linear blend skinning."""
    carried = P[places.carrier] + np.einsum("nkij,nkj->nki", G[places.carrier], places.offset)
    return np.einsum("nk,nki->ni", places.weight, carried)


def _seen_at(x: Float[np.ndarray, "N 3"], camera: Float[np.ndarray, "4"]) -> Float[np.ndarray, "N 2"]:
    """Pixels of world points."""
    fx, fy, cx, cy = camera
    depth = np.maximum(-x[:, 2], MIN_DEPTH)
    return np.stack([cx + fx * x[:, 0] / depth, cy - fy * x[:, 1] / depth], axis=1)


def solve_reference(problem: FitProblem, contacts: Contacts, rotations: np.ndarray, transl: np.ndarray) -> FitResult:
    """Minimises the same cost from the same start, contacts held."""
    dof = problem.dof
    moving = np.flatnonzero(dof >= 0)

    def state(step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        out = rotations.copy()
        out[moving] = rotations[moving] @ Rotation.from_rotvec(step[3:].reshape(-1, 3)).as_matrix()
        return out, transl + step[:3]

    huber = residuals_reference(problem, contacts, rotations, transl)[1]

    def loss(squared: np.ndarray) -> np.ndarray:
        a = np.maximum(np.sqrt(squared), 1e-30)
        linear = a > huber
        rho = np.where(linear, 2.0 * np.minimum(huber, 1e9) * a - np.minimum(huber, 1e9) ** 2, squared)
        first = np.where(linear, huber / a, 1.0)
        second = np.where(linear, -0.5 * np.minimum(huber, 1e9) / a**3, 0.0)
        return np.array([rho, first, second])

    answer = least_squares(
        lambda step: residuals_reference(problem, contacts, *state(step))[0],
        np.zeros(num_unknowns(dof)),
        loss=loss,
        xtol=1e-10,
        ftol=1e-10,
    )
    return FitResult(*state(answer.x), float(answer.cost), int(answer.nfev))


def _prior_reference(problem: FitProblem, rotations: np.ndarray) -> np.ndarray:
    f, moving = problem.prior, problem.dof >= 0
    c = np.einsum("jba,jb->ja", f.frame, Rotation.from_matrix(rotations).as_rotvec())
    over = np.maximum(c - f.upper, 0.0) + np.minimum(c - f.lower, 0.0)
    return np.concatenate([(f.inv_sigma * (c - f.mean))[moving].ravel(), (f.inv_sigma_limit * over)[moving].ravel()])


def _hinge_reference(problem: FitProblem, rotations: np.ndarray) -> np.ndarray:
    f = problem.prior
    bent = np.einsum("hij,hj->hi", rotations[f.hinge_joint], f.hinge_bone)
    out_of_plane = (f.hinge_normal * bent).sum(axis=1)
    backwards = np.minimum((f.hinge_forward * bent).sum(axis=1), 0.0)
    moving = problem.dof[f.hinge_joint] >= 0
    return np.concatenate([f.inv_sigma_hinge * out_of_plane[moving], f.inv_sigma_backwards * backwards[moving]])


def _temporal_reference(problem: FitProblem, rotations: np.ndarray, transl: np.ndarray) -> np.ndarray:
    f, moving = problem.temporal, problem.dof >= 0
    turned = Rotation.from_matrix(np.swapaxes(f.rotations, 1, 2) @ rotations).as_rotvec()
    return np.concatenate([f.inv_sigma_transl * (transl - f.transl), (f.inv_sigma[:, None] * turned)[moving].ravel()])


def _contact_reference(problem: FitProblem, contacts: Contacts, G: np.ndarray, P: np.ndarray) -> np.ndarray:
    f = problem.torso
    out = []
    for s, e, view, weight in zip(*contacts, strict=True):
        k, carrier = f.joint[e], f.sample_joint[s]
        x = P[carrier] + G[carrier] @ f.sample_offset[s]
        radii = f.radii[e] + f.sample_radius[s]
        q = (G[k].T @ (x - P[k]) - f.centre[e]) / radii
        v = (G[k].T @ view) / radii
        if not view.any():
            depth = radii.mean() * (1.0 - np.linalg.norm(q))
        else:
            roots = np.roots([v @ v, 2 * q @ v, q @ q - 1.0])
            depth = roots.max() if np.isreal(roots).all() else 0.0
        out.append(weight * f.inv_sigma * max(depth, 0.0))
    return np.array(out)
