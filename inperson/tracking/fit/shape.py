"""A person's shape from the first seconds: bone lengths as betas, and the size of the hands.

Betas and hand scale are estimated over a set of key frames with each frame's pose marginalised out (Schur
complement of the pose block, as in bundle adjustment), a strong prior, and the metric bone lengths of
MediaPipe's world landmarks. The work is spread out: each call to `step` refits one key frame (about 1 ms).
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from numba import njit

from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.fit.problem import FitProblem
from inperson.tracking.fit.rows import MAX_ENTRIES, fill_rows, max_rows
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.fit.solver import cholesky, cholesky_solve, fit
from inperson.tracking.observation import Observation

KEY_FRAMES = 16
"""Frames the estimate rests on."""
KEY_FRAME_GAP_NS = 200_000_000
"""Least time between two key frames."""
CYCLES = 5
"""Times every key frame is refitted before the shape counts as known."""
_BETA_SIGMA, _HAND_SIGMA = 0.7, 0.05
_INDEPENDENT_FRAMES = 6.0
"""Key frames share their errors (clothes, the landmarker's bias): together they count as this many."""
_LANDMARK_BIAS = 3.0
"""Landmarks of a fit are biased, not only noisy; here their standard deviations are this many times larger."""
_BONE_SIGMA = 0.10
"""Relative error of a metric bone length."""
_BONES = ((11, 13), (13, 15), (12, 14), (14, 16), (11, 12), (23, 25), (25, 27), (24, 26), (26, 28))


@dataclass
class _KeyFrame:
    problem: FitProblem
    rotations: Float[np.ndarray, "55 3 3"]
    transl: Float[np.ndarray, "3"]
    hands: bool


@dataclass
class ShapeCalibrator:
    """Estimates `betas` and `hand_scale` of one person.

    Args:
        model: the body's skeleton.
    """

    model: SkeletonModel
    betas: Float[np.ndarray, " B"] = field(init=False)
    hand_scale: float = 1.0
    _frames: list[_KeyFrame] = field(default_factory=list)
    _bones: list[np.ndarray] = field(default_factory=list)
    _last_key_ns: int = -(1 << 62)
    _next: int = 0
    _cycles: int = 0
    _H: np.ndarray = field(init=False)
    _g: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.betas = np.zeros(self.model.num_betas)
        self._clear()

    @property
    def done(self) -> bool:
        """Whether the shape is known."""
        return self._cycles >= CYCLES

    @property
    def wants_frame(self) -> bool:
        """Whether more key frames are needed."""
        return len(self._frames) < KEY_FRAMES

    def offer(
        self, obs: Observation, problem: FitProblem, rotations: Float[np.ndarray, "55 3 3"], transl: np.ndarray
    ) -> None:
        """Takes a fitted frame as a key frame if it comes long enough after the last one."""
        if not self.wants_frame or obs.time_ns - self._last_key_ns < KEY_FRAME_GAP_NS:
            return
        self._last_key_ns = obs.time_ns
        without_past = problem.temporal._replace(
            inv_sigma=np.zeros_like(problem.temporal.inv_sigma), inv_sigma_transl=np.zeros(3), inv_sigma_depth=0.0
        )
        hands = obs.left_hand is not None or obs.right_hand is not None
        frame = _KeyFrame(problem._replace(temporal=without_past), rotations.copy(), transl.copy(), hands)
        self._frames.append(frame)
        self._bones.append(_bone_lengths(obs))

    def step(self) -> bool:
        """Refits one key frame; after the last of a cycle updates the shape.

        Returns:
            Whether `betas` and `hand_scale` changed.
        """
        if self.done or len(self._frames) < min(4, KEY_FRAMES):
            return False
        self._accumulate(self._frames[self._next])
        self._next += 1
        if self._next < len(self._frames):
            return False
        self._update()
        self._clear()
        if not self.wants_frame:
            self._cycles += 1
        return True

    def run(self) -> None:
        """All remaining cycles at once, with the key frames there are (offline)."""
        while self._frames and self._cycles < CYCLES:
            for frame in self._frames:
                self._accumulate(frame)
            self._update()
            self._clear()
            self._cycles += 1

    def _clear(self) -> None:
        n = self.model.num_betas + 1
        self._H, self._g, self._next = np.zeros((n, n)), np.zeros(n), 0

    def _accumulate(self, frame: _KeyFrame) -> None:
        """Refits one frame with the present shape and adds its say about the shape, pose marginalised."""
        problem = _reshaped(frame.problem, self.model, self.betas, self.hand_scale)
        frame.rotations, frame.transl, _, _ = fit(problem, frame.rotations, frame.transl, 3)
        landmarks = _landmark_rows(problem)
        now = landmark_residuals(problem, frame.rotations, frame.transl, landmarks)
        B = np.empty((landmarks, len(self._g)))
        h = 1e-4
        for k in range(B.shape[1]):
            betas, scale = self.betas.copy(), self.hand_scale
            if k < len(betas):
                betas[k] += h
            else:
                scale *= np.exp(h)
            moved = _reshaped(frame.problem, self.model, betas, scale)
            B[:, k] = (landmark_residuals(moved, frame.rotations, frame.transl, landmarks) - now) / h
        marginal_equations(problem, frame.rotations, frame.transl, B, _LANDMARK_BIAS**-2, self._H, self._g)

    def _update(self) -> None:
        n = len(self.betas)
        share = min(_INDEPENDENT_FRAMES / len(self._frames), 1.0)
        H, g = share * self._H, share * self._g
        prior = np.append(np.full(n, 1.0 / _BETA_SIGMA**2), 1.0 / _HAND_SIGMA**2)
        H[np.diag_indices(n + 1)] += prior
        g += prior * np.append(self.betas, np.log(self.hand_scale))
        r, J = self._bone_rows()
        H[:n, :n] += J.T @ J
        g[:n] += J.T @ r
        step = np.linalg.solve(H, -g)
        step *= min(1.0, 0.5 / max(np.abs(step).max(), 1e-9))
        self.betas = np.clip(self.betas + step[:n], -2.5, 2.5)
        self.hand_scale = float(np.clip(self.hand_scale * np.exp(step[n]), 0.85, 1.18))

    def _bone_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Log ratio of the shape's bone lengths to the observed ones, whitened, and its derivative."""
        observed = np.array(self._bones)
        seen = np.isfinite(observed).sum(axis=0) >= max(3, len(observed) // 3)
        if not seen.any():
            return np.zeros(0), np.zeros((0, len(self.betas)))
        target = np.log(np.nanmedian(observed[:, seen], axis=0))

        def lengths(betas: np.ndarray) -> np.ndarray:
            points = self.model.rest(betas)[1]
            pairs = np.array(_BONES)[seen]
            return np.log(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1))

        now = lengths(self.betas)
        h = 1e-4
        J = np.stack([(lengths(self.betas + h * e) - now) / h for e in np.eye(len(self.betas))], axis=1)
        return (now - target) / _BONE_SIGMA, J / _BONE_SIGMA


def _bone_lengths(obs: Observation) -> Float[np.ndarray, " K"]:
    """Metric lengths between world landmarks; NaN where an end is not seen."""
    assert obs.body_world is not None
    pairs = np.array(_BONES)
    seen: Bool[np.ndarray, " K"] = landmark_trust(obs)[pairs].min(axis=1) > 0.6
    length = np.linalg.norm(obs.body_world[pairs[:, 0]] - obs.body_world[pairs[:, 1]], axis=1)
    return np.where(seen, length, np.nan)


def _reshaped(problem: FitProblem, model: SkeletonModel, betas: np.ndarray, hand_scale: float) -> FitProblem:
    """The same observations, asked of another shape."""
    skeleton = model.shaped(betas, hand_scale)
    points = model.rest(betas, hand_scale)[1]
    d = problem.directions
    length = np.linalg.norm(points[d.head] - points[d.tail], axis=1)
    return problem._replace(skeleton=skeleton, directions=d._replace(inv_length=1.0 / length))


def _landmark_rows(problem: FitProblem) -> int:
    """Rows that depend on the shape, which come first and are always there: pixels and directions."""
    return 2 * int((problem.reprojections.inv_sigma > 0).sum()) + int((problem.directions.inv_sigma > 0).sum())


@njit(cache=True, nogil=True)
def landmark_residuals(problem, rotations, transl, landmarks):
    """The first `landmarks` residuals of a problem: those that depend on the shape."""
    m = max_rows(problem)
    r, huber, count = np.empty(m), np.empty(m), np.zeros(m, np.int64)
    cols, vals = np.empty((m, MAX_ENTRIES), np.int64), np.empty((m, MAX_ENTRIES))
    contacts = find_contacts(problem, rotations, transl)
    fill_rows(problem, contacts, rotations, transl, False, r, count, cols, vals, huber)
    return r[:landmarks]


@njit(cache=True, nogil=True)
def marginal_equations(problem, rotations, transl, B, landmark_weight, H_out, g_out):
    """Adds the normal equations of the shape, with the pose of this frame eliminated.

    With J the pose's and B the shape's Jacobian and W the weights, the Schur complement of the pose block:
    B^T W B - B^T W J (J^T W J)^-1 J^T W B, and likewise for the gradient.

    Args:
        problem: `FitProblem` of the frame.
        rotations: (55, 3, 3) its fitted rotations.
        transl: (3,) its fitted translation.
        B: (L, K) derivatives of the first L residuals by the K shape parameters.
        landmark_weight: factor on the weight of those L residuals.
        H_out: (K, K), added to.
        g_out: (K,), added to.
    """
    m = max_rows(problem)
    r, huber, count = np.empty(m), np.empty(m), np.zeros(m, np.int64)
    cols, vals = np.empty((m, MAX_ENTRIES), np.int64), np.empty((m, MAX_ENTRIES))
    contacts = find_contacts(problem, rotations, transl)
    rows = fill_rows(problem, contacts, rotations, transl, True, r, count, cols, vals, huber)
    n = 3
    for j in range(len(problem.dof)):
        n += 3 * (problem.dof[j] >= 0)
    K = B.shape[1]
    H, C = np.zeros((n, n)), np.zeros((K + 1, n))
    for i in range(rows):
        a = abs(r[i])
        w = 1.0 if a <= huber[i] else huber[i] / a
        if i < len(B):
            w *= landmark_weight
        for p in range(count[i]):
            value = w * vals[i, p]
            for q in range(p + 1):
                H[cols[i, p], cols[i, q]] += value * vals[i, q]
            C[K, cols[i, p]] += value * r[i]
            if i < len(B):
                for k in range(K):
                    C[k, cols[i, p]] += value * B[i, k]
        if i < len(B):
            for k in range(K):
                g_out[k] += w * B[i, k] * r[i]
                for q in range(K):
                    H_out[k, q] += w * B[i, k] * B[i, q]
    for i in range(n):
        H[i, i] += 1e-6
    cholesky(H)
    solved = np.empty(n)
    for k in range(K + 1):
        cholesky_solve(H, C[k], solved)
        for q in range(K):
            s = 0.0
            for i in range(n):
                s += C[q, i] * solved[i]
            if k < K:
                H_out[q, k] -= s
            else:
                g_out[q] -= s
