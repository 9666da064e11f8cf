"""What every source of sound can do: `Microphone`."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from jaxtyping import Float

from inperson.errors import InPersonError

TakeBlock = Callable[[Float[np.ndarray, "960"], int], None]
"""Takes a block of 20 ms at 48 kHz, -1 to 1, with the time of its first sample, monotonic nanoseconds."""


class Microphone(Protocol):
    """A source of sound that is open but does not run yet."""

    name: str
    """For people."""
    sample_rate: int
    """Its own, hertz; blocks are at 48 kHz."""

    def start(self, start_ns: int, take: TakeBlock) -> None:
        """Begin to hand over blocks, on a thread of the microphone's.

        Args:
            start_ns: when the session began, monotonic: a file plays from then on.
            take: told every block; must not take long.

        Raises:
            DeviceError: the device does not start.
        """
        ...

    @property
    def overflow(self) -> int:
        """Blocks (20 ms) that were lost because nobody took them in time."""
        ...

    @property
    def fault(self) -> InPersonError | None:
        """Why no more comes, if something went wrong."""
        ...

    def close(self) -> None:
        """Stop, hand over what is there, let go of file or device. May be called more than once."""
        ...
