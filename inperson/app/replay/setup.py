"""From the options of `inperson replay` to a replay: what is opened, in which order, and what is said."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from inperson.app.audio.speaker import Speaker
from inperson.app.commands.replay import Replay
from inperson.app.headset.inside import OpenHeadset, open_headset
from inperson.app.headset.plan import HeadsetPlan, bindings_for
from inperson.app.headset.process import HeadsetProcess
from inperson.app.mirror.show import MirrorShow
from inperson.app.mirror.view import MirrorView
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.recording.sound import sound_of
from inperson.app.replay.controls import Controls
from inperson.app.replay.mirror import ReplayMirror
from inperson.app.replay.offline import moments_to_draw, nominal_rate, replayed_pictures
from inperson.app.replay.opening import OpenedSession, Say, open_session
from inperson.app.replay.recorded import state_times
from inperson.app.replay.session import ReplaySession
from inperson.app.replay.stage import AS_RECORDED, ReplayStage
from inperson.app.replay.tempo import Tempo
from inperson.app.replay.voice import ReplayVoice
from inperson.app.shading.engines import open_engines, sizes_for
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.app.writers import open_output
from inperson.avatar.file import shipped_avatars
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError, DeviceError
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.window import MirrorWindow
from inperson.workers import available_cores

WINDOW_SIZE = (1100, 800)
WINDOW_RATE_SHARE = 1.1
"""A window's own sync sets its pace; this much above it the display clock never interferes."""
BESIDE_HEADSET_RATE = 15.0
"""Pictures a second of a mirror beside a headset: cores are the headset's first."""


def replay(options: Replay, console: Console, open_headset: OpenHeadset = open_headset) -> None:
    """Open everything that `options` name, and play it or draw it.

    Args:
        open_headset: makes what runs in the headset process.

    Raises:
        InPersonError: anything about it that the user can mend.
    """
    options.check()
    say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    with ExitStack() as stack:
        with console.status("reading"):
            opened = open_session(options, say, stack)
        if options.out is not None:
            _draw(options, options.out, opened, console, say, stack)
        else:
            _play(options, opened, console, say, stack, open_headset)


def _play(
    options: Replay,
    opened: OpenedSession,
    console: Console,
    say: Say,
    stack: ExitStack,
    open_headset: OpenHeadset,
) -> None:
    """In a window, in a headset, or in both."""
    on_screen = options.view != "headset"
    window = stack.enter_context(MirrorWindow("InPerson", *WINDOW_SIZE)) if on_screen else None
    stage = ReplayStage(opened.recorded, opened.changes, options.body)
    with console.status("getting ready (the very first time, compiling takes a minute)"):
        headset = _start_headset(options, opened, stage, stack, open_headset) if options.in_headset else None
        mirror = None if window is None else _open_mirror(options, opened, stage, window, say, stack)
        ready = None if headset is None else headset.wait_ready()
    if ready is not None and options.passthrough and not ready.passthrough:
        say(f"{ready.system} offers no passthrough: you see the room instead")
    tempo = Tempo(opened.stretch, opened.stretch.begin_ns, time.monotonic_ns(), options.speed, loop=options.loop)
    controls = Controls(tempo, state_times(opened.recorded.passages), opened.recorded.whole.begin_ns)
    voice = _open_voice(opened, tempo, say, stack)
    ReplaySession(controls, stage, mirror, headset, voice, say).run()


def _open_mirror(
    options: Replay,
    opened: OpenedSession,
    stage: ReplayStage,
    window: MirrorWindow,
    say: Say,
    stack: ExitStack,
) -> ReplayMirror:
    """The mirror with everything compiled that draws it. Beside a headset it has no shader: that needs the cores."""
    if options.in_headset:
        options = replace(options, shader="off")
    view = _open_view(options, stage, say, stack)
    body = stage.first().body
    view.draw(BodyState.rest(body.num_betas, body.num_expression), StageTimes())
    rate = BESIDE_HEADSET_RATE if options.in_headset else window.refresh_rate * WINDOW_RATE_SHARE
    cast = (AS_RECORDED, *shipped_avatars())
    show = MirrorShow(view, cast, stage.choose, opened.title, window=window, writer=None, rate=rate)
    outputs = None
    if options.outputs.wanted:
        outputs = stack.enter_context(LiveOutputs(options.outputs, body, view.picture_size))
        for notice in outputs.notices:
            say(notice)
    return ReplayMirror(opened.recorded, opened.stretch, stage, view, show, outputs)


def _start_headset(
    options: Replay, opened: OpenedSession, stage: ReplayStage, stack: ExitStack, open_headset: OpenHeadset
) -> HeadsetProcess:
    """The headset process, getting ready while the mirror does; the stack closes it."""
    body = stage.first().body
    plan = HeadsetPlan(
        avatar=stage.worn_at(opened.stretch.begin_ns),
        body=options.body,
        scene=options.scene or "face-to-face",
        passthrough=options.passthrough,
        backend=options.backend,
        bindings=bindings_for(mirror_window=options.view != "headset"),
        session=str(options.file),
        participant=opened.recorded.participant,
        shader=options.shader,
    )
    process = HeadsetProcess(plan, None, body.num_betas, body.num_expression, open_headset)
    return stack.enter_context(process)


def _draw(options: Replay, out: Path, opened: OpenedSession, console: Console, say: Say, stack: ExitStack) -> None:
    """Every picture into a file. The shader has one size, so that nothing depends on how fast it is."""
    if sizes := sizes_for(options.shader):
        options = replace(options, shader=sizes[0])
    moments = moments_to_draw(opened.recorded, opened.stretch, options.speed)
    stage = ReplayStage(opened.recorded, opened.changes, options.body)
    view = _open_view(options, stage, say, stack)
    times = StageTimes()
    with open_output(out, *view.picture_size, fps=nominal_rate(opened.recorded)) as writer:
        pictures = replayed_pictures(stage, view, moments, options.speed, times)
        for picture, time_s in track(pictures, escape(opened.title), total=len(moments), console=console):
            writer.write(picture, time_s)
    say(f"wrote {out}")
    for name, row in times.table().items():
        say(f"{name} {row['median_ms']:.1f} ms a picture (median)")


def _open_view(options: Replay, stage: ReplayStage, say: Say, stack: ExitStack) -> MirrorView:
    """The mirror, with whoever begins in it."""
    rasterizer = make_rasterizer(options.backend)
    stack.callback(rasterizer.close)
    first, stereo = stage.first(), options.view == "stereo"
    shader = _open_shader(options, rasterizer, say, stack)
    return MirrorView(first.avatar, first.body, rasterizer, *options.size, stereo=stereo, shader=shader)


def _open_shader(options: Replay, rasterizer: Rasterizer, say: Say, stack: ExitStack) -> MirrorShader | None:
    sizes = sizes_for(options.shader)
    if not sizes:
        return None
    eyes, threads = 1 + (options.view == "stereo"), available_cores()
    person = PersonShader(open_engines(sizes, eyes, threads, say), rasterizer, threads)
    stack.callback(person.close)
    return MirrorShader(options.shader, person)


def _open_voice(opened: OpenedSession, tempo: Tempo, say: Say, stack: ExitStack) -> ReplayVoice | None:
    """What the participant said, coming out of a sound device; None where there is neither, which is said."""
    try:
        sound = sound_of(opened.reader, opened.recorded.participant)
        if sound is None:
            return None
        voice = ReplayVoice(sound, tempo.paused(time.monotonic_ns()))
        stack.enter_context(Speaker(voice.fill))
    except (BadInputError, DeviceError) as error:
        say(f"replaying silently: {error.what}")
        return None
    return voice
