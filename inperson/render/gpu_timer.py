"""`GpuTimer`: how long the GPU works on a frame, read some frames later so that nothing waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import moderngl

from inperson.render.gl import is_software

FRAMES_LATE = 3
"""A frame's time is read when so many more have been drawn: it is there by then, and reading does not block."""


class GpuTimer:
    """Measures what is drawn inside `measure`, which comes once a frame and holds no other timer query.

    Says nothing of software renderers: their work is this process's own, which is timed anyway (and llvmpipe's timer
    queries can end before they began).

    Args:
        context: current in the calling thread.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._queries = [] if is_software(context) else [context.query(time=True) for _ in range(FRAMES_LATE)]
        self._frames = 0
        self.newest_ms: float | None = None
        """Of the newest frame that is known to be finished, milliseconds; None until there is one."""

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Around one frame's drawing commands."""
        if not self._queries:
            yield
            return
        query = self._queries[self._frames % FRAMES_LATE]
        if self._frames >= FRAMES_LATE:
            self.newest_ms = query.elapsed / 1e6
        with query:
            yield
        self._frames += 1
