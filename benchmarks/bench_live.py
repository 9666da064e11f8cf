"""The whole live session on the shipped clip: both clocks at once, as `inperson live` runs them."""

import io
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import BenchReport, Case, device_name
from inperson.app.commands.live import Live
from inperson.app.live_setup import run_session

SIZE = (512, 512)


def run() -> BenchReport:
    """Play the clip once at its own pace into an MP4; `fit_vs_landmarks` says how many times less the fit costs."""
    with tempfile.TemporaryDirectory() as folder:
        options = Live(input="demo", out=Path(folder) / "mirror.mp4", view="mirror", size=SIZE)
        figures = run_session(options, Console(file=io.StringIO()))
    stages = figures.tracking.stages | figures.stages
    cases = [Case(name=name, median_ms=row["median_ms"], p95_ms=row["p95_ms"]) for name, row in stages.items()]
    ages_ms = np.array(figures.ages_ns) / 1e6
    age = Case(
        name="capture_to_photon",
        median_ms=float(np.median(ages_ms)),
        p95_ms=float(np.percentile(ages_ms, 95)),
    )
    return BenchReport(
        bench="live",
        device=device_name(),
        cases=[*cases, age],
        ratios={
            "tracking_fps": figures.tracking.rate.per_second,
            "display_fps": figures.display.per_second,
            "fit_vs_landmarks": stages["landmarks"]["median_ms"] / stages["fit"]["median_ms"],
        },
    )
