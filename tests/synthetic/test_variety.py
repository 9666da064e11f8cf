"""People to learn from: stable, varied, in the neutral body and in a man's or a woman's shape all the same."""

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.synthetic.fabrics import pattern_coverage
from inperson.synthetic.lights import blended, capture_light, room_light
from inperson.synthetic.people import HAIR_TINTS
from inperson.synthetic.shapes import ShapeSpec, neutral_betas
from inperson.synthetic.snapshots import snapshot_view, turns_around
from inperson.synthetic.surfaces import BodyPose
from inperson.synthetic.variety import HELD_OUT, TRAINING, sample_from
from tests.synthetic.people import undressed


def test_seeds_are_stable_and_people_differ() -> None:
    people = [sample_from(TRAINING, np.random.default_rng(s), "x") for s in range(40)]
    assert people == [sample_from(TRAINING, np.random.default_rng(s), "x") for s in range(40)]
    assert len({p.shape.seed for p in people}) == 40
    assert {p.gender for p in people} == {"female", "male"}
    assert len({p.top for p in people}) > 25
    assert len({p.hair_tint for p in people} - set(HAIR_TINTS.values())) > 30
    assert all(p.body == "neutral" for p in people)


def test_everybody_wears_what_the_pool_has() -> None:
    for pool in (TRAINING, HELD_OUT):
        for seed in range(60):
            p = sample_from(pool, np.random.default_rng(seed), "x")
            assert p.outfit in pool.outfits[p.gender]
            assert p.hair in pool.hair[p.gender]
            assert p.top is None or p.top.pattern in pool.patterns
            assert p.shoes in pool.shoes


@pytest.mark.parametrize("gender", ["female", "male"])
def test_the_neutral_body_takes_a_womans_or_a_mans_shape(gender) -> None:
    neutral, own = load_body("neutral"), load_body(gender)
    spec = ShapeSpec(seed=3, ethnicity="asian", age=0.7)
    wanted = own.shaped(spec.betas(gender, own.num_betas))
    betas = ShapeSpec(spec.seed, spec.ethnicity, spec.age, proportions=gender).betas("neutral", neutral.num_betas)
    np.testing.assert_array_equal(betas, neutral_betas(gender, spec.betas(gender, own.num_betas)))
    apart = np.linalg.norm(neutral.shaped(betas) - wanted, axis=1)
    assert np.sqrt((apart**2).mean()) < 0.006
    assert np.linalg.norm(neutral.v_template - wanted, axis=1).mean() > 3 * apart.mean()
    assert np.abs(betas).max() < 6


def test_prints_that_are_drawn_once() -> None:
    p = np.random.default_rng(0).uniform(-3, 3, (2000, 3)).astype(np.float32)
    x, y, z = p.T
    sleeves = pattern_coverage("sleeves", p)
    assert (sleeves[np.abs(x) > 1.1] == 1).all()
    assert (sleeves[np.abs(x) < 0.9] == 0).all()
    yoke = pattern_coverage("yoke", p)
    assert (yoke[y > 0.1] == 1).all()
    assert (yoke[y < -0.1] == 0).all()
    badge = pattern_coverage("badge", p)
    assert (badge[(z < -0.1) | (np.hypot(x, y) > 1.1)] == 0).all()
    assert (badge[(z > 0.1) & (np.hypot(x, y) < 0.9)] == 1).all()
    blotches = pattern_coverage("blotches", p)
    assert 0.3 < blotches.mean() < 0.7
    assert ((blotches == 0) | (blotches == 1)).mean() > 0.4


def test_light_between_two_lights() -> None:
    first, second = capture_light(), room_light()
    same = blended(first, second, 1.0)
    np.testing.assert_allclose(same.colors, second.colors)
    assert (same.exposure, same.specular) == (second.exposure, second.specular)
    between = blended(first, second, 0.25)
    np.testing.assert_allclose(between.sky, 0.75 * first.sky + 0.25 * second.sky)
    np.testing.assert_array_equal(between.directions, second.directions)


@pytest.mark.parametrize("framing", ["upper", "body"])
def test_snapshots_show_the_person_from_before(framing) -> None:
    person = undressed()
    pose = BodyPose.of(person.poser, person.rest())
    rng = np.random.default_rng(0)
    for _ in range(20):
        view = snapshot_view(pose, framing, rng, 480, 640)
        assert view.T_world_from_eye[2, 3] > 0.5  # the person faces +z
        head, feet = pose.body.joints[15], pose.body.joints[7]
        inside = []
        for point in (head, feet):
            p = view.T_cv_from_world[:3, :3] @ point + view.T_cv_from_world[:3, 3]
            u = view.intrinsics.cx + view.intrinsics.fx * p[0] / p[2]
            v = view.intrinsics.cy + view.intrinsics.fy * p[1] / p[2]
            inside.append(0 <= u < view.width and 0 <= v < view.height)
        assert inside[0]
        assert inside[1] == (framing == "body")


def test_turns_go_evenly_round() -> None:
    turns = turns_around(5, np.random.default_rng(1))
    np.testing.assert_allclose(np.diff(turns), 2 * np.pi / 5)
