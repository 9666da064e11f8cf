"""`python -m tools.headset_rehearsal [--input CLIP|MOTION.npz] [--scene S] [--picture FILE.png] [LIVE OPTIONS]`

The product in a headset on a machine that has none: Monado's real compositor in a window of a virtual screen at
60 Hz, `inperson live --view headset` as its client, and what came of it: the session's own report in one line, and a
picture of Monado's window with both eyes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.vr.monado import MonadoService


def main() -> None:
    """Run one session and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", default="demo")
    parser.add_argument("--scene", default="mirror")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--picture", type=Path, help="of Monado's window, taken in the last third of the session")
    parser.add_argument("--report", type=Path, help="the session's whole report, as JSON")
    options, further = parser.parse_known_args()
    with MonadoService("xcb", "simulated", rate=60) as service, tempfile.TemporaryDirectory() as folder:
        report = options.report or Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "inperson", "live", "--view", "headset", "--input", options.input),
            *("--scene", options.scene, "--seconds", str(options.seconds), "--report", str(report), *further),
        ]
        session = subprocess.Popen(command, env=os.environ | service.env)
        if options.picture is not None:
            _take_picture(service, session, options.picture, wait_s=options.seconds)
        session.wait()
        if session.returncode:
            sys.exit(session.returncode)
        print(json.dumps(json.loads(report.read_text())["headset"]))


def _take_picture(service: MonadoService, session: subprocess.Popen, path: Path, wait_s: float) -> None:
    """Once the session has run for most of its time; starting takes a few seconds on top."""
    end = time.monotonic() + wait_s
    while session.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    picture = service.screenshot()
    shown = picture.max(axis=2) > 0
    rows, columns = shown.any(axis=1).nonzero()[0], shown.any(axis=0).nonzero()[0]
    Image.fromarray(picture[: rows.max() + 1, : columns.max() + 1]).save(path)


if __name__ == "__main__":
    main()
