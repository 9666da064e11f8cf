"""From the options of `inperson live` to a running session: what is opened, in which order, and what is said."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inperson.app.cast import cast_of, load_performer
from inperson.app.commands.live import Live
from inperson.app.headset.plan import HeadsetPlan, bindings_for, frame_loop_threads
from inperson.app.headset.process import HeadsetProcess, OpenHeadset, open_headset
from inperson.app.inputs import choose_source, is_motion
from inperson.app.live import LiveSession, SessionFigures
from inperson.app.live_report import LiveReport
from inperson.app.live_states import LiveStates, PlayedStates, TrackedStates
from inperson.app.mirror_show import MirrorShow
from inperson.app.mirror_view import MirrorView
from inperson.app.played_motion import PlayedMotion
from inperson.app.shading.engines import measure_engines, open_engines, sizes_for
from inperson.app.shading.figures import ShaderFigures
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.app.tracking_pipeline import (
    BESIDE_HEADSET_NICENESS,
    BESIDE_SHADER_NICENESS,
    Pipeline,
    TrackingPlan,
    open_pipeline,
)
from inperson.app.tracking_process import TrackingProcess
from inperson.app.writers import Mp4Writer, check_writable, write_text
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError, DeviceError
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.window import MirrorWindow, has_display
from inperson.tracking.play_calibration import calibration_path, load_calibration
from inperson.tracking.profile import profile_path
from inperson.workers import available_cores

ME, NOBODY = "me", "none"
"""Profiles: who is in front of a camera unless said otherwise, and nobody to remember."""
DEFAULT_OUT = Path("out/mirror.mp4")
WINDOW_SIZE = (1100, 800)
FILE_RATE = 33.0
"""Pictures a second into an MP4: a little more than cameras give. Every one costs the tracker time on two cores."""
DRAWING_THREADS = 1
"""Of the CPU backend: the other cores are for tracking."""
SHADED_RATE = 25.0
"""Pictures a second where a shader refines them: any more would only take the tracker's time."""
WINDOW_RATE_SHARE = 1.1
"""A window's own sync sets its pace; this much above it the display clock never interferes."""
BESIDE_HEADSET_RATE = 15.0
"""Pictures a second of a mirror beside a headset: cores are the headset's first."""


