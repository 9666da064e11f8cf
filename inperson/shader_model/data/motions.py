"""What a person does in a window: gestures and talk, a turn of the whole body, or nothing at all."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from inperson.avatar.state import BodyState
from inperson.shader_model.data.recipe import MotionRecipe
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.motion.scripts import random_gestures
from inperson.synthetic.motion.upper_body import perform
from inperson.synthetic.snapshots import sample_state

_LEAD_IN = 0.5
"""Seconds of a script before anything happens in it."""


def sample_motion(
    person: DressedPerson, frames: int, fps: float, how: MotionRecipe, rng: np.random.Generator
) -> tuple[BodyState, ...]:
    """States `1 / fps` seconds apart, the first at time 0. World as in `synthetic`: the person faces +z."""
    kind = rng.random()
    if kind < how.still_body:
        states = (sample_state(person, rng),) * frames
    elif kind < how.still_body + how.turning:
        states = _turning(sample_state(person, rng), frames, fps, float(rng.normal(0.0, how.turning_speed)))
    else:
        states = _gesturing(person, frames, fps, rng)
    return tuple(replace(state, time_ns=round(n * 1e9 / fps)) for n, state in enumerate(states))


def _turning(state: BodyState, frames: int, fps: float, speed: float) -> tuple[BodyState, ...]:
    """Somebody who turns on the spot.

    Args:
        speed: radians a second, to the person's left.
    """
    first = Rotation.from_rotvec(state.global_orient)
    turns = (Rotation.from_rotvec([0.0, speed * n / fps, 0.0]) * first for n in range(frames))
    return tuple(replace(state, global_orient=turn.as_rotvec().astype(np.float32)) for turn in turns)


def _gesturing(person: DressedPerson, frames: int, fps: float, rng: np.random.Generator) -> tuple[BodyState, ...]:
    """A piece out of somebody's gestures and talk."""
    seconds = _LEAD_IN + frames / fps + float(rng.uniform(0.1, 0.9))
    clip = perform(person, random_gestures(rng, seconds), fps, seed=int(rng.integers(2**31)))
    return clip.states[-frames:]
