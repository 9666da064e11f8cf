"""How far a state's landmarks are from where they were seen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.observe import in_frame, person_pixels
from inperson.tracking.fit.problem import Skeleton
from inperson.tracking.fit.skeleton import place_points
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.observation import Observation

VISIBLE = 0.5
"""Visibility from which a body landmark counts in the residual."""
BODY_POINTS = np.array([0, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32])


@dataclass(frozen=True, slots=True)
class Residuals:
    """Median distances in pixels between the shown state's landmarks and the seen ones.

    NaN: not seen, or not believed.
    """

    body_px: float
    """Over visible landmarks inside the picture."""
    left_hand_px: float
    right_hand_px: float
    face_px: float
    person_px: float
    """The person's shoulder-to-hip distance in the picture, to judge the others by."""


def measure_residuals(obs: Observation, skeleton: Skeleton, state: BodyState) -> Residuals:
    """Residuals of one frame.

    Args:
        obs: what was seen.
        skeleton: of the person, with which `state` was made.
        state: what is shown.
    """
    nan = float("nan")
    if obs.body_pixels is None or obs.body_visibility is None:
        return Residuals(nan, nan, nan, nan, nan)
    pixels = project_landmarks(skeleton, state, obs.intrinsics)
    used = BODY_POINTS[(obs.body_visibility > VISIBLE)[BODY_POINTS] & in_frame(obs.body_pixels, obs)[BODY_POINTS]]
    hands = [
        nan if hand is None else _median(pixels[first : first + 21], hand.pixels)
        for first, hand in ((lm.LEFT_HAND, obs.left_hand), (lm.RIGHT_HAND, obs.right_hand))
    ]
    face = nan
    if obs.face is not None:
        seen = obs.face.pixels
        eyes = [seen[list(c)].mean(axis=0) for c in (lm.MP_FACE_LEFT_EYE_CORNERS, lm.MP_FACE_RIGHT_EYE_CORNERS)]
        shown = pixels[[lm.FACE_LEFT_EYE, lm.FACE_RIGHT_EYE, lm.FACE_NOSE]]
        face = _median(shown, np.stack([*eyes, seen[lm.MP_FACE_NOSE_TIP]]))
    body = _median(pixels[used], obs.body_pixels[used]) if len(used) else nan
    return Residuals(body, hands[0], hands[1], face, person_pixels(obs))


def project_landmarks(skeleton: Skeleton, state: BodyState, intrinsics: Intrinsics) -> Float[np.ndarray, "P 2"]:
    """Every fit landmark of a state in the picture, pixels."""
    rotations, transl = exp_all(state.full_pose.astype(np.float64)), state.transl.astype(np.float64)
    X = place_points(skeleton, rotations, transl, np.arange(len(skeleton.point_joint)))
    return project(X, intrinsics)


def project(points: Float[np.ndarray, "N 3"], intrinsics: Intrinsics) -> Float[np.ndarray, "N 2"]:
    """Pixels of world points (metres, camera at the origin looking along -z)."""
    k = intrinsics
    return points[:, :2] * (k.fx, -k.fy) / np.maximum(-points[:, 2:], 1e-3) + (k.cx, k.cy)


def _median(shown: np.ndarray, seen: np.ndarray) -> float:
    return float(np.median(np.linalg.norm(shown - seen, axis=1)))
