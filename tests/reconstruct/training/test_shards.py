"""Shards: what goes in comes out, and the same people give the same bytes."""

from pathlib import Path

import numpy as np
import pytest

from inperson.errors import BadInputError
from inperson.reconstruct.training.people import all_people, shoot_person
from inperson.reconstruct.training.recipe import PeopleRecipe
from inperson.reconstruct.training.shards import decode_person, encode_person, find_shards, read_shards, write_shard
from inperson.reconstruct.training.stream import PersonStream, count_samples
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.variety import HELD_OUT, TRAINING
from inperson.synthetic.wardrobe import Wardrobe
from tests.reconstruct.training.bare_people import bare_person


def test_a_person_survives_a_shard(tmp_path: Path) -> None:
    people = [bare_person(seed, views=2, size=64) for seed in (3, 4)]
    write_shard(tmp_path / "train-00000.tar", (encode_person(p) for p in people))
    back = [decode_person(sample) for sample in read_shards(find_shards(tmp_path, "train"))]
    assert [p.name for p in back] == [p.name for p in people]
    for before, after in zip(people, back, strict=True):
        np.testing.assert_array_equal(after.target_rgba, before.target_rgba)
        np.testing.assert_array_equal(after.input_rgba[0], before.input_rgba[0])
        np.testing.assert_array_equal(after.input_part[0], before.input_part[0])
        np.testing.assert_allclose(after.target_depth, before.target_depth, atol=1e-4)
        np.testing.assert_array_equal(after.states[1].full_pose, before.states[1].full_pose)
        np.testing.assert_array_equal(after.states[0].betas, before.states[0].betas)
        np.testing.assert_allclose(after.target_views[1].projection, before.target_views[1].projection)


def test_the_same_people_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_shard(tmp_path / name, [encode_person(bare_person(5, views=2, size=48))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_interrupted_shard_is_not_there(tmp_path: Path) -> None:
    def broken():
        yield {"__key__": "one", "truth.npz": b"1"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "train-00000.tar", broken())
    with pytest.raises(BadInputError, match="no train shards"):
        find_shards(tmp_path, "train")


def numbered_shards(folder: Path, shards: int = 3, per_shard: int = 5) -> list[Path]:
    for s in range(shards):
        samples = ({"__key__": f"p{s}{k}", "truth.npz": b"x"} for k in range(per_shard))
        write_shard(folder / f"train-{s:05d}.tar", samples)
    return find_shards(folder, "train")


def first(stream: PersonStream, count: int, start: int = 0) -> list[tuple[int, str]]:
    samples = stream.from_sample(start)
    return [(n, raw["__key__"]) for n, raw in (next(samples) for _ in range(count))]


def test_everybody_comes_once_an_epoch_in_a_new_order(tmp_path: Path) -> None:
    paths = numbered_shards(tmp_path)
    assert [count_samples(p) for p in paths] == [5, 5, 5]
    order = [key for _, key in first(PersonStream(paths, seed=1), 30)]
    assert sorted(order[:15]) == sorted(order[15:]) == sorted({*order})
    assert order[:15] != order[15:]
    assert order == [key for _, key in first(PersonStream(paths, seed=1), 30)]
    assert order != [key for _, key in first(PersonStream(paths, seed=2), 30)]


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_one_order(tmp_path: Path, processes: int) -> None:
    paths = numbered_shards(tmp_path)
    alone = first(PersonStream(paths, seed=4), 36)
    shared = [first(PersonStream(paths, 4, rank, processes), 36 // processes) for rank in range(processes)]
    assert sorted(pair for part in shared for pair in part) == alone
    resumed = [first(PersonStream(paths, 4, rank, processes), 6, start=18) for rank in range(processes)]
    assert sorted(pair for part in resumed for pair in part)[:12] == alone[18 : 18 + 6 * processes][:12]


def test_held_out_people_share_nothing_with_those_of_the_training() -> None:
    for gender in ("female", "male"):
        assert not set(TRAINING.outfits[gender]) & set(HELD_OUT.outfits[gender])
        assert not set(TRAINING.hair[gender]) & set(HELD_OUT.hair[gender])
    assert not set(TRAINING.shoes) & set(HELD_OUT.shoes)
    assert (set(TRAINING.patterns) & set(HELD_OUT.patterns)) == {"plain"}
    recipe = PeopleRecipe()
    seeds = [{p.seed for p in all_people(recipe, held_out)} for held_out in (False, True)]
    assert not seeds[0] & seeds[1]


def test_a_rendered_person_is_the_same_every_time() -> None:
    try:
        dresser = Dresser(Wardrobe())
    except BadInputError as error:
        pytest.skip(str(error))
    recipe = PeopleRecipe(inputs=1, input_size=64, target_size=48)
    who = all_people(recipe, held_out=True)[1]
    with Stage() as stage:
        person, again = (shoot_person(who, dresser, stage, recipe) for _ in range(2))
    assert encode_person(person) == encode_person(again)
    assert len(person.states) == 2
    assert {4, 5} <= set(np.unique(person.target_part))  # cloth and hair
    seen = person.target_part > 0
    assert (person.target_depth[seen] > 0.3).all()
