"""From the options of `inperson replay` to a replay: what is opened, in which order, and what is said."""

from contextlib import ExitStack
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from inperson.app.commands.replay import Replay
from inperson.app.mirror_view import MirrorView
from inperson.app.replay.offline import moments_to_draw, nominal_rate, replayed_pictures
from inperson.app.replay.opening import OpenedSession, Say, open_session
from inperson.app.replay.stage import ReplayStage
from inperson.app.shading.engines import open_engines, sizes_for
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.app.writers import open_output
from inperson.errors import BadInputError
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.workers import available_cores


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
        draw_offline(options, opened, console, say, stack)


def draw_offline(options: Replay, opened: OpenedSession, console: Console, say: Say, stack: ExitStack) -> None:
    """Every picture into `options.out`."""
    if options.out is None:
        raise BadInputError("--out is missing", "name a file ending in .mp4, or a folder")
    moments = moments_to_draw(opened.recorded, opened.stretch, options.speed)
    stage = ReplayStage(opened.recorded, opened.changes, options.body)
    rasterizer = make_rasterizer(options.backend)
    stack.callback(rasterizer.close)
    first, stereo = stage.first(), options.view == "stereo"
    shader = _open_offline_shader(options, rasterizer, say, stack)
    view = MirrorView(first.avatar, first.body, rasterizer, *options.size, stereo=stereo, shader=shader)
    times = StageTimes()
    with open_output(options.out, *view.picture_size, fps=nominal_rate(opened.recorded)) as writer:
        pictures = replayed_pictures(stage, view, moments, options.speed, times)
        for picture, time_s in track(pictures, escape(opened.title), total=len(moments), console=console):
            writer.write(picture, time_s)
    say(f"wrote {options.out}")
    for name, row in times.table().items():
        say(f"{name} {row['median_ms']:.1f} ms a picture (median)")


def _open_offline_shader(options: Replay, rasterizer: Rasterizer, say: Say, stack: ExitStack) -> MirrorShader | None:
    """One that may take its time: a single size, so that what is drawn does not depend on how fast."""
    sizes = sizes_for(options.shader)[:1]
    if not sizes:
        return None
    threads = available_cores()
    person = PersonShader(open_engines(sizes, 1 + (options.view == "stereo"), threads, say), rasterizer, threads)
    stack.callback(person.close)
    return MirrorShader(sizes[0], person)
