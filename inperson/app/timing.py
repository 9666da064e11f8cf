"""How long each stage of a session takes: samples in, medians and 95th percentiles out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict

import numpy as np


class StageRow(TypedDict):
    """One row of the `stages` table of a report."""

    median_ms: float
    p95_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per second between the first and the last event."""

    count: int
    seconds: float

    @property
    def per_second(self) -> float:
        """0 when there were fewer than two events."""
        return (self.count - 1) / self.seconds if self.count > 1 and self.seconds > 0 else 0.0


class StageTimes:
    """Durations of named stages, in the order in which the stages first ran."""

    def __init__(self) -> None:
        self._samples_ns: dict[str, list[int]] = {}
        self._fresh: dict[str, int] = {}

    def add(self, stage: str, duration_ns: int) -> None:
        """Note one duration in nanoseconds."""
        self._samples_ns.setdefault(stage, []).append(duration_ns)
        self._fresh[stage] = duration_ns

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Note how long the block took; a block that raises is not noted."""
        start = time.perf_counter_ns()
        yield
        self.add(stage, time.perf_counter_ns() - start)

    def take_fresh(self) -> dict[str, int]:
        """The newest duration of every stage that ran since the last call: of one frame, asked after each."""
        fresh, self._fresh = self._fresh, {}
        return fresh

    def table(self, newest: int = 0) -> dict[str, StageRow]:
        """Median, 95th percentile and count of every stage's `newest` samples (0: of all of them)."""
        return {stage: _row(samples[-newest:]) for stage, samples in self._samples_ns.items()}


def _row(samples_ns: list[int]) -> StageRow:
    ms = np.array(samples_ns) / 1e6
    return StageRow(
        median_ms=round(float(np.median(ms)), 3),
        p95_ms=round(float(np.percentile(ms, 95)), 3),
        count=len(ms),
    )
