"""Rims: the body's edge found where it is, drawn to the outline that is seen, and nothing else touched."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.observe import person_pixels
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.profile import UserProfile
from inperson.tracking.residuals import project
from inperson.tracking.rims import Outline, RimFinder
from inperson.tracking.rims_draw import draw_vertices
from inperson.tracking.tracker import Tracker
from tests.tracking.anchor_cases import MODEL, seen, standing
from tests.tracking.fit_cases import CAMERA, body

STATE = standing()
PROFILE = UserProfile(body_name="neutral", body_sha256=body().sha256, betas=(0.0,))
SIZE = person_pixels(seen(STATE))
ARMS = [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow")]


@cache
def clothes() -> np.ndarray:
    """A centimetre all round, about."""
    return 0.01 * np.sign(body().v_template).astype(np.float32)


@cache
def finder() -> RimFinder:
    return RimFinder(body(), STATE.betas, clothes(), MODEL.shaped(STATE.betas))


def pose_of(state: BodyState) -> tuple[np.ndarray, np.ndarray]:
    return exp_all(state.full_pose.astype(np.float64)), state.transl.astype(np.float64)


def mask_of(state: BodyState) -> np.ndarray:
    """The silhouette that a perfect segmenter would see, (480, 640) 0 or 255."""
    vertices = finder().vertices(*pose_of(state))
    vertex, _ = draw_vertices(project(vertices, CAMERA), -vertices[:, 2], body().faces, 640, 480)
    return np.where(vertex >= 0, 255, 0).astype(np.uint8)


def rims_in(mask: np.ndarray, state: BodyState):
    return finder().find(finder().outline(mask, CAMERA), *pose_of(state), CAMERA, SIZE)


def drawn_plainly(pixels, depth, faces, width, height):
    """Every pixel's centre against every triangle."""
    vertex, nearest = np.full((height, width), -1), np.zeros((height, width))
    for i, j, k in faces:
        corners = np.concatenate([pixels[[i, j, k]].T, np.ones((1, 3))])
        if np.linalg.det(corners) == 0.0:
            continue
        for y in range(height):
            for x in range(width):
                share = np.linalg.solve(corners, [x + 0.5, y + 0.5, 1.0])
                inverse = share @ (1.0 / depth[[i, j, k]])
                if share.min() >= 0.0 and inverse > nearest[y, x]:
                    vertex[y, x], nearest[y, x] = i, inverse
    return vertex, nearest


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_drawn_mesh_equals_the_plain_one(seed):
    rng = np.random.default_rng(seed)
    pixels, depth = rng.uniform(-3, 19, (12, 2)), rng.uniform(0.5, 3.0, 12)
    faces = rng.permuted(np.tile(np.arange(12), (7, 1)), axis=1)[:, :3]
    vertex, inverse_depth = draw_vertices(pixels, depth, faces, 16, 12)
    plain_vertex, plain_inverse_depth = drawn_plainly(pixels, depth, faces, 16, 12)
    np.testing.assert_array_equal(vertex, plain_vertex)
    np.testing.assert_allclose(inverse_depth, plain_inverse_depth, rtol=1e-9)


def test_faces_behind_the_camera_are_not_drawn():
    pixels = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
    vertex, _ = draw_vertices(pixels, np.array([1.0, 1.0, -0.5]), np.array([[0, 1, 2]]), 16, 12)
    assert (vertex == -1).all()


def test_the_outline_of_a_disc_is_its_radius():
    x, y = np.meshgrid(np.arange(120) + 0.5, np.arange(90) + 0.5)
    radius = np.hypot(x - 60, y - 45)
    outline = Outline.of(radius < 25)
    ring = np.abs(radius - 25) < 12
    assert np.abs(outline.distance - (radius - 25))[ring].max() < 0.8
    outwards = np.stack([x - 60, y - 45]) / radius
    assert (outline.gradient * outwards).sum(axis=0)[ring].min() > 0.85


def test_the_outline_goes_on_over_the_border():
    """A person cut off by the picture's lower edge has no outline there."""
    inside = np.zeros((60, 80), bool)
    inside[20:, 30:50] = True
    outline = Outline.of(inside)
    np.testing.assert_allclose(outline.distance[-1, 30:50], outline.distance[45, 30:50], atol=0.1)


