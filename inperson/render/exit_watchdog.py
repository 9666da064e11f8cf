"""`ExitWatchdog`: a process that is done ends, even where a headset's runtime hangs while it is taken down.

SteamVR on Linux never returns from some of its teardown calls. By then everything worth keeping is written and the
exit code is known, so nothing is lost by ending the process from outside the call.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress


class ExitWatchdog:
    """Ends the process with a code that is already decided, unless it ends by itself in time.

    OpenXR's calls let other Python threads run, so this one gets its turn however deep the main thread hangs. It ends
    the process without exit handlers or destructors, some of which are what may hang. It cannot act once the
    interpreter itself is taken down: close the runtime explicitly, while it is armed.

    Args:
        seconds: granted to the teardown.
        end: what ends the process.
    """

    def __init__(self, seconds: float = 5.0, end: Callable[[int], None] = os._exit) -> None:
        self._seconds, self._end = seconds, end
        self._exit_code = 0
        self._disarmed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="exit-watchdog", daemon=True)

    def arm(self, exit_code: int) -> None:
        """From now on the process has `seconds` to end; otherwise it ends with this code.

        Raises:
            RuntimeError: armed before.
        """
        self._exit_code = exit_code
        self._thread.start()

    def disarm(self) -> None:
        """The teardown is through: the process may take its time again. Does no harm when not armed."""
        self._disarmed.set()

    def _watch(self) -> None:
        if self._disarmed.wait(self._seconds):
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more: no reason to stay
                stream.flush()
        self._end(self._exit_code)
