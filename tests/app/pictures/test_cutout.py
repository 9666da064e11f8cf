"""Cut-out people: over any background they are what `mirror_picture` draws; colours reach beyond the outline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.app.mirror.framing import mirror_picture
from inperson.app.pictures.cutout import REACH, cutout_picture
from inperson.render.gbuffer import ColorBuffer


def drawn(seed: int, views: int = 1) -> ColorBuffer:
    """A soft disc of random colours."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:40, 0:60]
    alpha = np.clip(1.5 - np.hypot(y - 20, x - 25) / 8, 0, 1).astype(np.float32)
    planes = np.zeros((views, 5, 40, 60), np.float32)
    planes[:, :3] = rng.uniform(0, 1, (views, 3, 40, 60)) * alpha
    planes[:, 4] = alpha
    return ColorBuffer(planes)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.booleans(), st.floats(0, 1))
def test_over_a_background_it_is_the_mirrors(seed, reflect, grey):
    buffer = drawn(seed, views=2)
    rgba = cutout_picture(buffer, reflect=reflect).astype(float)
    over = rgba[..., :3] * rgba[..., 3:] / 255.0 + 255.0 * grey * (1.0 - rgba[..., 3:] / 255.0)
    expected = mirror_picture(buffer, np.full((40, 60, 3), grey, np.float32), reflect=reflect)
    assert np.abs(over - expected).max() <= 2.0


def test_colours_are_not_premultiplied_and_carried_on():
    buffer = drawn(0)
    buffer.planes[0, :3] = np.array([0.8, 0.4, 0.2], np.float32)[:, None, None] * buffer.alpha[0]
    rgba = cutout_picture(buffer, reflect=False)
    near = np.zeros((40, 60), bool)
    near[20, 25 - 11 - REACH + 1 : 25 + 11 + REACH] = True
    assert np.abs(rgba[near][:, :3].astype(int) - [204, 102, 51]).max() <= 1
    assert rgba[20, 25 - 13 - REACH // 2, 3] == 0


def test_nobody_is_nothing():
    assert not cutout_picture(ColorBuffer(np.zeros((1, 5, 8, 8), np.float32)))[..., 3].any()
    assert cutout_picture(ColorBuffer(np.zeros((2, 5, 8, 8), np.float32))).shape == (8, 16, 4)
    assert pytest.approx(0) == cutout_picture(ColorBuffer(np.zeros((1, 5, 8, 8), np.float32))).max()
