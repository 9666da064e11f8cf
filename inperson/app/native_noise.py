"""Keeps what native libraries say on stderr out of the terminal, unless it turns out to matter."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from inperson.errors import InPersonError


@contextmanager
def native_stderr_kept() -> Iterator[None]:
    """Hold back everything written to file descriptor 2 within the block; let it out only if a bug ends the block.

    MediaPipe and TensorFlow Lite announce delegates and warnings there, with no switch of their own.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        matters = False
        try:
            yield
        except (InPersonError, KeyboardInterrupt):
            raise
        except BaseException:
            matters = True
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            if matters:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors="replace"))
