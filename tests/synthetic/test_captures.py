"""Captures on disk come back whole; the session covers the person."""

from pathlib import Path

import numpy as np
import pytest

from inperson.errors import BadInputError
from inperson.synthetic.avatar_captures import SESSION, capture_session, session_state
from inperson.synthetic.cameras import framed_view
from inperson.synthetic.captures import FILE_NAME, load_captures, states_from_arrays, states_to_arrays
from inperson.synthetic.lights import capture_light
from inperson.synthetic.penetration import forearm_depth
from inperson.synthetic.stage import Stage
from tests.synthetic.people import undressed


@pytest.fixture(scope="module")
def captured(stage: Stage, tmp_path_factory: pytest.TempPathFactory):
    person = undressed()
    folder = tmp_path_factory.mktemp("captures")
    return person, capture_session(person, stage, folder, size=48), folder


def test_a_session_comes_back_as_it_was_shot(captured, stage: Stage) -> None:
    person, written, folder = captured
    read = load_captures(folder)
    assert len(read) == len(written) == 13 * len(SESSION)
    assert (read.person, read.body_name, read.body_sha256) == ("bare", "neutral", person.body.sha256)
    assert read.kinds == written.kinds
    for index in (0, 40, 129):
        again = read[index]
        stage.set_scene(person.posed(again.state), capture_light())
        shot = stage.shoot(again.view, geometry=False, supersample=3)
        np.testing.assert_array_equal(again.rgb, shot.rgb)
        np.testing.assert_array_equal(again.mask, shot.mask)


def test_every_framing_shows_its_part(captured) -> None:
    _, captures, _ = captured
    assert set(captures.kinds) == {"body", "upper", "head", "mouth", "left_hand", "right_hand"}
    for index, kind in enumerate(captures.kinds):
        mask = captures.rgba(index)[..., 3]
        assert (mask > 128).mean() > (0.03 if kind == "body" else 0.1), f"{kind} view {index}"
    azimuths = [
        np.arctan2(*(captures.views[i].T_world_from_eye[[0, 2], 3] - captures.states[0].transl[[0, 2]]))
        for i, kind in enumerate(captures.kinds)
        if kind == "body"
    ]
    gaps = np.diff(np.sort(np.concatenate([azimuths, [min(azimuths) + 2 * np.pi]])))
    assert gaps.max() < 0.8, "from all round"


@pytest.mark.parametrize("pose", SESSION, ids=lambda p: f"{p.arms}-{p.face}")
def test_session_poses_keep_arms_out_of_the_torso(pose) -> None:
    person = undressed()
    assert forearm_depth(person.body, person.poser.pose(session_state(person, pose)).vertices) < 0.0


def test_states_round_trip() -> None:
    person = undressed()
    states = tuple(session_state(person, pose) for pose in SESSION[:3])
    for a, b in zip(states, states_from_arrays(states_to_arrays(states)), strict=True):
        np.testing.assert_array_equal(a.full_pose, b.full_pose)
        np.testing.assert_array_equal(a.expression, b.expression)
        np.testing.assert_array_equal(a.transl, b.transl)


def test_an_unfinished_folder_is_refused(captured, tmp_path: Path) -> None:
    _, _, folder = captured
    with pytest.raises(BadInputError, match="no finished captures"):
        load_captures(tmp_path)
    (tmp_path / FILE_NAME).write_bytes((folder / FILE_NAME).read_bytes())
    with pytest.raises(BadInputError, match=r"0000\.webp"):
        load_captures(tmp_path).rgba(0)


def test_framed_views_look_at_their_part() -> None:
    person = undressed()
    pose = person.posed(person.rest()).pose
    view = framed_view(pose, "left_hand", 0.7, 0.2, 100)
    p = view.T_cv_from_world @ np.append(pose.body.joints[28], 1.0)
    assert abs(p[0] / p[2]) < 0.1
    assert abs(p[1] / p[2]) < 0.1
