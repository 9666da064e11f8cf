"""The main job with nothing replaced: shipped clip, real landmarkers, real fit, shipped avatar, CPU backend."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from inperson.app import cli
from inperson.paths import assets_dir
from inperson.tracking.motion_file import load_motion

FRAMES = 20
AVATAR = "ada"
HEAD, LEFT_SHOULDER, RIGHT_SHOULDER = 15, 16, 17


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The first frames of the shipped clip."""
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    with av.open(str(assets_dir() / "performer" / "performer.mp4")) as whole, av.open(str(path), "w") as part:
        stream = part.add_stream("libx264", rate=30, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number, frame in zip(range(FRAMES), whole.decode(video=0), strict=False):
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 30)
            part.mux(stream.encode(picture))
        part.mux(stream.encode())
    return path


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def pictures(path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def test_a_clip_is_tracked_and_rendered_from_its_own_camera(work, clip):
    assert cli.main(["track", str(clip), "-o", "m.npz", "--report", "r.json"]) == 0
    motion = load_motion(work / "m.npz")
    report = json.loads((work / "r.json").read_text())
    assert len(motion) == report["frames"] == FRAMES
    assert report["part_rates"]["trunk"] == report["part_rates"]["face"] == 1.0
    assert report["stages"]["fit"]["count"] == FRAMES
    assert report["residuals"]["body_relative"] < 0.06

    assert cli.main(["render", "m.npz", "--avatar", AVATAR, "--camera", "source", "-o", "x.mp4"]) == 0
    drawn = pictures(work / "x.mp4")
    assert len(drawn) == FRAMES
    assert drawn[0].shape == (480, 640, 3)
    truth = np.load(assets_dir() / "performer" / "performer.npz")
    fx, fy, cx, cy = truth["camera"]
    for frame in (0, FRAMES - 1):
        somebody = np.ptp(drawn[frame], axis=-1) > 30  # the wall is grey
        for joint in (HEAD, LEFT_SHOULDER, RIGHT_SHOULDER):  # the avatar is where the performer really is
            x, y, z = truth["joints"][frame, joint]
            column, row = round(fx * x / -z + cx), round(fy * -y / -z + cy)
            assert somebody[row - 4 : row + 5, column - 4 : column + 5].mean() > 0.8
        assert not somebody[:, :40].any()
        assert not somebody[:, -40:].any()


def test_the_live_session_mirrors_the_clip(work, clip):
    assert (
        cli.main(["live", "--input", str(clip), "--avatar", AVATAR, "--size", "256", "256", "--report", "r.json"])
        == 0
    )
    report = json.loads((work / "r.json").read_text())
    drawn = pictures(work / "out" / "mirror.mp4")
    assert len(drawn) == report["pictures"] >= 1
    assert report["frames_with_person"] == report["frames_tracked"] >= 1
    assert report["backend"] in ("cpu", "gl", "gsplat")
    somebody = np.ptp(drawn[-1], axis=-1) > 30  # the wall is grey
    assert somebody[100:, 88:168].mean() > 0.8
    assert not somebody[:20].any()


def test_ctrl_c_ends_the_session_and_keeps_its_mirror(work):
    """Ctrl-C in a terminal reaches every process of the session."""
    command = [
        Path(sys.executable).with_name("inperson"),
        "live",
        "--input",
        "demo",
        "--avatar",
        AVATAR,
        "-o",
        "x.mp4",
    ]
    session = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 200
    while not any(part.stat().st_size > 10_000 for part in work.glob(".x.mp4*")):  # it is being written
        assert session.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(session.pid, signal.SIGINT)
    out, err = session.communicate(timeout=60)
    assert session.returncode == 130
    assert err == "stopped\n"
    assert "camera to pixels" in out
    assert [path.name for path in work.iterdir()] == ["x.mp4"]
    assert len(pictures(work / "x.mp4")) >= 1
