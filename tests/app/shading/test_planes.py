"""Refined colours keep the render's depth; what lies outside the crop stays as it is."""

import numpy as np
import pytest
import torch

from inperson.app.shading.planes import CLEAR, refined, refined_reference
from inperson.app.shading.views import pasted
from inperson.render.scene.crop import Crop, PixelRectangle, sub_view
from tests.reconstruct.far_device import FAR, far_device
from tests.shader_model.conditions.scenes import eye

AHEAD = np.array([1.2, 1.4], np.float32)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Two eyes' render with clear, soft and opaque pixels, and what a shader made of it."""
    random = np.random.default_rng(0)
    alpha = np.clip(random.uniform(-0.5, 1.5, (2, 24, 40)), 0, 1)
    color = random.random((2, 3, 24, 40)) * alpha[:, None]
    planes = np.concatenate([color, (alpha * 1.7)[:, None], alpha[:, None]], 1)
    return planes.astype(np.float32), random.random((2, 4, 24, 40), np.float32)


def refined_here(plain: np.ndarray, shaded: np.ndarray) -> np.ndarray:
    return refined(torch.from_numpy(plain), torch.from_numpy(shaded), AHEAD).numpy()


def refined_elsewhere(plain: np.ndarray, shaded: np.ndarray) -> np.ndarray:
    """On a device that allows nothing but its own tensors."""
    with pytest.MonkeyPatch.context() as patch, far_device(patch):
        out = refined(torch.from_numpy(plain).to(FAR), torch.from_numpy(shaded).to(FAR), AHEAD)
        assert out.device == FAR
        return out.cpu().numpy()


EITHER_WAY = pytest.mark.parametrize("refine", [refined_here, refined_elsewhere])


@EITHER_WAY
def test_either_form_agrees_with_the_plain_one(drawn, refine) -> None:
    plain, shaded = drawn
    np.testing.assert_allclose(refine(plain, shaded), refined_reference(plain, shaded, AHEAD), rtol=1e-6)


@EITHER_WAY
def test_a_pixel_is_as_far_as_it_was_and_a_new_one_as_far_as_the_person(drawn, refine) -> None:
    plain, shaded = drawn
    result = refine(plain, shaded)
    far = result[:, 3] / shaded[:, 3]
    was_there = plain[:, 4] > CLEAR
    assert 0.1 < was_there.mean() < 0.9
    np.testing.assert_allclose(far[was_there], 1.7, rtol=1e-5)
    np.testing.assert_allclose(far[0][~was_there[0]], 1.2, rtol=1e-5)
    np.testing.assert_allclose(far[1][~was_there[1]], 1.4, rtol=1e-5)
    np.testing.assert_array_equal(result[:, 4], shaded[:, 3])


def test_a_render_that_is_here_brings_what_was_shaded_elsewhere(drawn) -> None:
    plain, shaded = (torch.from_numpy(x) for x in drawn)
    with pytest.MonkeyPatch.context() as patch, far_device(patch):
        assert torch.equal(refined(plain, shaded.to(FAR), AHEAD), refined(plain, shaded, AHEAD))


def test_a_crop_that_reaches_beyond_the_view_is_cut_and_all_else_is_empty(drawn) -> None:
    plain, _ = drawn
    view = eye(size=(50, 30))
    parts = PixelRectangle(-8, 10, 40, 24), PixelRectangle(20, -5, 40, 24)
    whole = pasted(torch.from_numpy(plain), Crop(parts, tuple(sub_view(view, part) for part in parts)), 50, 30).planes
    np.testing.assert_array_equal(whole[0, :, 10:30, 0:32], plain[0, :, :20, 8:])
    np.testing.assert_array_equal(whole[1, :, 0:19, 20:50], plain[1, :, 5:, :30])
    inside = np.zeros((2, 30, 50), bool)
    inside[0, 10:30, 0:32] = inside[1, 0:19, 20:50] = True
    assert not whole.transpose(0, 2, 3, 1)[~inside].any()
