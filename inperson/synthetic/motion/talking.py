"""A talking face: syllables in phrases, blinks, brows and glances. Speech-like, not lip-synchronised to a sound."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.synthetic.faces import FACES, PLEASANT, expression_vector
from inperson.synthetic.motion.smooth import bump, minimum_jerk

_VOWELS = ("ah", "ee", "oh", "oo")
_SYLLABLE = (0.15, 0.27)
"""Seconds, shortest and longest."""
_CLOSED: dict[str, float] = {"mouthClose": 0.06, "mouthPress": 0.18}


@dataclass(frozen=True, slots=True)
class Speech:
    """When somebody talks and smiles; seconds."""

    phrases: tuple[tuple[float, float], ...]
    smiles: tuple[tuple[float, float], ...] = ()
    stresses: tuple[float, ...] = ()
    """Moments of raised brows (and of beats and nods elsewhere)."""


def talking_face(
    times: Float[np.ndarray, " T"], speech: Speech, names: tuple[str, ...] | None, rng: np.random.Generator
) -> Float[np.ndarray, "T E"]:
    """Expression coefficients over time, for a body with ARKit-named expressions."""
    resting = expression_vector(names, PLEASANT)
    out = np.tile(resting, (len(times), 1))
    mouth = np.zeros_like(out)
    for start, end in speech.phrases:
        t = start
        while t < end:
            length = rng.uniform(*_SYLLABLE)
            vowel = expression_vector(names, FACES[_VOWELS[rng.choice(4, p=[0.4, 0.25, 0.2, 0.15])]])
            loudness = rng.uniform(0.6, 1.25)
            shape = bump(times, t - 0.05, t + 0.4 * length, t + length + 0.05)
            mouth += loudness * shape[:, None] * vowel
            if rng.random() < 0.3:
                closing = bump(times, t + length - 0.07, t + length, t + length + 0.07)
                mouth += closing[:, None] * expression_vector(names, _CLOSED)
            t += length
    out += mouth
    for start, end in speech.smiles:
        eased = minimum_jerk((times - start) / 0.4) * (1.0 - minimum_jerk((times - end + 0.5) / 0.5))
        out += eased[:, None] * (expression_vector(names, FACES["smile"]) - 0.6 * resting)
    for moment in speech.stresses:
        raised = bump(times, moment - 0.18, moment, moment + 0.35)
        out += raised[:, None] * expression_vector(names, {"browInnerUp": 0.3, "browOuterUp": 0.25})
    out += blinks(times, rng)[:, None] * (
        expression_vector(names, {"eyeBlink": 1.0}) - _only(names, resting, "eyeWide")
    )
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def blinks(times: Float[np.ndarray, " T"], rng: np.random.Generator) -> Float[np.ndarray, " T"]:
    """Eyelid closure 0 to 1: a blink of 0.22 s every two to four seconds."""
    closure = np.zeros(len(times))
    t = float(times[0]) + rng.uniform(0.6, 2.0)
    while t < times[-1]:
        closure = np.maximum(closure, bump(times, t, t + 0.08, t + 0.22))
        t += rng.uniform(2.0, 4.0)
    return closure


def glances(times: Float[np.ndarray, " T"], rng: np.random.Generator) -> Float[np.ndarray, "T 2"]:
    """Gaze off the camera (pitch, yaw), radians: mostly on it, with quick glances aside."""
    gaze = np.zeros((len(times), 2))
    t = float(times[0]) + rng.uniform(0.8, 1.6)
    while t < times[-1]:
        hold = rng.uniform(0.35, 0.9)
        target = np.array([rng.uniform(-0.10, 0.16), rng.choice([-1.0, 1.0]) * rng.uniform(0.12, 0.32)])
        share = minimum_jerk((times - t) / 0.06) * (1.0 - minimum_jerk((times - t - hold) / 0.07))
        gaze += share[:, None] * target
        t += hold + rng.uniform(0.9, 2.2)
    return gaze


def _only(names: tuple[str, ...] | None, face: Float[np.ndarray, " E"], prefix: str) -> Float[np.ndarray, " E"]:
    """The coefficients of a face whose names begin with `prefix`."""
    return np.where([n.startswith(prefix) for n in names or ()], face, 0.0).astype(np.float32)
