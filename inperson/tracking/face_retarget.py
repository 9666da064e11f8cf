"""From MediaPipe's blendshape scores to a body's expression, jaw and eyes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel

MEDIAPIPE_BLENDSHAPES: tuple[str, ...] = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight"),
    *("eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen"),
    *("jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight"),
    *("mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft"),
    *("mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)
"""MediaPipe's 52 scores in their order."""
_INDEX = {name: k for k, name in enumerate(MEDIAPIPE_BLENDSHAPES)}

_GAZE_YAW, _GAZE_PITCH = 0.55, 0.45
"""Radians an eye turns at a look score of 1."""
_JAW_OPEN, _JAW_SIDE = 0.45, 0.15
"""Radians the jaw joint turns at a score of 1, on bodies whose expressions have no names."""
_GAIN = {"eyeBlinkLeft": 1.35, "eyeBlinkRight": 1.35, "mouthSmileLeft": 1.2, "mouthSmileRight": 1.2}
"""Scores that stay short of 1 on a shut eye and a full smile (measured on renders with known expressions)."""
_HEADROOM = 0.35
"""However high a user's neutral score, at least this much of the range is left to move in."""
_GAINS = np.array([_GAIN.get(name, 1.0) for name in MEDIAPIPE_BLENDSHAPES])


@dataclass(frozen=True, slots=True)
class FacePose:
    """A face in a body's own parameters; rotations are axis-angle."""

    expression: Float[np.ndarray, " E"]
    jaw_pose: Float[np.ndarray, "3"]
    leye_pose: Float[np.ndarray, "3"]
    reye_pose: Float[np.ndarray, "3"]


class FaceRetargeter:
    """Scores to one body.

    A body that names its expressions after ARKit gets each score under its own name, the jaw included (its
    `jawOpen` is sculpted with the lips, so the jaw joint stays at rest). A licensed SMPL-X has unnamed
    principal components, which these scores do not describe: there the jaw joint and the eyes move and the
    expression stays zero.
    """

    def __init__(self, body: BodyModel) -> None:
        self._num_expression = body.num_expression
        names = body.expr_names
        self._named = names is not None
        pairs = [(k, _INDEX[name]) for k, name in enumerate(names or ()) if name in _INDEX]
        self._expression_index = np.array([k for k, _ in pairs], np.int64)
        self._score_index = np.array([s for _, s in pairs], np.int64)

    def __call__(self, scores: Float[np.ndarray, "52"], neutral: Float[np.ndarray, "52"]) -> FacePose:
        """The pose for MediaPipe's scores, given the scores of this user's face at rest."""
        active = relative_scores(scores, neutral)
        expression = np.zeros(self._num_expression)
        expression[self._expression_index] = active[self._score_index]
        jaw = np.zeros(3)
        if not self._named:
            jaw[0] = _JAW_OPEN * active[_INDEX["jawOpen"]]
            jaw[1] = _JAW_SIDE * (active[_INDEX["jawLeft"]] - active[_INDEX["jawRight"]])
        return FacePose(expression, jaw, _gaze(scores, "Left"), _gaze(scores, "Right"))


def relative_scores(scores: Float[np.ndarray, "52"], neutral: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Scores above the user's neutral, stretched so that a full score stays full.

    ARKit's `mouthClose` brings the lips together over an open jaw, so it never exceeds `jawOpen`.
    """
    room = np.maximum(1.0 - neutral, _HEADROOM)
    active = np.clip(_GAINS * (scores - neutral) / room, 0.0, 1.0)
    close = _INDEX["mouthClose"]
    active[close] = min(active[close], active[_INDEX["jawOpen"]])
    return active


def _gaze(scores: Float[np.ndarray, "52"], side: str) -> Float[np.ndarray, "3"]:
    """Axis-angle of one eye from the absolute look scores (they are near zero for a straight gaze).

    +x turns the eye down, +y to the person's left. Blinks read as looks down, so a closing eye does not turn down.
    """
    look = {way: float(scores[_INDEX[f"eyeLook{way}{side}"]]) for way in ("In", "Out", "Up", "Down")}
    outwards = look["Out"] - look["In"]
    yaw = _GAZE_YAW * (outwards if side == "Left" else -outwards)
    blink = f"eyeBlink{side}"
    openness = 1.0 - min(_GAIN[blink] * float(scores[_INDEX[blink]]), 1.0)
    return np.array([_GAZE_PITCH * openness * (look["Down"] - look["Up"]), yaw, 0.0])


class NeutralFace:
    """A running estimate of the scores of a user's face at rest: a low quantile of what was seen.

    Moves each score towards its `quantile` by stochastic steps (Robbins-Monro), so it needs no history.
    """

    def __init__(self, quantile: float = 0.3, step: float = 0.02) -> None:
        self._quantile, self._step = quantile, step
        self._value: np.ndarray | None = None
        self._frames = 0

    @property
    def value(self) -> Float[np.ndarray, "52"]:
        """Zero until a face was seen."""
        return np.zeros(len(MEDIAPIPE_BLENDSHAPES)) if self._value is None else self._value

    def add(self, scores: Float[np.ndarray, "52"]) -> None:
        """Takes in one frame's scores."""
        if self._value is None:
            self._value = 0.5 * np.asarray(scores, np.float64)
        self._frames += 1
        step = max(self._step, 0.2 / self._frames)
        up = np.asarray(scores) > self._value
        self._value = np.clip(self._value + step * np.where(up, self._quantile, self._quantile - 1.0), 0.0, 0.6)
