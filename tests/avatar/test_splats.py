"""Avatars as splats for other viewers: read back with plyfile, gsply and gsplat, and SPZ by its specification."""

import gzip
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import gsply
import numpy as np
import pytest
import torch
from gsplat.cuda._torch_impl import _spherical_harmonics
from hypothesis import given
from hypothesis import strategies as st
from plyfile import PlyData
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.splat_ply import ply_bytes
from inperson.avatar.splat_spz import _smallest_three, spz_bytes
from inperson.avatar.splats import SplatScene, splat_scene
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from tests.avatar.made_up import made_up_avatar, made_up_residuals

N = 300
REST = {1: 0, 4: 9, 9: 24}
"""Numbers beyond the first harmonic, by the count of harmonics."""


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


def avatar_of(body: BodyModel, k: int) -> GaussianAvatar:
    residuals = made_up_residuals(N, num_expression=body.num_expression)
    avatar = made_up_avatar(N, k, num_faces=len(body.faces), body_sha256=body.sha256, residuals=residuals)
    sh = 0.3 * avatar.sh
    return replace(avatar, sh=sh, opacities=np.linspace(0, 1, N, dtype=np.float32))


def bent(body: BodyModel) -> BodyState:
    pose = np.random.default_rng(3).normal(scale=0.4, size=(55, 3)).astype(np.float32)
    return BodyState.rest(0, body.num_expression).with_full_pose(pose)


@pytest.fixture(scope="module", params=[1, 4, 9])
def scene(request: pytest.FixtureRequest, body: BodyModel) -> SplatScene:
    avatar = avatar_of(body, request.param)
    return splat_scene(avatar, AvatarPoser(avatar, body).pose(bent(body)))


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between wxyz quaternions."""
    a, b = (Rotation.from_quat(np.roll(q, -1, axis=1)) for q in (a, b))
    return np.rad2deg((a * b.inv()).magnitude())


def test_the_scene_is_the_posed_avatar(body: BodyModel) -> None:
    avatar = avatar_of(body, 4)
    posed = AvatarPoser(avatar, body).pose(bent(body))
    scene = splat_scene(avatar, posed)
    np.testing.assert_array_equal(scene.means, posed.means)
    np.testing.assert_array_equal(scene.quats, posed.quats)
    np.testing.assert_allclose(np.exp(scene.log_scales), posed.scales, rtol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-scene.logits)), posed.opacities, atol=2e-6)
    assert np.isfinite(scene.logits).all()


@pytest.mark.parametrize("k", [1, 4, 9])
def test_other_programs_see_the_colours_that_we_see(body: BodyModel, k: int) -> None:
    """gsplat's own spherical harmonics, from the eye of the posed avatar; in a pose that turns every face."""
    avatar = replace(avatar_of(body, k), residuals=None)
    poser, state, eye = AvatarPoser(avatar, body), bent(body), np.array([0.4, 0.1, 2.0])
    scene = splat_scene(avatar, poser.pose(state))
    rays = torch.from_numpy((scene.means - eye).astype(np.float32))
    degree = {1: 0, 4: 1, 9: 2}[k]
    theirs = _spherical_harmonics(degree, rays, torch.from_numpy(scene.sh)).numpy() + 0.5
    np.testing.assert_allclose(np.maximum(theirs, 0), poser.pose(state, eye).colors, atol=2e-3)


def test_what_residuals_add_to_the_colour_is_there(body: BodyModel) -> None:
    avatar = avatar_of(body, 1)
    posed = AvatarPoser(avatar, body).pose(bent(body))
    shown = np.maximum(0.5 + 0.28209479 * splat_scene(avatar, posed).sh[:, 0], 0)
    np.testing.assert_allclose(shown, posed.colors, atol=1e-5)
    plain = AvatarPoser(replace(avatar, residuals=None), body).pose(bent(body))
    assert np.abs(plain.colors - posed.colors).max() > 0.02


