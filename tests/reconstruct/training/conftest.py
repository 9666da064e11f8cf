"""Prepared shards of a few bare people on tiny uv maps."""

from dataclasses import replace
from pathlib import Path

import pytest

from inperson.avatar.body import load_body
from inperson.reconstruct.training.prepared import prepared_samples
from inperson.reconstruct.training.recipe import (
    InputsRecipe,
    OptimiserRecipe,
    PeopleRecipe,
    Recipe,
    RenderRecipe,
    TargetsRecipe,
)
from inperson.reconstruct.training.shards import encode_person, write_shard
from tests.reconstruct.training.bare_people import bare_person

TINY = Recipe(
    people=PeopleRecipe(inputs=1, per_shard=2),
    targets=TargetsRecipe(texels=32),
    inputs=InputsRecipe(match_outline=False),
    network={
        "size": 32,
        "widths": (8, 8, 8, 8, 8),
        "token_width": 32,
        "token_blocks": 1,
        "heads": 1,
        "appearance": (8, 8, 8),
    },
    render=RenderRecipe(every=2, sites=300),
    optimiser=OptimiserRecipe(steps=4, batch=2, warm_up=1, save_every=2, validate_every=4, validate_on=1),
)


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    return replace(TINY)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people to train on in two shards, one held out."""
    folder = tmp_path_factory.mktemp("prepared")
    body = load_body("neutral")
    for name, seeds in (("train-00000", (0, 1)), ("train-00001", (2, 3)), ("held_out-00000", (9,))):
        raw = (encode_person(bare_person(seed)) for seed in seeds)
        dressed = replace(TINY, inputs=InputsRecipe(match_outline=name.startswith("held_out")))
        write_shard(folder / f"{name}.tar", prepared_samples(raw, body, dressed, seeds[0]))
    return folder
