"""Feet stand on the floor; knees make up for the height of the head."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.body import load_body
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.headset import HeadsetFusion
from inperson.tracking.headset_feet import Feet
from inperson.tracking.headset_skeleton import WearerSkeleton, betas_with_eye_height
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS, JOINT

ANKLES = [JOINT["left_ankle"], JOINT["right_ankle"]]
UP = np.array([0.0, 1.0, 0.0])
KNEES = [JOINT["left_knee"] - 1, JOINT["right_knee"] - 1]


def lowest(state) -> float:
    """Height of the lowest vertex of the feet."""
    vertices = cases.poser().pose(state).vertices
    feet = np.isin(cases.body().weights.argmax(axis=1), [*ANKLES, JOINT["left_foot"], JOINT["right_foot"]])
    return float(vertices[feet, 1].min())


def lowered(by: float, seconds: float = 1.5):
    """Somebody who stood and went down (or up) by so many metres."""
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, cases.view()))
    for k in range(1, int(seconds / 0.02) + 1):
        share = min(k * 0.02 / (0.7 * seconds), 1.0)
        state = machine.fuse(None, HeadsetPose(k * 20_000_000, cases.view(y=cases.eye_height() - by * share)))
    return state


def test_who_stands_has_straight_legs_and_the_feet_side_by_side():
    state = cases.settled(cases.fusion(), HeadsetPose(0, cases.view()))
    assert abs(lowest(state)) < 0.005
    assert np.rad2deg(np.linalg.norm(state.body_pose[KNEES], axis=1)).max() < 5
    left, right = cases.joints_of(state)[1][ANKLES]
    assert abs(left[2] - right[2]) < 0.02
    assert right[0] - left[0] > 0.1  # who faces -z has the left foot at -x


@pytest.mark.parametrize("by", [0.01, 0.05, 0.2, 0.4, 0.6, 0.8])
def test_crouching_bends_the_knees_and_keeps_the_feet_on_the_floor(by):
    state = lowered(by)
    assert abs(lowest(state)) < 0.01
    bend = knee_degrees(state)
    assert (bend > np.rad2deg(np.sqrt(by))).all()  # a leg of 0.8 m that shortens by d bends by about sqrt(5 d)
    G, P = cases.joints_of(state)
    ahead = G[0][:, 2]
    for knee, hip, ankle in zip((4, 5), (1, 2), ANKLES, strict=True):
        assert (P[knee] - 0.5 * (P[hip] + P[ankle])) @ (ahead + UP) > 0.0  # knees bend forwards
        assert G[ankle][1, 1] > 0.99  # soles are level


def knee_degrees(state) -> np.ndarray:
    return np.rad2deg(np.linalg.norm(state.body_pose[KNEES], axis=1))


def test_who_sinks_to_the_floor_sits_on_it_with_the_feet_ahead():
    state = lowered(1.05, seconds=3.0)
    _, P = cases.joints_of(state)
    assert P[0, 1] > 0.12
    assert cases.poser().pose(state).vertices[:, 1].min() > -0.12  # what is soft gives way
    heading = np.array([0.0, 0.0, -1.0])
    assert ((P[ANKLES] - P[0]) @ heading > 0.4).all()
    assert abs(lowest(state)) < 0.015


def test_tiptoe_keeps_the_toes_down_and_a_jump_leaves_the_floor():
    tiptoe = lowered(-0.05)
    assert abs(lowest(tiptoe)) < 0.012
    _, P = cases.joints_of(tiptoe)
    standing = cases.joints_of(lowered(0.0))[1]
    assert (P[ANKLES, 1] - standing[ANKLES, 1] > 0.03).all()
    assert lowest(lowered(-0.4)) > 0.15


@settings(max_examples=30)
@given(st.floats(0.45, 2.2), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(-180, 180), st.floats(-80, 80))
def test_no_foot_goes_through_the_floor_wherever_the_head_is(y, x, z, yaw, pitch):
    machine = cases.fusion()
    machine.fuse(None, HeadsetPose(0, cases.view()))
    for k in range(1, 6):
        state = machine.fuse(None, HeadsetPose(k * 200_000_000, cases.view(x, y, z, yaw, pitch)))
    assert np.isfinite(state.full_pose).all()
    assert lowest(state) > -0.015


def test_walking_steps_and_standing_feet_do_not_slide():
    machine, ankles, balls = cases.fusion(), [], []
    for k in range(330):
        z = -0.9 * min(max(k * 0.011 - 0.3, 0.0), 2.0)
        state = machine.fuse(None, HeadsetPose(k * FRAME_NS, cases.view(z=z)))
        ankles.append(cases.joints_of(state)[1][ANKLES])
        balls.append(cases.joints_of(state)[1][[JOINT["left_foot"], JOINT["right_foot"]]])
        assert lowest(state) > -0.012
    ankles = np.array(ankles)
    speed = np.linalg.norm(np.diff(balls, axis=0), axis=2) / 0.011
    assert (speed < 0.03).any(axis=1).mean() > 0.97  # the ball of one foot stands, while heels roll
    assert np.abs(ankles[-1, :, 2].mean() - (ankles[0, :, 2].mean() - 1.8)) < 0.07
    assert (ankles[:, :, 1].max(axis=0) - ankles[0, :, 1] > 0.03).all()  # both have swung


def test_turning_on_the_spot_turns_the_feet():
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, cases.view()))
    state = cases.settled(machine, HeadsetPose(3_000_000_000, cases.view(yaw=120)), seconds=2.9)
    left, right = cases.joints_of(state)[1][ANKLES]
    across = (right - left)[[0, 2]]
    turned = np.rad2deg(np.arctan2(-across[1], across[0]))
    assert turned == pytest.approx(120, abs=40)


def test_a_knee_that_the_webcam_sees_raised_is_raised():
    camera = cases.standing()
    pose = camera.full_pose.copy()
    pose[JOINT["left_hip"]], pose[JOINT["left_knee"]] = (-1.3, 0.0, 0.0), (1.4, 0.0, 0.0)
    camera = camera.with_full_pose(pose)
    state = cases.settled(cases.fusion(), HeadsetPose(0, cases.view()), camera)
    _, P = cases.joints_of(state)
    assert P[JOINT["left_ankle"], 1] - P[JOINT["right_ankle"], 1] > 0.2
    assert P[JOINT["left_knee"], 1] - P[JOINT["right_knee"], 1] > 0.2


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_feet_stay_near_what_is_wished_and_never_both_swing(seed):
    rng = np.random.default_rng(seed)
    feet, at = Feet(), np.zeros(2)
    apart = np.array([[-0.1, 0.0], [0.1, 0.0]])
    for _ in range(300):
        speed = rng.normal(0.0, 0.5, 2)
        at = at + 0.02 * speed
        footing = feet.follow(at + apart, 0.0, speed, float(rng.uniform(0.0, 0.05)))
        assert (footing.lifts >= 0.0).all()
        assert min(footing.lifts) < 1e-9
        assert np.hypot(*(footing.places.mean(axis=0) - at)) < 0.6


@pytest.mark.parametrize("name", ["male", "female"])
@pytest.mark.parametrize("height", [1.40, 1.55, 1.80])
def test_the_shape_takes_the_wearers_height(name, height):
    body = load_body(name)
    betas = np.random.default_rng(2).normal(0.0, 0.7, 10).astype(np.float32)
    taller = betas_with_eye_height(body, betas, height)
    assert WearerSkeleton.of(body, taller).eye_height == pytest.approx(height, abs=0.003)
    assert np.linalg.norm(taller[:10] - betas) < 4.0
    machine, poser = HeadsetFusion(body, taller, None), BodyPoser(body, taller)
    state = machine.fuse(None, HeadsetPose(0, cases.view(y=height)))
    assert abs(poser.pose(state).vertices[:, 1].min()) < 0.006
    assert knee_degrees(state).max() < 8
