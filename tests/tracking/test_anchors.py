"""Anchors: found to a fraction of a pixel, doubted when hidden, and stronger than biased landmarks."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError
from inperson.tracking.anchors_follow import AnchorFollower
from inperson.tracking.anchors_patch import align_patches
from inperson.tracking.anchors_project import AnchorModel
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.profile import UserProfile
from inperson.tracking.residuals import project
from inperson.tracking.tracker import Tracker
from tests.tracking.anchor_cases import MODEL, anchors_in, moved, pattern, seen, shifted, standing
from tests.tracking.fit_cases import CAMERA, body

STATE = standing()
IMAGE = pattern()
ANCHORS = anchors_in(IMAGE, STATE)


def pose_of(state):
    return exp_all(state.full_pose.astype(np.float64)), state.transl.astype(np.float64)


def aligned(reference, image, places, bends, start):
    found, likeness = np.empty_like(start), np.empty(len(start))
    grey = [x[..., 0].astype(np.float32) for x in (reference, image)]
    align_patches(*grey, places, bends, start, 6, 20, found, likeness)
    return found, likeness


PLACES = np.random.default_rng(3).uniform((60, 60), (580, 420), (40, 2))
UNBENT = np.tile(np.eye(2), (40, 1, 1))


def test_patches_are_found_where_they_went():
    found, likeness = aligned(IMAGE, moved(IMAGE, 2.3, -1.6), PLACES, UNBENT, PLACES)
    close = np.linalg.norm(found - PLACES - (2.3, -1.6), axis=1) < 0.1
    assert close.mean() > 0.9
    assert (likeness[close] > 0.98).all()


def test_brightness_and_contrast_do_not_matter():
    darker = (40 + 0.6 * moved(IMAGE, 1.5, 0.5)).astype(np.uint8)
    found, likeness = aligned(IMAGE, darker, PLACES, UNBENT, PLACES)
    assert np.median(np.linalg.norm(found - PLACES - (1.5, 0.5), axis=1)) < 0.06
    assert np.median(likeness) > 0.98


def test_a_bent_patch_needs_its_bend():
    """The picture turned by 25 degrees about its middle: told so, patches fit; untold, they do not."""
    turn = cv2.getRotationMatrix2D((319.5, 239.5), 25.0, 1.1)
    image = cv2.warpAffine(IMAGE, turn, (640, 480), flags=cv2.INTER_CUBIC)
    places = np.random.default_rng(4).uniform((250, 170), (390, 310), (30, 2))
    went = (places - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5
    back = np.tile(np.linalg.inv(turn[:, :2]), (30, 1, 1))
    found, told = aligned(IMAGE, image, places, back, went + 0.7)
    _, untold = aligned(IMAGE, image, places, np.tile(np.eye(2), (30, 1, 1)), went + 0.7)
    assert np.median(np.linalg.norm(found - went, axis=1)) < 0.1
    assert np.median(told) > 0.97
    assert np.median(untold) < 0.9


def test_a_blank_patch_is_like_nothing():
    blank = np.full_like(IMAGE, 90)
    found, likeness = aligned(blank, IMAGE, PLACES, UNBENT, PLACES)
    np.testing.assert_array_equal(likeness, 0.0)
    np.testing.assert_array_equal(found, PLACES)


def test_chosen_anchors_project_to_their_pixels_and_leave_hands_out():
    assert len(ANCHORS) > 80
    model = AnchorModel(ANCHORS, MODEL.shaped(STATE.betas))
    np.testing.assert_allclose(model.project(*pose_of(STATE), ANCHORS.intrinsics).pixels, ANCHORS.pixels, atol=0.05)
    np.testing.assert_allclose(ANCHORS.weights.sum(axis=1), 1.0, atol=1e-9)
    hands = np.isin(ANCHORS.carriers, [JOINT["left_wrist"], JOINT["right_wrist"], *range(25, 55)])
    assert np.where(hands, ANCHORS.weights, 0.0).sum(axis=1).max() < 0.5


def test_projection_equals_skinning_by_the_body():
    """The compiled blend against the transforms of `BodyPoser`, in a pose the anchors were not chosen in."""
    other = standing(8)
    picture = AnchorModel(ANCHORS, MODEL.shaped(STATE.betas)).project(*pose_of(other), CAMERA)
    transforms = BodyPoser(body(), STATE.betas).joint_transforms(other)[0].astype(np.float64)
    blended = np.einsum("nk,nkij->nij", ANCHORS.weights, transforms[ANCHORS.carriers])
    points = np.einsum("nij,nj->ni", blended[:, :, :3], ANCHORS.rest) + blended[:, :, 3]
    np.testing.assert_allclose(picture.pixels, project(points, CAMERA), atol=0.01)
    for tangent in range(2):
        step = np.einsum("nij,nj->ni", blended[:, :, :3], ANCHORS.tangents[:, tangent])
        ahead = project(points + 1e-3 * step, CAMERA) - project(points - 1e-3 * step, CAMERA)
        np.testing.assert_allclose(picture.bends[:, :, tangent], ahead / 2e-3, atol=1e-4)


def test_anchors_are_followed_over_many_frames_without_drift():
    follower = AnchorFollower(ANCHORS, MODEL.shaped(STATE.betas))
    rotations, transl = pose_of(STATE)
    for frame in range(12):
        away = 2.0 * frame * np.array([1.0, 0.4])
        rows = follower.look(moved(IMAGE, *away), rotations, transl, CAMERA)
    assert follower.seen.mean() > 0.8
    error = np.linalg.norm(rows.pixel - ANCHORS.pixels - away, axis=1)[follower.seen]
    assert np.median(error) < 0.1
    assert np.percentile(error, 95) < 0.5


def test_what_is_hidden_is_not_believed():
    follower = AnchorFollower(ANCHORS, MODEL.shaped(STATE.betas))
    follower.look(IMAGE, *pose_of(STATE), CAMERA)
    assert follower.seen.all()
    hidden = IMAGE.copy()
    middle = np.median(ANCHORS.pixels, axis=0)
    box = np.abs(ANCHORS.pixels - middle).max(axis=1) < 40
    x, y = (middle - 50).astype(int)
    hidden[y : y + 100, x : x + 100] = pattern(9)[:100, :100]
    rows = follower.look(hidden, *pose_of(STATE), CAMERA)
    assert follower.seen[box].mean() < 0.3  # some other places look alike
    assert (rows.inv_sigma[~follower.seen] == 0).all()
    assert follower.seen[np.abs(ANCHORS.pixels - middle).max(axis=1) > 65].mean() > 0.9


def test_anchors_overrule_biased_landmarks():
    """Shoulders and hips read 9 pixels too low: the trunk follows the anchors all the same."""
    goal = shifted(STATE, 5.0, 0.0)
    observation = seen(goal)
    off = observation.body_pixels.copy()
    off[[11, 12, 23, 24], 1] += 9.0
    biased = replace(observation, body_pixels=off)
    truly = project_anchors(goal)
    errors = {}
    for anchored in (True, False):
        tracker = Tracker(body(), anchors=ANCHORS, smooth=False)
        frames = [
            tracker.update(replace(biased, time_ns=n * 33_000_000), moved(IMAGE, 5.0, 0.0) if anchored else None)
            for n in range(6)
        ]
        error = np.linalg.norm(project_anchors(frames[-1].state) - truly, axis=1)
        trunk = np.isin(ANCHORS.carriers[:, 0], [0, 3, 6, 9, 12])
        errors[anchored] = np.median(error[trunk])
    assert errors[True] < 1.0
    assert errors[False] > 3.0


def project_anchors(state):
    return AnchorModel(ANCHORS, MODEL.shaped(STATE.betas)).project(*pose_of(state), CAMERA).pixels


def test_a_tracker_refuses_two_users_and_another_body():
    profile = UserProfile(body_name="neutral", body_sha256=body().sha256, betas=(0.0,))
    with pytest.raises(ValueError, match="profile"):
        Tracker(body(), profile, anchors=ANCHORS)
    with pytest.raises(BadInputError, match="not 'male'"):
        Tracker(load_body("male"), anchors=ANCHORS)
