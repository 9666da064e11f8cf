"""Benchmarks: `bench_NAME.py` has `run() -> BenchReport`, and `inperson bench NAME` runs it.

Machines differ and are shared, so what counts is a ratio of things timed in turns within one run:
`side_by_side` does that. Nothing here runs in the tests.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypedDict

import numpy as np


class Case(TypedDict):
    """One thing that was timed."""

    name: str
    median_ms: float
    p95_ms: float


class BenchReport(TypedDict):
    """What `inperson bench --json` prints."""

    bench: str
    device: str
    cases: list[Case]
    ratios: dict[str, float]
    """`a_vs_b`: how many times faster a is than b. Figures that are not a ratio carry their unit in the name."""


def device_name() -> str:
    """The processor (and its count of usable cores), and the CUDA device if there is one."""
    import torch

    with open("/proc/cpuinfo") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    cpu = f"{models[0] if models else 'unknown CPU'} ({len(models)} cores)"
    return f"{cpu}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else cpu


def case(name: str, times_s: Sequence[float]) -> Case:
    """Median and 95th percentile of the times of one thing, given in seconds."""
    ms = 1e3 * np.asarray(times_s)
    return Case(name=name, median_ms=float(np.median(ms)), p95_ms=float(np.percentile(ms, 95)))


def side_by_side(
    bench: str,
    subjects: Mapping[str, Callable[[], object]],
    compare: Iterable[tuple[str, str]] = (),
    seconds: float = 10.0,
    least_rounds: int = 3,
) -> BenchReport:
    """Time the subjects in turns, so that whatever else the machine does falls on all of them alike.

    Every subject is called once untimed (compilation, caches), then rounds of one call each follow until
    `seconds` have passed and `least_rounds` are complete. `compare` holds (first, second) names; the
    report's ratio `first_vs_second` says how many times faster the first is.
    """
    for subject in subjects.values():
        subject()
    times: dict[str, list[float]] = {name: [] for name in subjects}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < least_rounds or time.perf_counter() < end:
        for name, subject in subjects.items():
            start = time.perf_counter()
            subject()
            times[name].append(time.perf_counter() - start)
        rounds += 1
    cases = [case(name, samples) for name, samples in times.items()]
    medians = {c["name"]: c["median_ms"] for c in cases}
    ratios = {f"{first}_vs_{second}": medians[second] / medians[first] for first, second in compare}
    return BenchReport(bench=bench, device=device_name(), cases=cases, ratios=ratios)
