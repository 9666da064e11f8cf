"""Tracking the shipped clip as fast as it goes: decoding, landmarks and fit of the same frames."""

import time

from benchmarks import BenchReport, case, device_name
from inperson.app.motion.inputs import DEMO, choose_source
from inperson.avatar.body import load_body
from inperson.tracking.landmarkers import Perception
from inperson.tracking.sources import open_source
from inperson.tracking.tracker import Tracker

WARM_UP = 10
FRAMES = 150


def run() -> BenchReport:
    """`fit_vs_landmarks` says how many times less the fit costs than the landmarkers (25% at most: 4 at least)."""
    tracker = Tracker(load_body("neutral"))
    times: dict[str, list[float]] = {"decode": [], "landmarks": [], "fit": []}
    with open_source(choose_source(DEMO), live=False) as source, Perception() as perception:
        for number in range(WARM_UP + FRAMES):
            start = time.perf_counter()
            frame = source.read()
            if frame is None:
                break
            decoded = time.perf_counter()
            observation = perception.observe(frame)
            observed = time.perf_counter()
            tracker.update(observation)
            fitted = time.perf_counter()
            if number >= WARM_UP:
                times["decode"].append(decoded - start)
                times["landmarks"].append(observed - decoded)
                times["fit"].append(fitted - observed)
    cases = [case(name, samples) for name, samples in times.items()]
    medians = {c["name"]: c["median_ms"] for c in cases}
    return BenchReport(
        bench="track",
        device=device_name(),
        cases=cases,
        ratios={
            "fit_vs_landmarks": medians["landmarks"] / medians["fit"],
            "tracking_fps": len(times["fit"]) / sum(map(sum, times.values())),
        },
    )
