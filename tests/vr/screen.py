"""A virtual X screen of one test's own, and what it shows."""

import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

DIES_WITH_US: Sequence[str] = ("setpriv", "--pdeathsig", "KILL", "--")
"""Put before a command: the kernel ends it when the thread that started it is gone, however that came about."""


class VirtualScreen:
    """An Xvfb whose framebuffer is a file, so that a picture of it needs no X client.

    Args:
        folder: where the framebuffer and the server's log go.
        width, height: pixels.
    """

    def __init__(self, folder: Path, width: int = 1600, height: int = 1000) -> None:
        self._framebuffer = folder / "Xvfb_screen0"
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-fbdir", str(folder)]
        with open(folder / "xvfb.log", "wb") as log:
            self.server = subprocess.Popen(
                [*DIES_WITH_US, *command, "+extension", "GLX", "-nolisten", "tcp", "-noreset"],
                pass_fds=[writing],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        if not number:
            self.close()
            raise RuntimeError(f"Xvfb did not start: {(folder / 'xvfb.log').read_text()}")
        self.name = f":{number}"

    def picture(self) -> UInt8[np.ndarray, "height width 3"]:
        """What the screen shows now, RGB."""
        content = self._framebuffer.read_bytes()
        # XWD: big-endian 32-bit words; [0] header bytes, [4] width, [5] height, [12] bytes a line, [19] colours of 12
        # bytes each between header and pixels. Xvfb's 24-bit screens have 32-bit pixels, blue first.
        header = struct.unpack(">25I", content[:100])
        width, height, stride = header[4], header[5], header[12]
        start = header[0] + 12 * header[19]
        pixels = np.frombuffer(content, np.uint8, height * stride, start).reshape(height, stride // 4, 4)
        return pixels[:, :width, 2::-1].copy()

    def close(self) -> None:
        """End the server."""
        self.server.terminate()
        self.server.wait()
