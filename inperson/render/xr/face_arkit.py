"""From the blendshapes of headsets' face tracking to ARKit's 52, by name.

ARKit's names are what a body's expression coefficients are called (`BodyModel.expr_names`).

Sources. Meta's 70 (XrFaceExpression2FB): Meta's own `ARKitFace` (Movement SDK for Unity), which drives an
ARKit-rigged head; where several of Meta's shapes share one of ARKit's, it takes one side and we take the mean of all
of them. HTC's 14 + 37 (XrEyeExpressionHTC, XrLipExpressionHTC, the shapes of SRanipal): the Unified Expressions
comparison of ARKit and SRanipal in VRCFaceTracking's documentation, and its SRanipal module. Both agree that
`mouthClose`, lips that meet although the jaw is open, never exceeds `jawOpen`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from xr import EyeExpressionHTC, FaceExpression2FB, LipExpressionHTC
from xr.enums import EnumBase

Shape = TypeVar("Shape", bound=EnumBase)

_FB = FaceExpression2FB
FB_SHAPES: dict[str, tuple[FaceExpression2FB, ...]] = {
    "browDownLeft": (_FB.BROW_LOWERER_L,),
    "browDownRight": (_FB.BROW_LOWERER_R,),
    "browInnerUp": (_FB.INNER_BROW_RAISER_L, _FB.INNER_BROW_RAISER_R),
    "browOuterUpLeft": (_FB.OUTER_BROW_RAISER_L,),
    "browOuterUpRight": (_FB.OUTER_BROW_RAISER_R,),
    "cheekPuff": (_FB.CHEEK_PUFF_L, _FB.CHEEK_PUFF_R),
    "cheekSquintLeft": (_FB.CHEEK_RAISER_L,),
    "cheekSquintRight": (_FB.CHEEK_RAISER_R,),
    "eyeBlinkLeft": (_FB.EYES_CLOSED_L,),
    "eyeBlinkRight": (_FB.EYES_CLOSED_R,),
    "eyeLookDownLeft": (_FB.EYES_LOOK_DOWN_L,),
    "eyeLookDownRight": (_FB.EYES_LOOK_DOWN_R,),
    "eyeLookInLeft": (_FB.EYES_LOOK_RIGHT_L,),
    "eyeLookInRight": (_FB.EYES_LOOK_LEFT_R,),
    "eyeLookOutLeft": (_FB.EYES_LOOK_LEFT_L,),
    "eyeLookOutRight": (_FB.EYES_LOOK_RIGHT_R,),
    "eyeLookUpLeft": (_FB.EYES_LOOK_UP_L,),
    "eyeLookUpRight": (_FB.EYES_LOOK_UP_R,),
    "eyeSquintLeft": (_FB.LID_TIGHTENER_L,),
    "eyeSquintRight": (_FB.LID_TIGHTENER_R,),
    "eyeWideLeft": (_FB.UPPER_LID_RAISER_L,),
    "eyeWideRight": (_FB.UPPER_LID_RAISER_R,),
    "jawForward": (_FB.JAW_THRUST,),
    "jawLeft": (_FB.JAW_SIDEWAYS_LEFT,),
    "jawOpen": (_FB.JAW_DROP,),
    "jawRight": (_FB.JAW_SIDEWAYS_RIGHT,),
    "mouthClose": (_FB.LIPS_TOWARD,),
    "mouthDimpleLeft": (_FB.DIMPLER_L,),
    "mouthDimpleRight": (_FB.DIMPLER_R,),
    "mouthFrownLeft": (_FB.LIP_CORNER_DEPRESSOR_L,),
    "mouthFrownRight": (_FB.LIP_CORNER_DEPRESSOR_R,),
    "mouthFunnel": (_FB.LIP_FUNNELER_LB, _FB.LIP_FUNNELER_LT, _FB.LIP_FUNNELER_RB, _FB.LIP_FUNNELER_RT),
    "mouthLeft": (_FB.MOUTH_LEFT,),
    "mouthLowerDownLeft": (_FB.LOWER_LIP_DEPRESSOR_L,),
    "mouthLowerDownRight": (_FB.LOWER_LIP_DEPRESSOR_R,),
    "mouthPressLeft": (_FB.LIP_PRESSOR_L,),
    "mouthPressRight": (_FB.LIP_PRESSOR_R,),
    "mouthPucker": (_FB.LIP_PUCKER_L, _FB.LIP_PUCKER_R),
    "mouthRight": (_FB.MOUTH_RIGHT,),
    "mouthRollLower": (_FB.LIP_SUCK_LB, _FB.LIP_SUCK_RB),
    "mouthRollUpper": (_FB.LIP_SUCK_LT, _FB.LIP_SUCK_RT),
    "mouthShrugLower": (_FB.CHIN_RAISER_B,),
    "mouthShrugUpper": (_FB.CHIN_RAISER_T,),
    "mouthSmileLeft": (_FB.LIP_CORNER_PULLER_L,),
    "mouthSmileRight": (_FB.LIP_CORNER_PULLER_R,),
    "mouthStretchLeft": (_FB.LIP_STRETCHER_L,),
    "mouthStretchRight": (_FB.LIP_STRETCHER_R,),
    "mouthUpperUpLeft": (_FB.UPPER_LIP_RAISER_L,),
    "mouthUpperUpRight": (_FB.UPPER_LIP_RAISER_R,),
    "noseSneerLeft": (_FB.NOSE_WRINKLER_L,),
    "noseSneerRight": (_FB.NOSE_WRINKLER_R,),
    "tongueOut": (_FB.TONGUE_OUT,),
}
"""All of ARKit's 52, each the mean of these of Meta's."""

FB_WITHOUT_ARKIT = (
    *(_FB.CHEEK_SUCK_L, _FB.CHEEK_SUCK_R, _FB.LIP_TIGHTENER_L, _FB.LIP_TIGHTENER_R),
    *(_FB.TONGUE_TIP_INTERDENTAL, _FB.TONGUE_TIP_ALVEOLAR, _FB.TONGUE_FRONT_DORSAL_PALATE),
    *(_FB.TONGUE_MID_DORSAL_PALATE, _FB.TONGUE_BACK_DORSAL_VELAR, _FB.TONGUE_RETREAT),
)
"""Meta's shapes that ARKit has no name for."""

