"""A recorded voice back on the session's timeline: lost packets, uneven times, another clock."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.app.audio.opus import BLOCK, BLOCK_NS, SAMPLE_RATE, OpusDecoder
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import Message, MicrophoneRecord
from inperson.app.recording.sound import Sound, SoundTimeline, sound_of
from inperson.app.recording.voice import VoiceStream
from inperson.errors import BadInputError
from tests.app.recording.made_up import write_session

START_NS = 7_000_000_000
MS = SAMPLE_RATE // 1000


def noise(blocks: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.1, blocks * BLOCK).astype(np.float32)


def records_of(samples: np.ndarray) -> list[MicrophoneRecord]:
    voice = VoiceStream("me")
    return [
        voice.record_of(block, START_NS + number * BLOCK_NS)
        for number, block in enumerate(samples.reshape(-1, BLOCK))
    ]


def sound_from(path: Path, records: Iterable[Message], **part: int) -> Sound | None:
    path.unlink(missing_ok=True)
    write_session(path, list(records))
    with SessionReader(path) as session:
        return sound_of(session, "me", **part)


def decoded(records: list[MicrophoneRecord]) -> np.ndarray:
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(record.packet) for record in records])


def moment_of_loudest(sound: Sound) -> float:
    return sound.start_ns + int(np.argmax(np.abs(sound.samples))) * 1e9 / SAMPLE_RATE


def test_a_click_is_heard_within_a_millisecond_of_when_it_was_captured(tmp_path: Path) -> None:
    samples = np.zeros(40 * BLOCK, np.float32)
    samples[17_777] = 0.9
    sound = sound_from(tmp_path / "a.mcap", records_of(samples))
    assert sound is not None
    assert abs(moment_of_loudest(sound) - (START_NS + 17_777 * 1e9 / SAMPLE_RATE)) < 1e6


def test_the_last_samples_come_with_the_rest(tmp_path: Path) -> None:
    samples = np.zeros(10 * BLOCK, np.float32)
    samples[-20] = 0.9
    voice = VoiceStream("me")
    assert VoiceStream("me").rest() is None
    records = [voice.record_of(b, START_NS + n * BLOCK_NS) for n, b in enumerate(samples.reshape(-1, BLOCK))]
    rest = voice.rest()
    assert rest is not None
    assert (rest.sequence, rest.time_ns) == (10, records[-1].time_ns + BLOCK_NS)
    sound = sound_from(tmp_path / "a.mcap", [*records, rest])
    assert sound is not None
    assert abs(moment_of_loudest(sound) - (START_NS + (len(samples) - 20) * 1e9 / SAMPLE_RATE)) < 1e6


def test_nobody_spoke(tmp_path: Path) -> None:
    assert sound_from(tmp_path / "a.mcap", [replace(r, participant="you") for r in records_of(noise(3))]) is None


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-1_900_000, 1_900_000), min_size=60, max_size=60))
def test_uneven_times_change_no_sample(tmp_path_factory: pytest.TempPathFactory, late_ns: list[int]) -> None:
    records = records_of(noise(60))
    late_ns[0] = 0
    uneven = [replace(r, time_ns=r.time_ns + late) for r, late in zip(records, late_ns, strict=True)]
    sound = sound_from(tmp_path_factory.mktemp("uneven") / "a.mcap", uneven)
    assert sound is not None
    assert np.array_equal(sound.samples, decoded(records))


def test_lost_packets_are_silence_as_long_as_they_were(tmp_path: Path) -> None:
    records = records_of(noise(60))
    kept = records[:20] + records[23:]
    kept = [replace(r, time_ns=r.time_ns + 3_000_000 * (r.sequence > 22)) for r in kept]  # and the rest a bit late
    sound = sound_from(tmp_path / "a.mcap", kept)
    assert sound is not None
    whole = decoded(records)
    assert len(sound.samples) == len(whole)
    assert np.array_equal(sound.samples[: 20 * BLOCK], whole[: 20 * BLOCK])
    assert not sound.samples[20 * BLOCK : 23 * BLOCK].any()
    after = slice(25 * BLOCK, 60 * BLOCK)
    assert np.corrcoef(sound.samples[after], whole[after])[0, 1] > 0.98


def test_a_break_without_numbers_goes_by_time_and_overlapping_packets_do_not_overwrite(tmp_path: Path) -> None:
    records = records_of(noise(30))
    later = [replace(r, time_ns=r.time_ns + 500_000_000) for r in records[10:20]]
    back = [replace(r, time_ns=r.time_ns + 300_000_000) for r in records[20:]]
    sound = sound_from(tmp_path / "a.mcap", [*records[:10], *later, *back])
    assert sound is not None
    assert not sound.samples[10 * BLOCK : 10 * BLOCK + SAMPLE_RATE // 2].any()
    begin = 10 * BLOCK + SAMPLE_RATE // 2
    spoken = decoded(records[10:20])
    assert np.array_equal(sound.samples[begin : begin + len(spoken)], spoken)
    assert sound.end_ns == pytest.approx(back[-1].time_ns + BLOCK_NS, abs=30_000)


@pytest.mark.parametrize("ppm", [-400, 60, 400])
def test_another_clock_does_not_drift_away(tmp_path: Path, ppm: int) -> None:
    """A minute of silence with a click at its end, by a microphone whose clock is not the session's."""
    blocks = 3000
    samples = np.zeros(blocks * BLOCK, np.float32)
    at = len(samples) - 5000
    samples[at] = 0.9
    pace = 1.0 + ppm * 1e-6
    records = [replace(r, time_ns=START_NS + round((r.time_ns - START_NS) * pace)) for r in records_of(samples)]
    sound = sound_from(tmp_path / "a.mcap", records)
    assert sound is not None
    assert abs(moment_of_loudest(sound) - (START_NS + at * 1e9 / SAMPLE_RATE * pace)) < 5e6


