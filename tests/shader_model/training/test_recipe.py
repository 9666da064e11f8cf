"""Recipes: what ships can be read, and mistakes are named."""

from dataclasses import asdict
from pathlib import Path

import pytest

from inperson.errors import BadInputError
from inperson.reconstruct.training.people import all_people
from inperson.reconstruct.training.recipe import PeopleRecipe
from inperson.shader_model.data.recipe import DataRecipe
from inperson.shader_model.interface import MULTIPLE
from inperson.shader_model.training.recipe import DEFAULT_RECIPE, RollOutRecipe, read_recipe
from inperson.shader_model.training.trainer import network_config
from tools.make_shader_shards import shards_of

RECIPES = sorted(DEFAULT_RECIPE.parent.glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_say_what_can_be_done(path: Path) -> None:
    recipe = read_recipe(path)
    assert network_config(recipe).hidden_channels > 0
    assert recipe.data.window.size % MULTIPLE == 0
    assert recipe.optimiser.validate_on <= recipe.data.subjects.held_out * recipe.data.subjects.held_out_windows


def test_nobody_is_known_from_elsewhere() -> None:
    ours = [{p.seed for p in all_people(DataRecipe().subjects.split(), held_out)} for held_out in (False, True)]
    theirs = {p.seed for held_out in (False, True) for p in all_people(PeopleRecipe(train=5000), held_out)}
    assert not ours[0] & ours[1]
    assert not (ours[0] | ours[1]) & theirs


def test_every_ablation_differs_from_the_whole_in_one_thing() -> None:
    whole = asdict(read_recipe(DEFAULT_RECIPE.parent / "ablation_full.toml"))
    ablations = [path for path in RECIPES if path.stem.startswith("ablation_no")]
    assert len(ablations) == 5
    changed = set()
    for path in ablations:
        recipe = asdict(read_recipe(path))
        names = [
            (table, k) for table in ("roll_out", "loss") for k in whole[table] if recipe[table][k] != whole[table][k]
        ]
        assert len(names) == 1
        changed.add((names[0], str(recipe[names[0][0]][names[0][1]])))
        assert {k: v for k, v in recipe.items() if k not in ("roll_out", "loss")} == {
            k: v for k, v in whole.items() if k not in ("roll_out", "loss")
        }
    assert len(changed) == 5


def test_validation_never_remembers_the_truth() -> None:
    assert RollOutRecipe(memory="truth").as_it_will_run() == RollOutRecipe(memory="own")
    assert RollOutRecipe(memory="none").as_it_will_run() == RollOutRecipe(memory="none")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[roll_out]\nmemory = 'all'", "'memory' is 'all'"),
        ("[roll_out]\ndense = 'none'", "'dense' is 'none'"),
        ("[data.window]\nframe = 3", "does not know 'frame'"),
        ("[data.window.motion]\nstill_body = 'often'", "'still_body' must be a float"),
        ("[data.subjects]\nfirst_seed = 1_999_900", "run into held-out"),
        ("[loss]\ntrajectory = 1.0", "without a teacher"),
        ("[augment]\nside = 100", "use multiples of 32"),
        ("size = 'tiny'", "size 'tiny' is unknown"),
        ("[network]\nwidht = 3", "missing or unknown"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        network_config(read_recipe(path))


def test_shards_hold_everybody_once(tmp_path: Path) -> None:
    recipe = read_recipe(DEFAULT_RECIPE).data
    shards = list(shards_of(recipe, tmp_path))
    members = [person for _, people, _ in shards for person in people]
    assert len({p.name for p in members}) == len(members) == recipe.subjects.train + recipe.subjects.held_out
    assert len({path for path, _, _ in shards}) == len(shards)
    for path, people, windows in shards:
        held_out = path.name.startswith("held_out")
        assert all(person.held_out == held_out for person in people)
        assert windows == (recipe.subjects.held_out_windows if held_out else recipe.subjects.windows)
