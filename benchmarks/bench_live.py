"""The whole live session on the shipped clip: both clocks at once, as `inperson live` runs them.

First without the video shader, then with its small size, if weights of it ship: its cases and ratios begin with
`shaded_`.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import BenchReport, Case, device_name
from inperson.app.commands.live import Live
from inperson.app.live.session import SessionFigures
from inperson.app.live.setup import run_session
from inperson.app.shading.choice import ShaderChoice
from inperson.shader_model.network.weights import shipped_shader

SIZE = (512, 512)


def run() -> BenchReport:
    """Play the clip at its own pace into an MP4; `fit_vs_landmarks` says how many times less the fit costs."""
    cases, ratios = _measured("", _session("off"))
    if shipped_shader("small").is_file():
        more_cases, more_ratios = _measured("shaded_", _session("small"))
        cases, ratios = cases + more_cases, ratios | more_ratios
    return BenchReport(bench="live", device=device_name(), cases=cases, ratios=ratios)


def _session(shader: ShaderChoice) -> SessionFigures:
    with tempfile.TemporaryDirectory() as folder:
        options = Live(input="demo", out=Path(folder) / "mirror.mp4", view="mirror", size=SIZE, shader=shader)
        return run_session(options, Console(file=io.StringIO()))


def _measured(prefix: str, figures: SessionFigures) -> tuple[list[Case], dict[str, float]]:
    assert figures.tracking is not None
    stages = figures.tracking.stages | figures.stages
    ages_ms = np.array(figures.ages_ns) / 1e6
    cases = [
        Case(name=prefix + name, median_ms=row["median_ms"], p95_ms=row["p95_ms"]) for name, row in stages.items()
    ]
    age = Case(
        name=f"{prefix}capture_to_photon",
        median_ms=float(np.median(ages_ms)),
        p95_ms=float(np.percentile(ages_ms, 95)),
    )
    ratios = {
        f"{prefix}tracking_fps": figures.tracking.rate.per_second,
        f"{prefix}display_fps": figures.display.per_second,
        f"{prefix}fit_vs_landmarks": stages["landmarks"]["median_ms"] / stages["fit"]["median_ms"],
    }
    return [*cases, age], ratios
