"""A recorded live session that somebody will kill: `python -m tests.app.live.recording.session_program FOLDER`.

Works in FOLDER: `s.mcap` is the recording, `voice.wav` the microphone, `tracked.txt` what tracking says of itself.
"""

import io
import os
import sys
from pathlib import Path

from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.live import mirror as live_mirror
from inperson.app.live.setup import run_session
from inperson.app.processes import child_process
from tests.app.drawing_doubles import PointRasterizer
from tests.app.tracking_doubles import WitnessedPipeline


def main() -> None:
    os.chdir(sys.argv[1])
    child_process.cache_dir = Path.cwd
    live_mirror.make_rasterizer = lambda name, threads: PointRasterizer()
    options = Live(
        input="demo", avatar="tiny.avatar", size=(64, 48), view="none", record=Path("s.mcap"), microphone="voice.wav"
    )
    run_session(options, Console(file=io.StringIO()), WitnessedPipeline)


if __name__ == "__main__":
    main()
