"""Cameras from a file: where they stand, and what is wrong with a file."""

import json

import numpy as np
import pytest

from inperson.app.pictures.named_cameras import load_camera
from inperson.errors import BadInputError

GOOD = {"position": [1.0, 1.5, 2.0], "look_at": [0.0, 1.0, -1.0], "vertical_fov": 40.0}


def written(path, **changes):
    path.write_text(json.dumps({"cameras": {"a": {k: v for k, v in (GOOD | changes).items() if v is not None}}}))
    return path


def project(view, point):
    p = view.T_cv_from_world @ np.append(point, 1.0)
    K = view.intrinsics
    return np.array([K.fx * p[0] / p[2] + K.cx, K.fy * p[1] / p[2] + K.cy])


def test_it_looks_at_its_target_with_its_field_of_view(tmp_path):
    (view,) = load_camera(written(tmp_path / "c.json"), "a").eyes(200, 100)
    assert view.T_world_from_eye[:3, 3] == pytest.approx(GOOD["position"])
    assert project(view, GOOD["look_at"]) == pytest.approx([100, 50])
    assert view.angle_up - view.angle_down == pytest.approx(np.deg2rad(40.0))
    K = view.intrinsics
    assert K.fx == pytest.approx(K.fy)
    assert project(view, np.add(GOOD["look_at"], [0, 0.1, 0]))[1] < 50


def test_toml_says_the_same(tmp_path):
    (tmp_path / "c.toml").write_text("[cameras.a]\nposition = [1, 1.5, 2]\nlook_at = [0, 1, -1]\nvertical_fov = 40\n")
    a, b = (load_camera(p, "a") for p in (tmp_path / "c.toml", written(tmp_path / "c.json")))
    assert (a.position == b.position).all()
    assert a.vertical_fov == b.vertical_fov


def test_a_pair_meets_at_the_target(tmp_path):
    left, right = load_camera(written(tmp_path / "c.json"), "a").eyes(200, 100, stereo=True)
    apart = right.T_world_from_eye[:3, 3] - left.T_world_from_eye[:3, 3]
    assert np.linalg.norm(apart) == pytest.approx(0.063)
    assert apart @ left.T_world_from_eye[:3, 0] == pytest.approx(0.063)
    for view in (left, right):
        assert project(view, GOOD["look_at"]) == pytest.approx([100, 50])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vertical_fov": 0.5}, "1 to 170"),
        ({"vertical_fov": True}, "numbers"),
        ({"vertical_fov": float("nan")}, "numbers"),
        ({"position": [1, 2]}, "three numbers"),
        ({"position": "here"}, "numbers"),
        ({"position": [0, 1, -1]}, "straight up or down, or at itself"),
        ({"look_at": [1.0, -9.0, 2.0]}, "straight up or down"),
        ({"look_at": None}, "look_at, position, vertical_fov"),
        ({"roll": 3}, "and nothing else"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changes, said):
    with pytest.raises(BadInputError, match=rf"c\.json, camera a: .*{said}"):
        load_camera(written(tmp_path / "c.json", **changes), "a")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not to be understood"),
        (b"[]", "has no"),
        (b"\xff\xfe", "not to be understood"),
        (b'{"cameras":{}}', "no"),
    ],
)
def test_files_that_are_no_camera_files(tmp_path, content, said):
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        load_camera(tmp_path / "c.json", "a")


def test_names_that_are_not_there(tmp_path):
    with pytest.raises(BadInputError, match="name one of a"):
        load_camera(written(tmp_path / "c.json"), "b")
    with pytest.raises(BadInputError, match=r"gone\.toml cannot be read"):
        load_camera(tmp_path / "gone.toml", "a")


def test_from_which_side_it_looks(tmp_path):
    camera = load_camera(written(tmp_path / "c.json", position=[1.0, 0.0, -2.0], look_at=[0.0, 0.0, -2.0]), "a")
    assert camera.azimuth == pytest.approx(np.pi / 2)
