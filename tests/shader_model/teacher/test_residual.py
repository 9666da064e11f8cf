"""Residuals take the render to the truth and back, and pictures stay pictures."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.teacher.residual import CHANNELS, SCALE, fold, picture_of, residual_of


def premultiplied(seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    alpha = torch.rand((2, 3, 1, 16, 24), generator=random)
    return torch.cat([torch.rand((2, 3, 3, 16, 24), generator=random) * alpha, alpha], dim=2)


@given(seed=st.integers(0, 999))
def test_the_residual_takes_the_render_to_the_truth(seed: int) -> None:
    truth, render = premultiplied(seed), premultiplied(seed + 1000)
    residual = residual_of(truth, render)
    assert residual.shape == (2, 3, CHANNELS, 4, 6)
    torch.testing.assert_close(picture_of(residual, render), truth, atol=1e-6, rtol=0)


@given(seed=st.integers(0, 999), size=st.floats(0.1, 20.0))
def test_any_residual_gives_a_picture(seed: int, size: float) -> None:
    noise = torch.randn((2, 3, CHANNELS, 4, 6), generator=torch.Generator().manual_seed(seed))
    picture = picture_of(size * noise, premultiplied(seed))
    assert picture.min() >= 0.0
    assert picture.max() <= 1.0
    assert (picture[:, :, :3] <= picture[:, :, 3:]).all()


def test_blocks_of_one_colour_are_together() -> None:
    picture = torch.arange(4 * 4 * 8.0).view(4, 4, 8)
    folded = fold(picture)
    assert torch.equal(folded[16:32, 0, 1], picture[1, :, 4:].flatten())
    assert torch.equal(residual_of(picture, torch.zeros_like(picture)), folded / SCALE)
