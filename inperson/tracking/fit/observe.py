"""From an `Observation` to a `FitProblem`: which landmark counts, and how much."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inperson.conventions import gl_from_cv_points
from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.problem import (
    NUM_JOINTS,
    Anchors,
    Directions,
    FitProblem,
    PosePrior,
    Reprojections,
    Skeleton,
    TemporalPrior,
    Torso,
    no_anchors,
    no_rims,
    unknown_columns,
)
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.fit.torso import SAMPLES_PER_ARM
from inperson.tracking.observation import FaceObservation, HandObservation, Observation

OUT_OF_FRAME = 0.15
"""What a landmark guessed outside the picture counts, relative to one inside."""
HAND_BEFORE_TRUNK_VISIBILITY = 0.6
"""A wrist this visible to the pose model, and nearer than the trunk to it, is before the trunk even when no hand was
found."""

# Standard deviations of pixels, as shares of the person's size in the picture.
_PIXEL_SIGMA = np.full(lm.POSE_POINTS, np.inf)
_PIXEL_SIGMA[[11, 12, 13, 14, 15, 16]] = 0.025
_PIXEL_SIGMA[[23, 24]] = 0.04
_PIXEL_SIGMA[[25, 26, 27, 28]] = 0.03
_PIXEL_SIGMA[[29, 30, 31, 32]] = 0.05
_HEAD_ONLY_POSE = {0: 0.03, 2: 0.03, 5: 0.03, 7: 0.06, 8: 0.06}
_KNUCKLES_ONLY_POSE = {17: 0.06, 18: 0.06, 19: 0.06, 20: 0.06, 21: 0.06, 22: 0.06}
_FACE_SIGMA, _HAND_SIGMA = 0.012, 0.012
_WRIST_WITH_HAND = 0.06
"""The pose model's wrist while the hand model gives a better one."""
_CARRIED_TRUST = 0.4
"""Of the shape of a hand that was not read in this frame but moved along with the wrist."""

# Standard deviations of unit directions: across the view, along it.
_BODY_SIGMA = (0.12, 0.30)
_TRUNK_SIGMA = (0.08, 0.20)
_FOOT_SIGMA = (0.30, 0.50)
_POSE_PALM_SIGMA = (0.50, 0.80)
_POSE_HEAD_SIGMA = (0.30, 0.50)
_HAND_SIGMA_3D = (0.25, 0.35)
_HEAD_AXES_SIGMA = (0.06, 0.06)
_UPRIGHT_SIGMA, _UPRIGHT_UNSEEN_SIGMA = 0.5, 0.12
"""Lean of the pelvis with the hips in view, and with them out of view."""

TRUNK_PAIRS = 4
"""The first pairs of `BODY_PAIRS` are the trunk's."""


@dataclass(frozen=True, slots=True)
class PersonModel:
    """One person as the fit sees them: skeleton, trunk and prior of their shape."""

    skeleton: Skeleton
    torso: Torso
    prior: PosePrior
    head_pitch: float
    """Radians about x from MediaPipe's face frame to the head joint's (see `head_pitch.py`)."""


def person_pixels(obs: Observation) -> float:
    """The person's size in the picture: shoulder-to-hip distance, or what the shoulders' width makes it; pixels."""
    px = obs.body_pixels
    assert px is not None
    shoulders, hips = px[[11, 12]], px[[23, 24]]
    trunk = np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0))
    return max(float(trunk), 1.3 * float(np.linalg.norm(shoulders[0] - shoulders[1])), 8.0)


def in_frame(pixels: Float[np.ndarray, "N 2"], obs: Observation) -> Bool[np.ndarray, " N"]:
    """Which pixels lie inside the picture."""
    k = obs.intrinsics
    return np.all((pixels >= 0) & (pixels <= (k.width, k.height)), axis=1)


def landmark_trust(obs: Observation) -> Float[np.ndarray, "33"]:
    """How much each pose landmark counts, 0 to 1: visibility, less outside the picture."""
    assert obs.body_pixels is not None
    assert obs.body_visibility is not None
    inside = in_frame(obs.body_pixels, obs)
    return np.clip(obs.body_visibility, 0.0, 1.0) * np.where(inside, 1.0, OUT_OF_FRAME)


