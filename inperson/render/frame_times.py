"""What each frame of a headset took, and the percentiles of many: for the overlay, the console and `--report`."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One frame of the frame loop. Durations are milliseconds of the loop's thread.

    They follow each other in this order and leave nothing out but the runtime's events between two frames.
    """

    display_time_ns: int
    """When the runtime expected it to be seen, monotonic nanoseconds."""
    wait_ms: float
    """Slept until the runtime wanted the frame begun."""
    input_ms: float
    """Reading head, hands and controllers for the display time, and making a body's state of them."""
    pose_ms: float
    """Posing the Gaussians, once for both eyes, and what of drawing does not need the eyes."""
    draw_ms: float
    """From locating the eyes to the last drawing command of both."""
    submit_ms: float
    """Giving the pictures back and handing the frame over; includes a software renderer's work."""
    lead_ms: float
    """From locating the eyes to the display time: how far ahead their poses were predicted."""
    missed: int
    """Refreshes of the display, at its nominal rate, that passed since the frame before without a new one."""
    scale: float
    """Share of the recommended width and height that was drawn."""
    level: int
    """The avatar's level of detail, 0 for all Gaussians."""
    rendered: bool = True
    """False where the runtime wanted no picture, or knew no eyes: an empty frame."""
    gpu_ms: float | None = None
    """The GPU's time for the drawing of the newest frame it has finished; None where it does not tell."""
    conditions_ms: float | None = None
    """Drawing and computing what the video shader is told, the Gaussians' colours among it, which `draw_ms` then has
    not; None where none ran."""
    shade_ms: float | None = None
    """The video shader's step; None where none ran."""

    @property
    def cost_ms(self) -> float:
        """What has to fit into the display's period."""
        shading = (self.conditions_ms or 0.0) + (self.shade_ms or 0.0)
        busy = self.input_ms + self.pose_ms + self.draw_ms + shading + self.submit_ms
        return max(busy, self.gpu_ms or 0.0)


_STAGES: dict[str, Callable[[FrameRecord], float | None]] = {
    "wait": lambda record: record.wait_ms,
    "input": lambda record: record.input_ms,
    "pose": lambda record: record.pose_ms,
    "draw": lambda record: record.draw_ms,
    "conditions": lambda record: record.conditions_ms,
    "shade": lambda record: record.shade_ms,
    "submit": lambda record: record.submit_ms,
    "gpu": lambda record: record.gpu_ms,
    "frame": lambda record: record.cost_ms,
    "lead": lambda record: record.lead_ms,
}
"""Rows of the table. `frame` is what pacing looks at; `conditions`, `shade` and `gpu` appear where they ran."""

_QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Percentiles of one stage, milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """Many frames in a few numbers. Stages and scales are of rendered frames."""

    frames: int
    rendered: int
    missed: int
    """Refreshes of the display without a new frame."""
    seconds: float
    """From the first display time to the last."""
    fps: float
    """Frames a second over that time."""
    nominal_fps: float
    """Of the display."""
    stages: dict[str, StageFigures]
    scale_p50: float
    scale_min: float
    scale_max: float
    levels: dict[int, int]
    """Frames drawn at each level of detail."""

    @property
    def missed_share(self) -> float:
        """Of all refreshes between the first frame and the last."""
        refreshes = self.frames - 1 + self.missed
        return self.missed / refreshes if refreshes > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Ready for json.dumps."""
        return asdict(self)

    def lines(self) -> tuple[str, ...]:
        """For an overlay: the rate, the resolution, then a line a stage."""
        rate = f"headset {self.fps:.1f}/{self.nominal_fps:.0f} fps, {self.missed} missed"
        level = max(self.levels, key=lambda level: self.levels[level], default=0)
        drawn = f"scale {self.scale_p50:.2f}, level {level}"
        rows = (f"{name:<10}{f.p50:6.1f}{f.p95:7.1f}{f.p99:7.1f}" for name, f in self.stages.items())
        return rate, drawn, *rows


class FrameTimes:
    """Collects records in bounded memory: the newest as they are, all of them as histograms.

    Args:
        nominal_fps: of the display.
        keep: how many of the newest frames are kept one by one.
    """

    def __init__(self, nominal_fps: float, keep: int = 600) -> None:
        self.nominal_fps = nominal_fps
        self._newest: deque[FrameRecord] = deque(maxlen=keep)
        self._histograms = {stage: LogHistogram() for stage in _STAGES}
        self._scales: Counter[float] = Counter()
        self._levels: Counter[int] = Counter()
        self._frames = self._rendered = self._missed = 0
        self._first_ns = 0

    def add(self, record: FrameRecord) -> None:
        """The next frame."""
        if not self._frames:
            self._first_ns = record.display_time_ns
        self._newest.append(record)
        self._frames += 1
        self._missed += record.missed
        if record.rendered:
            self._rendered += 1
            self._scales[record.scale] += 1
            self._levels[record.level] += 1
            for stage, value in _STAGES.items():
                ms = value(record)
                if ms is not None:
                    self._histograms[stage].add(ms)

    def newest(self, frames: int) -> FrameFigures:
        """Of up to so many of the newest frames that are kept, exact."""
        records = list(self._newest)[-frames:]
        drawn = [record for record in records if record.rendered]
        first_ns = records[0].display_time_ns if records else 0
        missed = sum(record.missed for record in records[1:])
        counts = Counter(r.scale for r in drawn), Counter(r.level for r in drawn)
        return self._figures(len(records), len(drawn), missed, first_ns, _exact_stages(drawn), *counts)

    def all(self) -> FrameFigures:
        """Of every frame since the start. Percentiles are within half a percent (see `LogHistogram`)."""
        stages = {
            stage: StageFigures(*(round(histogram.quantile(q), 3) for q in _QUANTILES))
            for stage, histogram in self._histograms.items()
            if histogram.count
        }
        counts = self._scales, self._levels
        return self._figures(self._frames, self._rendered, self._missed, self._first_ns, stages, *counts)

    def _figures(
        self,
        frames: int,
        rendered: int,
        missed: int,
        first_ns: int,
        stages: dict[str, StageFigures],
        scales: Counter[float],
        levels: Counter[int],
    ) -> FrameFigures:
        seconds = (self._newest[-1].display_time_ns - first_ns) / 1e9 if frames else 0.0
        return FrameFigures(
            frames=frames,
            rendered=rendered,
            missed=missed,
            seconds=round(seconds, 3),
            fps=round((frames - 1) / seconds, 2) if seconds > 0 else 0.0,
            nominal_fps=round(self.nominal_fps, 2),
            stages=stages,
            scale_p50=round(_median(scales), 4),
            scale_min=round(min(scales, default=0.0), 4),
            scale_max=round(max(scales, default=0.0), 4),
            levels=dict(sorted(levels.items())),
        )


class LogHistogram:
    """Counts of positive numbers in bins each 1 % wide: quantiles of any amount in fixed memory.

    Covers 0.001 to 10,000; smaller and larger numbers count as these.
    """

    _LOWEST, _HIGHEST = 1e-3, 1e4
    _LOG_STEP = math.log(1.01)

    def __init__(self) -> None:
        bins = math.ceil(math.log(self._HIGHEST / self._LOWEST) / self._LOG_STEP) + 1
        self._counts = [0] * bins
        self.count = 0

    def add(self, value: float) -> None:
        """One more number."""
        inside = min(max(value, self._LOWEST), self._HIGHEST)
        self._counts[int(math.log(inside / self._LOWEST) / self._LOG_STEP)] += 1
        self.count += 1

    def quantile(self, q: float) -> float:
        """The number that a share `q` of all numbers does not exceed, off by half a bin at most.

        Raises:
            ValueError: there are no numbers yet.
        """
        if not self.count:
            raise ValueError("a histogram of nothing has no quantiles")
        below = np.cumsum(self._counts)
        index = int(np.searchsorted(below, max(q * self.count, 0.5)))
        return self._LOWEST * math.exp((index + 0.5) * self._LOG_STEP)


def _exact_stages(records: list[FrameRecord]) -> dict[str, StageFigures]:
    """As numpy.percentile says of each stage that ran, for all stages at once: the frame loop waits for this."""
    samples = [[value(record) for value in _STAGES.values()] for record in records]
    columns = np.sort(np.array(samples, float).reshape(len(records), len(_STAGES)), axis=0)  # None: NaN, and last
    counts = np.count_nonzero(~np.isnan(columns), axis=0)
    ran = np.flatnonzero(counts)
    at = np.multiply.outer(_QUANTILES, counts[ran] - 1)
    below = at.astype(int)
    low, high = columns[below, ran], columns[np.minimum(below + 1, counts[ran] - 1), ran]
    percentiles = np.round(low + (high - low) * (at - below), 3).T.tolist()
    names = tuple(_STAGES)
    return {names[stage]: StageFigures(*figures) for stage, figures in zip(ran, percentiles, strict=True)}


def _median(counts: Counter[float]) -> float:
    """Of the counted numbers; 0 without any."""
    half, passed = counts.total() / 2, 0
    for value, count in sorted(counts.items()):
        passed += count
        if passed > half:
            return value
    return 0.0
