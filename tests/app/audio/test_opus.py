"""Opus: what was captured comes back at its own time, and sounds like it."""

import numpy as np
import pytest

from inperson.app.audio.opus import BLOCK, SAMPLE_RATE, OpusDecoder, OpusEncoder

MS = SAMPLE_RATE // 1000


def _there_and_back(samples: np.ndarray) -> tuple[np.ndarray, int]:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    packets = [encoder.encode(block) for block in samples.reshape(-1, BLOCK)]
    return np.concatenate([decoder.decode(packet) for packet in packets]), encoder.delay


@pytest.mark.parametrize("at", [5003, 12345, 40_000])
def test_an_impulse_comes_back_where_it_was_once_the_delay_is_taken_off(at: int) -> None:
    sound = np.zeros(50 * BLOCK, np.float32)
    sound[at] = 0.9
    heard, delay = _there_and_back(sound)
    assert delay == 312
    assert len(heard) == len(sound)
    assert abs(int(np.argmax(np.abs(heard))) - delay - at) < MS


def test_a_voice_like_sound_keeps_its_shape_and_its_place() -> None:
    t = np.arange(100 * BLOCK) / SAMPLE_RATE
    pitch = 140.0 + 30.0 * np.sin(2 * np.pi * 1.5 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.2 + 0.1 * np.sin(2 * np.pi * 3 * t))
    heard, delay = _there_and_back(sound.astype(np.float32))
    lags = np.arange(delay - 10 * MS, delay + 10 * MS)
    middle = slice(20_000, 80_000)
    alike = [float(np.corrcoef(sound[middle], np.roll(heard, -lag)[middle])[0, 1]) for lag in lags]
    assert abs(int(lags[np.argmax(alike)]) - delay) < MS
    assert max(alike) > 0.95


def test_a_packet_is_small_and_silence_is_smaller() -> None:
    rng = np.random.default_rng(3)
    encoder = OpusEncoder()
    loud = [len(encoder.encode(rng.normal(0, 0.1, BLOCK).astype(np.float32))) for _ in range(50)]
    silent = [len(encoder.encode(np.zeros(BLOCK, np.float32))) for _ in range(80)]
    assert np.mean(loud) < 2 * 24_000 / 8 / 50
    assert np.mean(silent[50:]) < 0.5 * np.mean(loud)


def test_two_channels_are_mixed_into_one() -> None:
    import av

    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = SAMPLE_RATE, "stereo", "flt", 64_000
    tone = np.sin(np.arange(10 * BLOCK) * 2 * np.pi * 440 / SAMPLE_RATE).astype(np.float32) * 0.5
    context.options = {"frame_duration": "20"}
    context.open()
    packets = []
    for block in tone.reshape(-1, BLOCK):
        frame = av.AudioFrame.from_ndarray(np.repeat(block, 2)[None], format="flt", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        packets += [bytes(packet) for packet in context.encode(frame)]
    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == len(tone)
    assert 0.3 < np.abs(heard[4 * BLOCK :]).max() < 0.6


@pytest.mark.parametrize("packet", [b"\xff\xff\xff\xff\x01", b"\x03", b"\x7b\x7f" + b"\x00" * 5])
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="not an Opus packet"):
        OpusDecoder().decode(packet)


def test_after_forgetting_the_same_packet_decodes_as_at_first() -> None:
    rng = np.random.default_rng(4)
    encoder = OpusEncoder()
    packets = [encoder.encode(rng.normal(0, 0.1, BLOCK).astype(np.float32)) for _ in range(4)]
    decoder = OpusDecoder()
    first = decoder.decode(packets[2])
    decoder.decode(packets[3])
    assert not np.array_equal(decoder.decode(packets[2]), first)
    decoder.forget()
    assert np.array_equal(decoder.decode(packets[2]), first)
