"""Residuals of a `FitProblem` and their analytic Jacobian, as sparse rows. Compiled, float64.

Unknowns are a tangent vector: translation (3), then three per moving joint, R_j <- R_j exp(delta_j). A
point X carried by joint k moves with delta_j, for every ancestor j of k (k included), by

    dX = -[X - P_j]x G_j delta_j,      so      g . dX = (G_j^T ((X - P_j) x g)) . delta_j

for any world direction g. Every residual here is a function of such points or of one log(R_j); a row is
stored as ascending columns and values. `rows_surface.py` has those of the skinned surface; `reference.py` states
the same residuals in plain numpy.
"""

import numpy as np
from numba import njit

from inperson.tracking.fit.rows_surface import MIN_DEPTH, anchor_rows, rim_rows
from inperson.tracking.fit.skeleton import attach, forward_joints
from inperson.tracking.fit.so3 import log_so3, right_jacobian_inverse

MAX_ENTRIES = 96
"""Columns one row can touch: two chains of joints and the translation."""
HUBER_PIXELS, HUBER_DIRECTIONS, HUBER_CONTACT, HUBER_DEPTH = 2.5, 2.0, 3.0, 1.0
"""Whitened residual from which a landmark, a contact or a change of depth counts linearly, not quadratically."""


@njit(cache=True, nogil=True)
def max_rows(problem):
    """Rows a problem can have at most."""
    moving = 0
    for j in range(len(problem.dof)):
        moving += problem.dof[j] >= 0
    return (
        2 * len(problem.reprojections.point)
        + 2 * len(problem.anchors.inv_sigma)
        + len(problem.rims.inv_sigma)
        + 3 * len(problem.directions.tail)
        + 9 * moving
        + 2 * len(problem.prior.hinge_joint)
        + 3
        + len(problem.temporal.point)
        + len(problem.torso.sample_joint) * len(problem.torso.joint)
    )


@njit(cache=True, nogil=True)
def _relative_row(problem, G, P, k_plus, x_plus, k_minus, x_minus, g, cols, vals):
    """Gradient of g . (x_plus - x_minus), two points carried by joints k (k_minus < 0: a fixed point).

    Returns the number of entries written to `cols` and `vals`.
    """
    s = problem.skeleton
    n = 0
    if k_minus < 0:
        for r in range(3):
            cols[n], vals[n] = r, g[r]
            n += 1
    a = b = 0
    length_a = s.chain_length[k_plus]
    length_b = 0 if k_minus < 0 else s.chain_length[k_minus]
    while a < length_a or b < length_b:
        joint_a = s.chain[k_plus, a] if a < length_a else 1000
        joint_b = s.chain[k_minus, b] if b < length_b else 1000
        j = min(joint_a, joint_b)
        x = y = z = 0.0
        if joint_a == j:
            x, y, z = x_plus[0] - P[j, 0], x_plus[1] - P[j, 1], x_plus[2] - P[j, 2]
            a += 1
        if joint_b == j:
            x, y, z = x - (x_minus[0] - P[j, 0]), y - (x_minus[1] - P[j, 1]), z - (x_minus[2] - P[j, 2])
            b += 1
        c = problem.dof[j]
        if c >= 0:
            m0, m1, m2 = y * g[2] - z * g[1], z * g[0] - x * g[2], x * g[1] - y * g[0]
            for r in range(3):
                cols[n] = c + r
                vals[n] = G[j, 0, r] * m0 + G[j, 1, r] * m1 + G[j, 2, r] * m2
                n += 1
    return n


@njit(cache=True, nogil=True)
def _reprojection_rows(problem, G, P, X, want, m, r, count, cols, vals, huber):
    f = problem.reprojections
    fx, fy, cx, cy = f.camera
    g = np.zeros(3)
    for n in range(len(f.point)):
        w = f.inv_sigma[n]
        if w == 0.0:
            continue
        p = f.point[n]
        x = X[p]
        depth = max(-x[2], MIN_DEPTH)
        r[m] = w * (cx + fx * x[0] / depth - f.pixel[n, 0])
        r[m + 1] = w * (cy - fy * x[1] / depth - f.pixel[n, 1])
        huber[m] = huber[m + 1] = HUBER_PIXELS
        if want:
            k = problem.skeleton.point_joint[p]
            ahead = 1.0 if -x[2] > MIN_DEPTH else 0.0
            g[0], g[1], g[2] = w * fx / depth, 0.0, ahead * w * fx * x[0] / (depth * depth)
            count[m] = _relative_row(problem, G, P, k, x, -1, x, g, cols[m], vals[m])
            g[0], g[1], g[2] = 0.0, -w * fy / depth, -ahead * w * fy * x[1] / (depth * depth)
            count[m + 1] = _relative_row(problem, G, P, k, x, -1, x, g, cols[m + 1], vals[m + 1])
        m += 2
    return m


