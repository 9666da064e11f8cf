"""Windows as other cameras, other clothes and avatars without a photo would have given them."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.data.window import Window
from inperson.shader_model.training.cuts import cut_window, drawn_cut, mirrored
from inperson.shader_model.training.recipe import AugmentRecipe


def augmented(window: Window, how: AugmentRecipe, rng: np.random.Generator) -> Window:
    """A part of the window, with other colours, now and then mirrored or without the photo."""
    cut = drawn_cut(window, how.side, rng) if how.side else None
    window = cut_window(window, cut) if cut else window
    window = mirrored(window) if rng.random() < how.mirrored else window
    tint = rng.normal(0.0, how.gain, 3) + rng.normal(0.0, how.brightness)
    order = rng.permutation(3) if rng.random() < how.swapped_channels else np.arange(3)
    gain = torch.from_numpy(np.exp(tint).astype(np.float32))[:, None, None]
    without_photo = rng.random() < how.no_photo

    def recolored(pictures: Float[Tensor, "... 4 H W"]) -> Float[Tensor, "... 4 H W"]:
        alpha = pictures[..., 3:, :, :]
        color = torch.minimum(pictures[..., order.tolist(), :, :] * gain, alpha)
        return torch.cat([color, alpha], dim=-3)

    conditions = tuple(
        replace(
            c,
            color=recolored(c.color),
            photo=torch.zeros_like(c.photo) if without_photo else recolored(c.photo),
        )
        for c in window.conditions
    )
    return replace(window, conditions=conditions, truth=recolored(window.truth))
