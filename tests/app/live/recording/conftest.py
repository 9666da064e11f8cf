"""A place to record in: no display, a point rasteriser, a tiny avatar of the user's own."""

import io

import pytest
from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.live import mirror as live_mirror
from inperson.app.live.setup import run_session
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from tests.app import headset_doubles, tracking_doubles
from tests.app.drawing_doubles import PointRasterizer, tiny_avatar


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    for name in ("cache", "config", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("inperson.app.processes.child_process.cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr("inperson.tracking.user_files.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr(live_mirror, "make_rasterizer", lambda name, threads: PointRasterizer())
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture(scope="session")
def avatar_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "tiny.avatar"
    save_avatar(tiny_avatar(load_body("neutral")), path)
    return path


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
