"""Sessions that are recorded."""

import io

import pytest
from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.live.setup import run_session
from tests.app import headset_doubles, tracking_doubles


@pytest.fixture
def record(workplace, avatar_file):
    """Runs a recorded session; gives its figures, what it said, and the file."""

    def run(tracking=tracking_doubles.WitnessedPipeline, headset=headset_doubles.RecordedHeadset, **changes):
        path = workplace / "s.mcap"
        settings = {
            "input": "demo", "avatar": str(avatar_file), "size": (64, 48), "view": "none", "record": path,
            "microphone": "none", "seconds": 0.5,
        }  # fmt: skip
        console = Console(file=io.StringIO(), width=200)
        figures = run_session(Live(**(settings | changes)), console, tracking, headset)
        return figures, console.file.getvalue(), path

    return run
