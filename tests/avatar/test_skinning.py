"""Live posing against the `smplx` package, against the plain reference, and by the laws of rigid motion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES, SHIPPED_BODIES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser, PosedBody
from inperson.avatar.skinning_reference import pose_reference
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from tests.avatar.body_files import licensed_arrays, random_betas, random_state, write_npz

rotvecs = st.tuples(*[st.floats(-2.0, 2.0)] * 3).map(lambda v: np.array(v, np.float32))


@pytest.fixture(scope="module")
def licensed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("smplx") / "SMPLX_NEUTRAL.npz", licensed_arrays())


def _smplx_pose(path: Path, body: BodyModel, betas: np.ndarray, states: list[BodyState]) -> list[PosedBody]:
    torch.set_num_threads(1)
    model = smplx.SMPLX(
        str(path),
        ext="npz",
        use_pca=False,
        flat_hand_mean=True,
        num_betas=body.num_betas,
        num_expression_coeffs=body.num_expression,
    )
    fields = ("global_orient", "transl", "body_pose", "left_hand_pose", "right_hand_pose")
    fields += ("jaw_pose", "leye_pose", "reye_pose", "expression")
    posed = []
    for state in states:
        given = {name: torch.from_numpy(getattr(state, name).reshape(1, -1).copy()) for name in fields}
        with torch.no_grad():
            out = model(betas=torch.from_numpy(betas)[None], **given)
        posed.append(PosedBody(out.vertices[0].numpy(), out.joints[0, :55].numpy(), np.zeros((55, 3, 4))))
    return posed


def _assert_same(ours: PosedBody, theirs: PosedBody, atol: float) -> None:
    np.testing.assert_allclose(ours.vertices, theirs.vertices, rtol=0, atol=atol)
    np.testing.assert_allclose(ours.joints, theirs.joints, rtol=0, atol=atol)


@pytest.mark.parametrize("name", [*SHIPPED_BODIES, "licensed"])
def test_agrees_with_smplx_to_ten_micrometres(name: str, licensed: Path) -> None:
    path = licensed if name == "licensed" else assets_dir() / "body" / f"{name}.npz"
    body, rng = load_body(path), np.random.default_rng(7)
    betas = random_betas(body, rng)
    states = [random_state(body, rng), random_state(body, rng, strength=1.2)]
    poser = BodyPoser(body, betas)
    for state, theirs in zip(states, _smplx_pose(path, body, betas, states), strict=True):
        _assert_same(poser.pose(state), theirs, atol=1e-5)


@pytest.mark.parametrize("num_betas", [60, 10, 0])
def test_agrees_with_the_plain_reference(num_betas: int) -> None:
    body, rng = load_body("female"), np.random.default_rng(num_betas)
    betas, state = random_betas(body, rng)[:num_betas], random_state(body, rng, strength=0.8)
    ours, plain = BodyPoser(body, betas).pose(state), pose_reference(body, betas, state)
    _assert_same(ours, plain, atol=3e-6)
    np.testing.assert_allclose(ours.T_posed_from_rest, plain.T_posed_from_rest, rtol=0, atol=3e-6)


def test_no_state_leaks_into_the_next() -> None:
    body, rng = load_body("male"), np.random.default_rng(0)
    poser = BodyPoser(body, random_betas(body, rng))
    first, second = random_state(body, rng), random_state(body, rng)
    before = poser.pose(first)
    kept = before.vertices.copy()
    poser.pose(second)
    np.testing.assert_array_equal(before.vertices, kept)
    np.testing.assert_array_equal(poser.pose(first).vertices, kept)


def test_rest_state_is_the_shaped_template() -> None:
    body, rng = load_body("neutral"), np.random.default_rng(3)
    betas = random_betas(body, rng)
    poser = BodyPoser(body, betas)
    posed = poser.pose(BodyState.rest(body.num_betas, body.num_expression))
    np.testing.assert_allclose(posed.vertices, body.shaped(betas), rtol=0, atol=1e-6)
    np.testing.assert_allclose(posed.joints, poser.rest_joints, rtol=0, atol=1e-6)


@settings(max_examples=15)
@given(turn=rotvecs, move=rotvecs, seed=st.integers(0, 1000))
def test_global_orient_turns_about_the_pelvis_and_transl_moves(turn: np.ndarray, move: np.ndarray, seed: int) -> None:
    body = load_body("neutral")
    poser = BodyPoser(body, np.zeros(0, np.float32))
    state = replace(random_state(body, np.random.default_rng(seed)), global_orient=np.zeros(3, np.float32))
    state = replace(state, transl=np.zeros(3, np.float32))
    still, moved = poser.pose(state), poser.pose(replace(state, global_orient=turn, transl=move))
    pelvis = still.joints[0]
    expected = Rotation.from_rotvec(turn).apply(still.vertices - pelvis) + pelvis + move
    np.testing.assert_allclose(moved.vertices, expected, rtol=0, atol=5e-6)


def test_vertices_are_the_blended_transforms_of_the_unposed_mesh() -> None:
    body, rng = load_body("female"), np.random.default_rng(5)
    poser, state = BodyPoser(body, random_betas(body, rng)), random_state(body, rng)
    posed, unposed = poser.pose(state), poser.unposed_vertices(state)
    blended = np.einsum("vj,jrc->vrc", body.weights, posed.T_posed_from_rest)
    expected = np.einsum("vrc,vc->vr", blended[..., :3], unposed) + blended[..., 3]
    np.testing.assert_allclose(posed.vertices, expected, rtol=0, atol=3e-6)


def test_a_mirrored_pose_is_a_mirrored_body() -> None:
    body, rng = load_body("neutral"), np.random.default_rng(11)
    pose = np.zeros((55, 3), np.float32)
    for joint, name in enumerate(JOINT_NAMES):
        if name.startswith("left_"):
            pose[joint] = rng.normal(size=3) * 0.3
            pose[JOINT_NAMES.index("right_" + name[5:])] = pose[joint] * [1, -1, -1]
    poser = BodyPoser(body, np.zeros(0, np.float32))
    v = poser.pose(BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)).vertices
    gap, _ = cKDTree(v).query(v * [-1, 1, 1])
    assert gap.max() < 2.5e-3


def test_too_many_coefficients_are_refused() -> None:
    body = load_body("neutral")
    with pytest.raises(BadInputError, match="60 shape coefficients, not 61"):
        BodyPoser(body, np.zeros(61, np.float32))
    state = BodyState.rest(body.num_betas, body.num_expression + 1)
    with pytest.raises(BadInputError, match="52 expression coefficients, not 53"):
        BodyPoser(body, np.zeros(60, np.float32)).pose(state)
