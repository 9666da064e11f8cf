"""What a tracker would have said of a motion: the truth, errors that wander, and a little that is new each time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.shader_model.data.recipe import TrackingErrorRecipe
from inperson.synthetic.motion.smooth import wander

_SLOWEST = 0.1
"""Hertz."""


def tracked(
    states: Sequence[BodyState], error: TrackingErrorRecipe, fps: float, rng: np.random.Generator
) -> tuple[BodyState, ...]:
    """The states as a tracker gives them; every component errs on its own."""
    times = np.arange(len(states)) / fps

    def errors(channels: int, size: float) -> Float[np.ndarray, "T channels"]:
        """Of deviation `size`, `error.jitter` of it white."""
        slow = wander(times, rng, channels, slowest=_SLOWEST, fastest=error.fastest)
        white = rng.normal(0.0, 1.0, slow.shape)
        return (size * (np.sqrt(1.0 - error.jitter**2) * slow + error.jitter * white)).astype(np.float32)

    orient, transl = errors(3, error.body_pose), errors(3, error.transl)
    body, jaw = errors(63, error.body_pose).reshape(-1, 21, 3), errors(3, error.jaw)
    left, right = (errors(45, error.hand_pose).reshape(-1, 15, 3) for _ in range(2))
    expression = errors(len(states[0].expression), error.expression)
    return tuple(
        replace(
            state,
            global_orient=state.global_orient + orient[n],
            transl=state.transl + transl[n],
            body_pose=state.body_pose + body[n],
            left_hand_pose=state.left_hand_pose + left[n],
            right_hand_pose=state.right_hand_pose + right[n],
            jaw_pose=state.jaw_pose + jaw[n],
            expression=np.clip(state.expression + expression[n], 0.0, 1.0),
        )
        for n, state in enumerate(states)
    )
