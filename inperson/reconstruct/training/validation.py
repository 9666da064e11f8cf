"""Scores on held-out people, beside those of the plain completion that the network starts from."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from inperson.reconstruct.training.batches import CONFIDENCE, FILLED, TrainBatch


@torch.no_grad()
def validate(network: nn.Module, batches: Iterable[TrainBatch], device: torch.device) -> dict[str, float]:
    """Means over samples.

    Returns:
        `unseen_psnr` (dB, texels that are truly known but that the input does not show; mean squared error first
        averaged within a person), `plain_unseen_psnr` of the plain completion, `offset_mm` and `plain_offset_mm`
        (mean distance to what is truly there), `part_share` (texels whose part is right).
    """
    rows = [row for batch in batches for row in _rows(network, batch, device)]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {k: float(f"{v:.4g}") for k, v in means.items()}


def _rows(network: nn.Module, batch: TrainBatch, device: torch.device) -> list[dict[str, float]]:
    inputs, truth = batch.inputs.to(device), batch.truth.to(device)
    attributes = network(inputs)
    confidence = inputs.texels[:, CONFIDENCE : CONFIDENCE + 1]
    hidden, known = truth.weight * (1.0 - confidence), truth.weight
    apart = (attributes.offset - truth.offset).norm(dim=1, keepdim=True)
    right = (attributes.features.argmax(dim=1) == truth.part)[:, None].float()
    squared, plain = ((color - truth.color).square() for color in (attributes.color, inputs.texels[:, FILLED]))
    out = []
    for i in range(len(known)):
        out.append(
            {
                "unseen_psnr": _psnr(_mean(squared[i], hidden[i])),
                "plain_unseen_psnr": _psnr(_mean(plain[i], hidden[i])),
                "offset_mm": 1e3 * _mean(apart[i], known[i]),
                "plain_offset_mm": 1e3 * _mean(truth.offset[i].norm(dim=0, keepdim=True), known[i]),
                "part_share": _mean(right[i], known[i]),
            }
        )
    return out


def _mean(values: Tensor, weight: Tensor) -> float:
    return float((values.mean(dim=0) * weight[0]).sum() / weight.sum().clamp(min=1e-6))


def _psnr(squared_error: float) -> float:
    return -10.0 * float(np.log10(squared_error + 1e-12))
