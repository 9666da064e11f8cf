"""Residuals: against the plain reference, what moves them and what must not, and that no selection loses them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.merging import RestSurface
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.posing_reference import pose_reference
from inperson.avatar.residuals import coefficients, pose_features
from inperson.avatar.selection import select, without_head
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from tests.avatar.made_up import made_up_avatar, made_up_residuals

N = 3000  # more than one block of the fast path


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="module")
def avatar(body: BodyModel) -> GaussianAvatar:
    residuals = made_up_residuals(N, components=3, num_expression=body.num_expression)
    which = {"num_faces": len(body.faces), "body_sha256": body.sha256}
    return made_up_avatar(N, k=4, **which, residuals=residuals)


@pytest.fixture(scope="module")
def poser(avatar: GaussianAvatar, body: BodyModel) -> AvatarPoser:
    return AvatarPoser(avatar, body)


def moved(body: BodyModel, seed: int = 0) -> BodyState:
    rng = np.random.default_rng(seed)
    rest = BodyState.rest(0, body.num_expression)
    expression = rng.uniform(0, 1, body.num_expression).astype(np.float32)
    return replace(rest.with_full_pose(rng.normal(scale=0.3, size=(55, 3))), expression=expression)


def test_agrees_with_the_plain_reference(poser: AvatarPoser, avatar: GaussianAvatar, body: BodyModel) -> None:
    state = moved(body)
    fast, plain = poser.pose(state), pose_reference(avatar, body, state)
    np.testing.assert_allclose(fast.means, plain.means, atol=2e-5)
    np.testing.assert_allclose(fast.colors, plain.colors, atol=1e-5)
    without = AvatarPoser(replace(avatar, residuals=None), body).pose(state)
    assert np.abs(plain.means - without.means).max() > 2e-3  # else this compared nothing
    assert np.abs(plain.colors - without.colors).max() > 0.03


def test_a_shorter_expression_is_a_face_at_rest(poser: AvatarPoser, body: BodyModel) -> None:
    state = replace(moved(body), expression=np.zeros(body.num_expression, np.float32))
    short = replace(state, expression=state.expression[:0])
    np.testing.assert_array_equal(poser.pose(short).means, poser.pose(state).means)


def test_hands_and_the_whole_bodys_place_call_for_no_residuals(body: BodyModel, avatar: GaussianAvatar) -> None:
    state = moved(body)
    elsewhere = replace(
        state,
        global_orient=np.float32([0, 2, 0]),
        transl=np.float32([1, 2, 3]),
        left_hand_pose=np.ones((15, 3), np.float32),
        leye_pose=np.float32([0.2, 0, 0]),
    )
    features = pose_features(state, body.num_expression)
    np.testing.assert_array_equal(features, pose_features(elsewhere, body.num_expression))
    assert len(features) == len(avatar.residuals.mean)
    for changed in ("body_pose", "jaw_pose", "expression"):
        other = replace(state, **{changed: getattr(state, changed) + np.float32(0.1)})
        assert np.abs(pose_features(other, body.num_expression) - features).max() > 0.09


@settings(max_examples=50)
@given(st.integers(0, 1000), st.floats(0, 1e30))
def test_coefficients_stay_within_their_limits_in_any_pose(seed: int, size: float) -> None:
    residuals = made_up_residuals(1, components=3, seed=seed)
    phi = np.random.default_rng(seed).normal(size=len(residuals.mean)) * size
    c = coefficients(residuals, phi)
    assert ((c >= residuals.low) & (c <= residuals.high)).all()
    np.testing.assert_allclose(
        c, np.clip(residuals.weights.astype(float) @ (phi - residuals.mean), residuals.low, residuals.high)
    )


def test_at_the_mean_pose_the_avatar_is_the_plain_one(body: BodyModel, avatar: GaussianAvatar) -> None:
    state = moved(body)
    mean = pose_features(state, body.num_expression).astype(np.float32)
    centred = replace(avatar, residuals=replace(avatar.residuals, mean=mean))
    plain = AvatarPoser(replace(avatar, residuals=None), body).pose(state)
    posed = AvatarPoser(centred, body).pose(state)
    np.testing.assert_allclose(posed.means, plain.means, atol=1e-6)
    np.testing.assert_allclose(posed.colors, plain.colors, atol=1e-6)


def test_colours_never_fall_below_black_and_add_to_what_an_eye_sees(
    poser: AvatarPoser, avatar: GaussianAvatar, body: BodyModel
) -> None:
    state, eye = moved(body), np.array([0.3, 0.1, 2.0])
    plain = AvatarPoser(replace(avatar, residuals=None), body)
    r = avatar.residuals
    tint = np.einsum("k,knc->nc", coefficients(r, pose_features(state, body.num_expression)), r.colors)
    for where in (None, eye):
        colors = poser.pose(state, where).colors
        # the eye sees Gaussians that the residual has moved a little: directions differ by about a milliradian
        np.testing.assert_allclose(colors, np.maximum(plain.pose(state, where).colors + tint, 0), atol=5e-3)
        assert (colors == 0).any()


def test_threads_change_nothing(avatar: GaussianAvatar, body: BodyModel, poser: AvatarPoser) -> None:
    threaded = AvatarPoser(avatar, body, threads=3)
    one, three = poser.pose(moved(body)), threaded.pose(moved(body))
    threaded.close()
    np.testing.assert_array_equal(three.means, one.means)
    np.testing.assert_array_equal(three.colors, one.colors)


def test_a_posed_frame_is_not_overwritten_by_the_next(poser: AvatarPoser, body: BodyModel) -> None:
    first = poser.pose(moved(body, 1))
    kept = first.means.copy(), first.colors.copy()
    poser.pose(moved(body, 2))
    np.testing.assert_array_equal(first.means, kept[0])
    np.testing.assert_array_equal(first.colors, kept[1])


def test_residuals_of_another_number_of_features_are_refused(avatar: GaussianAvatar, body: BodyModel) -> None:
    other = replace(avatar, residuals=made_up_residuals(N, num_expression=7))
    with pytest.raises(BadInputError, match="73 pose features"):
        AvatarPoser(other, body)


def test_a_selection_takes_its_residuals_along(poser: AvatarPoser, avatar: GaussianAvatar, body: BodyModel) -> None:
    state, whole = moved(body), poser.pose(moved(body))
    rows = np.array([7, 3, 2000])
    some = AvatarPoser(select(avatar, rows), body).pose(state)
    np.testing.assert_allclose(some.means, whole.means[rows], atol=1e-6)
    np.testing.assert_allclose(some.colors, whole.colors[rows], atol=1e-6)
    assert without_head(avatar, body).residuals.offsets.shape[1] == len(without_head(avatar, body).scales) < N


def test_off_the_surface_and_bound_again_residuals_are_the_same(avatar: GaussianAvatar, body: BodyModel) -> None:
    surface = RestSurface(avatar, body)
    again = surface.bind(surface.unbind())
    np.testing.assert_allclose(again.residuals.offsets, avatar.residuals.offsets, atol=1e-7)
    np.testing.assert_allclose(again.residuals.colors, avatar.residuals.colors, atol=1e-7)
    assert again.reference is avatar.reference


def test_levels_of_detail_move_as_the_full_avatar_does(body: BodyModel, avatar: GaussianAvatar) -> None:
    """Everything shifts by the same three millimetres forward: so must what it is merged into."""
    surface = RestSurface(avatar, body)
    forward = np.swapaxes(surface.frames[avatar.face_index], 1, 2) @ np.array([0.0, 0.0, 3e-3])
    r = avatar.residuals
    shift = np.stack([forward, 0 * forward, 0 * forward]).astype(np.float32)
    tint = np.broadcast_to(np.float32([[[0.1]], [[0.0]], [[0.0]]]), r.colors.shape)
    residuals = replace(r, low=np.ones(3, np.float32), high=np.ones(3, np.float32), offsets=shift, colors=tint)
    level = levels_of_detail(replace(avatar, residuals=residuals, sh=avatar.sh[:, :1]), body, levels=3)[2]
    assert len(level.scales) < N
    rest = BodyState.rest(0, body.num_expression)

    def posed(avatar: GaussianAvatar) -> PosedGaussians:
        return AvatarPoser(avatar, body).pose(rest)

    still = posed(replace(level, residuals=None))
    np.testing.assert_allclose(
        posed(level).means - still.means, np.broadcast_to([0, 0, 3e-3], still.means.shape), atol=1e-5
    )
    np.testing.assert_allclose(posed(level).colors - still.colors, 0.1, atol=1e-5)
