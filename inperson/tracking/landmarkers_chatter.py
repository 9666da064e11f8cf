"""Silence while native libraries start."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_chatter_muted() -> Iterator[None]:
    """Keep what LiteRT's and MediaPipe's C++ parts say while they start off the terminal; no option of theirs does.

    Errors are not lost: they come back as exceptions.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
