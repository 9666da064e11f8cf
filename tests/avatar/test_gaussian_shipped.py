"""The shipped avatars: complete, for the shipped bodies, small, honest about themselves, and a person to look at."""

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.file import avatar_path, load_avatar, shipped_avatars
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState

pytestmark = pytest.mark.parametrize("name", shipped_avatars())


def test_the_file_is_small_and_says_where_it_comes_from(name: str) -> None:
    avatar = load_avatar(name)
    assert avatar.name == name
    assert avatar_path(name).stat().st_size < 4_000_000
    assert 40_000 <= len(avatar.face_index) <= 60_000
    assert avatar.provenance["licence"] == "CC0-1.0"
    assert avatar.provenance["consent"]
    assert f"tools.make_avatars --names {name}" in avatar.provenance["command"]
    assert float(avatar.provenance["held_out_person_psnr_db"]) > 28


def test_it_poses_with_its_shipped_body_and_stands_like_a_person(name: str) -> None:
    avatar = load_avatar(name)
    body = load_body(avatar.body_name)
    poser = AvatarPoser(avatar, body)
    posed = poser.pose(BodyState.rest(0, body.num_expression))
    solid = posed.means[posed.opacities > 0.5]
    height = solid[:, 1].max() - solid[:, 1].min()
    span = solid[:, 0].max() - solid[:, 0].min()
    assert 1.45 < height < 2.1
    assert 0.75 < span / height < 1.2  # arms of a T-pose
    assert posed.colors.std(axis=0).min() > 0.03
    assert posed.scales.max() < 0.05


def test_gaussians_are_dense_where_people_look(name: str) -> None:
    """More Gaussians a square metre on the face than on the legs, and enough of them on each eye and hand."""
    avatar = load_avatar(name)
    body = load_body(avatar.body_name)
    joint = body.weights[body.faces[avatar.face_index]].mean(axis=1).argmax(axis=1)
    counts = np.bincount(joint, minlength=55)
    eyes, hands = counts[23:25], (counts[[20, *range(25, 40)]].sum(), counts[[21, *range(40, 55)]].sum())
    assert eyes.min() > 150
    assert min(hands) > 1500
    assert counts[[15, 22, 23, 24]].sum() > 0.15 * len(joint)
