"""What goes wrong, through the real command line: one line, the right exit code, nothing left behind.

Sessions here run the real pipeline. A camera that is unplugged, a window without a display, a killed process:
`test_live`, `test_tracking_process`, `tests/render/test_window.py`. Two people and changing sizes: tests/tracking.
"""

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from inperson.app import cli
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from tests.app.drawing_doubles import tiny_avatar


@pytest.fixture(scope="module")
def things(tmp_path_factory) -> Path:
    """Files of all sorts, good and bad."""
    folder = tmp_path_factory.mktemp("things")
    good = folder / "good.avatar"
    save_avatar(tiny_avatar(load_body("neutral")), good)
    (folder / "broken.avatar").write_bytes(good.read_bytes()[:-1000])
    (folder / "corrupt.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "empty.mp4").write_bytes(b"")
    np.savez(folder / "nobody.npz", v_template=np.zeros((4, 3)))
    (folder / "text.npz").write_text("not an npz")
    with av.open(str(folder / "room.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(8):
            wall = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 120, np.uint8), format="rgb24")
            container.mux(stream.encode(wall))
        container.mux(stream.encode())
    return folder


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, without a display."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def check(status: int, stderr: str, folder: Path, expected: int, *said: str) -> None:
    """One line that says the words, the exit code, and an empty folder."""
    assert len(stderr.splitlines()) == 1, stderr
    assert stderr.startswith("error: ")
    for words in said:
        assert words in stderr
    assert status == expected
    assert not [path for path in folder.rglob("*") if path.is_file()]


LIVE = ("live", "--avatar", "THINGS/good.avatar", "--out", "x.mp4", "--report", "r.json")
TRACK = ("track", "-o", "m.npz", "--report", "r.json")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((*LIVE, "--input", "7"), 3, ("camera '7'", "inperson devices")),
        ((*LIVE, "--input", "THINGS/corrupt.mp4"), 2, ("corrupt.mp4",)),
        ((*LIVE, "--input", "THINGS/room.mp4"), 2, ("nobody was in view in room.mp4",)),
        ((*LIVE, "--input", "THINGS/room.mp4", "--body", "THINGS/nobody.npz"), 2, ("nobody.npz",)),
        ((*LIVE, "--input", "THINGS/room.mp4", "--body", "THINGS/text.npz"), 2, ("text.npz",)),
        ((*TRACK, "THINGS/corrupt.mp4"), 2, ("corrupt.mp4",)),
        ((*TRACK, "THINGS/empty.mp4"), 2, ("empty.mp4",)),
        ((*TRACK, "THINGS/missing.mp4"), 2, ("missing.mp4",)),
        ((*TRACK, "THINGS/room.mp4"), 2, ("no person in view",)),
        ((*TRACK, "THINGS/room.mp4", "--body", "THINGS/nobody.npz"), 2, ("nobody.npz",)),
        (("live", "--input", "demo", "--avatar", "THINGS/broken.avatar"), 2, ("broken.avatar",)),
        (("live", "--input", "demo", "--avatar", "THINGS/good.avatar", "--out", "x.avi"), 2, ("x.avi", ".mp4")),
        (("live", "--input", "demo", "--avatar", "THINGS/good.avatar", "--out", "no/x.mp4"), 5, ("no/x.mp4",)),
        (("live", "--input", "demo", "--avatar", "THINGS/good.avatar", "--report", "no/r.json"), 5, ("no/r.json",)),
        (("track", "demo", "-o", "no/m.npz"), 5, ("no/m.npz",)),
    ],
)
def test_bad_input_is_one_line(work, things, capfd, arguments, status, said):
    done = cli.main([argument.replace("THINGS", str(things)) for argument in arguments])
    check(done, capfd.readouterr().err, work, status, *said)


@pytest.mark.parametrize("damaged", [False, True])
def test_models_missing_or_damaged(work, tmp_path, things, monkeypatch, capfd, damaged):
    models = tmp_path / "cache" / "inperson" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if damaged:
        models.mkdir(parents=True)
        for name in ("pose_landmarker_full.task", "hand_landmarker.task", "face_landmarker.task"):
            (models / name).write_bytes(b"not the model")
    arguments = (*(LIVE if damaged else TRACK), *(["--input"] if damaged else []), "THINGS/room.mp4")
    done = cli.main([argument.replace("THINGS", str(things)) for argument in arguments])
    check(done, capfd.readouterr().err, work, 4, "model file", "models fetch")


def test_no_cuda_is_said_by_the_gsplat_backend(work, things, capfd, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = cli.main(["avatar", "show", str(things / "good.avatar"), "-o", "x.png", "--backend", "gsplat"])
    check(done, capfd.readouterr().err, work, 3, "CUDA")


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        (("live", "--input", "demo", "--avatar", "no-such-avatar"), {}, 2, "no-such-avatar"),
        (  # EGL is pointed at a driver that is not there
            ("avatar", "show", "THINGS/good.avatar", "-o", "x.png", "--backend", "gl"),
            {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere.json"},
            3,
            "OpenGL",
        ),
    ],
)
def test_the_installed_command_says_the_same(work, things, arguments, environment, status, said):
    done = subprocess.run(
        [Path(sys.executable).with_name("inperson"), *(a.replace("THINGS", str(things)) for a in arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    check(done.returncode, done.stderr, work, status, said)
