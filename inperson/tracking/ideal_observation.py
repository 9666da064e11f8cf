"""What a landmarker would see of a known pose: ground truth for tests and benchmarks of the fit.

The landmarks are the fit's own (so a perfect fit has no residual), with Gaussian noise on request. Nothing
here says how well real landmarkers do; `tests` measure that on rendered captures.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics, gl_from_cv_points
from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.skeleton import SkeletonModel, attach, forward_joints
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.observation import FaceObservation, HandObservation, Observation
from inperson.tracking.residuals import project


@dataclass(frozen=True, slots=True)
class LandmarkNoise:
    """Standard deviations of white noise."""

    pixels: float = 0.0
    metres: float = 0.0
    """Of world landmarks, across the view; twice that along it."""


def landmarks_of(
    model: SkeletonModel, state: BodyState, hand_scale: float = 1.0
) -> tuple[Float[np.ndarray, "P 3"], Float[np.ndarray, "55 3"]]:
    """World positions of every fit landmark and of the joints, metres."""
    skeleton = model.shaped(state.betas, hand_scale)
    G, P = np.empty((55, 3, 3)), np.empty((55, 3))
    X = np.empty((len(skeleton.point_joint), 3))
    forward_joints(skeleton, exp_all(state.full_pose.astype(np.float64)), state.transl.astype(np.float64), G, P)
    attach(skeleton.point_joint, skeleton.point_offset, G, P, X)
    return X, P


def observe_state(
    model: SkeletonModel,
    state: BodyState,
    intrinsics: Intrinsics,
    *,
    sequence: int = 0,
    hands: tuple[bool, bool] = (True, True),
    face: bool = True,
    noise: LandmarkNoise | None = None,
    rng: np.random.Generator | None = None,
) -> Observation:
    """The observation of a state by a camera at the origin.

    Args:
        model: the body's skeleton.
        state: the truth.
        intrinsics: the camera.
        sequence: frame number.
        hands: whether the left and the right hand are found.
        face: whether the face is found.
        noise: none by default.
        rng: source of the noise.
    """
    noise = noise or LandmarkNoise()
    rng = rng or np.random.default_rng(sequence)
    X, _ = landmarks_of(model, state)
    pixels = project(X, intrinsics)
    pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * noise.pixels
    cv = gl_from_cv_points(X) + rng.normal(0.0, 1.0, X.shape) * noise.metres * (1.0, 1.0, 2.0)

    def hand(first: int) -> HandObservation:
        part = slice(first, first + 21)
        return HandObservation(pixels[part], cv[part] - cv[part].mean(axis=0), 1.0)

    return Observation(
        time_ns=state.time_ns,
        sequence=sequence,
        intrinsics=intrinsics,
        body_pixels=pixels[: lm.POSE_POINTS],
        body_world=cv[: lm.POSE_POINTS] - cv[[lm.MP_LEFT_HIP, lm.MP_RIGHT_HIP]].mean(axis=0),
        body_visibility=np.ones(lm.POSE_POINTS),
        left_hand=hand(lm.LEFT_HAND) if hands[0] else None,
        right_hand=hand(lm.RIGHT_HAND) if hands[1] else None,
        face=_face(model, state, X, pixels) if face else None,
    )


def _face(model: SkeletonModel, state: BodyState, X: np.ndarray, pixels: np.ndarray) -> FaceObservation:
    """Only the landmarks and the matrix the fit reads; no blendshape is active."""
    face = np.tile(pixels[lm.FACE_NOSE], (478, 1))
    for corners, point in (
        (lm.MP_FACE_LEFT_EYE_CORNERS, lm.FACE_LEFT_EYE),
        (lm.MP_FACE_RIGHT_EYE_CORNERS, lm.FACE_RIGHT_EYE),
    ):
        face[list(corners)] = pixels[point]
    T = np.eye(4)
    axes = X[list(lm.HEAD_AXES)] - X[lm.HEAD_ORIGIN]
    head_from_mediapipe = exp_all(np.array([[USUAL_PITCH, 0.0, 0.0]]))[0]
    T[:3, :3] = gl_from_cv_points(axes).T @ head_from_mediapipe.T
    T[:3, 3] = gl_from_cv_points(X[lm.HEAD_ORIGIN])
    return FaceObservation(face, np.zeros(478), np.zeros(52), T, 1.0)
