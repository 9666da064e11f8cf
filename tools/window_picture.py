"""The picture of the mirror window in docs/: `python -m tools.window_picture docs/images/window.png`.

Runs `inperson live` on the shipped clip in a real window on a virtual display (Xvfb) and takes a screenshot.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image, ImageGrab

SCREEN = (1100, 800)
PATIENCE_S = 180


def main() -> None:
    """Open, wait until somebody is in the mirror, take the picture, press Q."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--after", type=float, default=4.0, help="seconds of the session before the picture")
    arguments = parser.parse_args()
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-noreset"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    display = ":" + os.read(reading, 16).decode().strip()
    command = [sys.executable, "-m", "inperson", "live", "--input", "demo"]
    session = subprocess.Popen(command, env=os.environ | {"DISPLAY": display})
    try:
        wait_for_picture(display)
        time.sleep(arguments.after)
        ImageGrab.grab(xdisplay=display).save(arguments.out)
        press = ["xdotool", "search", "--name", "InPerson", "windowfocus", "--sync", "key", "q"]
        subprocess.run(press, env={"DISPLAY": display}, check=True)
        session.wait(PATIENCE_S)
    finally:
        session.kill()
        server.terminate()


def wait_for_picture(display: str) -> None:
    """Until the screen is no longer empty."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        screen: Image.Image = ImageGrab.grab(xdisplay=display)
        if screen.convert("L").getextrema()[1] > 200:  # white letters of the overlay
            return
        time.sleep(0.5)
    raise SystemExit("no window appeared")


if __name__ == "__main__":
    main()
