"""Every term's Jacobian against differences, and what the terms say."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.reconstruct.photo.differentiable_body import DifferentiableBody, FitPose
from inperson.reconstruct.photo.equations import huber_cost, minimise
from inperson.reconstruct.photo.evidence import LandmarkEvidence
from inperson.reconstruct.photo.start import LandmarkFit
from inperson.reconstruct.photo.terms_outline import MatteField, OutlineTerm, drawn_edge, outline_term, surface_kinds
from inperson.reconstruct.photo.terms_shape import ExpressionRange, chest_relief, expression_prior, shape_prior
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.render.views import EyeView
from inperson.tracking.fit.problem import no_past
from inperson.tracking.ideal_observation import observe_state

CAMERA = Intrinsics.from_horizontal_fov(640, 480)
VIEW = EyeView.from_intrinsics(CAMERA)


@cache
def scene():
    """A body before the camera, what ideal landmarkers see of it, and a start."""
    body = load_body("neutral")
    fit = LandmarkFit(body)
    pose = BodyState.rest(body.num_betas, body.num_expression).full_pose
    pose[16, 2], pose[17, 2], pose[18, 1], pose[19, 1] = -0.9, 0.9, -1.2, 1.0
    state = BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)
    state = replace(state, transl=np.array([0.05, -0.1, -1.3], np.float32))
    observation = observe_state(fit.skeleton, state, CAMERA, face=False)
    start = fit.start(observation)
    return body, fit, state, observation, start


@cache
def flexible() -> DifferentiableBody:
    body, _, _, _, start = scene()
    return DifferentiableBody(body, start.moving)


def start_pose(seed: int = 0) -> FitPose:
    rng = np.random.default_rng(seed)
    start, body = scene()[4], flexible()
    coefficients = np.concatenate([rng.normal(size=body.num_betas), rng.uniform(-0.2, 1.2, body.body.num_expression)])
    return FitPose(start.rotations, start.transl, coefficients)


def edge_term(pose: FitPose):
    body = flexible()
    state = body.state(pose)
    vertices = BodyPoser(body.body, state.betas).pose(state).vertices
    covered = draw_mesh(vertices + np.array([0.01, 0.02, 0.0]), body.body.faces, VIEW).face_index >= 0
    edge = drawn_edge(vertices, body.body.faces, VIEW)
    correctives = np.zeros_like(vertices)
    field, kinds = MatteField.of(covered), surface_kinds(body.body)
    return outline_term(body, edge, field, VIEW, 200.0, 1.3, correctives, kinds), edge, vertices


def all_terms(pose: FitPose):
    body, fit, _, _, start = scene()
    evidence = LandmarkEvidence(flexible(), fit, start)
    near = no_past(start.rotations, start.transl)._replace(inv_sigma=np.ones(55), inv_sigma_transl=np.ones(3))
    yield from evidence.terms(pose, near)
    yield shape_prior(flexible(), 1.0)
    yield expression_prior(flexible(), np.full(body.num_expression, 0.1), 0.2)
    yield ExpressionRange(flexible())
    yield edge_term(pose)[0]


def test_every_jacobian_is_the_derivative():
    body = flexible()
    pose = start_pose()
    step = np.random.default_rng(1).normal(size=body.num_columns)
    kinds = set()
    for term in all_terms(pose):
        moved = step.copy()
        if type(term).__name__ == "DirectionTerm":  # says nothing of shape by design
            moved[body.first_coefficient :] = 0.0
        kinds.add(type(term).__name__)
        rows = term.rows(pose, body.frames(pose), True)
        h = 1e-6
        ahead, behind = (body.moved(pose, sign * h * moved) for sign in (1, -1))
        change = (
            term.rows(ahead, body.frames(ahead), False).residual
            - term.rows(behind, body.frames(behind), False).residual
        ) / (2 * h)
        predicted = rows.jacobian @ moved
        assert np.abs(predicted).max() > 0, type(term).__name__
        if isinstance(term, OutlineTerm):  # the distance field is made of cells; its gradient is smoothed over them
            assert np.corrcoef(predicted, change)[0, 1] > 0.97
            continue
        close = np.abs(predicted - change) <= 1e-3 * max(1.0, float(np.abs(change).max()))
        assert close.mean() >= 0.98, type(term).__name__  # a limit may begin between the two
    assert len(kinds) == 7


def test_minimising_never_costs_more_and_finds_the_landmarks():
    _, fit, _, _, start = scene()
    moved = start.transl + np.array([0.03, -0.05, 0.1])
    flat = FitPose(start.rotations, moved, np.zeros(flexible().num_coefficients))
    near = no_past(start.rotations, start.transl)
    terms = [*LandmarkEvidence(flexible(), fit, start).terms(flat, near), shape_prior(flexible(), 1.0)]

    def cost(pose):
        return sum(huber_cost(term.rows(pose, flexible().frames(pose), False)) for term in terms)

    costs = [cost(flat)]
    pose = flat
    for _ in range(6):
        pose = minimise(flexible(), terms, pose, 1)
        costs.append(cost(pose))
    assert all(b <= a for a, b in pairwise(costs))
    assert costs[-1] < 0.2 * costs[0]


def test_the_edge_is_where_the_mesh_ends():
    _, edge, vertices = edge_term(start_pose())
    covered = draw_mesh(vertices, flexible().body.faces, VIEW).face_index >= 0
    x, y = (edge.pixels - 0.5).astype(int).T
    assert covered[y, x].all()
    ahead = np.rint(edge.pixels - 0.5 + 2.5 * edge.normal).astype(int)
    behind = np.rint(edge.pixels - 0.5 - 2.5 * edge.normal).astype(int)
    assert (~covered[ahead[:, 1], ahead[:, 0]]).mean() > 0.95
    assert covered[behind[:, 1], behind[:, 0]].mean() > 0.85, "fingers are thin"
    corners = vertices[flexible().body.faces[edge.face]]
    X = (corners * edge.barycentric[..., None]).sum(axis=1)
    shown = X[:, :2] * (CAMERA.fx, -CAMERA.fy) / -X[:, 2:] + (CAMERA.cx, CAMERA.cy)
    np.testing.assert_allclose(shown, edge.pixels, atol=0.1)


def test_the_distance_to_a_discs_outline():
    y, x = np.mgrid[:200, :200] + 0.5
    field = MatteField.of(np.hypot(x - 100, y - 100) < 50)
    for radius in (20.0, 45.0, 60.0, 90.0):
        angles = np.linspace(0, 2 * np.pi, 40)
        normal = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        distance, gradient = field.at(100 + radius * normal)
        np.testing.assert_allclose(distance, radius - 50, atol=1.2)
        assert ((gradient * normal).sum(axis=1) > 0.95).all()


def test_a_person_cut_by_the_picture_goes_on_beyond_it():
    inside = np.zeros((100, 100), bool)
    inside[40:, 30:70] = True
    distance, _ = MatteField.of(inside).at(np.array([[50.0, 99.0], [50.0, 120.0]]))
    assert (distance < -15).all()


def test_hands_are_bare_heads_have_hair_and_the_rest_is_dressed():
    body = load_body("neutral")
    kind, names = surface_kinds(body), np.array(body.joint_names)[body.weights.argmax(axis=1)]
    assert set(kind[names == "head"]) == {2}
    assert set(kind[names == "left_middle2"]) == set(kind[names == "right_wrist"]) == {0}
    assert set(kind[names == "spine2"]) == set(kind[names == "left_elbow"]) == {1}


def test_relief_is_what_women_have_more_of_and_size_has_none():
    body = load_body("neutral")
    relief = chest_relief(body)
    basis = body.shapedirs.reshape(-1, body.num_betas)

    def of(name):
        away = (load_body(name).v_template - body.v_template).ravel()
        return np.linalg.norm(relief @ np.linalg.lstsq(basis, away, rcond=None)[0])

    assert of("female") > 2 * of("male")
    assert of("female") == pytest.approx(0.0036, abs=0.002)
    taller = np.eye(body.num_betas)[0]
    assert np.linalg.norm(relief @ taller) < 0.05 * np.linalg.norm(body.shapedirs[..., 0], axis=1).max()
