"""Finding the webcam in the play space from a short guided step: stand, look ahead, arms out.

Both sides tell where the wearer's eyes and wrists are; that the wearer stands upright and looks ahead tells where
shoulders and hips are, which keeps the camera's tilt and turn certain even without hands in the headset's sight.
The transform between the point sets is Kabsch's (1976), reweighted until outliers (a lost arm, a step aside) no
longer count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import PARTS, BodyState
from inperson.errors import BadInputError
from inperson.tracking.headset_camera import APPEARS, CameraSkeleton
from inperson.tracking.headset_grip import wrist_from_grip
from inperson.tracking.headset_hands import RestHand, rest_hand, tracked_wrist, usable
from inperson.tracking.headset_heading import view_heading, yaw_of
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton
from inperson.tracking.play_calibration import EYE_HEIGHTS, PlayCalibration

LEAST_SAMPLES = 15
"""Moments that a step must give."""
LARGEST_RESIDUAL_M = 0.12
"""Above this the webcam and the headset did not see the same person doing the same."""
ARMS_OUT_M = 0.7
"""Metres between the wrists of arms that are held out."""
_LARGEST_TILT = np.deg2rad(50.0)
_LOOKS_ASIDE = np.deg2rad(35.0)
"""How far a head that looks ahead may be pitched or rolled."""
_EYES, _LEFT_WRIST, _RIGHT_WRIST, _LEFT_SHOULDER, _RIGHT_SHOULDER, _PELVIS = range(6)
_MEASURED = (_EYES, _LEFT_WRIST, _RIGHT_WRIST)
_INFERRED = {
    _LEFT_SHOULDER: JOINT["left_shoulder"],
    _RIGHT_SHOULDER: JOINT["right_shoulder"],
    _PELVIS: JOINT["pelvis"],
}
_WEIGHTS = np.array([1.0, 0.8, 0.8, 0.2, 0.2, 0.2])
_OUTLIER_M = 0.05
"""Scale of the Cauchy weights."""
_ROUNDS = 15
_MEND = "stand where the webcam sees you from the hips up, look ahead with both arms held out, and repeat the step"


@dataclass(frozen=True, slots=True)
class CalibrationSample:
    """One moment, seen from both sides at (nearly) the same time."""

    camera: BodyState
    """In camera space."""
    pose: HeadsetPose


def solve_calibration(body: BodyModel, samples: Sequence[CalibrationSample]) -> PlayCalibration:
    """The calibration that the samples of a guided step agree on.

    Args:
        body: the body of the webcam's states.
        samples: of a wearer who stood upright, looked ahead and held out the arms.

    Raises:
        BadInputError: too few usable samples, arms not out, a height that no one has, or two sides that disagree.
    """
    used = [s for s in samples if _usable(s)]
    if len(used) < LEAST_SAMPLES:
        raise BadInputError(f"calibration: only {len(used)} of {len(samples)} moments were usable", _MEND)
    eye_height = float(np.median([_head(s)[1, 3] for s in used]))
    low, high = EYE_HEIGHTS
    if not low <= eye_height <= high:
        raise BadInputError(
            f"calibration: the headset is {eye_height:.2f} m above the floor", "stand up and set the headset's floor"
        )
    in_camera, in_play = _point_pairs(body, used)
    _check_arms(in_play)
    T = _robust_kabsch(in_camera.reshape(-1, 3), in_play.reshape(-1, 3), np.tile(_WEIGHTS, len(used)))
    residual = _residual(T, in_camera, in_play)
    if residual > LARGEST_RESIDUAL_M:
        raise BadInputError(f"calibration: webcam and headset disagree by {residual * 100:.0f} cm", _MEND)
    if T[1, 1] < np.cos(_LARGEST_TILT):
        tilt = np.rad2deg(np.arccos(np.clip(T[1, 1], -1.0, 1.0)))
        raise BadInputError(f"calibration: the webcam seems tilted by {tilt:.0f} degrees", _MEND)
    return PlayCalibration(T, eye_height, residual)


def _head(sample: CalibrationSample) -> Float[np.ndarray, "4 4"]:
    assert sample.pose.T_play_from_head is not None
    return sample.pose.T_play_from_head


def _usable(sample: CalibrationSample) -> bool:
    """The webcam sees a body, and the headset a head that is held level."""
    T = sample.pose.T_play_from_head
    seen = sample.camera.confidence[PARTS.index("body")] > APPEARS
    return T is not None and bool(seen and np.isfinite(T).all() and T[1, 1] > np.cos(_LOOKS_ASIDE))


def _point_pairs(
    body: BodyModel, samples: list[CalibrationSample]
) -> tuple[Float[np.ndarray, "S 6 3"], Float[np.ndarray, "S 6 3"]]:
    """The six points of every sample in camera space and in the play space; NaN where one side lacks them."""
    betas = np.median([s.camera.betas for s in samples], axis=0)
    skeleton, camera_skeleton = WearerSkeleton.of(body, betas), CameraSkeleton(body)
    rests = [rest_hand(body, betas, skeleton, left=left) for left in (True, False)]
    from_eyes = skeleton.rest - (skeleton.rest[JOINT["head"]] + skeleton.eyes)
    in_camera, in_play = np.full((2, len(samples), 6, 3), np.nan)
    for n, sample in enumerate(samples):
        _, joints = camera_skeleton.joints(sample.camera)
        in_camera[n, _EYES] = 0.5 * (joints[JOINT["left_eye"]] + joints[JOINT["right_eye"]])
        in_camera[n, _LEFT_WRIST], in_camera[n, _RIGHT_WRIST] = (
            joints[JOINT[f"{side}_wrist"]] for side in ("left", "right")
        )
        T = _head(sample)
        in_play[n, _EYES] = T[:3, 3]
        in_play[n, _LEFT_WRIST], in_play[n, _RIGHT_WRIST] = _wrists(sample.pose, rests)
        yaw = yaw_of(view_heading(T[:3, :3]))
        upright = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
        for point, joint in _INFERRED.items():
            in_camera[n, point] = joints[joint]
            in_play[n, point] = T[:3, 3] + upright @ from_eyes[joint]
    return in_camera, in_play


def _wrists(pose: HeadsetPose, rests: list[RestHand]) -> list[Float[np.ndarray, "3"]]:
    """Left and right wrist in the play space, NaN where the headset does not have it."""
    out = []
    sides = ((pose.left_hand, pose.T_play_from_left_grip), (pose.right_hand, pose.T_play_from_right_grip))
    for k, (hand, grip) in enumerate(sides):
        wrist = None if hand is None else tracked_wrist(hand, usable(hand), rests[k])
        if wrist is None and grip is not None:
            wrist = wrist_from_grip(grip, rests[k], left=k == 0)
        out.append(np.full(3, np.nan) if wrist is None else wrist.position)
    return out


def _check_arms(in_play: Float[np.ndarray, "S 6 3"]) -> None:
    """Where the headset sees both wrists, they are apart."""
    apart = np.linalg.norm(in_play[:, _LEFT_WRIST] - in_play[:, _RIGHT_WRIST], axis=1)
    apart = apart[np.isfinite(apart)]
    if len(apart) and np.median(apart) < ARMS_OUT_M:
        raise BadInputError(f"calibration: the hands were only {np.median(apart) * 100:.0f} cm apart", _MEND)


def _residual(
    T: Float[np.ndarray, "4 4"], in_camera: Float[np.ndarray, "S 6 3"], in_play: Float[np.ndarray, "S 6 3"]
) -> float:
    """Median over the samples of the mean distance of what both sides measured (else inferred), metres."""
    away = np.linalg.norm(in_camera @ T[:3, :3].T + T[:3, 3] - in_play, axis=2)
    measured = away[:, list(_MEASURED)]
    both = np.isfinite(measured[:, 1:]).any(axis=1)
    chosen = np.where(both[:, None], np.column_stack([measured, np.full((len(away), 3), np.nan)]), away)
    return float(np.median(np.nanmean(chosen, axis=1)))


def _robust_kabsch(
    source: Float[np.ndarray, "N 3"], target: Float[np.ndarray, "N 3"], weights: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "4 4"]:
    """The rigid transform from source to target; rows with a NaN do not count."""
    finite = np.isfinite(source).all(axis=1) & np.isfinite(target).all(axis=1)
    source, target, weights = source[finite], target[finite], weights[finite]
    trusted = weights
    for _ in range(_ROUNDS):
        T = _kabsch(source, target, trusted)
        away = np.linalg.norm(source @ T[:3, :3].T + T[:3, 3] - target, axis=1)
        trusted = weights / (1.0 + np.square(away / _OUTLIER_M))
    return T


def _kabsch(
    source: Float[np.ndarray, "N 3"], target: Float[np.ndarray, "N 3"], weights: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "4 4"]:
    """Weighted least squares over rotations and translations."""
    share = weights / weights.sum()
    from_middle, to_middle = share @ source, share @ target
    U, _, Vt = np.linalg.svd((share[:, None] * (source - from_middle)).T @ (target - to_middle))
    turn = np.diag([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    T = np.eye(4)
    T[:3, :3] = (U @ turn @ Vt).T
    T[:3, 3] = to_middle - T[:3, :3] @ from_middle
    return T
