"""What a training left in its folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from inperson.reconstruct.training.checkpoint import newest_checkpoint


def logged(folder: Path) -> list[dict]:
    """Every line of its log."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    """Of every step."""
    return [line["loss"] for line in logged(folder) if "loss" in line]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Of what learned, in the newest checkpoint."""
    newest = newest_checkpoint(folder)
    assert newest is not None
    return {name: value for name, value in load_file(newest).items() if name.startswith("network/")}
