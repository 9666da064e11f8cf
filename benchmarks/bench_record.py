"""What recording costs the display: whole sessions on the shipped clip, with and without, in turns.

A session is as `inperson live --view none` runs it, with a voice as its microphone. Turns go there and back
(without, with, with, without), so that whatever else the machine does falls on both alike. First without the video
shader, then with its small size, if weights of it ship: its cases and ratios begin with `shaded_`.

`display_p95_ratio` is the 95th percentile of the time from picture to picture with recording, divided by that
without: 1.05 means 5% slower. `work_p95_ratio` is the same of what a picture takes to pose and draw.
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
from inperson.app.live import SessionFigures
from inperson.app.live_setup import run_session
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.shading.choice import ShaderChoice
from inperson.shader_model.network.weights import shipped_shader

SIZE = (512, 512)
SECONDS = 10.0
TURNS = (False, True, True, False, False, True, True, False)
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


def run() -> BenchReport:
    """Record, and do not record."""
    cases, ratios = _measured("", "off")
    if shipped_shader("small").is_file():
        more_cases, more_ratios = _measured("shaded_", "small")
        cases, ratios = cases + more_cases, ratios | more_ratios
    return BenchReport(bench="record", device=device_name(), cases=cases, ratios=ratios)


def _measured(prefix: str, shader: ShaderChoice) -> tuple[list[Case], dict[str, float]]:
    sessions: dict[bool, list[Session]] = {False: [], True: []}
    for recorded in TURNS:
        sessions[recorded].append(_session(shader, recorded=recorded))
    names = {False: f"{prefix}picture_to_picture", True: f"{prefix}picture_to_picture_recorded"}
    cases = [
        case(names[recorded], [seconds for one in sessions[recorded] for seconds in one.intervals_s])
        for recorded in names
    ]
    plain, recorded = cases
    seconds = sum(one.figures.recording.seconds for one in sessions[True] if one.figures.recording)
    size = sum(one.figures.recording.bytes for one in sessions[True] if one.figures.recording)
    tracked = sum(one.figures.tracking.rate.count for one in sessions[True] if one.figures.tracking)
    return cases, {
        f"{prefix}display_p95_ratio": recorded["p95_ms"] / plain["p95_ms"],
        f"{prefix}display_median_ratio": recorded["median_ms"] / plain["median_ms"],
        f"{prefix}work_p95_ratio": _work_p95_ms(sessions[True]) / _work_p95_ms(sessions[False]),
        f"{prefix}tracking_ratio": _tracking_fps(sessions[True]) / _tracking_fps(sessions[False]),
        f"{prefix}states_lost": float(tracked - sum(one.states_in_file for one in sessions[True])),
        f"{prefix}megabytes_a_minute": size / 1e6 / seconds * 60.0,
    }


def _work_p95_ms(sessions: list[Session]) -> float:
    """Of pose, conditions, shading and draw: the mean over sessions of the sum of their percentiles."""
    stages = ("pose", "conditions", "shading", "draw")
    sums = [sum(s.figures.stages[name]["p95_ms"] for name in stages if name in s.figures.stages) for s in sessions]
    return float(np.mean(sums))


def _tracking_fps(sessions: list[Session]) -> float:
    return float(np.mean([s.figures.tracking.rate.per_second for s in sessions if s.figures.tracking]))


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