@njit(cache=True, nogil=True)
def _direction_rows(problem, G, P, X, want, m, r, count, cols, vals, huber):
    f = problem.directions
    g = np.zeros(3)
    for n in range(len(f.tail)):
        a, b = f.tail[n], f.head[n]
        for axis in range(3):
            w = f.inv_sigma[n, axis]
            if w == 0.0:
                continue
            r[m] = w * ((X[b, axis] - X[a, axis]) * f.inv_length[n] - f.target[n, axis])
            huber[m] = HUBER_DIRECTIONS
            if want:
                g[:] = 0.0
                g[axis] = w * f.inv_length[n]
                joint = problem.skeleton.point_joint
                count[m] = _relative_row(problem, G, P, joint[b], X[b], joint[a], X[a], g, cols[m], vals[m])
            m += 1
    return m


@njit(cache=True, nogil=True)
def _prior_rows(problem, rotations, want, m, r, count, cols, vals, huber):
    f = problem.prior
    e, jr = np.empty(3), np.empty((3, 3))
    for j in range(len(problem.dof)):
        c = problem.dof[j]
        if c < 0:
            continue
        log_so3(rotations[j], e)
        if want:
            right_jacobian_inverse(e, jr)
        for a in range(3):
            value = 0.0
            for k in range(3):
                value += f.frame[j, k, a] * e[k]
            over = value - f.upper[j, a] if value > f.upper[j, a] else min(value - f.lower[j, a], 0.0)
            off = value - f.mean[j, a]
            for residual, w, is_limit in ((off, f.inv_sigma[j, a], False), (over, f.inv_sigma_limit, True)):
                if w == 0.0 or (is_limit and residual == 0.0):
                    continue
                r[m] = w * residual
                huber[m] = np.inf
                if want:
                    for col in range(3):
                        cols[m, col] = c + col
                        vals[m, col] = 0.0
                        for k in range(3):
                            vals[m, col] += w * f.frame[j, k, a] * jr[k, col]
                    count[m] = 3
                m += 1
    return m


@njit(cache=True, nogil=True)
def _hinge_rows(problem, rotations, want, m, r, count, cols, vals, huber):
    """A bent forearm or shin stays in its hinge's plane, and on the side to which it can bend."""
    f = problem.prior
    for n in range(len(f.hinge_joint)):
        j = f.hinge_joint[n]
        c = problem.dof[j]
        if c < 0:
            continue
        R, bone = rotations[j], f.hinge_bone[n]
        for one_sided in (False, True):
            axis = f.hinge_forward[n] if one_sided else f.hinge_normal[n]
            w = f.inv_sigma_backwards if one_sided else f.inv_sigma_hinge
            u = axis @ R  # the axis in the frame below the hinge
            value = u[0] * bone[0] + u[1] * bone[1] + u[2] * bone[2]
            if one_sided and value >= 0.0:
                continue
            r[m] = w * value
            huber[m] = np.inf
            if want:
                vals[m, 0] = w * (bone[1] * u[2] - bone[2] * u[1])
                vals[m, 1] = w * (bone[2] * u[0] - bone[0] * u[2])
                vals[m, 2] = w * (bone[0] * u[1] - bone[1] * u[0])
                for col in range(3):
                    cols[m, col] = c + col
                count[m] = 3
            m += 1
    return m


@njit(cache=True, nogil=True)
def _temporal_rows(problem, rotations, transl, G, P, X, want, m, r, count, cols, vals, huber):
    f = problem.temporal
    e, jr, g = np.empty(3), np.empty((3, 3)), np.array([0.0, 0.0, f.inv_sigma_depth])
    for n in range(len(f.point)):
        p = f.point[n]
        r[m] = f.inv_sigma_depth * (X[p, 2] - f.depth[n])
        huber[m] = HUBER_DEPTH
        if want:
            k = problem.skeleton.point_joint[p]
            count[m] = _relative_row(problem, G, P, k, X[p], -1, X[p], g, cols[m], vals[m])
        m += 1
    for a in range(3):
        r[m] = f.inv_sigma_transl[a] * (transl[a] - f.transl[a])
        cols[m, 0], vals[m, 0], count[m], huber[m] = a, f.inv_sigma_transl[a], 1, np.inf
        m += 1
    for j in range(len(problem.dof)):
        c, w = problem.dof[j], f.inv_sigma[j]
        if c < 0 or w == 0.0:
            continue
        log_so3(f.rotations[j].T @ rotations[j], e)
        if want:
            right_jacobian_inverse(e, jr)
        for a in range(3):
            r[m] = w * e[a]
            huber[m] = np.inf
            if want:
                for col in range(3):
                    cols[m, col], vals[m, col] = c + col, w * jr[a, col]
                count[m] = 3
            m += 1
    return m