_EYE = EyeExpressionHTC
HTC_EYE_SHAPES: dict[str, tuple[EyeExpressionHTC, ...]] = {
    "eyeBlinkLeft": (_EYE.LEFT_BLINK,),
    "eyeBlinkRight": (_EYE.RIGHT_BLINK,),
    "eyeLookDownLeft": (_EYE.LEFT_DOWN,),
    "eyeLookDownRight": (_EYE.RIGHT_DOWN,),
    "eyeLookInLeft": (_EYE.LEFT_IN,),
    "eyeLookInRight": (_EYE.RIGHT_IN,),
    "eyeLookOutLeft": (_EYE.LEFT_OUT,),
    "eyeLookOutRight": (_EYE.RIGHT_OUT,),
    "eyeLookUpLeft": (_EYE.LEFT_UP,),
    "eyeLookUpRight": (_EYE.RIGHT_UP,),
    "eyeSquintLeft": (_EYE.LEFT_SQUEEZE,),
    "eyeSquintRight": (_EYE.RIGHT_SQUEEZE,),
    "eyeWideLeft": (_EYE.LEFT_WIDE,),
    "eyeWideRight": (_EYE.RIGHT_WIDE,),
}
"""What HTC's eye tracker knows; it does not see the brows."""

_LIP = LipExpressionHTC
HTC_LIP_SHAPES: dict[str, tuple[LipExpressionHTC, ...]] = {
    "cheekPuff": (_LIP.CHEEK_PUFF_LEFT, _LIP.CHEEK_PUFF_RIGHT),
    "jawForward": (_LIP.JAW_FORWARD,),
    "jawLeft": (_LIP.JAW_LEFT,),
    "jawOpen": (_LIP.JAW_OPEN,),
    "jawRight": (_LIP.JAW_RIGHT,),
    "mouthClose": (_LIP.MOUTH_APE_SHAPE,),
    "mouthFrownLeft": (_LIP.MOUTH_STRETCHER_LEFT,),
    "mouthFrownRight": (_LIP.MOUTH_STRETCHER_RIGHT,),
    "mouthFunnel": (_LIP.MOUTH_UPPER_OVERTURN, _LIP.MOUTH_LOWER_OVERTURN),
    "mouthLeft": (_LIP.MOUTH_UPPER_LEFT, _LIP.MOUTH_LOWER_LEFT),
    "mouthLowerDownLeft": (_LIP.MOUTH_LOWER_DOWNLEFT,),
    "mouthLowerDownRight": (_LIP.MOUTH_LOWER_DOWNRIGHT,),
    "mouthPucker": (_LIP.MOUTH_POUT,),
    "mouthRight": (_LIP.MOUTH_UPPER_RIGHT, _LIP.MOUTH_LOWER_RIGHT),
    "mouthRollLower": (_LIP.MOUTH_LOWER_INSIDE,),
    "mouthRollUpper": (_LIP.MOUTH_UPPER_INSIDE,),
    "mouthShrugLower": (_LIP.MOUTH_LOWER_OVERLAY,),
    "mouthSmileLeft": (_LIP.MOUTH_RAISER_LEFT,),
    "mouthSmileRight": (_LIP.MOUTH_RAISER_RIGHT,),
    "mouthUpperUpLeft": (_LIP.MOUTH_UPPER_UPLEFT,),
    "mouthUpperUpRight": (_LIP.MOUTH_UPPER_UPRIGHT,),
    "tongueOut": (_LIP.TONGUE_LONGSTEP1, _LIP.TONGUE_LONGSTEP2),
}
"""What HTC's lip tracker knows. `MOUTH_STRETCHER` is the later name of its sad mouth, `MOUTH_RAISER` of its smile."""

