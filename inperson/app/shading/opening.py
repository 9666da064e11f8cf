"""From what a user asked for to a shader that is ready, for windows and files."""

from contextlib import ExitStack

from inperson.app.shading.choice import ShaderChoice
from inperson.app.shading.engines import Say, open_engines, sizes_for
from inperson.app.shading.person import PersonShader
from inperson.app.shading.views import ViewShader
from inperson.render.gbuffer import Rasterizer
from inperson.workers import available_cores


def open_view_shader(
    asked: ShaderChoice, rasterizer: Rasterizer, *, eyes: int, say: Say, stack: ExitStack
) -> ViewShader | None:
    """The shader for pictures that may take their time: one size, all cores; None for `off`.

    Args:
        asked: `auto` means the largest that has weights.
        rasterizer: stays the caller's to close, after the stack.
        eyes: shaded at once.
        say: told what goes on when it takes a while.
        stack: ends the shader's threads.

    Raises:
        BadInputError: the size has no weights, or they cannot be read.
        OutputError: what was measured cannot be kept.
    """
    sizes = sizes_for(asked)[:1]
    if not sizes:
        return None
    threads = available_cores()
    person = PersonShader(open_engines(sizes, eyes, threads, say), rasterizer, threads)
    stack.callback(person.close)
    return ViewShader(person)
