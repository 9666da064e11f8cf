"""From the options of `inperson live` to a running session: what is opened, in which order, and what is said."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inperson.app.commands.live import Live
from inperson.app.inputs import choose_source
from inperson.app.live import LiveSession, Performer, SessionFigures
from inperson.app.live_report import LiveReport
from inperson.app.mirror_view import MirrorView
from inperson.app.outputs import Mp4Writer, check_writable, write_text
from inperson.app.timing import StageTimes
from inperson.app.tracking_pipeline import Pipeline, TrackingPlan, open_pipeline
from inperson.app.tracking_process import Ready, TrackingProcess
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar, shipped_avatars
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.render.backends import make_rasterizer
from inperson.render.window import MirrorWindow, has_display
from inperson.tracking.profile import profile_path

ME, NOBODY = "me", "none"
"""Profiles: who is in front of a camera unless said otherwise, and nobody to remember."""
DEFAULT_OUT = Path("out/mirror.mp4")
WINDOW_SIZE = (1100, 800)
FILE_RATE = 33.0
"""Pictures a second into an MP4: a little more than cameras give. Every one costs the tracker time on two cores."""
DRAWING_THREADS = 1
"""Of the CPU backend: the other cores are for tracking."""
WINDOW_RATE_SHARE = 1.1
"""A window's own sync sets its pace; this much above it the display clock never interferes."""


def run_session(
    options: Live, console: Console, open_tracking: Callable[[TrackingPlan], Pipeline] = open_pipeline
) -> SessionFigures:
    """Open everything that `options` name, run the session, write and print its figures.

    What cannot be written is found out first, so that no work is lost; what fails later leaves no half file.

    Raises:
        InPersonError: anything about the session that the user can mend.
    """
    on_screen = options.view != "none" and has_display()
    out = _output(options, on_screen)
    if options.report is not None:
        check_writable(options.report)
    cast = _cast(options.avatar)
    load = partial(_load, body=options.body)
    first = load(cast[0])
    with ExitStack() as stack:
        rasterizer = make_rasterizer(options.backend, threads=DRAWING_THREADS)
        stack.callback(rasterizer.close)
        view = MirrorView(first.avatar, first.body, rasterizer, *options.size, stereo=options.view == "stereo")
        writer = None
        if out is not None:
            writer = stack.enter_context(Mp4Writer(out, *view.picture_size, fps=FILE_RATE, effort="ultrafast"))
        plan = _plan(options, first, repeat=on_screen and out is None)
        dimensions = first.body.num_betas, first.body.num_expression
        tracking = stack.enter_context(TrackingProcess(plan, *dimensions, open_tracking))
        ready = _get_ready(tracking, view, dimensions, console)
        window = stack.enter_context(MirrorWindow("InPerson", *WINDOW_SIZE)) if on_screen else None
        on_progress = _progress(stack, console, ready, options.seconds) if window is None else _silent
        figures = LiveSession(
            *(view, cast, load, tracking, ready.source),
            window=window,
            writer=writer,
            rate=window.refresh_rate * WINDOW_RATE_SHARE if window else FILE_RATE,
            seconds=options.seconds,
            on_progress=on_progress,
        ).run()
    report = _report(options, view, rasterizer.name, ready.source, figures)
    if options.report is not None:
        write_text(options.report, report.to_json())
    console.print(report.table())
    if out is not None:
        console.print(f"wrote {out}", soft_wrap=True, highlight=False)
    return figures


def _output(options: Live, on_screen: bool) -> Path | None:
    """Where the pictures go besides a window, checked as far as its name goes."""
    if options.out is None and (on_screen or options.view == "none"):
        return None
    if options.out is None:
        DEFAULT_OUT.parent.mkdir(exist_ok=True)
        return DEFAULT_OUT
    if options.out.suffix.lower() != ".mp4":
        raise BadInputError(f"--out {options.out}", "name a file ending in .mp4")
    return options.out


def _cast(wanted: str | None) -> tuple[str, ...]:
    shipped = shipped_avatars()
    if wanted is not None:
        return (wanted, *(name for name in shipped if name != wanted))
    if not shipped:
        raise BadInputError("no avatar is shipped with this copy", "give one: --avatar FILE.avatar")
    return shipped


def _load(name: str, body: str | None) -> Performer:
    avatar = load_avatar(name)
    return Performer(avatar, load_body(body or avatar.body_name))


def _plan(options: Live, first: Performer, *, repeat: bool) -> TrackingPlan:
    source = choose_source(options.input)
    name = options.profile or (NOBODY if Path(source).exists() else ME)
    # A shape is one body's: each body has its own file.
    profile = None if name == NOBODY else str(profile_path(f"{name} {first.body.name}"))
    return TrackingPlan(source, options.body or first.avatar.body_name, profile, repeat)


def _get_ready(tracking: TrackingProcess, view: MirrorView, dimensions: tuple[int, int], console: Console) -> Ready:
    """Compile what draws while the other process compiles what tracks."""
    with console.status("getting ready (the very first time, compiling takes a minute)"):
        view.draw(BodyState.rest(*dimensions), StageTimes())
        view.recenter()
        return tracking.wait_ready()


def _silent(seconds: float) -> None:
    pass


def _progress(stack: ExitStack, console: Console, ready: Ready, seconds: float | None) -> Callable[[float], None]:
    """A progress bar for a session that no window shows; without an end where none is known."""
    ends = [end for end in (seconds, ready.clip_seconds) if end is not None]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    # Each redraw takes time from the display clock: twice a second is plenty.
    progress = stack.enter_context(Progress(*columns, console=console, refresh_per_second=2))
    task = progress.add_task(ready.source, total=min(ends) if ends else None)
    return lambda shown: progress.update(task, completed=shown)


def _report(options: Live, view: MirrorView, backend: str, source: str, figures: SessionFigures) -> LiveReport:
    ages_ms = np.array(figures.ages_ns or [0]) / 1e6
    width, height = view.picture_size
    return LiveReport(
        source=source,
        avatar=view.avatar_name,
        backend=backend,
        view=options.view,
        width=width,
        height=height,
        seconds=round(figures.display.seconds, 3),
        stages=figures.tracking.stages | figures.stages,
        tracking_fps=round(figures.tracking.rate.per_second, 2),
        display_fps=round(figures.display.per_second, 2),
        capture_to_photon_ms=round(float(np.median(ages_ms)), 2),
        capture_to_photon_p95_ms=round(float(np.percentile(ages_ms, 95)), 2),
        frames_tracked=figures.tracking.rate.count,
        frames_with_person=figures.tracking.seen,
        frames_dropped=figures.tracking.dropped,
        pictures=figures.display.count,
    )
