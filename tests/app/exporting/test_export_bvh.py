"""BVH as somebody else's reader sees it: our joints, our angles."""

import re
from dataclasses import replace

import bvhio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.app import cli
from inperson.app.exporting.bvh import bvh_text
from inperson.app.exporting.skeleton import SkeletonMotion, skeleton_motion
from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.motion_file import clip_of_states


@pytest.fixture(scope="module")
def exported(tmp_path_factory, session):
    out = tmp_path_factory.mktemp("bvh") / "o.bvh"
    assert cli.main(["export", str(session), "-o", str(out)]) == 0
    return out


def test_joints_are_where_the_body_has_them(exported, body, states):
    """Positions by the reader's own forward kinematics, against the body's."""
    root = bvhio.readAsHierarchy(str(exported))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    assert set(joints) == set(JOINT_NAMES)
    poser = BodyPoser(body, states[0].betas)
    for frame, state in enumerate(states):
        root.loadPose(frame)
        theirs = np.array([tuple(joints[name].PositionWorld) for name in JOINT_NAMES]) / 100.0
        _, ours, _ = poser.joint_transforms(replace(state, expression=state.expression[:0]))
        assert np.abs(theirs - ours).max() < 1e-4


def test_local_rotations_are_the_states(exported, states):
    bvh = bvhio.readAsBvh(str(exported))
    joints = {joint.Name: joint for joint, _, _ in bvh.Root.layout()}
    assert (bvh.FrameCount, bvh.FrameTime) == (len(states), pytest.approx(0.04, abs=1e-8))
    for frame, state in enumerate(states):
        for k, name in enumerate(JOINT_NAMES):
            w, x, y, z = joints[name].Keyframes[frame].Rotation.to_tuple()
            off = Rotation.from_quat([x, y, z, w]).inv() * Rotation.from_rotvec(state.full_pose[k])
            assert np.degrees(off.magnitude()) < 0.1


def test_a_turn_beyond_a_half_does_not_jump(body):
    """Programs draw curves through the angles: a spin goes on past 180 degrees."""
    motion = skeleton_motion(clip_of_states([states_of(body)] * 12, framerate=30), body)
    spin = motion.rotvecs.copy()
    spin[:, 0] = np.outer(np.linspace(0.0, 4 * np.pi, 12), [0.0, 1.0, 0.0])
    text = bvh_text(SkeletonMotion(motion.skeleton, motion.places, spin, motion.times_ns), 30.0)
    rows = np.array([[float(word) for word in line.split()] for line in text.splitlines()[-12:]])
    assert rows[:, 5] == pytest.approx(np.linspace(0.0, 720.0, 12), abs=1e-3)


def states_of(body):
    from inperson.avatar.state import BodyState

    return BodyState.rest(body.num_betas, body.num_expression)


def test_a_straight_up_arm_is_no_trouble(body):
    """At 90 degrees of the middle angle the other two mean the same: the rotation must still be right."""
    motion = skeleton_motion(clip_of_states([states_of(body)] * 2, framerate=30), body)
    turned = motion.rotvecs.copy()
    turned[:, 16] = [np.pi / 2, 0.0, 0.0]
    text = bvh_text(SkeletonMotion(motion.skeleton, motion.places, turned, motion.times_ns), 30.0)
    names = re.findall(r"(?:ROOT|JOINT) (\w+)", text)
    row = [float(word) for word in text.splitlines()[-1].split()]
    angles = row[3 + 3 * names.index("left_shoulder") :][:3]
    off = Rotation.from_euler("ZXY", angles, degrees=True).inv() * Rotation.from_rotvec(turned[0, 16])
    assert np.degrees(off.magnitude()) < 1e-3


def test_a_jittery_session_becomes_steady(tmp_path, body, states):
    """Frames of a BVH are as far apart as its frame time says: states between them are interpolated."""
    from tests.app.exporting.sessions import small_session

    rng = np.random.default_rng(3)
    moved = [replace(s, time_ns=s.time_ns + int(rng.integers(-8_000_000, 8_000_000))) for s in states]
    small_session(tmp_path / "j.mcap", body, moved)
    assert cli.main(["export", str(tmp_path / "j.mcap"), "-o", str(tmp_path / "j.bvh"), "--fps", "50"]) == 0
    bvh = bvhio.readAsBvh(str(tmp_path / "j.bvh"))
    times = (np.array([s.time_ns for s in moved]) - moved[0].time_ns) / 1e9
    wanted = np.arange(bvh.FrameCount) * 0.02
    x = np.array([key.Position.x for key in bvh.Root.Keyframes]) / 100.0
    rest = BodyPoser(body, states[0].betas).rest_joints[0]
    expected = np.interp(wanted, times, [s.transl[0] for s in moved]) + rest[0]
    assert x == pytest.approx(expected, abs=1e-5)
