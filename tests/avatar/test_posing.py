"""Posing Gaussians: against the plain reference, and the laws that any posing must keep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import color_towards, diffuse_color, sh_from_rgb
from inperson.avatar.binding import SurfaceBinding, face_frames, quats_of, quats_of_transforms
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.posing_reference import pose_reference
from inperson.avatar.state import BodyState
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.errors import BadInputError

N = 800


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="module")
def avatar(body: BodyModel) -> GaussianAvatar:
    rng = np.random.default_rng(5)
    quats = rng.normal(size=(N, 4))
    return GaussianAvatar(
        face_index=rng.integers(0, len(body.faces), N).astype(np.int32),
        barycentric=rng.dirichlet([1.0, 1.0, 1.0], N).astype(np.float32),
        offsets=rng.normal(scale=0.01, size=(N, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=rng.uniform(5e-4, 5e-3, (N, 3)).astype(np.float32),
        opacities=rng.uniform(0.1, 1, N).astype(np.float32),
        sh=sh_from_rgb(rng.uniform(0, 1, (N, 3))),
        features=np.zeros((N, 0), np.float32),
        betas=rng.normal(scale=0.5, size=10).astype(np.float32),
        body_name=body.name,
        body_sha256=body.sha256,
        name="tester",
        provenance={},
    )


@pytest.fixture(scope="module")
def poser(avatar: GaussianAvatar, body: BodyModel) -> AvatarPoser:
    return AvatarPoser(avatar, body)


def random_state(body: BodyModel, seed: int, bend: float = 0.35) -> BodyState:
    rng = np.random.default_rng(seed)
    expression = rng.uniform(0, 0.8, body.num_expression) * (rng.random(body.num_expression) < 0.3)
    rest = BodyState.rest(0, body.num_expression)
    return replace(
        rest.with_full_pose(rng.normal(scale=bend, size=(55, 3))),
        expression=expression.astype(np.float32),
        transl=rng.normal(size=3).astype(np.float32),
    )


def angles_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between wxyz quaternions, whatever their signs."""
    return np.rad2deg(2 * np.arccos(np.clip(np.abs((a * b).sum(1)), 0, 1)))


def canonical_means(avatar: GaussianAvatar, body: BodyModel) -> np.ndarray:
    """Straight from the definition in `GaussianAvatar`."""
    vertices = body.shaped(avatar.betas)
    corners = vertices[body.faces[avatar.face_index]]
    frames = face_frames(vertices, body.faces)[avatar.face_index]
    on_face = (avatar.barycentric[:, :, None] * corners).sum(1)
    return on_face + (frames @ avatar.offsets[:, :, None])[:, :, 0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_agrees_with_the_plain_reference(
    poser: AvatarPoser, avatar: GaussianAvatar, body: BodyModel, seed: int
) -> None:
    state = random_state(body, seed)
    fast, plain = poser.pose(state), pose_reference(avatar, body, state)
    np.testing.assert_allclose(fast.means, plain.means, atol=2e-5)
    assert angles_between(fast.quats, plain.quats).max() < 0.1
    np.testing.assert_allclose(fast.scales, plain.scales, rtol=1e-3)
    np.testing.assert_allclose(fast.normals, plain.normals, atol=2e-3)
    np.testing.assert_allclose(fast.colors, plain.colors, atol=1e-6)


def test_at_rest_gaussians_are_where_the_canonical_form_says(
    poser: AvatarPoser, avatar: GaussianAvatar, body: BodyModel
) -> None:
    posed = poser.pose(BodyState.rest(0, body.num_expression))
    np.testing.assert_allclose(posed.means, canonical_means(avatar, body), atol=2e-6)
    np.testing.assert_allclose(posed.scales, avatar.scales, rtol=1e-4)
    frames = face_frames(body.shaped(avatar.betas), body.faces)[avatar.face_index]
    in_frame = Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats)).as_matrix()
    assert angles_between(posed.quats, quats_of(frames @ in_frame)).max() < 0.1


def is_ready_for_rasterisers(posed: PosedGaussians) -> bool:
    arrays = (posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, posed.normals, posed.features)
    return all(a.dtype == np.float32 and a.flags.c_contiguous and np.isfinite(a).all() for a in arrays)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), bend=st.floats(0, 2.5))
