"""Memory that a lost session leaves behind goes back to the system."""

import ctypes
import sys


def give_memory_back() -> None:
    """Return freed blocks to the system (glibc's `malloc_trim`; elsewhere nothing is kept, or nobody can ask).

    Runtime and driver free tens of megabytes with a session. glibc keeps them in the holes of its heaps, where the
    next session's blocks do not always fit: without this a process that loses many sessions grows.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
