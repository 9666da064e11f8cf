"""Ends of series with and without drift."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.shader_model.evaluation import drift
from inperson.shader_model.evaluation.drift import ERROR_RATE, Ends, within_noise

LONG = 4000


def compare_ends(values: np.ndarray) -> Ends:
    ends = drift.compare_ends(values)
    assert ends is not None
    return ends


def noise(seed: int, frames: int = LONG) -> np.ndarray:
    """Neighbours alike, as frames are: a moving mean of white noise."""
    white = np.random.default_rng(seed).normal(0.0, 1.0, frames + 20)
    return np.convolve(white, np.ones(20) / np.sqrt(20), "valid")[:frames]


def test_a_steady_series_is_called_drifting_no_oftener_than_agreed() -> None:
    false_alarms = np.mean([not within_noise({"x": compare_ends(noise(seed))}) for seed in range(300)])
    assert false_alarms < 2 * ERROR_RATE


def test_a_slow_drift_is_found() -> None:
    drifting = {"x": compare_ends(noise(0) + np.linspace(0, 2.0, LONG))}
    assert not within_noise(drifting)
    assert drifting["x"].end - drifting["x"].start == pytest.approx(1.5, abs=0.5)
    assert drifting["x"].z > 4.0


def test_many_series_share_one_error_rate() -> None:
    unlucky = Ends(0.0, 1.0, 0.4, 2.5, 0.02)
    fine = Ends(0.0, 0.0, 0.4, 0.0, 0.9)
    assert not within_noise({"a": unlucky})
    assert within_noise({"a": unlucky, "b": fine, "c": fine})


def test_a_series_that_never_changes_does_not_drift_and_one_that_jumps_does() -> None:
    assert compare_ends(np.full(LONG, 3.0)) == Ends(3.0, 3.0, 0.0, 0.0, 1.0)
    jumped = compare_ends(np.repeat([1.0, 2.0], LONG // 2))
    assert jumped.z == float("inf")
    assert not within_noise({"x": jumped})


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-50, 50), scale=st.floats(0.01, 100), seed=st.integers(0, 50))
def test_units_do_not_matter(shift: float, scale: float, seed: int) -> None:
    plain, changed = compare_ends(noise(seed)), compare_ends(scale * noise(seed) + shift)
    assert changed.z == pytest.approx(plain.z, rel=1e-6, abs=1e-6)
    assert changed.p == pytest.approx(plain.p, rel=1e-5, abs=1e-9)


def test_only_the_ends_count_and_gaps_do_not() -> None:
    values = noise(3)
    middle = values.copy()
    middle[1000:-1000] += 100.0
    assert compare_ends(middle) == compare_ends(values)
    sparse = np.full(LONG, np.nan)
    sparse[::10] = values[::10]
    ends = compare_ends(sparse)
    assert ends.start == pytest.approx(values[:1000:10].mean())
    assert np.isfinite(ends.z)


def test_short_runs_compare_their_halves() -> None:
    ends = compare_ends(np.concatenate([np.zeros(8), np.ones(8)]) + noise(1, 16) * 1e-3)
    assert ends.start == pytest.approx(0.0, abs=0.01)
    assert ends.end == pytest.approx(1.0, abs=0.01)


def test_a_series_with_hardly_anything_in_it_is_not_compared() -> None:
    rare = np.full(LONG, np.nan)
    assert drift.compare_ends(rare) is None
    rare[[50, LONG - 50]] = 1.0
    assert drift.compare_ends(rare) is None
    rare[[150, LONG - 150]] = 1.0
    assert drift.compare_ends(rare) is not None