HTC_LIP_WITHOUT_ARKIT = (
    *(_LIP.CHEEK_SUCK, _LIP.TONGUE_LEFT, _LIP.TONGUE_RIGHT, _LIP.TONGUE_UP, _LIP.TONGUE_DOWN, _LIP.TONGUE_ROLL),
    *(_LIP.TONGUE_UPRIGHT_MORPH, _LIP.TONGUE_UPLEFT_MORPH),
    *(_LIP.TONGUE_DOWNRIGHT_MORPH, _LIP.TONGUE_DOWNLEFT_MORPH),
)


@dataclass(frozen=True, slots=True)
class ArkitMap:
    """A table above as a matrix: `matrix @ weights` are the coefficients of `names`."""

    names: tuple[str, ...]
    matrix: Float[np.ndarray, "names shapes"]

    @classmethod
    def mean_of(cls, shapes: Mapping[str, tuple[Shape, ...]], count: int) -> "ArkitMap":
        """Each name the mean of its shapes, which number the `count` weights a runtime gives."""
        matrix = np.zeros((len(shapes), count), np.float32)
        for row, sources in zip(matrix, shapes.values(), strict=True):
            row[[int(shape) for shape in sources]] = 1.0 / len(sources)
        return cls(tuple(shapes), matrix)

    def apply(self, weights: Float[np.ndarray, " shapes"]) -> dict[str, float]:
        """ARKit's coefficients, 0 to 1."""
        return dict(zip(self.names, np.clip(self.matrix @ weights, 0.0, 1.0).tolist(), strict=True))


_FB_MAP = ArkitMap.mean_of(FB_SHAPES, int(_FB.COUNT))
_EYE_MAP = ArkitMap.mean_of(HTC_EYE_SHAPES, 14)
_LIP_MAP = ArkitMap.mean_of(HTC_LIP_SHAPES, 37)


def arkit_from_fb(
    weights: Float[np.ndarray, "70"], *, upper: bool = True, lower: bool = True, gaze: bool = True
) -> dict[str, float]:
    """Meta's weights by ARKit's names; those of parts the runtime does not vouch for are left out.

    Args:
        weights: of XrFaceExpression2FB in order.
        upper: whether brows and lids are known.
        lower: whether cheeks, nose, mouth and jaw are known.
        gaze: whether the looks of the eyes are known.
    """
    face = _FB_MAP.apply(weights)
    face["mouthClose"] = min(face["mouthClose"], face["jawOpen"])

    def known(name: str) -> bool:
        if name.startswith("eyeLook"):
            return gaze
        return upper if name.startswith(("brow", "eye")) else lower

    return {name: value for name, value in face.items() if known(name)}


def arkit_from_htc_eyes(weights: Float[np.ndarray, "14"]) -> dict[str, float]:
    """The weights of XrEyeExpressionHTC in order, by ARKit's names."""
    return _EYE_MAP.apply(weights)


def arkit_from_htc_lips(weights: Float[np.ndarray, "37"]) -> dict[str, float]:
    """The weights of XrLipExpressionHTC in order, by ARKit's names. HTC's ape shape opens the jaw behind shut lips:
    it is ARKit's `jawOpen` and `mouthClose` together."""
    face = _LIP_MAP.apply(weights)
    face["jawOpen"] = min(face["jawOpen"] + face["mouthClose"], 1.0)
    return face
