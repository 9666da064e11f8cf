"""From the options of `inperson live` to a running session: what is opened, in which order, and what is said."""

from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inperson.app.commands.live import Live
from inperson.app.headset.inside import OpenHeadset, open_headset
from inperson.app.headset.plan import frame_loop_threads
from inperson.app.live.headset import start_headset
from inperson.app.live.input import OpenTracking, start_tracking, wait_states
from inperson.app.live.mirror import LiveMirror, open_mirror, open_show
from inperson.app.live.plan import LivePlan, plan_session
from inperson.app.live.recording.opening import open_recorded_microphone, open_recording, rings_for
from inperson.app.live.report import report_of
from inperson.app.live.session import LiveSession, SessionFigures
from inperson.app.motion.pipeline import open_pipeline
from inperson.app.motion.states import LiveStates
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.shading.engines import measure_engines
from inperson.app.vmc_input.receiver import vmc_notice
from inperson.app.writers import write_text
from inperson.workers import available_cores


def run_session(
    options: Live,
    console: Console,
    open_tracking: OpenTracking = open_pipeline,
    open_headset: OpenHeadset = open_headset,
) -> SessionFigures:
    """Open everything that `options` name, run the session, write and print its figures.

    What cannot be written is found out first, so that no work is lost; what fails later leaves no half file. A
    recording keeps what there was, and one that fails ends the session no sooner: its error is raised when all else
    is done.

    Raises:
        InPersonError: anything about the session that the user can mend.
    """

    def say(notice: str) -> None:
        console.print(notice, highlight=False)

    plan = plan_session(options)
    with ExitStack() as stack:
        with console.status("getting ready (the very first time, compiling takes a minute)"):
            microphone = open_recorded_microphone(plan, stack, say)
            _measure_shader(plan, say)
            rings = rings_for(plan)
            # Each process compiles its own while the others do.
            tracking = start_tracking(plan, stack, open_tracking, rings.tracking)
            headset = start_headset(plan, stack, tracking, open_headset, say, rings.headset)
            mirror = open_mirror(plan, stack)
            ready = headset.wait_ready() if headset is not None else None
            states = wait_states(plan, tracking)
        if (listening := vmc_notice(options.inputs.vmc)) is not None:
            say(listening)
        if ready is not None and options.passthrough and not ready.passthrough:
            say(f"{ready.system} offers no passthrough: you see the room instead")
        show = None if mirror is None else open_show(plan, stack, mirror, states.source)
        outputs = _open_outputs(plan, stack, mirror, say)
        rate = states.fps or (show.rate if show is not None else 0.0)
        figures = LiveSession(
            *(states, show, headset, open_recording(plan, stack, rings, microphone, rate), outputs),
            seconds=options.seconds,
            frames=options.frames,
            on_progress=_progress(plan, stack, console, states),
            say=say,
        ).run()
    report = report_of(figures, plan, mirror, states.source)
    if options.report is not None:
        write_text(options.report, report.to_json())
    for part in report.printed():
        console.print(part, highlight=False)
    if plan.out is not None:
        console.print(f"wrote {plan.out}", soft_wrap=True, highlight=False)
    heard = figures.tracking.notices if figures.tracking is not None else ()
    for words in (*heard, *(outputs.figures if outputs is not None else ())):
        say(words)
    if figures.recording_error is not None:
        raise figures.recording_error
    return figures


def _measure_shader(plan: LivePlan, say: Callable[[str], None]) -> None:
    """Find out what runs the shader fastest, if nobody knows yet, before anything else needs the cores."""
    threads = frame_loop_threads() if plan.options.in_headset else available_cores()
    measure_engines(plan.shader_sizes, plan.eyes, threads, say)


def _open_outputs(
    plan: LivePlan, stack: ExitStack, mirror: LiveMirror | None, say: Callable[[str], None]
) -> LiveOutputs | None:
    """The other programs that are to have what is shown, and one line about each; closed by the stack."""
    if not plan.options.outputs.wanted:
        return None
    size = mirror.view.picture_size if mirror is not None else None
    outputs = stack.enter_context(LiveOutputs(plan.options.outputs, plan.first.body, size))
    for notice in outputs.notices:
        say(notice)
    return outputs


def _progress(plan: LivePlan, stack: ExitStack, console: Console, states: LiveStates) -> Callable[[float], None]:
    """A progress bar for a session that no window shows; without an end where none is known."""
    if plan.on_screen:
        return lambda shown: None
    ends = [end for end in (plan.options.seconds, states.seconds) if end is not None]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    # Each redraw takes time from the display clock: twice a second is plenty.
    progress = stack.enter_context(Progress(*columns, console=console, refresh_per_second=2))
    task = progress.add_task(states.source, total=min(ends) if ends else None)
    return lambda shown: progress.update(task, completed=shown)
