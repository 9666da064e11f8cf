"""Rows of places on the skinned surface: anchors and rims. Compiled, float64.

A place carried by several joints stands at the weighted mean of where each of them takes it. It moves with delta_j
(see `rows.py`) as all its carriers below joint j do together, so that only the sum of their levers matters.
"""

import numpy as np
from numba import njit

HUBER_ANCHORS, HUBER_RIMS = 1.5, 1.5
"""Whitened residual from which an anchor or a rim counts linearly."""
MIN_DEPTH = 0.05
"""Metres in front of the camera below which a projection is clamped."""


@njit(cache=True, nogil=True)
def _blend(problem, f, n, G, P, want, part, x, lever, weight):
    """Where place `n` of `f` (`Anchors` or `Rims`) stands, written into `x` (3,).

    If `want`: for every joint j that moves it, `lever` (55, 3) receives the sum over its carriers of
    weight (x_k - P_j), and `weight` (55,) the sum of their weights. `part` (3,) is scratch.
    """
    s = problem.skeleton
    x[:] = 0.0
    lever[:] = 0.0
    weight[:] = 0.0
    for i in range(f.carrier.shape[1]):
        share, k = f.weight[n, i], f.carrier[n, i]
        if share == 0.0:
            continue
        for a in range(3):
            part[a] = P[k, a]
            for b in range(3):
                part[a] += G[k, a, b] * f.offset[n, i, b]
            x[a] += share * part[a]
        if want:
            for d in range(s.chain_length[k]):
                j = s.chain[k, d]
                weight[j] += share
                for a in range(3):
                    lever[j, a] += share * (part[a] - P[j, a])


@njit(cache=True, nogil=True)
def _blended_row(problem, G, lever, weight, g, cols, vals):
    """Gradient of g . x for a blended place, from what `_blend` gives. Returns the number of entries."""
    for r in range(3):
        cols[r], vals[r] = r, g[r]
    n = 3
    for j in range(len(problem.dof)):
        c = problem.dof[j]
        if c < 0 or weight[j] == 0.0:
            continue
        x, y, z = lever[j]
        m0, m1, m2 = y * g[2] - z * g[1], z * g[0] - x * g[2], x * g[1] - y * g[0]
        for r in range(3):
            cols[n] = c + r
            vals[n] = G[j, 0, r] * m0 + G[j, 1, r] * m1 + G[j, 2, r] * m2
            n += 1
    return n


@njit(cache=True, nogil=True)
def anchor_rows(problem, G, P, want, m, r, count, cols, vals, huber):
    """Both pixel coordinates of each anchor; arguments as in `fill_rows`. Returns the next free row."""
    f = problem.anchors
    fx, fy, cx, cy = problem.reprojections.camera
    x, part, g = np.empty(3), np.empty(3), np.zeros(3)
    lever, weight = np.empty((len(G), 3)), np.empty(len(G))
    for n in range(len(f.inv_sigma)):
        w = f.inv_sigma[n]
        if w == 0.0:
            continue
        _blend(problem, f, n, G, P, want, part, x, lever, weight)
        depth = max(-x[2], MIN_DEPTH)
        r[m] = w * (cx + fx * x[0] / depth - f.pixel[n, 0])
        r[m + 1] = w * (cy - fy * x[1] / depth - f.pixel[n, 1])
        huber[m] = huber[m + 1] = HUBER_ANCHORS
        if want:
            ahead = 1.0 if -x[2] > MIN_DEPTH else 0.0
            g[0], g[1], g[2] = w * fx / depth, 0.0, ahead * w * fx * x[0] / (depth * depth)
            count[m] = _blended_row(problem, G, lever, weight, g, cols[m], vals[m])
            g[0], g[1], g[2] = 0.0, -w * fy / depth, -ahead * w * fy * x[1] / (depth * depth)
            count[m + 1] = _blended_row(problem, G, lever, weight, g, cols[m + 1], vals[m + 1])
        m += 2
    return m


@njit(cache=True, nogil=True)
def rim_rows(problem, G, P, want, m, r, count, cols, vals, huber):
    """Each rim's distance from its line, n . (uv - pixel); arguments as in `fill_rows`. Returns the next free row."""
    f = problem.rims
    fx, fy, cx, cy = problem.reprojections.camera
    x, part, g = np.empty(3), np.empty(3), np.zeros(3)
    lever, weight = np.empty((len(G), 3)), np.empty(len(G))
    for n in range(len(f.inv_sigma)):
        nx, ny = f.inv_sigma[n] * f.normal[n, 0], f.inv_sigma[n] * f.normal[n, 1]
        _blend(problem, f, n, G, P, want, part, x, lever, weight)
        depth = max(-x[2], MIN_DEPTH)
        r[m] = nx * (cx + fx * x[0] / depth - f.pixel[n, 0]) + ny * (cy - fy * x[1] / depth - f.pixel[n, 1])
        huber[m] = HUBER_RIMS
        if want:
            ahead = 1.0 if -x[2] > MIN_DEPTH else 0.0
            g[0], g[1] = nx * fx / depth, -ny * fy / depth
            g[2] = ahead * (nx * fx * x[0] - ny * fy * x[1]) / (depth * depth)
            count[m] = _blended_row(problem, G, lever, weight, g, cols[m], vals[m])
        m += 1
    return m