def test_correcting_a_clock_tears_no_holes(tmp_path: Path) -> None:
    t = np.arange(600 * BLOCK) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 300 * t)).astype(np.float32)
    records = records_of(tone)
    slow = [replace(r, time_ns=START_NS + round((r.time_ns - START_NS) * 1.0006)) for r in records]
    sound = sound_from(tmp_path / "a.mcap", slow)
    assert sound is not None
    assert len(sound.samples) > len(tone) + 100
    steepest = np.abs(np.diff(decoded(records)[BLOCK:])).max()
    assert np.abs(np.diff(sound.samples[BLOCK:])).max() < 1.3 * steepest


def test_a_part_sounds_like_that_part_of_the_whole(tmp_path: Path) -> None:
    records = records_of(noise(60))
    whole = sound_from(tmp_path / "a.mcap", records)
    from_ns, to_ns = START_NS + 400_123_456, START_NS + 900_000_000
    part = sound_from(tmp_path / "a.mcap", records, from_ns=from_ns, to_ns=to_ns)
    assert whole is not None
    assert part is not None
    assert 0 <= part.start_ns - from_ns < 1e9 / SAMPLE_RATE + 1
    assert 0 <= to_ns - part.end_ns < 1e9 / SAMPLE_RATE + 1
    first = round((part.start_ns - whole.start_ns) * SAMPLE_RATE / 1e9)
    same = whole.samples[first : first + len(part.samples)]
    assert np.corrcoef(part.samples, same)[0, 1] > 0.99
    nothing = sound_from(tmp_path / "a.mcap", records, from_ns=START_NS + 9_000_000_000)
    assert nothing is None


def test_packets_hours_apart_are_refused_instead_of_filling_the_memory(tmp_path: Path) -> None:
    first, second = records_of(noise(2))
    path = tmp_path / "a.mcap"
    with pytest.raises(BadInputError, match="more than four hours of sound"):
        sound_from(path, [first, replace(second, time_ns=first.time_ns + 10**16, sequence=2**47)])


def test_what_is_no_packet_is_named(tmp_path: Path) -> None:
    (first,) = records_of(noise(1))
    with pytest.raises(BadInputError, match=r"sound of 'me' at .* is not an Opus packet"):
        sound_from(tmp_path / "a.mcap", [replace(first, packet=b"\xff\xff\xff\xff\x01")])


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 2**47)), max_size=30))
def test_whatever_a_file_says_packets_never_go_back(packets: list[tuple[int, int]]) -> None:
    timeline = SoundTimeline(START_NS)
    end = 0
    for time_ns, sequence in packets:
        record = MicrophoneRecord("me", START_NS + time_ns, sequence, b"x")
        place = timeline.place(record)
        due = round(time_ns * SAMPLE_RATE / 1e9)
        assert abs(place.at - due) <= 20 * MS
        assert not place.follows or place.at == end
        timeline.played(place, BLOCK + place.stretch)
        end = max(end, place.at + BLOCK + place.stretch)
