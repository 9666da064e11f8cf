"""The photo's pixels appear where the surface carries them, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.gaussians import ReferencePhoto
from inperson.shader_model.conditions.photo import PhotoCarrier, PhotoPyramid, carry_photo, usual_stride
from inperson.shader_model.interface import INNER
from inperson.workers import Workers
from tests.avatar.made_up import made_up_photo


def fields_of(places: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(1, h, w, 3) as the dense pass draws them."""
    return np.concatenate([places * trust[..., None], trust[..., None]], axis=-1)[None].astype(np.float32)


def grid(width: int, height: int, u: tuple[float, float], v: tuple[float, float]) -> np.ndarray:
    """Places that run evenly over the picture's edges from u[0] to u[1] and from v[0] to v[1]."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    return np.stack(np.meshgrid(u[0] + (u[1] - u[0]) * x, v[0] + (v[1] - v[0]) * y), axis=-1)


def smooth_photo(width: int, height: int) -> ReferencePhoto:
    """Slow waves, opaque."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [0.5 + 0.4 * np.sin(0.11 * x + k + 0.07 * k * y) for k in range(3)]
    image = np.stack([*waves, np.ones_like(waves[0])], axis=-1)
    return ReferencePhoto(np.rint(image * 255).astype(np.uint8), np.zeros((1, 2), np.float32), np.ones(1, np.float32))


def carried(photo: ReferencePhoto, fields: np.ndarray, threads: int = 1) -> np.ndarray:
    workers = Workers(threads)
    out = PhotoCarrier(photo, workers).carry(fields)
    workers.close()
    return out


def test_a_photo_seen_as_it_was_taken_is_itself() -> None:
    """One photo pixel a crop pixel, in place: the photo's own pixels come out."""
    photo = smooth_photo(96, 64)
    out = carried(photo, fields_of(grid(24, 16, (0, 1), (0, 1)), np.ones((16, 24))))
    inside = np.s_[2:-2, 2:-2]  # at the edges places are not extrapolated
    np.testing.assert_allclose(out[0, 3][inside], 1.0, atol=1e-5)
    wanted = np.moveaxis(photo.image[..., :3] / 255.0, -1, 0)
    np.testing.assert_allclose(out[0, :3, 2:-2, 2:-2], wanted[:, 2:-2, 2:-2], atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("scale", [0.7, 2.6])
def test_the_fast_path_is_the_plain_one(threads: int, scale: float) -> None:
    """Two eyes, bent places, trust that comes and goes, and a step in the middle."""
    rng = np.random.default_rng(0)
    photo = made_up_photo(1, width=200, height=150)
    width, height = 40, 32
    span = scale * INNER * np.array([width, height]) / [200, 150]
    places = grid(width, height, (0.5 - span[0] / 2, 0.5 + span[0] / 2), (0.5 - span[1] / 2, 0.5 + span[1] / 2))
    places += 0.01 * np.sin(5 * places[..., ::-1])
    places[:, width // 2 :] += 0.3
    trust = np.clip(np.cumsum(rng.normal(scale=0.2, size=(height, width)), axis=1) + 0.5, 0, 1)
    one = fields_of(np.clip(places, 0, 1), trust)
    fields = np.concatenate([one, one[:, ::-1]])
    plain = carry_photo(fields, PhotoPyramid.of(photo)).numpy()
    fast = carried(photo, fields, threads)
    assert fast.shape == plain.shape == (2, 4, INNER * height, INNER * width)
    np.testing.assert_allclose(fast, plain, atol=2e-3)
    assert 0.2 < (plain[:, 3] > 0.1).mean() < 0.9


def test_between_places_far_apart_is_nothing() -> None:
    """The left half shows the photo's left, the right half its right end: nothing smears between."""
    photo = smooth_photo(400, 64)
    places = grid(24, 16, (0.0, 0.24), (0.0, 1.0))
    places[:, 12:, 0] += 0.7
    out = carried(photo, fields_of(places, np.ones((16, 24))))[0]
    step = 12 * INNER
    assert out[3, :, step - INNER // 2 : step + INNER // 2].max() == 0
    assert out[3, :, : step - INNER // 2].min() > 0.99
    assert out[3, :, step + INNER // 2 :].min() > 0.99


def test_seen_from_afar_fine_patterns_are_grey() -> None:
    """Stripes of one pixel, four photo pixels to each crop pixel: their mean, not a random stripe."""
    stripes = np.zeros((256, 256, 4), np.uint8)
    stripes[:, ::2, :3], stripes[..., 3] = 255, 255
    photo = replace(smooth_photo(4, 4), image=stripes)
    out = carried(photo, fields_of(grid(16, 16, (0.001, 1.001), (0, 1)), np.ones((16, 16))))[0]
    inside = out[:3, 4:-4, 4:-4]
    np.testing.assert_allclose(inside, 0.5, atol=0.01)


def test_trust_and_the_photos_own_alpha_multiply() -> None:
    photo = smooth_photo(96, 64)
    half = replace(photo, image=photo.image.copy())
    half.image[..., 3] = 128
    trust = np.full((16, 24), 0.6)
    places = grid(24, 16, (0, 1), (0, 1))
    out = carried(half, fields_of(places, trust))[0, :, 8:-8, 8:-8]
    whole = carried(photo, fields_of(places, np.ones_like(trust)))[0, :, 8:-8, 8:-8]
    np.testing.assert_allclose(out, whole * 0.6 * 128 / 255, atol=1e-5)


def test_nothing_is_carried_where_nothing_is_trusted() -> None:
    fields = fields_of(grid(24, 16, (0, 1), (0, 1)), np.zeros((16, 24)))
    assert np.abs(carried(smooth_photo(96, 64), fields)).max() == 0
    assert torch.equal(carry_photo(fields, PhotoPyramid.of(smooth_photo(96, 64))), torch.zeros(1, 4, 64, 96))


def test_the_usual_stride_is_that_of_most_pixels() -> None:
    places = grid(24, 16, (0, 1), (0, 1))
    places[:, 12:] += 0.4
    assert usual_stride(fields_of(places, np.ones((16, 24))), (192, 100)) == pytest.approx(2.0, rel=1e-4)


def test_a_pyramid_keeps_the_mean() -> None:
    pyramid = PhotoPyramid.of(made_up_photo(1, width=130, height=67))
    assert [level.shape[:2] for level in pyramid.levels] == [(67, 130), (33, 65), (16, 32)]
    for level in pyramid.levels:
        np.testing.assert_allclose(level.mean(axis=(0, 1)), pyramid.levels[0].mean(axis=(0, 1)), atol=0.01)
