"""Input pictures as the create path meets them."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.reconstruct.training.recipe import FitErrorRecipe
from inperson.reconstruct.training.snapshot_fit import cut_from_room, erred, seen_from, snapshot
from inperson.tracking.fit.skeleton import SkeletonModel
from tests.reconstruct.training.bare_people import bare_person, states, view_from

NO_ERROR = FitErrorRecipe(*[0.0] * 7)


def test_a_state_seen_from_a_camera_stands_where_the_camera_sees_it() -> None:
    body = load_body("neutral")
    state, view = states(body, 2)[0], view_from(0.7, 200)
    poser = BodyPoser(body, state.betas)
    moved = seen_from(state, view, poser.rest_joints[0])
    world, camera = poser.pose(state).vertices.copy(), poser.pose(moved).vertices
    T = view.T_world_from_eye
    np.testing.assert_allclose(camera @ T[:3, :3].T + T[:3, 3], world, atol=2e-5)


def test_errors_are_as_large_as_the_recipe_says() -> None:
    body = load_body("neutral")
    state = replace(states(body, 2)[0], transl=np.array([0.0, 0.1, -2.0], np.float32))
    rng = np.random.default_rng(0)
    assert np.array_equal(erred(state, NO_ERROR, rng).full_pose, state.full_pose)
    error = FitErrorRecipe(
        body_pose=0.05, hand_pose=0.0, betas=0.2, depth=0.02, sideways=0.0, jaw=0.0, expression=0.0
    )
    many = [erred(state, error, rng) for _ in range(200)]
    assert np.std([s.body_pose - state.body_pose for s in many]) == pytest.approx(0.05, rel=0.05)
    assert np.std([s.betas - state.betas for s in many]) == pytest.approx(0.2, rel=0.05)
    assert all(np.array_equal(s.left_hand_pose, state.left_hand_pose) for s in many)
    shift = np.array([s.transl - state.transl for s in many])
    assert np.std(shift[:, 2]) == pytest.approx(0.04, rel=0.2)
    assert np.abs(shift[:, 0]).max() < 1e-6
    assert min(s.expression.min() for s in many) >= 0.0


def test_the_cut_out_is_the_person() -> None:
    person = bare_person(1, views=1, size=256)
    rgba = person.input_rgba[0]
    matte = cut_from_room(rgba, np.random.default_rng(0))
    truth = rgba[..., 3] > 0
    overlap = (matte.inside & truth).sum() / (matte.inside | truth).sum()
    assert overlap > 0.93
    sure = truth & (matte.alpha > 0.99)
    assert np.abs(matte.foreground[sure] - rgba[sure, :3] / 255.0).mean() < 0.03


def test_a_snapshot_without_errors_is_the_truth_up_to_what_no_fit_knows() -> None:
    body = load_body("neutral")
    skeleton = SkeletonModel.from_body(body)
    person = bare_person(3, views=1, size=96)
    fit, matte = snapshot(body, skeleton, person, 0, NO_ERROR, np.random.default_rng(0))
    truth = person.states[0]
    np.testing.assert_array_equal(fit.state.betas[: skeleton.num_betas], truth.betas[: skeleton.num_betas])
    assert (fit.state.betas[skeleton.num_betas :] == 0).all()
    assert np.abs(truth.betas[skeleton.num_betas :]).max() > 0.1
    np.testing.assert_array_equal(fit.view.T_world_from_eye, np.eye(4))
    assert matte.alpha.shape == (96, 96)
    pixels = fit.observation.body_pixels
    rows, columns = np.nonzero(matte.inside)
    low, high = np.array([columns.min(), rows.min()]) - 6, np.array([columns.max(), rows.max()]) + 6
    assert ((pixels >= low) & (pixels <= high)).all(axis=1).mean() > 0.9
