"""The GPU's time of a frame: read late, and not at all where there is no GPU."""

from dataclasses import dataclass, field
from typing import Any

import moderngl
import pytest

from inperson.render import gpu_timer
from inperson.render.gpu_timer import FRAMES_LATE, GpuTimer


@dataclass
class Query:
    """A timer query whose time is known."""

    elapsed: int = -1
    open: bool = False

    def __enter__(self) -> None:
        self.open = True

    def __exit__(self, *error: object) -> None:
        self.open = False


@dataclass
class Context:
    """Of a GPU."""

    queries: list[Query] = field(default_factory=list)

    @property
    def info(self) -> dict[str, str]:
        return {"GL_RENDERER": "NVIDIA H100"}

    def query(self, *, time: bool) -> Query:
        assert time
        self.queries.append(Query())
        return self.queries[-1]


def test_a_frames_time_is_read_when_it_is_surely_there():
    context: Any = Context()
    timer = GpuTimer(context)
    read = []
    for frame in range(10):
        with timer.measure():
            (query,) = (q for q in context.queries if q.open)
            query.elapsed = frame * 1_000_000
        assert not any(q.open for q in context.queries)
        read.append(timer.newest_ms)
    assert read == [None] * FRAMES_LATE + [float(frame) for frame in range(10 - FRAMES_LATE)]


def test_a_frame_that_fails_is_not_measured():
    context: Any = Context()
    timer = GpuTimer(context)
    for _ in range(5):
        with pytest.raises(ValueError, match="drawing"), timer.measure():
            raise ValueError("drawing")
    assert timer.newest_ms is None
    assert not any(q.open for q in context.queries)


def test_software_draws_without_a_gpu(context: moderngl.Context):
    timer = GpuTimer(context)
    for _ in range(2 * FRAMES_LATE):
        with timer.measure():
            context.clear()
    assert timer.newest_ms is None


def test_real_queries_are_read(context: moderngl.Context, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gpu_timer, "is_software", lambda _: False)
    timer = GpuTimer(context)
    for _ in range(2 * FRAMES_LATE):
        with timer.measure():
            context.clear()
        context.finish()
    assert timer.newest_ms is not None
    assert timer.newest_ms >= 0.0