def build_problem(
    obs: Observation,
    person: PersonModel,
    temporal: TemporalPrior,
    moving: Bool[np.ndarray, "55"],
    anchors: Anchors | None = None,
) -> FitProblem:
    """The fit of one frame.

    Args:
        obs: an observation with a body.
        person: the person's shape.
        temporal: the last frame.
        moving: joints that may turn; the others stay where the starting point has them.
        anchors: places of the person's surface that were recognised in the frame.
    """
    k = obs.intrinsics
    points, pixels, weights = _pixel_targets(obs)
    camera = np.array([k.fx, k.fy, k.cx, k.cy])
    in_front = np.repeat(
        [
            hand is not None or _wrist_before_trunk(obs, wrist)
            for hand, wrist in ((obs.left_hand, lm.MP_LEFT_WRIST), (obs.right_hand, lm.MP_RIGHT_WRIST))
        ],
        SAMPLES_PER_ARM,
    )
    return FitProblem(
        person.skeleton,
        Reprojections(points, pixels, weights, camera),
        _direction_targets(obs, person.skeleton, person.head_pitch),
        person.prior,
        temporal,
        person.torso,
        in_front,
        unknown_columns(moving),
        no_anchors() if anchors is None else anchors,
        no_rims(),
    )


def _wrist_before_trunk(obs: Observation, wrist: int) -> bool:
    """Whether the pose model sees a wrist, and not behind the middle of the trunk."""
    assert obs.body_world is not None
    trunk = obs.body_world[[11, 12, 23, 24], 2].mean()
    visible = landmark_trust(obs)[wrist] > HAND_BEFORE_TRUNK_VISIBILITY
    return bool(visible and obs.body_world[wrist, 2] < trunk)


