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
from inperson.app.mirror_show import MirrorShow
from inperson.app.mirror_view import MirrorView
from inperson.app.recording.sound import sound_of
from inperson.app.replay.controls import Controls
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
from inperson.errors import DeviceError
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.window import MirrorWindow
from inperson.workers import available_cores

WINDOW_SIZE = (1100, 800)
WINDOW_RATE_SHARE = 1.1
"""A window's own sync sets its pace; this much above it the display clock never interferes."""


def replay(options: Replay, console: Console) -> None:
    """Open everything that `options` name, and play it or draw it.

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
            _play(options, opened, console, say, stack)


def _play(options: Replay, opened: OpenedSession, console: Console, say: Say, stack: ExitStack) -> None:
    """In a window."""
    window = stack.enter_context(MirrorWindow("InPerson", *WINDOW_SIZE))
    stage = ReplayStage(opened.recorded, opened.changes, options.body)
    with console.status("getting ready (the very first time, compiling takes a minute)"):
        view = _open_view(options, stage, say, stack)
        body = stage.first().body
        view.draw(BodyState.rest(body.num_betas, body.num_expression), StageTimes())
    tempo = Tempo(opened.stretch, opened.stretch.begin_ns, time.monotonic_ns(), options.speed, loop=options.loop)
    controls = Controls(tempo, state_times(opened.recorded.passages), opened.recorded.whole.begin_ns)
    show = MirrorShow(
        *(view, (AS_RECORDED, *shipped_avatars()), stage.choose, opened.title),
        window=window,
        writer=None,
        rate=window.refresh_rate * WINDOW_RATE_SHARE,
    )
    ReplaySession(opened, controls, stage, view, show, _open_voice(opened, tempo, say, stack)).run()


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
    """What the participant said, coming out of a sound device; None where there is neither."""
    sound = sound_of(opened.reader, opened.recorded.participant)
    if sound is None:
        return None
    voice = ReplayVoice(sound, tempo.paused(time.monotonic_ns()))
    try:
        stack.enter_context(Speaker(voice.fill))
    except DeviceError as error:
        say(f"replaying silently: {error.what}")
        return None
    return voice
