"""A place to have sessions in: no display, a point rasteriser, a tiny avatar of the user's own."""

from pathlib import Path

import pytest

from inperson.app.headset import process
from inperson.app.live import mirror as live_mirror
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from tests.app.drawing_doubles import PointRasterizer, tiny_avatar


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the user's own folders are others."""
    for name in ("cache", "config", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("inperson.app.processes.child_process.cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr("inperson.tracking.user_files.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr(live_mirror, "make_rasterizer", lambda name, threads: PointRasterizer())
    monkeypatch.setattr(process, "RESTART_AFTER_S", 0.05)
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture(scope="session")
def avatar_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatars") / "tiny.avatar"
    save_avatar(tiny_avatar(load_body("neutral")), path)
    return path
