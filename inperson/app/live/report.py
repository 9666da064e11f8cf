"""What a live session measured: tables for the terminal, JSON for `--report`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

from inperson.app.headset.status import HeadsetFigures
from inperson.app.live.mirror import LiveMirror
from inperson.app.live.plan import LivePlan
from inperson.app.live.recording.figures import RecordedFigures
from inperson.app.live.session import SessionFigures
from inperson.app.shading.figures import ShaderFigures
from inperson.app.timing import StageRow


@dataclass(frozen=True, slots=True)
class LiveReport:
    """Figures of one session."""

    source: str
    avatar: str
    backend: str
    view: str
    width: int
    height: int
    """Pixels of the picture that was shown (both eyes of a pair); 0 without a mirror."""
    seconds: float
    """From the first picture to the last."""
    stages: dict[str, StageRow]
    """`capture` (waiting), `landmarks`, `fit` of tracked frames; `pose`, `conditions` and `shading` (with a shader),
    `draw`, `present`, `encode` of pictures."""
    tracking_fps: float
    """0 where nothing was tracked, like all that follows from it."""
    display_fps: float
    """Of the mirror."""
    capture_to_photon_ms: float | None
    """Median over all pictures: from the capture of the camera frame a picture is based on to its presentation.
    None where no picture was based on one."""
    capture_to_photon_p95_ms: float | None
    frames_tracked: int
    frames_with_person: int
    frames_dropped: int
    """Camera frames that were never tracked because a newer one was there."""
    pictures: int
    """Of the mirror."""
    headset: HeadsetFigures | None = None
    shader: ShaderFigures | None = None
    """Of the mirror; None without one."""
    recording: RecordedFigures | None = None
    """None where nothing was recorded."""

    def to_json(self) -> str:
        """For `--report`."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def printed(self) -> Iterator[Table | str]:
        """For the terminal: of tracking and mirror, and of the headset, as far as there were any."""
        if self.stages:
            yield self._mirror_table()
        if self.headset is not None:
            yield _headset_table(self.headset, title=f"{self.avatar} in {self.headset.system}")
            yield _headset_words(self.headset)
        if self.recording is not None:
            yield self.recording.words()

    def _mirror_table(self) -> Table:
        table = Table(title=f"{self.avatar} after {self.source}", title_justify="left")
        table.add_column("stage")
        for heading in ("median ms", "p95 ms", "count"):
            table.add_column(heading, justify="right")
        for stage, row in self.stages.items():
            table.add_row(stage, f"{row['median_ms']:.1f}", f"{row['p95_ms']:.1f}", str(row["count"]))
        if self.capture_to_photon_ms is not None:
            table.add_section()
            table.add_row(
                "[bold]camera to pixels",
                f"[bold]{self.capture_to_photon_ms:.1f}",
                f"{self.capture_to_photon_p95_ms:.1f}",
                str(self.pictures),
            )
        tracking = f"tracking {self.tracking_fps:.1f}/s, {self.frames_dropped} camera frames dropped"
        mirror = f"display {self.display_fps:.1f}/s at {self.width}x{self.height} ({self.backend})"
        words = [tracking] * bool(self.frames_tracked) + [mirror] * bool(self.pictures)
        if self.shader is not None:
            words.append(f"shader {self.shader.words()}")
        table.caption = ", ".join(words)
        return table


def report_of(figures: SessionFigures, plan: LivePlan, mirror: LiveMirror | None, source: str) -> LiveReport:
    """What a session measured, with what it showed.

    Args:
        source: what moved the avatar calls itself.
    """
    ages_ms = np.array(figures.ages_ns) / 1e6
    view = None if mirror is None else mirror.view
    width, height = (0, 0) if view is None else view.picture_size
    shader = None if view is None else view.shader
    tracking, headset = figures.tracking, figures.headset
    return LiveReport(
        source=source,
        avatar=plan.first.avatar.name if view is None else view.avatar_name,
        backend=mirror.backend if mirror is not None else headset.backend if headset is not None else "",
        view=plan.options.view,
        width=width,
        height=height,
        seconds=round(figures.seconds, 3),
        stages=(tracking.stages if tracking is not None else {}) | figures.stages,
        tracking_fps=round(tracking.rate.per_second, 2) if tracking is not None else 0.0,
        display_fps=round(figures.display.per_second, 2),
        capture_to_photon_ms=round(float(np.median(ages_ms)), 2) if len(ages_ms) else None,
        capture_to_photon_p95_ms=round(float(np.percentile(ages_ms, 95)), 2) if len(ages_ms) else None,
        frames_tracked=tracking.rate.count if tracking is not None else 0,
        frames_with_person=tracking.seen if tracking is not None else 0,
        frames_dropped=tracking.dropped if tracking is not None else 0,
        pictures=figures.display.count,
        headset=headset,
        shader=None if shader is None else shader.keeping_up.figures(),
        recording=figures.recording,
    )


def _headset_table(figures: HeadsetFigures, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    for heading in ("p50 ms", "p95 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    frames = figures.frames
    for stage, row in frames.stages.items():
        table.add_row(stage, f"{row.p50:.1f}", f"{row.p95:.1f}", f"{row.p99:.1f}")
    return table


def _headset_words(figures: HeadsetFigures) -> str:
    frames = figures.frames
    width, height = figures.eye_size
    levels = ", ".join(f"{count} at level {level}" for level, count in frames.levels.items())
    return (
        f"{figures.runtime} ({figures.binding}, {figures.backend}): {frames.fps:.1f} of {frames.nominal_fps:.0f} "
        f"frames a second, {frames.missed} missed; eyes {width}x{height} at scale {frames.scale_p50:.2f} "
        f"({frames.scale_min:.2f} to {frames.scale_max:.2f}), {levels or 'no picture'}; "
        f"{figures.reconnects} reconnects, {figures.restarts} restarts"
        + (f"; shader {figures.shader.words()}" if figures.shader is not None else "")
    )