@njit(cache=True, nogil=True)
def _contact_rows(problem, contacts, G, P, S, want, m, r, count, cols, vals, huber):
    """Depth of arm points inside the trunk's ellipsoids (straight out), or behind their near side (along the view).

    With q the point in the ellipsoid's frame scaled to a unit sphere of radius 1 (radii grown by the limb's
    own thickness): straight out, the residual is rho (1 - |q|), rho the mean radius. Along the view v it is
    the distance t >= 0 to leave the sphere, |q + t v| = 1; then dt = -n . (dx + t dv) / (n . v) with n the
    normal at the exit point, which is what moving the exit point with the trunk gives.
    """
    f = problem.torso
    q, v, n_local, n, exit_point = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for i in range(len(contacts.sample)):
        s, e = contacts.sample[i], contacts.ellipsoid[i]
        k = f.joint[e]
        rho, qq, qv, vv = 0.0, 0.0, 0.0, 0.0
        for a in range(3):
            radius = f.radii[e, a] + f.sample_radius[s]
            local, view = -f.centre[e, a], 0.0
            for b in range(3):
                local += G[k, b, a] * (S[s, b] - P[k, b])
                view += G[k, b, a] * contacts.towards_camera[i, b]
            q[a], v[a], rho = local / radius, view / radius, rho + radius / 3.0
            qq, qv, vv = qq + q[a] * q[a], qv + q[a] * v[a], vv + v[a] * v[a]
        if vv == 0.0:
            t, value = 0.0, rho * (1.0 - np.sqrt(qq))
            scale = -rho / max(np.sqrt(qq), 1e-6)
        else:
            under_root = qv * qv - vv * (qq - 1.0)
            t = (-qv + np.sqrt(max(under_root, 0.0))) / vv
            value = t if under_root > 0.0 else 0.0
            scale = -1.0 / max(qv + t * vv, 1e-6)
        if value <= 0.0:
            continue
        w = contacts.weight[i] * f.inv_sigma
        r[m] = w * value
        huber[m] = HUBER_CONTACT
        if want:
            for a in range(3):
                n_local[a] = w * scale * (q[a] + t * v[a]) / (f.radii[e, a] + f.sample_radius[s])
            for b in range(3):
                n[b] = G[k, b, 0] * n_local[0] + G[k, b, 1] * n_local[1] + G[k, b, 2] * n_local[2]
                exit_point[b] = S[s, b] + t * contacts.towards_camera[i, b]
            count[m] = _relative_row(problem, G, P, f.sample_joint[s], S[s], k, exit_point, n, cols[m], vals[m])
        m += 1
    return m


@njit(cache=True, nogil=True)
def fill_rows(problem, contacts, rotations, transl, want_jacobian, r, count, cols, vals, huber):
    """All rows of a problem at one state.

    Args:
        problem: `FitProblem`.
        contacts: `Contacts` held for this linearisation.
        rotations: (55, 3, 3) local rotations.
        transl: (3,) metres.
        want_jacobian: fill `count`, `cols`, `vals` too.
        r, count, cols, vals, huber: receive residuals (M,), entries per row (M,), columns and values
            (M, MAX_ENTRIES) and the whitened residual where each row turns linear (M,; inf: never).

    Returns:
        The number of rows.
    """
    G, P = np.empty((len(rotations), 3, 3)), np.empty((len(rotations), 3))
    s, t = problem.skeleton, problem.torso
    X, S = np.empty((len(s.point_joint), 3)), np.empty((len(t.sample_joint), 3))
    forward_joints(s, rotations, transl, G, P)
    attach(s.point_joint, s.point_offset, G, P, X)
    m = _reprojection_rows(problem, G, P, X, want_jacobian, 0, r, count, cols, vals, huber)
    m = _direction_rows(problem, G, P, X, want_jacobian, m, r, count, cols, vals, huber)
    m = anchor_rows(problem, G, P, want_jacobian, m, r, count, cols, vals, huber)
    m = rim_rows(problem, G, P, want_jacobian, m, r, count, cols, vals, huber)
    m = _prior_rows(problem, rotations, want_jacobian, m, r, count, cols, vals, huber)
    m = _hinge_rows(problem, rotations, want_jacobian, m, r, count, cols, vals, huber)
    m = _temporal_rows(problem, rotations, transl, G, P, X, want_jacobian, m, r, count, cols, vals, huber)
    attach(t.sample_joint, t.sample_offset, G, P, S)
    return _contact_rows(problem, contacts, G, P, S, want_jacobian, m, r, count, cols, vals, huber)
