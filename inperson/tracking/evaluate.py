"""How good a tracked motion is: against ground truth, and by itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.motion_file import MotionClip
from inperson.tracking.observation import Observation
from inperson.tracking.residuals import VISIBLE, Residuals

BODY_JOINTS = slice(0, 22)
LEFT_HAND_JOINTS = (20, *range(25, 40))
RIGHT_HAND_JOINTS = (21, *range(40, 55))
"""A hand is aligned and judged with its wrist."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Against ground truth; millimetres, medians over frames."""

    body_pa_mpjpe: float
    """Mean joint error of the 22 body joints after a similarity alignment per frame."""
    left_hand_pa_mpjpe: float
    right_hand_pa_mpjpe: float
    upper_body_mpjpe: float
    """Mean error of head, arms and trunk with only the pelvis aligned."""
    wrist_depth: float
    """Signed error of the wrists' depth relative to the neck; positive: the tracked wrist is nearer the camera."""


def pa_mpjpe(points: Float[np.ndarray, "N 3"], truth: Float[np.ndarray, "N 3"]) -> float:
    """Mean distance after the best similarity transform (Procrustes analysis; Umeyama 1991), in the truth's units."""
    a, b = points - points.mean(axis=0), truth - truth.mean(axis=0)
    U, S, Vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    aligned = a @ (U * sign) @ Vt * ((S * sign).sum() / (a**2).sum())
    return float(np.linalg.norm(aligned - b, axis=1).mean())


def joints_of(clip: MotionClip, body: BodyModel) -> Float[np.ndarray, "T 55 3"]:
    """Joints of every frame in the world, metres."""
    poser = BodyPoser(body, clip.betas[: body.num_betas])
    return np.stack([poser.joint_transforms(clip.state(t))[1] for t in range(len(clip))]).astype(np.float64)


def accuracy(tracked: Float[np.ndarray, "T 55 3"], truth: Float[np.ndarray, "T 55 3"]) -> Accuracy:
    """Judges tracked joints (metres) by true ones, frame by frame."""
    upper = [9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]

    def median_pa(joints: object) -> float:
        return float(np.median([pa_mpjpe(a[joints], b[joints]) for a, b in zip(tracked, truth, strict=True)])) * 1e3

    from_pelvis = (tracked - tracked[:, :1]) - (truth - truth[:, :1])
    depth = (tracked[:, [20, 21]] - tracked[:, 12:13]) - (truth[:, [20, 21]] - truth[:, 12:13])
    return Accuracy(
        body_pa_mpjpe=median_pa(BODY_JOINTS),
        left_hand_pa_mpjpe=median_pa(list(LEFT_HAND_JOINTS)),
        right_hand_pa_mpjpe=median_pa(list(RIGHT_HAND_JOINTS)),
        upper_body_mpjpe=float(np.median(np.linalg.norm(from_pelvis[:, upper], axis=-1))) * 1e3,
        wrist_depth=float(np.median(depth[..., 2])) * 1e3,
    )


def jitter(joints: Float[np.ndarray, "T 55 3"]) -> float:
    """Median frame-to-frame motion of the joints of a person who holds still, millimetres."""
    return float(np.median(np.linalg.norm(np.diff(joints, axis=0), axis=-1))) * 1e3


@dataclass(frozen=True, slots=True)
class ClipQuality:
    """What can be said of a tracked clip without ground truth."""

    frames: int
    body_rate: float
    """Share of frames in which a body was found."""
    left_hand_rate: float
    right_hand_rate: float
    face_rate: float
    body_relative: float
    """Median reprojection error of visible body landmarks, share of the shoulder-to-hip distance."""
    hand_px: float
    """Median reprojection error of hand landmarks, pixels."""


def quality(observations: list[Observation], residuals: tuple[Residuals, ...]) -> ClipQuality:
    """Judges a clip by its own landmarks."""
    found = [
        obs.body_visibility is not None and bool((obs.body_visibility[[11, 12]] > VISIBLE).any())
        for obs in observations
    ]
    hands = np.array([[r.left_hand_px, r.right_hand_px] for r in residuals])
    relative = np.array([r.body_px / r.person_px for r in residuals])
    return ClipQuality(
        frames=len(observations),
        body_rate=float(np.mean(found)),
        left_hand_rate=float(np.mean([obs.left_hand is not None for obs in observations])),
        right_hand_rate=float(np.mean([obs.right_hand is not None for obs in observations])),
        face_rate=float(np.mean([obs.face is not None for obs in observations])),
        body_relative=_nanmedian(relative),
        hand_px=_nanmedian(hands),
    )


def _nanmedian(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
