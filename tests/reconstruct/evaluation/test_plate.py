"""The background plate of a clip whose background is known."""

import numpy as np

from inperson.reconstruct.evaluation.plate import background_plate


def clip(paths: list[int], width: int = 64) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """A background, and a bright square that stands at each of `paths` (left edge, pixels) in turn."""
    rng = np.random.default_rng(0)
    behind = rng.integers(20, 120, (32, width, 3)).astype(np.uint8)
    pictures, alphas = [], []
    for left in paths:
        picture, alpha = behind.copy(), np.zeros((32, width), np.uint8)
        picture[8:24, left : left + 12] = 250
        alpha[8:24, left : left + 12] = 255
        pictures.append(picture)
        alphas.append(alpha)
    return behind, pictures, alphas


def test_what_is_ever_uncovered_is_recovered_exactly():
    behind, pictures, alphas = clip([2, 14, 26, 38, 50] * 3)
    np.testing.assert_allclose(background_plate(pictures, alphas), behind / 255.0, atol=1e-6)


def test_noise_is_taken_out_by_the_median():
    behind, pictures, alphas = clip([2, 14, 26, 38, 50] * 8)
    rng = np.random.default_rng(1)
    noisy = [np.clip(p + rng.normal(0, 6, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    error = np.abs(background_plate(noisy, alphas) - behind / 255.0)
    single = np.abs(noisy[0] / 255.0 - behind / 255.0)[:, 40:]
    assert error.mean() < 0.4 * single.mean()


def test_what_is_always_covered_takes_the_nearest_known_colour():
    behind, pictures, alphas = clip([26] * 6)
    plate = background_plate(pictures, alphas)
    assert np.isfinite(plate).all()
    assert plate.max() < 200 / 255, "nothing of the person is in it"
    np.testing.assert_allclose(plate[:, :20], behind[:, :20] / 255.0, atol=1e-6)


def test_nothing_known_is_grey():
    _, pictures, alphas = clip([0] * 3)
    plate = background_plate(pictures, [np.full_like(a, 255) for a in alphas])
    np.testing.assert_allclose(plate, 0.5)


def test_an_even_number_of_frames_takes_the_mean_of_the_middle_two():
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 40, 250)]
    plate = background_plate(pictures, [np.zeros((4, 4), np.uint8)] * 4)
    np.testing.assert_allclose(plate * 255, 30.0, atol=1e-4)
