"""Recipes: what ships can be read, and mistakes are named."""

from pathlib import Path

import pytest

from inperson.errors import BadInputError
from inperson.reconstruct.training.loop import rate_at
from inperson.reconstruct.training.recipe import DEFAULT_RECIPE, Recipe, read_recipe
from inperson.reconstruct.training.trainer import network_config

RECIPES = sorted(DEFAULT_RECIPE.parent.glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_say_what_can_be_done(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.targets.texels % network_config(recipe).size == 0
    people = recipe.people
    assert people.first_seed + people.train <= people.held_out_seed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[people]\ntrian = 3", "does not know 'trian'"),
        ("[people]\ntrain = 'many'", "'train' must be a int"),
        ("[optimiser]\nbatch = 2.5", "'batch' must be a int"),
        ("[inputs.error]\nbetas = true", "'betas' must be a float"),
        ("people = 3", "'people' must be a PeopleRecipe"),
        ("[people", "cannot be read"),
        ("[network]\nsize = 100", "out of range"),
        ("[network]\nsize = 96", "do not fall into"),
        ("[network]\nsise = 64", "fields are missing or unknown"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        network_config(read_recipe(path))


def test_a_recipe_may_be_like_another(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text("[loss]\ncolor = 2\nedges = 3\n[network]\nsize = 64")
    (tmp_path / "second.toml").write_text('like = "first.toml"\n[loss]\nedges = 4\n[optimiser]\nsteps = 5')
    recipe = read_recipe(tmp_path / "second.toml")
    assert (recipe.loss.color, recipe.loss.edges, recipe.network, recipe.optimiser.steps) == (2, 4, {"size": 64}, 5)
    (tmp_path / "first.toml").write_text('like = "second.toml"')
    with pytest.raises(BadInputError, match="like itself"):
        read_recipe(tmp_path / "second.toml")


def test_whole_numbers_will_do_for_fractions(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[loss]\ncolor = 2\n[inputs.error]\nbetas = 0")
    recipe = read_recipe(path)
    assert (recipe.loss.color, type(recipe.loss.color), recipe.inputs.error.betas) == (2.0, float, 0.0)
    assert recipe.optimiser == Recipe().optimiser


def test_the_rate_follows_the_clock_where_that_is_further_on() -> None:
    how = Recipe().optimiser
    assert rate_at(how.steps // 2, how, time_used=0.1) == rate_at(how.steps // 2, how)
    assert rate_at(how.warm_up, how, time_used=1.0) == pytest.approx(how.final_rate)


def test_the_rate_warms_up_and_comes_down() -> None:
    how = Recipe().optimiser
    rates = [rate_at(step, how) for step in (0, how.warm_up, how.steps // 2, how.steps, 2 * how.steps)]
    assert rates[0] < 0.01 * how.rate
    assert rates[1] == pytest.approx(how.rate, rel=1e-2)
    assert rates[2] == pytest.approx(0.5 * (how.rate + how.final_rate), rel=1e-6)
    assert rates[3] == pytest.approx(rates[4]) == pytest.approx(how.final_rate)
