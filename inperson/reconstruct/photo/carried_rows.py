"""The inner loops of `DifferentiableBody`, compiled: one photo's fit goes through them thousands of times.

Residuals see a point by one direction (the distance across an outline) or two (a pixel), and a point rides on a
handful of joints: `fill_along` sums what they need joint by joint, up each chain. The plain way is
`DifferentiableBody.jacobian`.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def chain(parents, rotations, rest, joint_dirs, transl):
    """World rotations (55, 3, 3) and positions (55, 3) of joints, and the positions' derivatives (55, 3, C)."""
    G, P, P_dirs = np.empty_like(rotations), np.empty_like(rest), np.empty_like(joint_dirs)
    for j in range(len(parents)):
        p = parents[j]
        if p < 0:
            G[j], P[j], P_dirs[j] = rotations[j], rest[j] + transl, joint_dirs[j]
            continue
        for a in range(3):
            P[j, a] = P[p, a]
            P_dirs[j, a] = P_dirs[p, a]
            for b in range(3):
                turn = G[p, a, b]
                P[j, a] += turn * (rest[j, b] - rest[p, b])
                P_dirs[j, a] += turn * (joint_dirs[j, b] - joint_dirs[p, b])
                G[j, a, b] = G[p, a, 0] * rotations[j, 0, b]
                G[j, a, b] += G[p, a, 1] * rotations[j, 1, b] + G[p, a, 2] * rotations[j, 2, b]
    return G, P, P_dirs


@njit(cache=True, nogil=True)
def blend(x, weights, G, t):
    """(N, 3) world positions of points at rest `x` (N, 3): sum_k w_k (G_k x + t_k)."""
    out = np.zeros_like(x)
    for n in range(len(x)):
        for k in range(len(t)):
            w = weights[n, k]
            if w == 0.0:
                continue
            for a in range(3):
                turned = G[k, a, 0] * x[n, 0] + G[k, a, 1] * x[n, 1] + G[k, a, 2] * x[n, 2]
                out[n, a] += w * (turned + t[k, a])
    return out


@njit(cache=True, nogil=True)
def fill_along(across, x, dirs, weights, G, P, t, t_dirs, parents, dof, first, out):
    """Fill `out` (N, R, U), zeros on entry, with `across` (N, R, 3) times the points' derivatives by all unknowns.

    Args:
        x: (N, 3) shaped rest positions, `dirs` (N, 3, C) their derivatives by the coefficients.
        weights: (N, 55) of the joints that carry them.
        G, P, t, t_dirs: of `Frames`.
        parents, dof: (55,) parent of each joint, and its first column (-1: it does not move).
        first: column of the first coefficient.
    """
    joints, coefficients = len(parents), dirs.shape[2]
    carried = np.empty((joints, 3))  # of the part of the point that a joint and those below it carry
    share = np.empty(joints)
    blended = np.empty((3, 3))
    for n in range(len(x)):
        carried[:], share[:], blended[:] = 0.0, 0.0, 0.0
        for k in range(joints):
            w = weights[n, k]
            if w == 0.0:
                continue
            for a in range(3):
                part = t[k, a]
                for b in range(3):
                    part += G[k, a, b] * x[n, b]
                    blended[a, b] += w * G[k, a, b]
                j = k
                while j >= 0:
                    carried[j, a] += w * part
                    j = parents[j]
            j = k
            while j >= 0:
                share[j] += w
                j = parents[j]
            for r in range(across.shape[1]):
                for a in range(3):
                    along = w * across[n, r, a]
                    for c in range(coefficients):
                        out[n, r, first + c] += along * t_dirs[k, a, c]
        for r in range(across.shape[1]):
            d0, d1, d2 = across[n, r, 0], across[n, r, 1], across[n, r, 2]
            out[n, r, 0], out[n, r, 1], out[n, r, 2] = d0, d1, d2
            for j in range(joints):
                if share[j] == 0.0 or dof[j] < 0:
                    continue
                a0 = carried[j, 0] - share[j] * P[j, 0]
                a1 = carried[j, 1] - share[j] * P[j, 1]
                a2 = carried[j, 2] - share[j] * P[j, 2]
                m0, m1, m2 = d1 * a2 - d2 * a1, d2 * a0 - d0 * a2, d0 * a1 - d1 * a0
                for b in range(3):
                    out[n, r, dof[j] + b] = -(m0 * G[j, 0, b] + m1 * G[j, 1, b] + m2 * G[j, 2, b])
            for a in range(3):
                along = d0 * blended[0, a] + d1 * blended[1, a] + d2 * blended[2, a]
                for c in range(coefficients):
                    out[n, r, first + c] += along * dirs[n, a, c]
