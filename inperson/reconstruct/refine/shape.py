"""The avatar's betas from a clip: what no pose explains of how the drawn person is off, in all frames alike.

Bundle adjustment over the optical flow: every frame has its own correction, all share the change of the betas; the
corrections are eliminated by the Schur complement. A strong prior keeps the change small.
"""

import numpy as np
from jaxtyping import Float

from inperson.avatar.binding import SurfaceBinding
from inperson.reconstruct.refine.aligner import Aligner
from inperson.reconstruct.refine.alignment import (
    INFORMATION,
    ROUNDS,
    pixels_by_correction,
    pixels_by_points,
    robust_weights,
)
from inperson.reconstruct.refine.flow import FlowSample
from inperson.reconstruct.refine.frames import ClipFrames
from inperson.reconstruct.refine.learner import Learner

_COEFFICIENTS = 10
"""Of the shape, the first: the others say nothing that so few views could show."""
_SIGMA = 0.25
"""How far a coefficient may well be off: the photo has told most of it."""
_STEP = 0.1
"""Of the differences that stand in for derivatives."""


def betas_from_clip(learner: Learner, aligner: Aligner, clip: ClipFrames) -> Float[np.ndarray, " B"]:
    """The learner's betas, changed to what the frames show.

    Args:
        learner: the avatar as it is.
        aligner: of the learner and the clip.
        clip: some frames, in tracked states.
    """
    count = min(_COEFFICIENTS, len(learner.betas))
    others = []
    for number in range(count):
        betas = np.array(learner.betas, np.float32)
        betas[number] += _STEP
        g = learner.gaussians
        others.append(SurfaceBinding(learner.body, betas, g.face_index, g.barycentric))
    seen = [_Frame.of(learner, aligner, clip, number, others) for number in range(len(clip))]
    change: Float[np.ndarray, " b"] = np.zeros(count)
    poses = [np.zeros(len(INFORMATION)) for _ in seen]
    for _ in range(ROUNDS):
        left, right = np.eye(count) / _SIGMA**2, np.zeros(count)
        parts = [frame.normal(pose, change) for frame, pose in zip(seen, poses, strict=True)]
        for pp, pb, bb, p, b in parts:
            eliminated = np.linalg.solve(pp, np.column_stack([pb, p]))
            left += bb - pb.T @ eliminated[:, :-1]
            right += b - pb.T @ eliminated[:, -1]
        change = np.linalg.solve(left, right)
        poses = [np.linalg.solve(pp, p - pb @ change) for pp, pb, _, p, _ in parts]
    betas = np.array(learner.betas, np.float32)
    betas[:count] += change.astype(np.float32)
    return betas


class _Frame:
    """Rows of one frame's least squares: flow by the frame's correction, and by the betas."""

    def __init__(self, flow: FlowSample, by_pose: np.ndarray, by_betas: np.ndarray) -> None:
        self._flow, self._by_pose, self._by_betas = flow, by_pose, by_betas
        self._off = flow.pixels.reshape(-1)

    @staticmethod
    def of(
        learner: Learner, aligner: Aligner, clip: ClipFrames, number: int, others: list[SurfaceBinding]
    ) -> "_Frame":
        state = clip.frames[number].state
        points, flow = aligner.flow(number, state)
        at = points[flow.point]
        here = learner.binding.motion(state).points[flow.point]
        by_points = pixels_by_points(at, flow.view)
        moved = np.stack([(other.motion(state).points[flow.point] - here) / _STEP for other in others], axis=-1)
        by_pose = pixels_by_correction(aligner.poser, aligner.carried.share[flow.point], state, at, flow)
        return _Frame(flow, by_pose, (by_points @ moved).reshape(2 * len(at), -1))

    def normal(self, pose: Float[np.ndarray, " P"], change: Float[np.ndarray, " b"]) -> tuple[np.ndarray, ...]:
        """Blocks of the normal equations, reweighted at a solution: pose-pose, pose-betas, betas-betas, and the
        right-hand sides of both."""
        left = self._off - self._by_pose @ pose - self._by_betas @ change
        weight = np.repeat(robust_weights(self._flow, left), 2)[:, None]
        by_pose, by_betas = weight * self._by_pose, weight * self._by_betas
        return (
            by_pose.T @ self._by_pose + np.diag(INFORMATION),
            by_pose.T @ self._by_betas,
            by_betas.T @ self._by_betas,
            by_pose.T @ self._off,
            by_betas.T @ self._off,
        )
