"""Shards of made-up windows, and a recipe that goes through them in no time."""

from pathlib import Path

import pytest

from inperson.reconstruct.training.recipe import OptimiserRecipe
from inperson.reconstruct.training.shards import write_shard
from inperson.shader_model.data.shards import encode_window
from inperson.shader_model.training.recipe import CriticRecipe, LossRecipe, Recipe
from inperson.tracking.models import fetch_models
from tests.shader_model.made_up_windows import made_up_window

TINY = Recipe(
    network={"widths": [16, 16, 16], "blocks": [0, 1, 0], "trunk": 1},
    loss=LossRecipe(adversarial=0.01),
    critic=CriticRecipe(width=4),
    # epsilon: Adam would take the rounding of gradients of nearly nothing for gradients
    optimiser=OptimiserRecipe(
        steps=4, batch=4, rate=2e-3, warm_up=1, epsilon=1e-4, save_every=2, validate_every=4, validate_on=2
    ),
)


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    fetch_models()  # the perceptual loss's network
    return TINY


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight windows to train on in two shards, some with two eyes; two held out."""
    folder = tmp_path_factory.mktemp("windows")
    for name, seeds in (("train-00000", range(4)), ("train-00001", range(4, 8)), ("held_out-00000", (20, 21))):
        windows = (made_up_window(seed, eyes=1 + seed % 2, frames=3) for seed in seeds)
        write_shard(folder / f"{name}.tar", (encode_window(window) for window in windows))
    return folder