def test_ply_has_the_layout_that_everybody_reads(scene: SplatScene) -> None:
    ply = PlyData.read(BytesIO(ply_bytes(scene)))
    (vertices,) = ply.elements
    rest = REST[scene.sh.shape[1]]
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{n}" for n in range(rest))]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    assert [p.name for p in vertices.properties] == names
    assert {p.val_dtype for p in vertices.properties} == {"f4"}
    assert (ply.byte_order, ply.text, vertices.name, vertices.count) == ("<", False, "vertex", N)
    assert any("y up" in comment for comment in ply.comments)
    read = {name: np.asarray(vertices[name]) for name in names}
    np.testing.assert_array_equal(np.stack([read[c] for c in "xyz"], axis=1), scene.means)
    np.testing.assert_array_equal(read["f_dc_1"], scene.sh[:, 0, 1])
    for channel in range(3):  # all of red, then all of green, then all of blue
        for n in range(rest // 3):
            np.testing.assert_array_equal(read[f"f_rest_{channel * rest // 3 + n}"], scene.sh[:, n + 1, channel])
    np.testing.assert_array_equal(read["opacity"], scene.logits)
    np.testing.assert_array_equal(read["scale_2"], scene.log_scales[:, 2])
    np.testing.assert_array_equal(read["rot_0"], scene.quats[:, 0])


def test_gsply_reads_the_ply(scene: SplatScene, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(ply_bytes(scene))
    read = gsply.plyread(tmp_path / "a.ply")
    for name, ours in (("means", scene.means), ("quats", scene.quats), ("scales", scene.log_scales)):
        np.testing.assert_array_equal(getattr(read, name), ours)
    np.testing.assert_array_equal(read.opacities, scene.logits)
    np.testing.assert_array_equal(read.sh0, scene.sh[:, 0])
    np.testing.assert_array_equal(read.shN, scene.sh[:, 1:])


def test_gsply_reads_the_spz(scene: SplatScene, tmp_path: Path) -> None:
    """Positions to 8 micrometres, scales to half of 1/16, colours to a hundredth, angles to a third of a degree."""
    (tmp_path / "a.spz").write_bytes(spz_bytes(scene))
    read = gsply.read_spz(tmp_path / "a.spz")
    np.testing.assert_allclose(read.means, scene.means, atol=0.51 / 2**16)
    np.testing.assert_allclose(read.scales, np.clip(scene.log_scales, -10, 5.9), atol=0.51 / 16)
    assert angles(read.quats, scene.quats).max() < 0.3
    np.testing.assert_allclose(1 / (1 + np.exp(-read.opacities)), 1 / (1 + np.exp(-scene.logits)), atol=1.01 / 255)
    assert np.isfinite(read.opacities).all()
    np.testing.assert_allclose(read.sh0, scene.sh[:, 0].clip(-3.33, 3.33), atol=0.51 / (0.15 * 255))
    if scene.sh.shape[1] > 1:
        np.testing.assert_allclose(read.shN, scene.sh[:, 1:].clip(-1, 127 / 128), atol=0.51 / 128)


def test_spz_by_the_bytes_of_its_specification() -> None:
    """One Gaussian at (1, -0.5, 0.25), turned by -60 degrees about x; by hand from the published format."""
    scene = SplatScene(
        name="one",
        means=np.float32([[1.0, -0.5, 0.25]]),
        quats=np.float32([[-np.sqrt(0.75), 0.5, 0.0, 0.0]]),
        log_scales=np.float32([[-10.0, -5.0, 0.0]]),
        logits=np.float32([0.0]),
        sh=np.float32([[[0.0, 1.0, -10.0], [0.5, -0.5, 0.0], [1.0, -1.0, 0.25], [2.0, -2.0, 0.0]]]),
        normals=np.float32([[0.0, 1.0, 0.0]]),
    )
    packed = spz_bytes(scene)
    assert packed[:2] == b"\x1f\x8b"  # gzip
    assert packed[4:8] == bytes(4)  # no time: equal avatars give equal files
    data = gzip.decompress(packed)
    header, body = data[:16], data[16:]
    assert header[:4] == b"NGSP"
    assert struct.unpack("<IIIBBBB", header) == (0x5053474E, 3, 1, 1, 16, 0, 0)
    positions = b"\x00\x00\x01" + b"\x00\x80\xff" + b"\x00\x40\x00"  # 65536, -32768, 16384
    alphas, colors = bytes([128]), bytes([128, round((0.15 + 0.5) * 255), 0])
    scales = bytes([0, 80, 160])
    rotations = struct.pack("<I", 3 << 30 | (512 + 361) << 20)  # w is largest; x is -361 of sqrt(1/2) / 511
    sh = bytes([192, 64, 128, 255, 0, 160, 255, 0, 128])
    assert body == positions + alphas + colors + scales + rotations + sh


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_rotations_are_unpacked_by_the_rule_of_the_specification(wxyz: tuple) -> None:
    quat = np.float32([wxyz]) / np.linalg.norm(wxyz).astype(np.float32)
    word = int(_smallest_three(quat)[0])
    largest, xyzw = word >> 30, np.zeros(4)
    for component in (3, 2, 1, 0):
        if component != largest:
            xyzw[component] = (word & 511) / 511 * np.sqrt(0.5) * (-1 if word & 512 else 1)
            word >>= 10
    xyzw[largest] = np.sqrt(1 - (xyzw**2).sum())
    assert angles(np.roll(xyzw, 1)[None], quat)[0] < 0.3  # 9 bits of sqrt(1/2), three times, in quadrature


@pytest.mark.parametrize(("distance", "bits"), [(1.0, 16), (127.0, 16), (129.0, 15), (8e6, 0)])
def test_scenes_that_reach_far_keep_their_place(
    distance: float, bits: int, scene: SplatScene, tmp_path: Path
) -> None:
    far = replace(scene, means=scene.means * 0 + np.float32([-distance, 0, distance]))
    data = gzip.decompress(spz_bytes(far))
    assert data[13] == bits
    raw = np.frombuffer(data[16:19], np.uint8).astype(int)
    x = raw[0] | raw[1] << 8 | raw[2] << 16
    assert (x - (1 << 24 if x & 0x800000 else 0)) / 2**bits == pytest.approx(-distance, abs=0.5 / 2**bits)


def test_further_than_24_bits_reach_is_refused(scene: SplatScene) -> None:
    with pytest.raises(BadInputError, match="from the origin"):
        spz_bytes(replace(scene, means=scene.means + np.float32(1e8)))


def test_names_that_ply_cannot_hold_are_spelt_out(scene: SplatScene) -> None:
    ply = PlyData.read(BytesIO(ply_bytes(replace(scene, name="Zoë"))))
    assert "avatar Zo?, exported by InPerson" in ply.comments
