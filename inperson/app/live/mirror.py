"""The mirror of a session: what draws it, the file and the window that show it."""

from contextlib import ExitStack
from dataclasses import dataclass

from inperson.app.live.plan import LivePlan
from inperson.app.mirror.show import MirrorShow
from inperson.app.mirror.view import MirrorView
from inperson.app.shading.engines import open_engines
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.app.writers import FrameWriter, Mp4Writer
from inperson.avatar.state import BodyState
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.window import MirrorWindow
from inperson.workers import available_cores

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


@dataclass(frozen=True, slots=True)
class LiveMirror:
    """A mirror with everything compiled that draws it."""

    view: MirrorView
    writer: FrameWriter | None
    """Of its file, if there is one."""
    backend: str
    """What draws."""


def open_mirror(plan: LivePlan, stack: ExitStack) -> LiveMirror | None:
    """The mirror and its file, closed by the stack; None without a mirror."""
    if not plan.has_mirror:
        return None
    rasterizer = make_rasterizer(plan.options.backend, threads=DRAWING_THREADS)
    stack.callback(rasterizer.close)
    avatar, body = plan.first.avatar, plan.first.body
    stereo, shader = plan.options.view == "stereo", _open_shader(plan, stack, rasterizer)
    view = MirrorView(avatar, body, rasterizer, *plan.options.size, stereo=stereo, shader=shader)
    view.draw(BodyState.rest(*plan.dimensions), StageTimes())
    view.recenter()
    writer = None
    if plan.out is not None:
        writer = stack.enter_context(Mp4Writer(plan.out, *view.picture_size, fps=FILE_RATE, effort="ultrafast"))
    return LiveMirror(view, writer, rasterizer.name)


def open_show(plan: LivePlan, stack: ExitStack, mirror: LiveMirror, source: str) -> MirrorShow:
    """The mirror's window, if there is a display, and everything that it shows.

    Args:
        source: what moves the avatar calls itself.
    """
    window = stack.enter_context(MirrorWindow("InPerson", *WINDOW_SIZE)) if plan.on_screen else None
    rate = window.refresh_rate * WINDOW_RATE_SHARE if window else FILE_RATE
    if mirror.view.shader is not None:
        rate = min(rate, SHADED_RATE)
    if plan.options.in_headset:
        rate = BESIDE_HEADSET_RATE
    return MirrorShow(mirror.view, plan.cast, plan.load, source, window=window, writer=mirror.writer, rate=rate)


def _open_shader(plan: LivePlan, stack: ExitStack, rasterizer: Rasterizer) -> MirrorShader | None:
    """The mirror's; beside a headset it has none, for the headset needs the cores."""
    if not plan.shader_sizes or plan.options.in_headset:
        return None
    threads = available_cores()
    person = PersonShader(open_engines(plan.shader_sizes, plan.eyes, threads), rasterizer, threads)
    stack.callback(person.close)
    return MirrorShader(plan.options.shader, person)
