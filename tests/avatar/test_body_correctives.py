"""Pose correctives: limbs keep their volume when they bend, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.body import JOINT_NAMES, SHIPPED_BODIES, BodyModel, load_body
from inperson.avatar.pose_correctives import PoseCorrectives
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from tools.build_body.rotation_centers import center_deformer


def _limb_faces(body: BodyModel, joint: str, half_length: float) -> np.ndarray:
    """Faces of the piece of limb that reaches `half_length` metres to both sides of a joint."""
    j = JOINT_NAMES.index(joint)
    rest = BodyPoser(body, np.zeros(0, np.float32)).rest_joints
    child, parent = int(np.flatnonzero(body.parents == j)[0]), body.parents[j]
    axis = rest[child] - rest[j]
    offset = body.v_template - rest[j]
    along = offset @ (axis / np.linalg.norm(axis))
    beside = np.linalg.norm(offset - along[:, None] * axis / np.linalg.norm(axis), axis=1)
    inside = (np.abs(along) < half_length) & (beside < 0.2) & (body.weights[:, [parent, j, child]].sum(1) > 0.9)
    return body.faces[inside[body.faces].all(1)]


def _volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Of a piece of surface whose open ends are closed by fans (divergence theorem)."""
    v = vertices.astype(float) - vertices[faces].mean((0, 1))
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    known = {tuple(e) for e in edges.tolist()}
    following = {a: c for a, c in known if (c, a) not in known}
    total = np.einsum("fi,fi->", v[faces[:, 0]], np.cross(v[faces[:, 1]], v[faces[:, 2]])) / 6
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1])) != loop[0]:
            loop.append(after)
        rim = v[loop]
        total += np.einsum("i,ki->", rim.mean(0), np.cross(np.roll(rim, -1, axis=0), rim)) / 6
    return float(total)


def _without_correctives(body: BodyModel) -> BodyModel:
    none = PoseCorrectives(
        np.zeros(body.num_vertices + 1, np.int32), np.zeros(0, np.int32), np.zeros((0, 3, 9), "f4")
    )
    return replace(body, pose_correctives=none)


@pytest.mark.parametrize(
    ("joint", "half_length", "rotvec_degrees", "kept", "plain_at_most"),
    [
        ("left_elbow", 0.10, (0, -90, 0), 0.92, 0.90),
        ("right_elbow", 0.10, (0, 120, 0), 0.92, 0.87),
        ("left_knee", 0.13, (90, 0, 0), 0.97, 0.93),
        ("right_knee", 0.13, (120, 0, 0), 0.96, 0.89),
        ("left_wrist", 0.06, (0, 0, -80), 0.95, 0.92),
        ("left_wrist", 0.06, (80, 0, 0), 0.91, 0.82),
        ("left_hip", 0.12, (-90, 0, 0), 0.88, 0.75),
        ("left_index2", 0.015, (0, 0, -90), 0.90, 0.81),
        ("right_ring2", 0.014, (0, 0, 90), 0.77, 0.81),
    ],
)
@pytest.mark.parametrize("name", SHIPPED_BODIES)
def test_a_bent_limb_keeps_its_volume(
    name: str,
    joint: str,
    half_length: float,
    rotvec_degrees: tuple[float, float, float],
    kept: float,
    plain_at_most: float,
) -> None:
    body = load_body(name)
    faces = _limb_faces(body, joint, half_length)
    pose = np.zeros((55, 3), np.float32)
    pose[JOINT_NAMES.index(joint)] = np.deg2rad(rotvec_degrees)
    state = BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)
    straight = _volume(body.v_template, faces)
    bent, plain = (
        _volume(BodyPoser(b, np.zeros(0, np.float32)).pose(state).vertices, faces) / straight
        for b in (body, _without_correctives(body))
    )
    assert kept < bent < 1.06
    assert plain < plain_at_most, "linear skinning alone would do: the measure or the bend is wrong"
    assert abs(1 - bent) < 0.65 * abs(1 - plain)


@pytest.mark.parametrize("name", SHIPPED_BODIES)
def test_correctives_are_local(name: str) -> None:
    """Bending an elbow changes nothing before skinning farther than a hand's length from it."""
    body = load_body(name)
    poser = BodyPoser(body, np.zeros(0, np.float32))
    pose = np.zeros((55, 3), np.float32)
    pose[JOINT_NAMES.index("left_elbow")] = (0, -2, 0)
    state = BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)
    change = np.abs(poser.unposed_vertices(state) - poser.shaped_vertices).max(1)
    away = np.linalg.norm(body.v_template - poser.rest_joints[JOINT_NAMES.index("left_elbow")], axis=1)
    assert change[away > 0.2].max() == 0.0
    assert change.max() > 0.005
    assert len(body.pose_correctives.joint) < body.num_vertices, "dense correctives would cost live time"


def test_head_jaw_and_eyes_have_no_correctives_of_the_face() -> None:
    body = load_body("neutral")
    driven = set(body.pose_correctives.joint.tolist())
    assert driven.isdisjoint({JOINT_NAMES.index(j) for j in ("jaw", "left_eye", "right_eye")})


def test_centers_of_a_cylinder_lie_on_its_axis_and_a_bend_keeps_its_radius() -> None:
    """The deformer the correctives are fitted to, where the truth is known."""
    around, rings = 24, 41
    x, angle = np.meshgrid(np.linspace(-0.3, 0.3, rings), np.arange(around) * 2 * np.pi / around, indexing="ij")
    vertices = np.stack([x, 0.05 * np.cos(angle), 0.05 * np.sin(angle)], axis=-1).reshape(-1, 3)
    ring, k = np.meshgrid(np.arange(rings - 1) * around, np.arange(around), indexing="ij")
    a, b = ring + k, ring + (k + 1) % around
    triangles = ((a, b, a + around), (b, b + around, a + around))
    faces = np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in triangles])
    blend = np.clip(vertices[:, 0] / 0.2 + 0.5, 0, 1)
    weights = np.zeros((len(vertices), 55))
    weights[:, 0], weights[:, 1] = 1 - blend, blend
    deformer = center_deformer(vertices, faces, weights)
    near = (blend > 0.05) & (blend < 0.95)
    assert np.abs(deformer.centers[near, 1:]).max() < 1e-3

    rotations, translations = np.tile(np.eye(3), (55, 1, 1)), np.zeros((55, 3))
    bend = np.deg2rad(90)
    rotations[1] = [[np.cos(bend), -np.sin(bend), 0], [np.sin(bend), np.cos(bend), 0], [0, 0, 1]]
    rows = np.arange(len(vertices))
    bent = deformer.deform(rotations, translations, rows).reshape(rings, around, 3)
    linear = np.einsum("vj,jrc,vc->vr", weights, rotations, vertices).reshape(rings, around, 3)
    thinnest, pinched = (np.linalg.norm(p - p.mean(1, keepdims=True), axis=-1).min() for p in (bent, linear))
    assert thinnest == pytest.approx(0.05, rel=0.02)
    assert pinched < 0.04
