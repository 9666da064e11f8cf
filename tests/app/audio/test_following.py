"""Sound that follows a clock: as it was at its own pace, in its own pitch at any other, never far from the clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.audio.following import HOP, SEARCH, SLACK, FollowingSound

RATE = 48_000
NEAR = SLACK + SEARCH + 1
"""Samples: what a piece may be off the clock."""


def ramp(seconds: float = 2.0) -> np.ndarray:
    """Every sample says which one it is."""
    return np.linspace(0.0, 1.0, round(seconds * RATE), dtype=np.float32)


def heard(sound: FollowingSound, place_of, count: int, block: int = 441) -> np.ndarray:
    """So many samples, asked for as a device does."""
    blocks = []
    for first in range(0, count, block):
        blocks.append(sound.read(block, lambda n, first=first: place_of(first + n)))
    return np.concatenate(blocks)[:count]


def test_at_its_own_pace_it_is_what_it_was():
    samples = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    out = heard(FollowingSound(samples), lambda n: 1000.0 + n, 20_000)
    np.testing.assert_allclose(out[HOP:], samples[1000 + HOP : 21_000], atol=1e-6)  # the first piece fades in


@given(st.floats(0.25, 2.0), st.integers(64, 2048))
def test_at_any_pace_it_stays_with_the_clock(speed, block):
    samples = ramp()
    out = heard(FollowingSound(samples), lambda n: 5000.0 + speed * n, 30_000, block)
    places = out[2 * HOP :] * (len(samples) - 1)
    assert np.abs(places - 5000.0 - speed * np.arange(2 * HOP, 30_000)).max() <= NEAR + HOP


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2.0])
def test_a_tone_keeps_its_pitch_and_its_loudness(speed):
    hertz = 220.0
    samples = np.sin(2 * np.pi * hertz * np.arange(4 * RATE) / RATE).astype(np.float32)
    out = heard(FollowingSound(samples), lambda n: speed * n, RATE)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    assert np.argmax(spectrum) * RATE / len(out) == pytest.approx(hertz, rel=0.02)
    assert np.sqrt(np.mean(out[HOP:] ** 2)) == pytest.approx(np.sqrt(0.5), rel=0.03)


def test_a_device_whose_clock_is_off_never_falls_behind():
    """100 parts in a million for ten seconds, spliced where nobody hears it."""
    samples = np.sin(2 * np.pi * 150.0 * np.arange(12 * RATE) / RATE).astype(np.float32)
    out = heard(FollowingSound(samples), lambda n: n * 1.002, 10 * RATE)
    steps = np.abs(np.diff(out[HOP:]))
    assert steps.max() < 1.3 * 2 * np.pi * 150.0 / RATE  # no click


def test_a_jump_is_there_within_a_piece_and_the_old_sound_is_gone():
    samples = ramp()
    sound = FollowingSound(samples)
    heard(sound, lambda n: float(n), 4800, HOP)
    out = heard(sound, lambda n: 60_000.0 + n, 4800, HOP) * (len(samples) - 1)
    np.testing.assert_allclose(out[HOP:], 60_000 + np.arange(HOP, 4800), atol=1.0)


def test_silence_fades_out_within_a_piece_and_lies_around_the_sound():
    samples = np.ones(RATE, np.float32)
    sound = FollowingSound(samples)
    heard(sound, lambda n: float(n), 4800, HOP)
    out = heard(sound, lambda n: None, 4800, HOP)
    assert (np.diff(out[:HOP]) <= 0).all()
    assert (out[HOP:] == 0).all()
    assert (heard(FollowingSound(samples), lambda n: n - 9600.0, 9000) == 0).all()
    beyond = heard(FollowingSound(samples), lambda n: RATE - 100.0 + n, 9600)
    assert (beyond[2 * HOP :] == 0).all()
