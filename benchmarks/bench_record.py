"""What recording costs the display: whole sessions on the shipped clip, with and without, in turns.

A session is as `inperson live --view none` runs it, with a voice as its microphone. Two sessions that follow each
other are a pair, one with and one without, in changing order; what else the machine does falls on both alike, and
what counts is the median over the pairs. First without the video shader, then with its small size, if weights of it
ship: its cases and ratios begin with `shaded_`.

`display_p95_ratio` is the 95th percentile of the time from picture to picture with recording, divided by that
without: 1.05 means 5% slower. `display_p95_spread` is how far two pairs in three are from that. `tracking_ratio` is
of tracked frames a second: 0.95 means 5% fewer.
"""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import BenchReport, Case, case, device_name
from inperson.app.audio.opus import BLOCK, SAMPLE_RATE
from inperson.app.commands.live import Live
from inperson.app.live.session import SessionFigures
from inperson.app.live.setup import run_session
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.shading.choice import ShaderChoice
from inperson.shader_model.network.weights import shipped_shader

SIZE = (512, 512)
SECONDS = 10.0
PAIRS = 6
SETTLED = 30
"""Pictures at a session's beginning that do not count."""


@dataclass(frozen=True)
class Session:
    """One turn."""

    figures: SessionFigures
    states_in_file: int

    @property
    def intervals_s(self) -> list[float]:
        """From picture to picture."""
        return (np.diff(self.figures.shown_ns[SETTLED:]) / 1e9).tolist()

    @property
    def interval_p95_s(self) -> float:
        """Of those."""
        return float(np.percentile(self.intervals_s, 95))

    @property
    def states_tracked(self) -> int:
        """By the tracking process."""
        assert self.figures.tracking is not None
        return self.figures.tracking.rate.count

    @property
    def tracking_fps(self) -> float:
        """Tracked frames a second."""
        assert self.figures.tracking is not None
        return self.figures.tracking.rate.per_second

    @property
    def megabytes_a_minute(self) -> float:
        """Of a recording."""
        recording = self.figures.recording
        assert recording is not None
        return recording.bytes / 1e6 / recording.seconds * 60.0


def run() -> BenchReport:
    """Record, and do not record."""
    cases, ratios = _measured("", "off")
    if shipped_shader("small").is_file():
        more_cases, more_ratios = _measured("shaded_", "small")
        cases, ratios = cases + more_cases, ratios | more_ratios
    return BenchReport(bench="record", device=device_name(), cases=cases, ratios=ratios)


def _measured(prefix: str, shader: ShaderChoice) -> tuple[list[Case], dict[str, float]]:
    plain: list[Session] = []
    recorded: list[Session] = []
    for number in range(PAIRS):
        for is_recorded in (False, True) if number % 2 == 0 else (True, False):
            (recorded if is_recorded else plain).append(_session(shader, recorded=is_recorded))
    cases = [
        case(f"{prefix}{name}", [seconds for one in sessions for seconds in one.intervals_s])
        for name, sessions in (("picture_to_picture", plain), ("picture_to_picture_recorded", recorded))
    ]
    pairs = list(zip(recorded, plain, strict=True))
    p95 = [one.interval_p95_s / other.interval_p95_s for one, other in pairs]
    tracking = [one.tracking_fps / other.tracking_fps for one, other in pairs]
    return cases, {
        f"{prefix}display_p95_ratio": float(np.median(p95)),
        f"{prefix}display_p95_spread": float(np.diff(np.percentile(p95, (17, 83)))[0] / 2),
        f"{prefix}tracking_ratio": float(np.median(tracking)),
        f"{prefix}states_lost": float(sum(one.states_tracked - one.states_in_file for one in recorded)),
        f"{prefix}megabytes_a_minute": float(np.median([one.megabytes_a_minute for one in recorded])),
    }


def _session(shader: ShaderChoice, *, recorded: bool) -> Session:
    with tempfile.TemporaryDirectory() as folder:
        path, voice = Path(folder) / "session.mcap", Path(folder) / "voice.wav"
        _write_voice(voice)
        options = Live(
            input="demo",
            view="none",
            size=SIZE,
            seconds=SECONDS,
            shader=shader,
            record=path if recorded else None,
            microphone=str(voice) if recorded else None,
        )
        figures = run_session(options, Console(file=io.StringIO()))
        states = 0
        if recorded:
            with SessionReader(path) as session:
                states = session.count(BodyRecord, "me")
    return Session(figures, states)


def _write_voice(path: Path) -> None:
    """Something as hard to encode as speech: a gliding pitch with eleven overtones, in syllables."""
    import av

    t = np.arange(round((SECONDS + 5.0) * SAMPLE_RATE) // BLOCK * BLOCK) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140.0 + 30.0 * np.sin(2 * np.pi * 1.5 * t)) / SAMPLE_RATE
    loudness = 0.2 * np.clip(np.sin(2 * np.pi * 3.1 * t), 0.0, None)
    voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * loudness
    voice += np.random.default_rng(0).normal(0.0, 0.003, len(t))
    samples = (np.clip(voice, -1.0, 1.0) * 32767).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        for block in samples.reshape(-1, BLOCK):
            frame = av.AudioFrame.from_ndarray(block[None], "s16", "mono")
            frame.sample_rate = SAMPLE_RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
