"""The mirror's eyes and its picture: geometry by projection, pixels against the plain twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.mirror.framing import (
    INTERPUPILLARY_M,
    Framing,
    mirror_picture,
    mirror_picture_reference,
    studio_background,
)
from inperson.render.gbuffer import GBuffer

HEAD = np.array([0.1, 0.2, -0.8])


def project(view, point) -> np.ndarray:
    """Pixels of a world point."""
    p = view.T_cv_from_world @ np.append(point, 1.0)
    K = view.intrinsics
    return np.array([K.fx * p[0] / p[2] + K.cx, K.fy * p[1] / p[2] + K.cy])


def random_gbuffer(views: int, seed: int = 0) -> GBuffer:
    rng = np.random.default_rng(seed)
    alpha = rng.random((views, 6, 10), np.float32)
    rgb = rng.random((views, 6, 10, 3), np.float32) * alpha[..., None] * 1.2
    empty = np.zeros_like(rgb)
    return GBuffer(rgb, alpha, alpha, empty, empty[..., :0])


def test_the_head_is_in_the_upper_middle_and_the_eye_looks_at_the_person_from_the_front():
    framing = Framing.of_person(HEAD)
    (view,) = framing.eyes(512, 512)
    u, v = project(view, HEAD)
    assert u == pytest.approx(256)
    assert 80 < v < 200
    assert view.T_world_from_eye[2, 3] > HEAD[2]


def test_heights_at_the_centre_fill_the_picture():
    framing = Framing(centre=HEAD, height=1.2)
    (view,) = framing.eyes(640, 480)
    assert project(view, HEAD + np.array([0, 0.6, 0])) == pytest.approx([320, 0], abs=1e-6)
    assert project(view, HEAD - np.array([0, 0.6, 0])) == pytest.approx([320, 480], abs=1e-6)
    assert view.intrinsics.fx == pytest.approx(view.intrinsics.fy)


def test_stereo_eyes_are_apart_and_agree_at_the_centre():
    left, right = Framing(centre=HEAD).eyes(512, 512, stereo=True)
    apart = right.T_world_from_eye[:3, 3] - left.T_world_from_eye[:3, 3]
    assert apart == pytest.approx([INTERPUPILLARY_M, 0, 0])
    assert project(left, HEAD) == pytest.approx(project(right, HEAD))
    nearer = HEAD + np.array([0, 0, 0.3])
    assert project(left, nearer)[0] > project(right, nearer)[0]


@given(st.floats(-10, 10))
def test_an_eye_that_walks_around_keeps_looking_at_the_centre(azimuth):
    (view,) = Framing(centre=HEAD, azimuth=azimuth).eyes(512, 384)
    assert project(view, HEAD) == pytest.approx([256, 192])
    assert np.linalg.norm(view.T_world_from_eye[:3, 3] - HEAD) == pytest.approx(1.4)
    np.testing.assert_allclose(view.T_world_from_eye[:3, :3].T @ view.T_world_from_eye[:3, :3], np.eye(3), atol=1e-12)
    assert np.linalg.det(view.T_world_from_eye[:3, :3]) == pytest.approx(1)


def test_a_quarter_turn_stands_at_the_persons_left():
    (view,) = Framing(centre=HEAD, azimuth=np.pi / 2).eyes(512, 512)
    assert view.T_world_from_eye[:3, 3] == pytest.approx(HEAD + np.array([1.4, 0, 0]))


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("reflect", [False, True])
def test_picture_equals_its_plain_twin(views, reflect):
    gbuffer, background = random_gbuffer(views), studio_background(10, 6)
    np.testing.assert_array_equal(
        mirror_picture(gbuffer, background, reflect=reflect),
        mirror_picture_reference(gbuffer, background, reflect=reflect),
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 2))
def test_reflecting_runs_columns_backwards_under_a_symmetric_background(seed, views):
    gbuffer, background = random_gbuffer(views, seed), np.full((6, 10, 3), 0.25, np.float32)
    np.testing.assert_array_equal(
        mirror_picture(gbuffer, background, reflect=True),
        mirror_picture(gbuffer, background, reflect=False)[:, ::-1],
    )


def test_the_wall_shows_where_nobody_stands():
    nobody = GBuffer(
        *(np.zeros(s, np.float32) for s in [(1, 6, 10, 3), (1, 6, 10), (1, 6, 10), (1, 6, 10, 3), (1, 6, 10, 0)])
    )
    background = studio_background(10, 6)
    np.testing.assert_array_equal(
        mirror_picture(nobody, background), np.floor(background * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    )