def test_any_pose_gives_finite_unit_gaussians(poser: AvatarPoser, body: BodyModel, seed: int, bend: float) -> None:
    posed = poser.pose(random_state(body, seed, bend))
    assert is_ready_for_rasterisers(posed)
    np.testing.assert_allclose(np.linalg.norm(posed.quats, axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(posed.normals, axis=1), 1, atol=1e-3)
    assert (posed.scales > 0).all()


@settings(max_examples=15)
@given(
    turn=st.tuples(*[st.floats(-2, 2)] * 3),
    move=st.tuples(*[st.floats(-3, 3)] * 3),
    seed=st.integers(0, 100),
)
def test_moving_the_root_moves_everything_rigidly(
    poser: AvatarPoser, body: BodyModel, turn: tuple, move: tuple, seed: int
) -> None:
    state = replace(random_state(body, seed), global_orient=np.zeros(3, np.float32), transl=np.zeros(3, np.float32))
    moved = replace(state, global_orient=np.float32(turn), transl=np.float32(move))
    before, after = poser.pose(state), poser.pose(moved)
    pelvis = body.J_regressor[0].toarray() @ (body.shaped(poser.avatar.betas) + body.exprdirs @ state.expression)
    R = Rotation.from_rotvec(turn)
    np.testing.assert_allclose(after.means, R.apply(before.means - pelvis) + pelvis + move, atol=2e-5)
    expected = (R * Rotation.from_quat(quat_xyzw_from_wxyz(before.quats))).as_matrix()
    assert angles_between(after.quats, quats_of(expected)).max() < 0.1
    np.testing.assert_allclose(after.normals, R.apply(before.normals), atol=1e-3)
    np.testing.assert_allclose(after.scales, before.scales, rtol=1e-3)


def test_a_closing_eyelid_turns_its_gaussians(body: BodyModel) -> None:
    """Skinning weights know nothing of expressions; the surface's own normals must turn the covariance."""
    assert body.expr_names is not None
    blink = body.expr_names.index("eyeBlinkLeft")
    moved = np.linalg.norm(body.exprdirs[..., blink], axis=1)
    face = np.flatnonzero((moved[body.faces] > 0.8 * moved.max()).all(axis=1)).astype(np.int32)
    binding = SurfaceBinding(body, np.zeros(0), face, np.full((len(face), 3), 1 / 3, np.float32))
    rest = BodyState.rest(0, body.num_expression)
    closed = replace(rest, expression=np.eye(body.num_expression, dtype=np.float32)[blink])
    before, after = binding.motion(rest), binding.motion(closed)
    assert np.linalg.norm(after.points - before.points, axis=1).min() > 2e-3
    assert np.median(angles_between(before.quats, after.quats)) > 10


def test_posed_frames_do_not_share_memory_that_the_next_one_overwrites(poser: AvatarPoser, body: BodyModel) -> None:
    first = poser.pose(random_state(body, 1))
    kept = first.means.copy(), first.quats.copy()
    poser.pose(random_state(body, 2))
    np.testing.assert_array_equal(first.means, kept[0])
    np.testing.assert_array_equal(first.quats, kept[1])


def test_another_body_is_refused(avatar: GaussianAvatar, body: BodyModel) -> None:
    with pytest.raises(BadInputError, match=r"'tester' was made for another body"):
        AvatarPoser(replace(avatar, body_sha256="00" * 32), body)


def test_a_face_past_the_body_is_refused(avatar: GaussianAvatar, body: BodyModel) -> None:
    beyond = avatar.face_index.copy()
    beyond[3] = len(body.faces)
    with pytest.raises(BadInputError, match=r"'tester' points past"):
        AvatarPoser(replace(avatar, face_index=beyond), body)


def test_degree_zero_colour_round_trip() -> None:
    rgb = np.random.default_rng(0).uniform(0, 1, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(diffuse_color(sh_from_rgb(rgb)), rgb, atol=1e-6)


@pytest.mark.parametrize("k", [1, 4, 9])
def test_spherical_harmonics_are_orthonormal(k: int) -> None:
    """Integrals of products of the basis over the sphere, by Monte Carlo on antipodal directions."""
    rng = np.random.default_rng(1)
    d = rng.normal(size=(60_000, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    d = np.concatenate([d, -d])
    basis = np.empty((k, len(d)))
    for i in range(k):
        sh = np.zeros((len(d), k, 3), np.float32)
        sh[:, i] = 0.3
        basis[i] = (color_towards(sh, d)[:, 0] - 0.5) / 0.3
    gram = 4 * np.pi * basis @ basis.T / len(d)
    np.testing.assert_allclose(gram, np.eye(k), atol=0.03)


def test_view_dependent_colour_turns_with_the_body(avatar: GaussianAvatar, body: BodyModel) -> None:
    """An eye that turns with the person sees the same colours: directions are taken in the surface's frame."""
    rng = np.random.default_rng(2)
    sh = np.concatenate([avatar.sh, rng.normal(scale=0.2, size=(N, 3, 3)).astype(np.float32)], axis=1)
    poser = AvatarPoser(replace(avatar, sh=sh), body)
    rest = BodyState.rest(0, body.num_expression)
    R, eye = Rotation.from_rotvec([0.3, 1.1, -0.4]), np.array([0.4, 0.2, 2.0])
    pelvis = poser.body.J_regressor[0].toarray() @ body.shaped(avatar.betas)
    turned = replace(rest, global_orient=R.as_rotvec().astype(np.float32))
    seen = poser.pose(rest, eye).colors
    np.testing.assert_allclose(poser.pose(turned, R.apply(eye - pelvis)[0] + pelvis[0]).colors, seen, atol=1e-3)
    assert np.abs(seen - poser.pose(rest).colors).max() > 0.05


def test_threads_change_nothing(avatar: GaussianAvatar, body: BodyModel) -> None:
    state = random_state(body, seed=5)
    alone = AvatarPoser(avatar, body).pose(state)
    poser = AvatarPoser(avatar, body, threads=3)
    shared = poser.pose(state)
    poser.close()
    for field in ("means", "quats", "scales", "normals"):
        np.testing.assert_array_equal(getattr(shared, field), getattr(alone, field))


@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1),
    angle=st.floats(-np.pi, np.pi) | st.sampled_from([np.pi, -np.pi, np.pi - 1e-3, 0.0]),
)
def test_quaternions_of_transforms_agree_with_scipy_up_to_half_turns(
    axis: tuple[float, float, float], angle: float
) -> None:
    rotation = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis))
    transforms = np.zeros((1, 3, 4), np.float32)
    transforms[0, :, :3] = rotation.as_matrix()
    ours, theirs = quats_of_transforms(transforms), quats_of(rotation.as_matrix()[None])
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-6)
    assert min(np.abs(ours - theirs).max(), np.abs(ours + theirs).max()) < 1e-5
