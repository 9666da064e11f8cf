"""Motion: smooth curves, gestures on a person, faces, files, penetration."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError
from inperson.synthetic.arm_ik import HandGoal, hanging_arms, reach
from inperson.synthetic.cameras import webcam_view
from inperson.synthetic.faces import FACES, expression_vector
from inperson.synthetic.hand_shapes import FIST, OPEN, SHAPES, hand_pose
from inperson.synthetic.motion.clip import load_motion, save_motion
from inperson.synthetic.motion.scripts import arms_before_chest, demo_performance, random_gestures, stand_still
from inperson.synthetic.motion.smooth import bump, interpolate, minimum_jerk, wander
from inperson.synthetic.motion.talking import Speech, blinks, talking_face
from inperson.synthetic.motion.upper_body import WEBCAM_DISTANCE, perform
from inperson.synthetic.penetration import deepest_forearm, forearm_depth
from tests.synthetic.people import undressed

PERSON = undressed()
MIRROR = np.array([1.0, -1.0, -1.0])
"""Of an axis-angle under x -> -x."""


def test_minimum_jerk_starts_and_ends_at_rest() -> None:
    x = np.linspace(-0.5, 1.5, 2001)
    y = minimum_jerk(x)
    assert (y[x <= 0] == 0).all()
    assert (y[x >= 1] == 1).all()
    assert (np.diff(y) >= -1e-12).all()
    velocity = np.gradient(y, x)
    assert velocity.max() == pytest.approx(1.875, abs=0.01), "Flash & Hogan's peak velocity"


@given(st.integers(0, 1000))
def test_interpolation_passes_through_its_keys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = np.cumsum(rng.uniform(0.1, 1.0, 5))
    values = rng.normal(size=(5, 3))
    np.testing.assert_allclose(interpolate(keys, keys, values), values, atol=1e-9)
    outside = interpolate(np.array([keys[0] - 1.0, keys[-1] + 1.0]), keys, values)
    np.testing.assert_allclose(outside, values[[0, -1]], atol=1e-9)


def test_bump_and_wander() -> None:
    t = np.linspace(0, 20, 2001)
    b = bump(t, 1.0, 2.0, 4.0)
    assert b[t <= 1].max() == 0
    assert b[t == 2.0] == pytest.approx(1.0)
    assert b[t >= 4].max() == 0
    noise = wander(t, np.random.default_rng(0), 4)
    assert noise.shape == (2001, 4)
    assert 0.6 < noise.std() < 1.4
    assert np.abs(np.diff(noise, axis=0)).max() < 0.08, "smooth"


@pytest.mark.parametrize("name", SHAPES)
def test_hands_are_mirror_images(name: str) -> None:
    curls = SHAPES[name].curls()
    left, right = hand_pose(curls, left=True), hand_pose(curls, left=False)
    np.testing.assert_allclose(right, left * MIRROR, atol=1e-6)


def test_a_fist_brings_all_fingertips_to_the_palm() -> None:
    poser = BodyPoser(PERSON.body, PERSON.betas)
    rest = PERSON.rest()
    spread, fist = rest.full_pose.copy(), rest.full_pose.copy()
    spread[25:40], fist[25:40] = hand_pose(OPEN.curls(), left=True), hand_pose(FIST.curls(), left=True)
    tips = [27, 30, 33, 36, 39]
    far, near = (
        np.linalg.norm((j := poser.joint_transforms(rest.with_full_pose(p))[1])[tips] - j[28], axis=1)
        for p in (spread, fist)
    )
    assert (near[:4] < 0.072).all()
    assert near[4] < far[4], "the thumb crosses the palm"


def test_faces_set_both_sides_and_name_what_is_missing() -> None:
    names = PERSON.body.expr_names
    smile = expression_vector(names, {"mouthSmile": 0.5, "jawOpen": 0.25})
    assert smile[names.index("mouthSmileLeft")] == smile[names.index("mouthSmileRight")] == 0.5
    assert smile.sum() == pytest.approx(1.25)
    for face in FACES.values():
        assert expression_vector(names, face).max() <= 1.0
    with pytest.raises(BadInputError, match="mouthSnarl"):
        expression_vector(names, {"mouthSnarl": 1.0})
    with pytest.raises(BadInputError, match="no names"):
        expression_vector(None, {})


def test_talking_opens_the_mouth_only_in_phrases_and_blinks_close_the_eyes() -> None:
    names = PERSON.body.expr_names
    times = np.arange(0, 10, 1 / 30)
    face = talking_face(times, Speech(((2.0, 6.0),)), names, np.random.default_rng(1))
    jaw = face[:, names.index("jawOpen")]
    speaking = (times > 2.2) & (times < 5.8)
    assert jaw[(times < 1.8) | (times > 6.5)].max() < 0.02
    assert jaw[speaking].max() > 0.15
    syllables = ((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] > jaw[2:]) & (jaw[1:-1] > 0.05)).sum()
    assert 8 <= syllables <= 30
    closure = blinks(times, np.random.default_rng(2))
    assert closure.max() > 0.7
    assert (closure > 0.5).mean() < 0.1
    assert face.min() >= 0.0
    assert face.max() <= 1.0


@pytest.mark.parametrize(
    "script", [demo_performance(), arms_before_chest(), stand_still()], ids=["demo", "chest", "still"]
)
def test_scripts_keep_arms_out_of_the_torso_and_in_the_picture(script) -> None:
    clip = perform(PERSON, script, fps=10.0, seed=3)
    assert clip.seconds == pytest.approx(script.seconds)
    assert deepest_forearm(PERSON.body, PERSON.poser, clip.states, step=1) < -0.008
    k = webcam_view().intrinsics
    for state in clip.states:
        joints = PERSON.poser.joint_transforms(state)[1]
        u, v = k.cx - k.fx * joints[:, 0] / joints[:, 2], k.cy + k.fy * joints[:, 1] / joints[:, 2]
        upper = [12, 15, 16, 17, 20, 21, *range(25, 55)]
        assert (u[upper] > 0).all()
        assert (u[upper] < k.width).all()
        assert (v[upper] > 0).all()
        assert (v[upper] < k.height).all()


def test_a_statue_does_not_move_and_a_performer_moves_smoothly() -> None:
    still = perform(PERSON, stand_still(1.0), seed=1)
    first = still.states[0]
    for state in still.states:
        np.testing.assert_array_equal(state.full_pose[:22], first.full_pose[:22])
    moving = perform(PERSON, demo_performance(), seed=1)
    joints = np.stack([PERSON.poser.joint_transforms(s)[1] for s in moving.states])
    assert np.abs(np.linalg.norm(joints[0, [16, 17]].mean(axis=0)) - WEBCAM_DISTANCE) < 0.05
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * moving.fps
    assert speed.max() < 3.5, "metres a second: nothing jumps"
    assert np.linalg.norm(np.ptp(joints[:, 21], axis=0)) > 0.3, "the right hand goes places"


def test_the_same_seed_performs_the_same() -> None:
    a, b, c = (perform(PERSON, random_gestures(np.random.default_rng(s), 1.0), seed=s) for s in (4, 4, 5))
    assert all((x.full_pose == y.full_pose).all() for x, y in zip(a.states, b.states, strict=True))
    assert any((x.full_pose != y.full_pose).any() for x, y in zip(a.states, c.states, strict=True))


def test_motion_files_round_trip(tmp_path: Path) -> None:
    clip = perform(PERSON, arms_before_chest(), fps=5.0)
    path = tmp_path / "motion.npz"
    save_motion(clip, path, PERSON.body, webcam_view().intrinsics)
    back = load_motion(path, PERSON.body)
    assert back.fps == clip.fps
    for a, b in zip(clip.states, back.states, strict=True):
        np.testing.assert_array_equal(a.full_pose, b.full_pose)
        np.testing.assert_array_equal(a.transl, b.transl)
        np.testing.assert_array_equal(a.expression, b.expression)
        assert a.time_ns == b.time_ns


def test_amass_files_in_parts_load(tmp_path: Path) -> None:
    path = tmp_path / "amass.npz"
    rng = np.random.default_rng(0)
    body, root = rng.normal(size=(4, 63)), rng.normal(size=(4, 3))
    np.savez(
        path, trans=np.zeros((4, 3)), root_orient=root, pose_body=body, betas=np.ones(16), mocap_frame_rate=120.0
    )
    clip = load_motion(path, PERSON.body)
    assert clip.fps == 120.0
    np.testing.assert_allclose(clip.states[2].body_pose.reshape(-1), body[2], atol=1e-6)
    np.testing.assert_allclose(clip.states[2].global_orient, root[2], atol=1e-6)
    assert (clip.states[0].betas == 0).all(), "another body's shape"


@pytest.mark.parametrize(
    "arrays", [{}, {"trans": np.zeros((3, 3))}, {"trans": np.zeros((3, 3)), "poses": np.zeros((3, 72))}]
)
def test_other_npz_are_refused(tmp_path: Path, arrays) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInputError, match=r"other\.npz"):
        load_motion(path, PERSON.body)
    path.write_bytes(b"not a zip")
    with pytest.raises(BadInputError, match=r"other\.npz"):
        load_motion(path, PERSON.body)


def test_penetration_sees_an_arm_in_the_chest() -> None:
    poser = PERSON.poser
    free = poser.pose(hanging_arms(PERSON.rest(), 0.6)).vertices
    assert forearm_depth(PERSON.body, free) < -0.01
    into = HandGoal(
        np.array([0.02, -0.15, 0.04]), np.array([-1.0, 0, 0.0]), np.array([0, 0, -1.0]), np.array([0.5, -1, 0.3])
    )
    stabbed = poser.pose(reach(PERSON.rest(), poser.rest_joints, into, None)).vertices
    assert forearm_depth(PERSON.body, stabbed) > 0.02
