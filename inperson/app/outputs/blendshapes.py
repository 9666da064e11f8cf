"""A face as ARKit's 52 blendshapes and as the presets of VRM models, and back.

ARKit's names and meanings: https://developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation. A body
whose expressions are named after them gives their values; of a body with unnamed ones (a licensed SMPL-X) only the
jaw and the eyes are known. The eyes' eight looks always come from the eyes' poses, so that both say the same.

VRM's presets: https://vrm.dev/en/vrm1/changed.html. Five vowels and two blinks follow from ARKit's values. Emotions
are no shapes of a face, and none is sent; received ones become the shapes that people make with them.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.tracking.face_retarget import MEDIAPIPE_BLENDSHAPES, FacePose
from inperson.tracking.fit.so3 import exp_all, log_all

ARKIT: tuple[str, ...] = (*MEDIAPIPE_BLENDSHAPES[1:], "tongueOut")
"""The 52."""
PRESETS = {
    "blinkLeft": "Blink_L",
    "blinkRight": "Blink_R",
    "aa": "A",
    "ih": "I",
    "ou": "U",
    "ee": "E",
    "oh": "O",
}
"""VRM 1.0's names of the presets that are sent, and VRM 0's."""
LOOK_YAW, LOOK_PITCH = 0.55, 0.45
"""Radians an eye turns at a look of 1: those of the tracker."""
JAW_OPEN, JAW_SIDE = 0.45, 0.15
"""Radians of the jaw joint at a value of 1, on bodies whose expressions have no names: those of the tracker."""

_MEANT_BY_PRESET: dict[str, tuple[str, ...]] = {
    "a": ("jawOpen",),
    "i": ("mouthStretchLeft", "mouthStretchRight"),
    "u": ("mouthPucker",),
    "e": ("jawOpen", "mouthStretchLeft", "mouthStretchRight"),
    "o": ("jawOpen", "mouthFunnel"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "blink_l": ("eyeBlinkLeft",),
    "blink_r": ("eyeBlinkRight",),
    "joy": ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"),
    "fun": ("mouthSmileLeft", "mouthSmileRight"),
    "angry": ("browDownLeft", "browDownRight"),
    "sorrow": ("browInnerUp", "mouthFrownLeft", "mouthFrownRight"),
    "surprised": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "eyeWideLeft", "eyeWideRight"),
}
"""ARKit's shapes that a received preset stands for, by VRM 0's name in small letters."""
_VRM0_OF_VRM1 = {
    **{new.lower(): old.lower() for new, old in PRESETS.items()},
    "happy": "joy",
    "relaxed": "fun",
    "sad": "sorrow",
}
_ARKIT_BY_LOWER = {name.lower(): name for name in ARKIT}


class ArkitFace:
    """The faces of one body as ARKit's values."""

    def __init__(self, body: BodyModel) -> None:
        names = body.expr_names or ()
        self._named = body.expr_names is not None
        self._num_expression = body.num_expression
        self._index = {name: k for k, name in enumerate(names) if name in _ARKIT_BY_LOWER.values()}

    def values(self, state: BodyState) -> dict[str, float]:
        """All 52 by name, each 0 to 1."""
        out = dict.fromkeys(ARKIT, 0.0)
        for name, k in self._index.items():
            if k < len(state.expression):
                out[name] = _unit(float(state.expression[k]))
        if not self._named:
            out["jawOpen"] = _unit(float(state.jaw_pose[0]) / JAW_OPEN)
            side = float(state.jaw_pose[1]) / JAW_SIDE
            out["jawLeft"], out["jawRight"] = _unit(side), _unit(-side)
        for side_name, pose in (("Left", state.leye_pose), ("Right", state.reye_pose)):
            out.update(_looks(side_name, pose))
        return out

    def face(self, values: Mapping[str, float]) -> FacePose:
        """The face that ARKit's values describe, missing ones 0. Eyes look as the values say."""
        expression = np.zeros(self._num_expression)
        for name, k in self._index.items():
            expression[k] = _unit(values.get(name, 0.0))
        jaw = np.zeros(3)
        if not self._named:
            jaw[0] = JAW_OPEN * _unit(values.get("jawOpen", 0.0))
            jaw[1] = JAW_SIDE * (_unit(values.get("jawLeft", 0.0)) - _unit(values.get("jawRight", 0.0)))
        return FacePose(expression, jaw, _eye("Left", values), _eye("Right", values))


def presets_of(arkit: Mapping[str, float]) -> dict[str, float]:
    """VRM 1.0's presets of ARKit's values, by VRM 1.0's names.

    A model's vowels each open the mouth by themselves, so what the mouth does is shared out among them by how far the
    jaw is open, the lips are rounded, and the corners are spread.
    """
    opened = max(arkit["jawOpen"] - arkit["mouthClose"], 0.0)
    rounded = max(arkit["mouthFunnel"], arkit["mouthPucker"])
    spread = (1.0 - rounded) * 0.5 * (arkit["mouthStretchLeft"] + arkit["mouthStretchRight"])
    return {
        "blinkLeft": arkit["eyeBlinkLeft"],
        "blinkRight": arkit["eyeBlinkRight"],
        "aa": opened * (1.0 - rounded - spread),
        "ih": (1.0 - opened) * spread,
        "ou": (1.0 - opened) * rounded,
        "ee": opened * spread,
        "oh": opened * rounded,
    }


def arkit_from(named: Mapping[str, float]) -> dict[str, float]:
    """ARKit's values of blendshapes by any of the three kinds of names, in any case of letters.

    Presets count only where none of ARKit's names is there: who sends both says the same thing twice.
    """
    exact = {_ARKIT_BY_LOWER[name.lower()]: value for name, value in named.items() if name.lower() in _ARKIT_BY_LOWER}
    if exact:
        return exact
    out: dict[str, float] = {}
    for name, value in named.items():
        lower = name.lower()
        for meant in _MEANT_BY_PRESET.get(_VRM0_OF_VRM1.get(lower, lower), ()):
            out[meant] = max(out.get(meant, 0.0), value)
    return out


def _looks(side: str, pose: Float[np.ndarray, "3"]) -> dict[str, float]:
    """ARKit's four looks of an eye from its axis-angle: where its forward axis points."""
    x, y, z = exp_all(np.asarray(pose, np.float64)[None])[0][:, 2]
    to_left, up = np.arctan2(x, z) / LOOK_YAW, np.arctan2(y, np.hypot(x, z)) / LOOK_PITCH
    out, inwards = (to_left, -to_left) if side == "Left" else (-to_left, to_left)
    looks = {"Out": out, "In": inwards, "Up": up, "Down": -up}
    return {f"eyeLook{way}{side}": _unit(float(value)) for way, value in looks.items()}


def _eye(side: str, values: Mapping[str, float]) -> Float[np.ndarray, "3"]:
    """Axis-angle of an eye that looks as ARKit's values say: +x turns it down, +y to the person's left."""
    look = {way: _unit(values.get(f"eyeLook{way}{side}", 0.0)) for way in ("In", "Out", "Up", "Down")}
    outwards = look["Out"] - look["In"]
    yaw = LOOK_YAW * (outwards if side == "Left" else -outwards)
    turns = exp_all(np.array([[0.0, yaw, 0.0], [LOOK_PITCH * (look["Down"] - look["Up"]), 0.0, 0.0]]))
    return log_all((turns[0] @ turns[1])[None])[0]


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
