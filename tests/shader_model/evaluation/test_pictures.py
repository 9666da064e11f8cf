"""Scores of pictures whose error is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.evaluation.pictures import (
    WELL_INSIDE,
    PictureSums,
    decibels,
    fine_energy,
    over_grey,
    well_inside,
)
from inperson.shader_model.evaluation.regions import Region

SIZE = 64


def square(seed: int = 0, side: int = 40) -> torch.Tensor:
    """(1 4 H W): speckles of 0.2 to 0.6 in an opaque square, nothing around it."""
    random = torch.Generator().manual_seed(seed)
    out = torch.zeros(1, 4, SIZE, SIZE)
    inside = (..., slice(0, side), slice(0, side))
    out[inside] = 0.2 + 0.4 * torch.rand(1, 4, side, side, generator=random)
    out[:, 3][inside] = 1.0
    return out


def raised(rgba: torch.Tensor, by: float) -> torch.Tensor:
    return torch.cat([rgba[:, :3] + by * rgba[:, 3:], rgba[:, 3:]], dim=1)


def regions(left: Region, right: Region) -> np.ndarray:
    out = np.full((1, SIZE, SIZE), Region.NONE, np.uint8)
    out[:, :40, :20], out[:, :40, 20:40] = left, right
    return out


HALVES = regions(Region.FACE, Region.CLOTH)


@pytest.fixture
def sums(perceptual: Perceptual) -> PictureSums:
    return PictureSums(perceptual)


@settings(max_examples=15, deadline=None)
@given(error=st.floats(0.005, 0.3))
def test_an_even_error_has_its_own_psnr(perceptual: Perceptual, error: float) -> None:
    sums = PictureSums(perceptual)
    truth = square()
    sums.add(raised(truth, error), truth, HALVES, first=False, look=False)
    assert sums.scores().psnr == pytest.approx(-20 * np.log10(error), abs=1e-3)
    assert sums.scores().sharpness == pytest.approx(1.0, abs=1e-4), "it is as sharp"


def test_equal_pictures_score_as_well_as_can_be(sums: PictureSums) -> None:
    truth = square()
    sums.add(truth, truth, HALVES, first=True, look=True)
    scores = sums.scores()
    assert scores.psnr == scores.first_psnr == pytest.approx(100.0)
    assert scores.ssim == pytest.approx(1.0)
    assert scores.perceptual == pytest.approx(0.0, abs=1e-6)
    assert scores.sharpness == 1.0


def test_errors_are_pooled_over_pixels_and_the_first_frame_also_counts_alone(sums: PictureSums) -> None:
    truth = square()
    sums.add(raised(truth, 0.1), truth, HALVES, first=True, look=False)
    sums.add(raised(truth, 0.3), truth, HALVES, first=False, look=False)
    assert sums.scores().psnr == pytest.approx(decibels((0.01 + 0.09) / 2), abs=1e-3)
    assert sums.scores().first_psnr == pytest.approx(20.0, abs=1e-3)


def test_regions_share_the_error_out(sums: PictureSums) -> None:
    truth = square()
    drawn = truth.clone()
    drawn[:, :3, :40, :20] += 0.1  # the face alone is wrong
    sums.add(drawn, truth, HALVES, first=False, look=False)
    assert sums.regions[Region.FACE].value == pytest.approx(0.01, rel=1e-4)
    assert sums.regions[Region.CLOTH].value == 0.0
    assert sums.regions[Region.FACE].count == 40 * 20
    assert np.isnan(sums.regions[Region.HANDS].value)


def test_a_person_drawn_too_large_is_an_error_and_so_is_one_drawn_too_small(sums: PictureSums) -> None:
    everything = np.full((1, SIZE, SIZE), Region.OUTLINE, np.uint8)
    sums.add(square(side=44), square(side=40), everything, first=False, look=False)
    assert sums.regions[Region.OUTLINE].count == 44 * 44
    sums.add(square(side=36), square(side=40), everything, first=False, look=False)
    assert sums.regions[Region.OUTLINE].count == 44 * 44 + 40 * 40


def test_blur_lowers_sharpness_and_noise_raises_it(perceptual: Perceptual) -> None:
    truth = square()
    blurred = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    blurred[:, 3] = truth[:, 3]
    noisy = truth.clone()
    noisy[:, :3] += 0.1 * torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(5)) * truth[:, 3:]
    found = []
    for drawn in (blurred, noisy):
        sums = PictureSums(perceptual)
        sums.add(drawn, truth, HALVES, first=False, look=True)
        found.append(sums.scores())
    assert found[0].sharpness < 0.4
    assert found[1].sharpness > 1.3
    assert found[0].perceptual > 0.01


@settings(max_examples=15, deadline=None)
@given(contrast=st.floats(0.1, 1.0), level=st.floats(0.0, 0.2))
def test_fine_energy_goes_with_the_square_of_contrast_and_knows_no_level(contrast: float, level: float) -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 0.5
    everywhere = np.ones((1, 32, 32), bool)
    changed = fine_energy(contrast * picture + level, everywhere)
    assert changed == pytest.approx(contrast**2 * fine_energy(picture, everywhere), rel=1e-3)


def test_sharpness_is_not_the_outlines() -> None:
    alpha = square()[:, 3].numpy()
    well = well_inside(alpha)[0]
    assert well[10, 10]
    assert not well[:, 40 - WELL_INSIDE :].any()
    assert well[5, 40 - WELL_INSIDE - 1]
    flat = raised(torch.zeros(1, 4, SIZE, SIZE), 0.0)
    flat[:, :, :40, :40] = 1.0
    assert fine_energy(over_grey(flat), well_inside(flat[:, 3].numpy())) < 1e-6
    assert fine_energy(over_grey(flat), np.ones((1, SIZE, SIZE), bool)) > 1.0
