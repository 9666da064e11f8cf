"""Recipes: what ships can be read, stages come in their order, and mistakes are named."""

from pathlib import Path

import pytest

from inperson.errors import BadInputError
from inperson.shader_model.teacher.training.recipe import (
    DEFAULT_RECIPE,
    Recipe,
    StageRecipe,
    StagesRecipe,
    read_recipe,
)
from inperson.shader_model.teacher.training.trainer import network_config

RECIPES = sorted(DEFAULT_RECIPE.parent.glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_say_what_can_be_done(path: Path) -> None:
    recipe = read_recipe(path)
    assert network_config(recipe).widths[0] > 0
    frames = [recipe.stages.at(progress / 100).frames for progress in range(100)]
    assert frames[0] == 1
    assert frames == sorted(frames)  # progressive


def test_stages_share_the_run() -> None:
    stages = StagesRecipe(
        single=StageRecipe(share=0.25, frames=1),
        short=StageRecipe(),
        long=StageRecipe(share=0.5, frames=8),
        large=StageRecipe(share=0.25, frames=9),
    )
    at = {progress: stages.at(progress).frames for progress in (0.0, 0.24, 0.25, 0.74, 0.75, 1.0, 2.0)}
    assert at == {0.0: 1, 0.24: 1, 0.25: 8, 0.74: 8, 0.75: 9, 1.0: 9, 2.0: 9}
    assert abs(sum(getattr(Recipe().stages, name).share for name in ("single", "short", "long", "large")) - 1) < 1e-9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stages]\nsingle = { share = 0.9 }", "do not add up"),
        ("[stages]\nsingle = { share = 1.2 }\nshort = { share = -0.4 }", "do not add up"),
        ("[stages]\nshort = { side = 40 }", "multiples of 32"),
        ("[stages]\nshort = { pieces = 0 }", "at least one piece"),
        ("[stages]\nmiddle = { share = 0.1 }", "does not know 'middle'"),
        ("[augment]\nside = 160", "each stage"),
        ("[loss]\nadversarial = 0.3", "no critic"),
        ("size = 'huge'", "'huge' is unknown"),
        ("[network]\nwidht = 3", "missing or unknown"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        network_config(read_recipe(path))
