"""Choosing Gaussians, and the body without its head as its wearer sees it."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.file import load_avatar, shipped_avatars
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import HEAD_JOINTS, NECK_JOINT, canonical_means, select, skin_weights, without_head
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView, look_at
from tests.avatar.made_up import made_up_avatar, made_up_photo

HALF = np.deg2rad(50.0)
"""Of a headset's field of view."""


@pytest.fixture(scope="module", params=shipped_avatars())
def avatar(request: pytest.FixtureRequest) -> GaussianAvatar:
    return load_avatar(request.param)


@pytest.fixture(scope="module")
def body(avatar: GaussianAvatar) -> BodyModel:
    return load_body(avatar.body_name)


def looking_down(body: BodyModel, degrees: float) -> BodyState:
    """The neck bent forward, arms hanging forward, elbows bent."""
    pose = np.zeros((55, 3), np.float32)
    pose[NECK_JOINT, 0], pose[JOINT_NAMES.index("head"), 0] = 0.4 * np.deg2rad(degrees), 0.6 * np.deg2rad(degrees)
    pose[16], pose[17], pose[18], pose[19] = (0, -0.6, -0.9), (0, 0.6, 0.9), (0, -1.2, 0), (0, 1.2, 0)
    return BodyState.rest(0, body.num_expression).with_full_pose(pose)


def own_view(avatar: GaussianAvatar, body: BodyModel, state: BodyState) -> EyeView:
    """From between the avatar's own eyes, the way the head looks."""
    posed = BodyPoser(body, avatar.betas).pose(state)
    eyes = posed.joints[[JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye")]].mean(axis=0)
    turn = posed.T_posed_from_rest[JOINT_NAMES.index("head"), :, :3].astype(float)
    pose = look_at(eyes, eyes + turn[:, 2], tuple(turn[:, 1]))
    return EyeView(pose, -HALF, HALF, HALF, -HALF, 96, 96, near=0.03)


def alpha_seen(gaussians: PosedGaussians, view: EyeView) -> np.ndarray:
    rasterizer = CpuRasterizer(1)
    alpha = rasterizer.render(gaussians, [view]).alpha[0]
    rasterizer.close()
    return alpha


def test_a_selection_takes_the_same_rows_of_every_array(avatar: GaussianAvatar) -> None:
    rows = np.array([7, 3, 4000])
    few = select(avatar, rows)
    for name in ("face_index", "barycentric", "offsets", "quats", "scales", "opacities", "sh", "features"):
        np.testing.assert_array_equal(getattr(few, name), getattr(avatar, name)[rows])
    mask = np.zeros(len(avatar.face_index), bool)
    mask[[3, 7]] = True
    np.testing.assert_array_equal(select(avatar, mask).offsets, avatar.offsets[[3, 7]])
    assert few.name == avatar.name


def test_a_selection_takes_its_places_in_the_photo_along() -> None:
    photo, rows = made_up_photo(), np.array([7, 3, 150])
    few = select(made_up_avatar(photo=photo), rows).photo
    np.testing.assert_array_equal(few.places, photo.places[rows])
    np.testing.assert_array_equal(few.trust, photo.trust[rows])
    assert few.image is photo.image


def test_an_avatar_of_nothing_is_refused(avatar: GaussianAvatar) -> None:
    with pytest.raises(BadInputError, match=rf"no Gaussian of avatar '{avatar.name}' is left"):
        select(avatar, np.zeros(len(avatar.face_index), bool))


def test_canonical_means_are_where_the_t_pose_is_drawn(avatar: GaussianAvatar, body: BodyModel) -> None:
    posed = AvatarPoser(avatar, body).pose(BodyState.rest(0, body.num_expression))
    np.testing.assert_allclose(canonical_means(avatar, body), posed.means, atol=5e-6)


def test_the_head_goes_and_all_below_the_neck_stays(avatar: GaussianAvatar, body: BodyModel) -> None:
    weights = skin_weights(avatar, body)
    rest = skin_weights(without_head(avatar, body), body)
    assert rest[:, HEAD_JOINTS].sum(axis=1).max() <= 0.05
    below = weights[:, [*HEAD_JOINTS, NECK_JOINT]].sum(axis=1) == 0
    assert below.sum() > 10_000
    assert (rest[:, [*HEAD_JOINTS, NECK_JOINT]].sum(axis=1) == 0).sum() == below.sum()


def test_straight_ahead_nothing_is_in_the_way(avatar: GaussianAvatar, body: BodyModel) -> None:
    state = BodyState.rest(0, body.num_expression)
    view = own_view(avatar, body, state)
    assert alpha_seen(AvatarPoser(avatar, body).pose(state), view).max() > 0.5  # from inside the head
    ahead = alpha_seen(AvatarPoser(without_head(avatar, body), body).pose(state), view)
    assert ahead[:48].max() == 0.0


@pytest.mark.parametrize("degrees", [30, 60, 75])
def test_looking_down_the_body_shows_and_the_cut_does_not(
    avatar: GaussianAvatar, body: BodyModel, degrees: float
) -> None:
    state = looking_down(body, degrees)
    rest = without_head(avatar, body)
    view = own_view(avatar, body, state)
    assert alpha_seen(AvatarPoser(rest, body).pose(state), view).max() > 0.95
    hidden_from = skin_weights(avatar, body)[:, HEAD_JOINTS].sum(axis=1) > 0.05
    distance, _ = cKDTree(canonical_means(avatar, body)[hidden_from]).query(canonical_means(rest, body))
    rim = np.flatnonzero(distance < 0.01)
    assert len(rim) > 100
    assert alpha_seen(AvatarPoser(select(rest, rim), body).pose(state), view).max() < 0.02
