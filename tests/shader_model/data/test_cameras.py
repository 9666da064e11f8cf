"""Where windows are looked at from."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import invert_rigid
from inperson.render.views import EyeView
from inperson.shader_model.data.cameras import sample_path
from inperson.shader_model.data.recipe import FramingRecipe, MotionRecipe

BODY = load_body("neutral")
JOINTS = BodyPoser(BODY, np.zeros(BODY.num_betas, np.float32)).joint_transforms(
    BodyState.rest(BODY.num_betas, BODY.num_expression)
)[1]
MONO, STEREO = replace(FramingRecipe(), stereo=0.0), replace(FramingRecipe(), stereo=1.0)


def pixel(view: EyeView, point: np.ndarray) -> np.ndarray:
    K, p = view.intrinsics, view.T_cv_from_world @ [*point, 1.0]
    return np.array([K.fx * p[0] / p[2] + K.cx, K.fy * p[1] / p[2] + K.cy])


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), seconds=st.floats(0.0, 0.3))
def test_the_aim_stays_in_the_middle_of_every_crop(seed: int, seconds: float) -> None:
    path = sample_path(JOINTS, STEREO, MotionRecipe(still_camera=0.0), np.random.default_rng(seed))
    views = path.views(seconds, 128)
    for view in views:
        np.testing.assert_allclose(pixel(view, path.aim), 64.0, atol=1e-6)
        assert (view.width, view.height) == (128, 128)
    apart = views[1].T_world_from_eye[:3, 3] - views[0].T_world_from_eye[:3, 3]
    np.testing.assert_allclose(apart, STEREO.eye_distance * views[0].T_world_from_eye[:3, 0], atol=1e-12)
    np.testing.assert_array_equal(views[0].T_world_from_eye[:3, :3], views[1].T_world_from_eye[:3, :3])


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_crops_cover_what_the_recipe_says_and_lie_near_the_person(seed: int) -> None:
    path = sample_path(JOINTS, MONO, MotionRecipe(), np.random.default_rng(seed))
    assert MONO.least_across <= path.across <= MONO.most_across
    assert np.linalg.norm(JOINTS - path.aim, axis=1).min() < 0.45
    (view,) = path.views(0.0, 64)
    eye_from_world = invert_rigid(view.T_world_from_eye)
    ahead = -(eye_from_world[:3, :3] @ path.aim + eye_from_world[:3, 3])[2]
    K = view.intrinsics
    assert 0.6 * path.distance < ahead <= path.distance + 1e-9
    np.testing.assert_allclose(64 / K.fx * path.distance, path.across, rtol=1e-9)
    np.testing.assert_allclose(K.fx, K.fy, rtol=1e-9)


def test_still_cameras_are_still_and_others_move() -> None:
    for share, still in ((1.0, True), (0.0, False)):
        how = MotionRecipe(still_camera=share)
        path = sample_path(JOINTS, MONO, how, np.random.default_rng(5))
        first, last = (path.views(t, 64)[0].T_world_from_eye for t in (0.0, 0.25))
        assert np.array_equal(first, last) == still


def test_stereo_comes_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    paths = [sample_path(JOINTS, FramingRecipe(), MotionRecipe(), rng) for _ in range(400)]
    assert 0.18 < np.mean([len(p.offsets) == 2 for p in paths]) < 0.32
    behind = np.mean([abs(p.azimuth) > np.pi / 2 for p in paths])
    assert 0.02 < behind < 0.12
