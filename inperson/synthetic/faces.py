"""Facial expressions by ARKit's names, as expression coefficients of a body that knows those names."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from inperson.errors import BadInputError

PLEASANT: dict[str, float] = {
    "mouthSmile": 0.22,
    "cheekSquint": 0.12,
    "browInnerUp": 0.18,
    "browOuterUp": 0.08,
    "eyeWide": 0.12,
}
"""A face at ease: faces with all coefficients at zero look stern."""

FACES: dict[str, dict[str, float]] = {
    "pleasant": PLEASANT,
    "neutral": {},
    "smile": {"mouthSmile": 0.75, "cheekSquint": 0.45, "eyeSquint": 0.15, "browInnerUp": 0.1},
    "grin": {"mouthSmile": 0.75, "jawOpen": 0.2, "cheekSquint": 0.5, "mouthUpperUp": 0.5},
    "open": {"jawOpen": 0.65, "mouthUpperUp": 0.1},
    "ah": {"jawOpen": 0.35, "mouthSmile": 0.15},
    "ee": {"jawOpen": 0.12, "mouthStretch": 0.35, "mouthSmile": 0.35, "mouthUpperUp": 0.2, "mouthLowerDown": 0.3},
    "oh": {"jawOpen": 0.3, "mouthFunnel": 0.6},
    "oo": {"jawOpen": 0.08, "mouthPucker": 0.75},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.7, "eyeWide": 0.7, "jawOpen": 0.3},
    "frown": {"browDown": 0.6, "mouthFrown": 0.5},
    "blink": {"eyeBlink": 1.0, "mouthSmile": 0.15},
    "wink": {"eyeBlinkLeft": 0.95, "mouthSmileLeft": 0.5, "cheekSquintLeft": 0.4},
    "puff": {"cheekPuff": 0.7},
}


def expression_vector(names: tuple[str, ...] | None, face: Mapping[str, float]) -> Float[np.ndarray, " E"]:
    """Coefficients (float32) of a face; a name without Left or Right sets both sides.

    Raises:
        BadInputError: the body has no named expressions, or lacks one of these.
    """
    if names is None:
        raise BadInputError("this body's expressions have no names", "use neutral, male or female")
    out = np.zeros(len(names), np.float32)
    for name, amount in face.items():
        sides = [name] if name in names else [f"{name}Left", f"{name}Right"]
        if any(side not in names for side in sides):
            raise BadInputError(f"no expression '{name}' on this body", f"use {', '.join(names)}")
        for side in sides:
            out[names.index(side)] = amount
    return out


def added(face: Mapping[str, float], *others: Mapping[str, float]) -> dict[str, float]:
    """Faces on top of one another."""
    out = dict(face)
    for other in others:
        for name, amount in other.items():
            out[name] = out.get(name, 0.0) + amount
    return out
