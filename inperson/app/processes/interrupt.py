"""Ctrl-C as a question that work asks between its steps, instead of an exception in the middle of one."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class InterruptFlag:
    """A context manager. Before anybody asks, Ctrl-C interrupts as always; from then on the first one is only noted,
    and the second interrupts. For the main thread."""

    def __init__(self) -> None:
        self._listening = self._noted = False
        self._before: Any = None

    def asked(self) -> bool:
        """Whether Ctrl-C was pressed."""
        self._listening = True
        return self._noted

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted or not self._listening:
            raise KeyboardInterrupt
        self._noted = True