def test_the_dressed_surface_is_skinning_and_turned_clothes():
    poser = BodyPoser(body(), STATE.betas)
    posed = poser.pose(STATE)
    heaviest = np.argsort(-body().weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(body().weights, heaviest, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    turns = np.einsum("vk,vkab->vab", weights, posed.T_posed_from_rest[heaviest][..., :3])
    expected = posed.vertices + np.einsum("vab,vb->va", turns, clothes())
    np.testing.assert_allclose(finder().vertices(*pose_of(STATE)), expected, atol=1e-4)


def test_rims_of_the_right_pose_lie_on_the_outline():
    rims = rims_in(mask_of(STATE), STATE)
    assert 60 < len(rims.inv_sigma) <= 180
    distance = (rims.normal * (placed(rims, STATE) - rims.pixel)).sum(axis=1)
    assert np.abs(distance).max() < 2.5
    assert np.abs(distance).mean() < 0.6


def test_neither_hands_nor_heads_are_asked():
    rims = rims_in(mask_of(STATE), STATE)
    unasked = [JOINT["head"], JOINT["left_wrist"], JOINT["right_wrist"], *range(25, 55)]
    assert (np.isin(rims.carrier, unasked) * rims.weight).sum(axis=1).max() < 0.75


def test_a_shifted_outline_is_told_in_pixels_of_the_camera():
    shifted = cv2.warpAffine(mask_of(STATE), np.float32([[1, 0, 8], [0, 1, 0]]), (640, 480))
    rims = rims_in(shifted, STATE)
    upright = np.abs(rims.normal[:, 0]) > 0.95
    moved = (rims.pixel - placed(rims, STATE))[upright, 0]
    assert upright.sum() > 20
    assert abs(np.median(moved) - 8.0) < 1.0


def test_an_outline_elsewhere_says_nothing():
    far_off = np.zeros((480, 640), np.uint8)
    far_off[:60, :60] = 255
    assert len(rims_in(far_off, STATE).inv_sigma) == 0


def placed(rims, state):
    """Pixels of the rims' places, from their bindings."""
    transforms, joints, _ = BodyPoser(body(), state.betas).joint_transforms(state)
    carried = joints[rims.carrier] + np.einsum("nkij,nkj->nki", transforms[rims.carrier][..., :3], rims.offset)
    return project(np.einsum("nk,nki->ni", rims.weight, carried), CAMERA)


def overlap(state: BodyState, mask: np.ndarray) -> float:
    ours = mask_of(state) > 0
    return float((ours & (mask > 0)).sum() / (ours | (mask > 0)).sum())


def states(tracker: Tracker, observation, count: int = 5) -> list[BodyState]:
    return [tracker.update(replace(observation, time_ns=n * 33_000_000)).state for n in range(count)]


def test_an_outline_corrects_biased_elbows():
    """Elbows read 14 pixels too low and outwards, as under wide sleeves: the arms follow the outline all the same."""
    mask, observation = mask_of(STATE), seen(STATE)
    off = observation.body_pixels.copy()
    off[13] += (10, 10)
    off[14] += (-10, 10)
    biased = replace(observation, body_pixels=off, silhouette=cv2.resize(mask, (256, 256)))
    with_outline = states(Tracker(body(), PROFILE, clothes=clothes(), smooth=False), biased)[-1]
    without = states(Tracker(body(), PROFILE, smooth=False), biased)[-1]
    assert overlap(with_outline, mask) > overlap(without, mask) + 0.01
    assert overlap(with_outline, mask) > 0.95


def test_without_a_silhouette_clothes_change_nothing():
    dressed = states(Tracker(body(), PROFILE, clothes=clothes()), seen(STATE))
    naked = states(Tracker(body(), PROFILE), seen(STATE))
    for a, b in zip(dressed, naked, strict=True):
        np.testing.assert_array_equal(a.full_pose, b.full_pose)
        np.testing.assert_array_equal(a.transl, b.transl)


def test_clothes_need_their_wearer():
    with pytest.raises(ValueError, match="clothes"):
        Tracker(body(), clothes=clothes())
    with pytest.raises(BadInputError, match="3 vertices"):
        Tracker(body(), PROFILE, clothes=np.zeros((3, 3), np.float32))