class SessionSetup:
    """Opens the parts of one session, in order, on a stack that closes them.

    Args:
        options: checked.
        console: where progress goes.
        stack: closes what was opened.
    """

    def __init__(self, options: Live, console: Console, stack: ExitStack) -> None:
        self._options, self._console, self._stack = options, console, stack
        self.on_screen = options.view not in ("none", "headset") and has_display()
        if options.view == "headset+mirror" and not self.on_screen and options.out is None:
            raise DeviceError(
                "there is no display for the mirror window", "use --view headset, or give --out FILE.mp4"
            )
        self.out = _output(options, self.on_screen)
        for path in filter(None, (self.out, options.report)):
            check_writable(path)
        self.source = choose_source(options.input)
        self._cast = cast_of(options.avatar)
        self._load = partial(load_performer, body=options.body)
        self._first = self._load(self._cast[0])
        self._shader_sizes = sizes_for(options.shader)
        self._repeat = (self.on_screen and self.out is None) or options.in_headset
        self.view: MirrorView | None = None
        self.backend = ""
        self.clip_seconds: float | None = None

    @property
    def avatar_name(self) -> str:
        """Who is shown."""
        return self.view.avatar_name if self.view is not None else self._first.avatar.name

    @property
    def shader_figures(self) -> ShaderFigures | None:
        """What shaded the mirror's pictures so far."""
        shader = self.view.shader if self.view is not None else None
        return None if shader is None else shader.keeping_up.figures()

    @property
    def _dimensions(self) -> tuple[int, int]:
        return self._first.body.num_betas, self._first.body.num_expression

    @property
    def _eyes(self) -> int:
        """Shaded at once."""
        return 2 if self._options.in_headset or self._options.view == "stereo" else 1

    def measure_shader(self) -> None:
        """Find out what runs the shader fastest, if nobody knows yet, before anything else needs the cores."""
        say = partial(self._console.print, highlight=False)
        threads = frame_loop_threads() if self._options.in_headset else available_cores()
        measure_engines(self._shader_sizes, self._eyes, threads, say)

    def start_tracking(self, open_tracking: Callable[[TrackingPlan], Pipeline]) -> TrackingProcess | None:
        """The tracking process, unless a motion file moves the avatar."""
        if is_motion(self.source):
            return None
        profile = None
        if (user := self._user()) is not None:
            # A shape is one body's: each body has its own file.
            profile = str(profile_path(f"{user} {self._first.body.name}"))
        body = self._options.body or self._first.avatar.body_name
        niceness = BESIDE_SHADER_NICENESS if self._shader_sizes else 0
        if self._options.in_headset:
            niceness = BESIDE_HEADSET_NICENESS
        plan = TrackingPlan(self.source, body, profile, self._repeat, niceness)
        return self._stack.enter_context(TrackingProcess(plan, *self._dimensions, open_tracking))

    def start_headset(self, tracking: TrackingProcess | None, open_headset: OpenHeadset) -> HeadsetProcess | None:
        """The headset process, if one is asked for."""
        options = self._options
        if not options.in_headset:
            return None
        plan = HeadsetPlan(
            avatar=self._cast[0],
            body=options.body,
            scene=options.scene or "mirror",
            passthrough=options.passthrough,
            backend=options.backend,
            bindings=bindings_for(mirror_window=self.on_screen),
            motion=self.source if tracking is None else None,
            calibration=self._calibration() if tracking is not None and options.scene != "face-to-face" else None,
            mirrored=options.view == "headset+mirror",
            frames=options.frames,
            shader=options.shader,
        )
        mailbox = tracking.mailbox if tracking is not None else None
        return self._stack.enter_context(HeadsetProcess(plan, mailbox, *self._dimensions, open_headset))

    def open_mirror(self) -> tuple[MirrorView, Mp4Writer | None] | None:
        """The mirror with everything compiled that draws it, and its file; None without a mirror."""
        if self._options.view == "headset" or (self._options.in_headset and not self.on_screen and self.out is None):
            return None
        rasterizer = make_rasterizer(self._options.backend, threads=DRAWING_THREADS)
        self._stack.callback(rasterizer.close)
        self.backend = rasterizer.name
        avatar, body = self._first.avatar, self._first.body
        stereo, shader = self._options.view == "stereo", self._open_shader(rasterizer)
        view = MirrorView(avatar, body, rasterizer, *self._options.size, stereo=stereo, shader=shader)
        view.draw(BodyState.rest(*self._dimensions), StageTimes())
        view.recenter()
        self.view = view
        if self.out is None:
            return view, None
        writer = Mp4Writer(self.out, *view.picture_size, fps=FILE_RATE, effort="ultrafast")
        return view, self._stack.enter_context(writer)

    def _open_shader(self, rasterizer: Rasterizer) -> MirrorShader | None:
        """The mirror's; beside a headset it has none, for the headset needs the cores."""
        if not self._shader_sizes or self._options.in_headset:
            return None
        threads = available_cores()
        person = PersonShader(open_engines(self._shader_sizes, self._eyes, threads), rasterizer, threads)
        self._stack.callback(person.close)
        return MirrorShader(self._options.shader, person)

    def wait_states(self, tracking: TrackingProcess | None) -> LiveStates:
        """What moves the avatar, ready to go."""
        if tracking is None:
            played = PlayedMotion.open(Path(self.source), self._first.body, self._first.avatar.betas)
            self.clip_seconds = None if self._repeat else played.seconds
            return PlayedStates(played, Path(self.source).name, repeat=self._repeat)
        ready = tracking.wait_ready()
        self.clip_seconds = ready.clip_seconds
        return TrackedStates(tracking, ready.source)

    def open_show(self, mirror: tuple[MirrorView, Mp4Writer | None], source: str) -> MirrorShow:
        """The mirror's window, if there is a display, and everything that it shows."""
        view, writer = mirror
        window = self._stack.enter_context(MirrorWindow("InPerson", *WINDOW_SIZE)) if self.on_screen else None
        rate = window.refresh_rate * WINDOW_RATE_SHARE if window else FILE_RATE
        if view.shader is not None:
            rate = min(rate, SHADED_RATE)
        if self._options.in_headset:
            rate = BESIDE_HEADSET_RATE
        return MirrorShow(view, self._cast, self._load, source, window=window, writer=writer, rate=rate)

    def progress(self, source: str) -> Callable[[float], None]:
        """A progress bar for a session that no window shows; without an end where none is known."""
        if self.on_screen:
            return lambda shown: None
        ends = [end for end in (self._options.seconds, self.clip_seconds) if end is not None]
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        # Each redraw takes time from the display clock: twice a second is plenty.
        progress = self._stack.enter_context(Progress(*columns, console=self._console, refresh_per_second=2))
        task = progress.add_task(source, total=min(ends) if ends else None)
        return lambda shown: progress.update(task, completed=shown)

    def _user(self) -> str | None:
        name = self._options.profile or (NOBODY if Path(self.source).exists() else ME)
        return None if name == NOBODY else name

    def _calibration(self) -> str | None:
        user = self._user()
        if user is None:
            return None
        path = calibration_path(user)
        if load_calibration(path) is not None:
            return str(path)
        self._console.print(
            "no calibration for this camera and headset yet, so the body only roughly follows: "
            "run `inperson calibrate` once"
        )
        return None


