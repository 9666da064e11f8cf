"""`inperson live` in a headset with nothing replaced: the command, its processes, Monado, and Monado's death."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from inperson.paths import assets_dir
from tests.app.drawing_doubles import tiny_avatar
from tests.vr.monado import MonadoService

MOTION = str(assets_dir() / "performer" / "performer.npz")
COMPLETE = [
    "IDLE",
    "READY",
    "SYNCHRONIZED",
    "VISIBLE",
    "FOCUSED",
    "VISIBLE",
    "SYNCHRONIZED",
    "STOPPING",
    "IDLE",
    "EXITING",
]
PATIENCE_S = 240.0
SHOWS, GONE = " shows it\n", "headset: the runtime went away, waiting for it\n"


class Live:
    """`inperson live` as a user starts it, a client of one service.

    Args:
        service: of Monado.
        folder: where it works.
        arguments: of the command.
        display: of the mirror window.
    """

    def __init__(self, service: MonadoService, folder: Path, *arguments: str, display: str | None = None) -> None:
        env = {name: value for name, value in service.env.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        if display is not None:
            env["DISPLAY"] = display
        self._folder = folder
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("inperson"), "live", "--report", "r.json", *arguments],
            cwd=folder,
            env=env | {"COLUMNS": "200", "XDG_CONFIG_HOME": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_said(self, word: str, times: int = 1) -> None:
        """Until it has said something so many times."""
        deadline = time.monotonic() + PATIENCE_S
        while "".join(self._said).count(word) < times:
            assert self._process.poll() is None, self.end()
            assert time.monotonic() < deadline, self._said
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Ctrl-C in a terminal reaches every process of the session."""
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        """Exit code, what was printed, and the errors."""
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
        self._reader.join()
        return self._process.returncode, "".join(self._said), self._process.stderr.read()

    def report(self) -> dict:
        """What `--report` wrote."""
        return json.loads((self._folder / "r.json").read_text())

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.append(line)


@pytest.fixture(scope="module")
def avatar(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("avatars") / "tiny.avatar"
    save_avatar(tiny_avatar(load_body("neutral")), path)
    return str(path)


def test_a_motion_file_in_a_headset(monado_null, tmp_path):
    live = Live(monado_null, tmp_path, "--view", "headset", "--input", MOTION, "--frames", "60")
    code, out, err = live.end()
    assert (code, err) == (0, "")
    report = live.report()
    headset = report["headset"]
    assert headset["states"] == COMPLETE
    frames = headset["frames"]
    assert frames["rendered"] == sum(frames["levels"].values()) == 60
    assert frames["stages"].keys() >= {"wait", "input", "pose", "draw", "submit", "frame"}
    for row in frames["stages"].values():
        assert 0.0 <= row["p50"] <= row["p95"] <= row["p99"]
    assert frames["nominal_fps"] == pytest.approx(20.0, rel=0.01)
    assert 0.0 < frames["fps"] < 21.0
    assert frames["missed"] >= 0
    assert headset["rungs"][0]["seconds"] == 0.0
    assert 0.2 <= frames["scale_min"] <= frames["scale_p50"] <= frames["scale_max"] <= 1.0
    assert (headset["eye_size"], headset["binding"], headset["scene"]) == ([320, 240], "egl", "mirror")
    assert (headset["reconnects"], headset["restarts"], headset["longest_gap_s"]) == (0, 0, 0.0)
    assert (report["frames_tracked"], report["pictures"]) == (0, 0)
    assert "p99 ms" in out
    assert "Monado" in out


def test_a_tracked_clip_until_ctrl_c(monado_null, tmp_path, avatar):
    arguments = ("--view", "headset", "--scene", "embodied", "--input", "demo", "--avatar", avatar)
    live = Live(monado_null, tmp_path, *arguments)
    live.wait_until_said(SHOWS)
    time.sleep(3.0)  # a few camera frames
    live.interrupt()
    code, out, err = live.end()
    assert (code, err) == (130, "stopped\n")
    report = live.report()
    assert report["headset"]["states"] == COMPLETE
    assert report["frames_tracked"] > 0
    assert report["stages"].keys() == {"capture", "landmarks", "fit"}
    assert report["headset"]["scene"] == "embodied"
    assert out.count("run `inperson calibrate`") == 0  # a clip's performer has no calibration to make


def test_the_mirror_window_outlives_the_service_and_the_headset_comes_back(monado_null, tmp_path, avatar, xvfb):
    arguments = ("--view", "headset+mirror", "--input", MOTION, "--avatar", avatar)
    live = Live(monado_null, tmp_path, *arguments, display=xvfb)
    live.wait_until_said(SHOWS)
    monado_null.kill()
    live.wait_until_said(GONE)
    time.sleep(1.0)
    monado_null.start()
    live.wait_until_said(SHOWS, times=2)
    live.interrupt()
    code, out, err = live.end()
    assert (code, err) == (130, "stopped\n")
    headset = live.report()["headset"]
    assert (headset["reconnects"], headset["restarts"]) == (1, 0)
    assert headset["longest_gap_s"] > 1.0
    assert headset["states"] == COMPLETE
    assert out.count(GONE) == 1
    assert live.report()["pictures"] > headset["longest_gap_s"] * 3


def test_no_service_is_one_line(monado_null, tmp_path):
    monado_null.stop()
    code, _, err = Live(monado_null, tmp_path, "--view", "headset", "--input", MOTION).end()
    assert code == 3
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