def _pixel_targets(obs: Observation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    assert obs.body_pixels is not None
    size = person_pixels(obs)
    sigma = _PIXEL_SIGMA.copy()
    if obs.face is None:
        for point, share in _HEAD_ONLY_POSE.items():
            sigma[point] = share
    for side, hand in enumerate((obs.left_hand, obs.right_hand)):
        if hand is not None:
            sigma[lm.MP_LEFT_WRIST + side] = _WRIST_WITH_HAND
        else:
            for point in range(17 + side, 23, 2):
                sigma[point] = _KNUCKLES_ONLY_POSE[point]
    points = [np.arange(lm.POSE_POINTS)]
    pixels = [obs.body_pixels]
    weights = [landmark_trust(obs) ** 2 / (sigma * size)]
    for first, hand in ((lm.LEFT_HAND, obs.left_hand), (lm.RIGHT_HAND, obs.right_hand)):
        if hand is not None:
            points.append(np.arange(first, first + 21))
            pixels.append(hand.pixels)
            weights.append(np.full(21, hand.confidence / (_HAND_SIGMA * size)))
    if obs.face is not None:
        points.append(np.array([lm.FACE_LEFT_EYE, lm.FACE_RIGHT_EYE, lm.FACE_NOSE]))
        pixels.append(_face_pixels(obs.face))
        weights.append(np.full(3, 1.0 / (_FACE_SIGMA * size)))
    return (
        np.concatenate(points),
        np.concatenate(pixels).astype(np.float64),
        np.nan_to_num(np.concatenate(weights)).astype(np.float64),
    )


def _face_pixels(face: FaceObservation) -> Float[np.ndarray, "3 2"]:
    """Middles of the left and right eye, and the tip of the nose."""
    return np.stack(
        [
            face.pixels[list(lm.MP_FACE_LEFT_EYE_CORNERS)].mean(axis=0),
            face.pixels[list(lm.MP_FACE_RIGHT_EYE_CORNERS)].mean(axis=0),
            face.pixels[lm.MP_FACE_NOSE_TIP],
        ]
    )


class _DirectionList:
    """Collects directions; lengths come from the skeleton's rest pose."""

    def __init__(self, skeleton: Skeleton) -> None:
        joints = np.zeros((NUM_JOINTS, 3))
        for j in range(NUM_JOINTS):
            p = skeleton.parents[j]
            joints[j] = skeleton.offsets[j] + (joints[p] if p >= 0 else 0.0)
        self._rest = joints[skeleton.point_joint] + skeleton.point_offset
        self._tails: list[np.ndarray] = []
        self._heads: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._weights: list[np.ndarray] = []

    def add(self, pairs: np.ndarray, vectors: np.ndarray, sigma: tuple[float, float], trust: np.ndarray) -> None:
        """`vectors` (M, 3) in world axes, any length; `sigma` across and along the view; `trust` (M,) 0 to 1."""
        self._tails.append(pairs[:, 0])
        self._heads.append(pairs[:, 1])
        self._targets.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
        self._weights.append(trust[:, None] / np.array([sigma[0], sigma[0], sigma[1]]))

    def build(self) -> Directions:
        tail, head = np.concatenate(self._tails), np.concatenate(self._heads)
        length = np.linalg.norm(self._rest[head] - self._rest[tail], axis=1)
        return Directions(
            tail, head, np.concatenate(self._targets), 1.0 / length, np.concatenate(self._weights).astype(np.float64)
        )


def _direction_targets(obs: Observation, skeleton: Skeleton, head_pitch: float) -> Directions:
    assert obs.body_world is not None
    world = gl_from_cv_points(obs.body_world.astype(np.float64))
    trust = landmark_trust(obs)
    out = _DirectionList(skeleton)

    def add_body(pairs: tuple[tuple[int, int], ...], sigma: tuple[float, float]) -> None:
        array = np.array(pairs)
        out.add(array, world[array[:, 1]] - world[array[:, 0]], sigma, trust[array].min(axis=1) ** 2)

    add_body(lm.BODY_PAIRS[:TRUNK_PAIRS], _TRUNK_SIGMA)
    add_body(lm.BODY_PAIRS[TRUNK_PAIRS:], _BODY_SIGMA)
    add_body(lm.FOOT_PAIRS, _FOOT_SIGMA)
    for pairs, first, hand in (
        (lm.PALM_PAIRS[:2], lm.LEFT_HAND, obs.left_hand),
        (lm.PALM_PAIRS[2:], lm.RIGHT_HAND, obs.right_hand),
    ):
        if hand is None:
            add_body(pairs, _POSE_PALM_SIGMA)
        else:
            trust_hand = np.full(len(lm.HAND_PAIRS), hand.confidence * (_CARRIED_TRUST if hand.carried else 1.0))
            out.add(*_hand_vectors(hand, first), _HAND_SIGMA_3D, trust_hand)
    if obs.face is None:
        add_body(lm.HEAD_PAIRS, _POSE_HEAD_SIGMA)
    else:
        head_from_mediapipe = exp_all(np.array([[head_pitch, 0.0, 0.0]]))[0]
        R = gl_from_cv_points(obs.face.T_cv_from_head[:3, :3].T.astype(np.float64)).T @ head_from_mediapipe
        axes = np.array([(lm.HEAD_ORIGIN, axis) for axis in lm.HEAD_AXES])
        out.add(axes, R.T, _HEAD_AXES_SIGMA, np.ones(3))
    hips_seen = trust[[lm.MP_LEFT_HIP, lm.MP_RIGHT_HIP]].min()
    upright = _UPRIGHT_UNSEEN_SIGMA + hips_seen * (_UPRIGHT_SIGMA - _UPRIGHT_UNSEEN_SIGMA)
    up = np.array([(lm.PELVIS_ORIGIN, lm.PELVIS_UP)])
    out.add(up, np.array([[0.0, 1.0, 0.0]]), (upright, upright), np.ones(1))
    return out.build()


def _hand_vectors(hand: HandObservation, first: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array(lm.HAND_PAIRS)
    world = gl_from_cv_points(hand.world.astype(np.float64))
    return pairs + first, world[pairs[:, 1]] - world[pairs[:, 0]]
