"""Levenberg-Marquardt with Huber weights over the sparse rows of `rows.py`. Compiled, one thread."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.problem import FitProblem
from inperson.tracking.fit.rows import MAX_ENTRIES, fill_rows, max_rows
from inperson.tracking.fit.so3 import exp_so3

_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP = 1e-3, 0.2, 8.0
_CONVERGED = 1e-4
"""Relative fall of the cost below which iterating stops."""
_LONGEST_STEP = 0.7
"""Radians (metres for translation) one iteration may move any unknown."""


class FitResult(NamedTuple):
    """A solution: local rotations (55, 3, 3), translation (3,), Huber cost, iterations used."""

    rotations: Float[np.ndarray, "55 3 3"]
    transl: Float[np.ndarray, "3"]
    cost: float
    iterations: int


@njit(cache=True, nogil=True)
def huber_cost(r, huber, rows):
    """Half the sum of Huber losses."""
    total = 0.0
    for m in range(rows):
        a = abs(r[m])
        total += 0.5 * a * a if a <= huber[m] else huber[m] * (a - 0.5 * huber[m])
    return total


@njit(cache=True, nogil=True)
def normal_equations(r, huber, rows, count, cols, vals, H, g):
    """Adds J^T W J (lower triangle) and J^T W r into zeroed `H` and `g`; columns ascend within a row."""
    for m in range(rows):
        a = abs(r[m])
        w = 1.0 if a <= huber[m] else huber[m] / a
        for i in range(count[m]):
            ci, vi = cols[m, i], w * vals[m, i]
            g[ci] += vi * r[m]
            for k in range(i + 1):
                H[ci, cols[m, k]] += vi * vals[m, k]


@njit(cache=True, nogil=True, fastmath=True)
def cholesky(A):
    """Replaces the lower triangle of a positive definite matrix by its Cholesky factor.

    Row by row, so every inner loop runs along contiguous memory; a BLAS would wake its threads for this.
    """
    n = len(A)
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= A[i, k] * A[j, k]
            A[i, j] = np.sqrt(max(s, 1e-12)) if i == j else s / A[j, j]


@njit(cache=True, nogil=True, fastmath=True)
def cholesky_solve(L, b, x):
    """Solves L L^T x = b for one right-hand side, into `x`."""
    n = len(b)
    for i in range(n):
        s = b[i]
        for k in range(i):
            s -= L[i, k] * x[k]
        x[i] = s / L[i, i]
    for i in range(n - 1, -1, -1):
        x[i] /= L[i, i]
        for k in range(i):
            x[k] -= L[i, k] * x[i]


@njit(cache=True, nogil=True)
def damped_step(H, g, damping):
    """-(H + damping diag(H))^-1 g; H's lower triangle is read."""
    L, step = H.copy(), np.empty(len(g))
    for i in range(len(g)):
        L[i, i] = H[i, i] * (1.0 + damping) + 1e-9
    cholesky(L)
    cholesky_solve(L, -g, step)
    return step


@njit(cache=True, nogil=True)
def retract(rotations, transl, dof, step):
    """The state after a tangent step: R_j exp(step_j), transl + step[:3]."""
    out = rotations.copy()
    turn = np.empty((3, 3))
    for j in range(len(dof)):
        c = dof[j]
        if c >= 0:
            exp_so3(step[c : c + 3], turn)
            out[j] = rotations[j] @ turn
    return out, transl + step[:3]


@njit(cache=True, nogil=True)
def solve(problem, rotations, transl, max_iterations):
    """Fits a `FitProblem` from a starting point.

    Args:
        problem: `FitProblem`.
        rotations: (55, 3, 3) starting local rotations.
        transl: (3,) starting translation, metres.
        max_iterations: linearisations at most.

    Returns:
        `FitResult`; the cost never exceeds the start's.
    """
    n = 3
    for j in range(len(problem.dof)):
        n += 3 * (problem.dof[j] >= 0)
    damping, cost, used = _DAMPING_START, np.inf, 0
    capacity = max_rows(problem)
    r, huber, count = np.empty(capacity), np.empty(capacity), np.zeros(capacity, np.int64)
    cols, vals = np.empty((capacity, MAX_ENTRIES), np.int64), np.empty((capacity, MAX_ENTRIES))
    for _ in range(max_iterations):
        used += 1
        contacts = find_contacts(problem, rotations, transl)
        rows = fill_rows(problem, contacts, rotations, transl, True, r, count, cols, vals, huber)
        cost = huber_cost(r, huber, rows)
        H, g = np.zeros((n, n)), np.zeros(n)
        normal_equations(r, huber, rows, count, cols, vals, H, g)
        improved = 0.0
        for _attempt in range(4):
            step = damped_step(H, g, damping)
            longest = np.abs(step).max()
            if longest > _LONGEST_STEP:
                step *= _LONGEST_STEP / longest
            new_rotations, new_transl = retract(rotations, transl, problem.dof, step)
            rows = fill_rows(problem, contacts, new_rotations, new_transl, False, r, count, cols, vals, huber)
            new_cost = huber_cost(r, huber, rows)
            if new_cost < cost:
                improved = (cost - new_cost) / cost
                rotations, transl, cost = new_rotations, new_transl, new_cost
                damping *= _DAMPING_DOWN
                break
            damping *= _DAMPING_UP
        if improved < _CONVERGED:
            break
    return FitResult(rotations, transl, cost, used)


def fit(
    problem: FitProblem,
    rotations: Float[np.ndarray, "55 3 3"],
    transl: Float[np.ndarray, "3"],
    max_iterations: int = 4,
) -> FitResult:
    """`solve` with its argument types stated and made contiguous float64."""
    return solve(
        problem,
        np.ascontiguousarray(rotations, np.float64),
        np.ascontiguousarray(transl, np.float64),
        max_iterations,
    )