def run_session(
    options: Live,
    console: Console,
    open_tracking: Callable[[TrackingPlan], Pipeline] = open_pipeline,
    open_headset: OpenHeadset = open_headset,
) -> SessionFigures:
    """Open everything that `options` name, run the session, write and print its figures.

    What cannot be written is found out first, so that no work is lost; what fails later leaves no half file.

    Raises:
        InPersonError: anything about the session that the user can mend.
    """
    options.check()
    with ExitStack() as stack:
        setup = SessionSetup(options, console, stack)
        with console.status("getting ready (the very first time, compiling takes a minute)"):
            setup.measure_shader()
            # Each process compiles its own while the others do.
            tracking = setup.start_tracking(open_tracking)
            headset = setup.start_headset(tracking, open_headset)
            mirror = setup.open_mirror()
            ready = headset.wait_ready() if headset is not None else None
            states = setup.wait_states(tracking)
        if ready is not None and options.passthrough and not ready.passthrough:
            console.print(f"{ready.system} offers no passthrough: you see the room instead", highlight=False)
        show = None if mirror is None else setup.open_show(mirror, states.source)
        figures = LiveSession(
            *(states, show, headset),
            seconds=options.seconds,
            frames=options.frames,
            on_progress=setup.progress(states.source),
            say=lambda notice: console.print(notice, highlight=False),
        ).run()
    report = _report(options, setup, states.source, figures)
    if options.report is not None:
        write_text(options.report, report.to_json())
    for part in report.printed():
        console.print(part, highlight=False)
    if setup.out is not None:
        console.print(f"wrote {setup.out}", soft_wrap=True, highlight=False)
    return figures


def _output(options: Live, on_screen: bool) -> Path | None:
    """Where the pictures go besides a window, checked as far as its name goes."""
    if options.out is None and (on_screen or options.view == "none" or options.in_headset):
        return None
    if options.out is None:
        DEFAULT_OUT.parent.mkdir(exist_ok=True)
        return DEFAULT_OUT
    if options.out.suffix.lower() != ".mp4":
        raise BadInputError(f"--out {options.out}", "name a file ending in .mp4")
    return options.out


def _report(options: Live, setup: SessionSetup, source: str, figures: SessionFigures) -> LiveReport:
    ages_ms = np.array(figures.ages_ns) / 1e6
    width, height = setup.view.picture_size if setup.view is not None else (0, 0)
    tracking = figures.tracking
    return LiveReport(
        source=source,
        avatar=setup.avatar_name,
        backend=setup.backend or (figures.headset.backend if figures.headset is not None else ""),
        view=options.view,
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
        headset=figures.headset,
        shader=setup.shader_figures,
    )
