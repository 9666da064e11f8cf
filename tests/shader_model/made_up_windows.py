"""Windows with a known answer, without people: a striped disc that slides, rendered blurred and dull."""

import torch
from torch.nn import functional as F

from inperson.shader_model.data.shards import own_places
from inperson.shader_model.data.window import Window
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions


def made_up_window(seed: int, eyes: int = 1, frames: int = 3, size: int = 32) -> Window:
    """The disc moves by a few pixels a frame; a second eye sees it further left."""
    random = torch.Generator().manual_seed(seed)
    tint = 0.3 + 0.6 * torch.rand(3, generator=random)
    speed = 4.0 * torch.rand(2, generator=random) - 2.0
    parallax = -3.0

    def truth_of(t: int, e: int) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
        x, y = x - size / 2 - t * speed[0] - e * parallax, y - size / 2 - t * speed[1]
        alpha = (0.35 * size - (x * x + y * y).sqrt()).clamp(0.0, 1.0)
        stripes = 0.7 + 0.3 * torch.sign(torch.sin(1.3 * x))
        return torch.cat([tint[:, None, None] * stripes * alpha, alpha[None]])

    truth = torch.stack([torch.stack([truth_of(t, e) for e in range(eyes)]) for t in range(frames)])
    return Window(f"disc{seed}", tuple(_told(truth, t, speed, parallax) for t in range(frames)), truth)


def _told(truth: torch.Tensor, t: int, speed: torch.Tensor, parallax: float) -> Conditions:
    eyes, size = truth.shape[1], truth.shape[-1]
    inner = size // INNER
    color = F.avg_pool2d(truth[t], 7, 1, 3) * torch.tensor([0.8, 0.8, 0.8, 1.0])[:, None, None]
    alpha = F.avg_pool2d(truth[t][:, 3:], INNER)
    dense = torch.zeros(eyes, len(DENSE_CHANNELS), inner, inner)
    dense[:, 0], dense[:, 4] = alpha[:, 0], alpha[:, 0]
    past = eyes if t else 0
    shift = torch.tensor([[[(p - e) * parallax, 0.0] for p in range(past)] for e in range(eyes)]).view(eyes, past, 2)
    before = own_places(inner, inner) + (shift - speed)[..., None, None]
    inside = ((before >= 0) & (before < size)).all(dim=2)
    return Conditions(
        color=color,
        photo=0.5 * truth[t],
        dense=dense,
        before=before,
        seen_before=alpha.expand(-1, past, -1, -1) * inside,
        switch=torch.full((eyes, 2), 0.25 if t else 0.0),
    )
