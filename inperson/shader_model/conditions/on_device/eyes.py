"""What a frame's eyes, and those of the frame before, mean to the conditions: a few numbers, sent to the device at
once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.render.views import EyeView
from inperson.shader_model.conditions.channels import distance_ahead
from inperson.shader_model.conditions.motion import carrying, lens

Upload = Callable[[np.ndarray], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Eyes:
    """E eyes now and P eyes then, on the device."""

    lens: Float[Tensor, "E 7"]
    """`motion.lens`."""
    world_from_eye: Float[Tensor, "E 3 3"]
    """Rotations."""
    ahead: Float[Tensor, " E"]
    """How far the person's middle is before each eye, metres."""
    switch: Float[Tensor, "E 2"]
    """`Conditions.switch`."""
    old_lens: Float[Tensor, "P 7"]
    old_from_world: Float[Tensor, "P 3 3"]
    """Rotations into OpenCV's axes."""
    old_from_now: Float[Tensor, "E P 3 4"]
    """`motion.carrying`."""

    @staticmethod
    def of(
        now: Sequence[EyeView],
        then: Sequence[EyeView],
        middle: Float[np.ndarray, "3"],
        switch: Float[np.ndarray, "E 2"],
        upload: Upload,
    ) -> "Eyes":
        """One upload of all numbers.

        Args:
            now, then: the eyes of this frame, and of the frame before.
            middle: of the person, world.
            switch: `Conditions.switch`.
            upload: takes an array to the device.
        """
        eyes, before = len(now), len(then)
        return Eyes(
            **_sent(
                {
                    "lens": np.stack([lens(view) for view in now]),
                    "world_from_eye": np.stack([view.T_world_from_eye[:3, :3] for view in now]),
                    "ahead": np.array([distance_ahead(view, middle) for view in now]),
                    "switch": switch,
                    "old_lens": np.array([lens(old) for old in then]).reshape(before, 7),
                    "old_from_world": np.array([old.T_cv_from_world[:3, :3] for old in then]).reshape(before, 3, 3),
                    "old_from_now": np.array([carrying(view, old) for view in now for old in then]).reshape(
                        eyes, before, 3, 4
                    ),
                },
                upload,
            )
        )


def _sent(arrays: Mapping[str, np.ndarray], upload: Upload) -> dict[str, Tensor]:
    """Arrays by name as float32 tensors: together there, each a view of its part."""
    whole = upload(np.concatenate([array.astype(np.float32).ravel() for array in arrays.values()]))
    parts: tuple[Tensor, ...] = torch.split(whole, [array.size for array in arrays.values()])
    return {name: part.view(arrays[name].shape) for name, part in zip(arrays, parts, strict=True)}
