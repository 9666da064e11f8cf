"""Gaussians in a mirror."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.gaussians import PosedGaussians
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.render.scene.reflection import reflect
from tests.render.scenes import cloud, psnr, straight_view

H = np.diag([1.0, 1.0, -1.0])
some = settings(max_examples=20)
planes = st.floats(-5, 5)


def covariances(gaussians: PosedGaussians) -> np.ndarray:
    axes = Rotation.from_quat(quat_xyzw_from_wxyz(gaussians.quats.astype(float))).as_matrix()
    return np.einsum("nij,nj,nkj->nik", axes, gaussians.scales.astype(float) ** 2, axes)


@some
@given(seed=st.integers(0, 1000), plane_z=planes)
def test_twice_is_nothing(seed, plane_z):
    gaussians = cloud(20, 2, seed=seed)
    twice = reflect(reflect(gaussians, plane_z), plane_z)
    np.testing.assert_allclose(twice.means, gaussians.means, atol=2e-6)
    for name in ("quats", "normals", "scales", "opacities", "colors", "features"):
        np.testing.assert_array_equal(getattr(twice, name), getattr(gaussians, name))


@some
@given(seed=st.integers(0, 1000), plane_z=planes)
def test_covariances_are_conjugated_and_means_mirrored(seed, plane_z):
    gaussians = cloud(20, seed=seed)
    mirrored = reflect(gaussians, plane_z)
    np.testing.assert_allclose(covariances(mirrored), H @ covariances(gaussians) @ H, atol=1e-8)
    np.testing.assert_allclose(mirrored.means[:, :2], gaussians.means[:, :2])
    np.testing.assert_allclose((mirrored.means[:, 2] + gaussians.means[:, 2]) / 2, plane_z, atol=1e-6)
    np.testing.assert_allclose(mirrored.normals, gaussians.normals @ H, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(mirrored.quats, axis=1), 1, atol=1e-6)


def test_the_mirrored_picture_is_what_the_mirrored_eye_sees_reversed(cpu):
    """An eye behind the glass that looks along +z sees the Gaussians themselves with left and right exchanged."""
    gaussians, view, plane_z = cloud(100), straight_view(65), -0.9
    in_mirror = cpu.render_color(reflect(gaussians, plane_z), [view]).rgb[0]
    flipped_eye = H @ view.T_world_from_eye[:3, :3] @ np.diag([-1.0, 1.0, 1.0])
    behind = np.eye(4)
    behind[:3, :3], behind[2, 3] = flipped_eye, 2 * plane_z
    direct = cpu.render_color(gaussians, [type(view)(behind, *_angles(view), view.width, view.height)]).rgb[0]
    assert in_mirror.max() > 0.5
    assert psnr(in_mirror, direct[:, ::-1]) > 60


def test_nothing_is_changed_in_place():
    gaussians = cloud(5)
    before = gaussians.means.copy(), gaussians.quats.copy()
    mirrored = reflect(gaussians, -1.5)
    np.testing.assert_array_equal(gaussians.means, before[0])
    np.testing.assert_array_equal(gaussians.quats, before[1])
    assert mirrored.means.dtype == mirrored.quats.dtype == np.float32
    assert mirrored.means.flags.c_contiguous
    assert mirrored.means[0, 2] == pytest.approx(-3.0 - before[0][0, 2])


def _angles(view) -> tuple[float, float, float, float]:
    return view.angle_left, view.angle_right, view.angle_up, view.angle_down
