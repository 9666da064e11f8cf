"""The whole commands: pictures on disk, a live session with its keys, errors in one line, no thread left behind."""

import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from inperson.app import cli
from inperson.app.commands.live import Live
from inperson.app.live.setup import run_session
from inperson.avatar.body import BodyModel
from inperson.render.window import Action, MirrorWindow
from inperson.tracking.motion_file import clip_of_states, save_motion
from tests.app.shading.weights import RED, put_weights
from tests.shader_model.conditions.scenes import gesturing

SIZE = ("96", "64")


@pytest.fixture
def motion(body: BodyModel, tmp_path: Path) -> str:
    """Half a second of somebody who gestures."""
    return gesture(body, tmp_path / "m.npz", 12)


def gesture(body: BodyModel, path: Path, frames: int) -> str:
    """The file of somebody who gestures, 25 frames a second."""
    states = [
        replace(
            gesturing(body, 0.04 * k),
            betas=np.zeros(body.num_betas, np.float32),
            transl=np.array([0, 0, -2], np.float32),
            time_ns=k * 40_000_000,
        )
        for k in range(frames)
    ]
    save_motion(clip_of_states(states, framerate=25.0, body_name=body.name, body_sha256=body.sha256), path)
    return str(path)


def pictures(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]).astype(int)


def test_render_with_and_without_and_split(
    assets: Path, motion: str, avatar_file: str, tmp_path: Path, capsys
) -> None:
    put_weights(assets, red=RED)
    common = ["render", motion, "--avatar", avatar_file, "--camera", "mirror", "--backend", "cpu", "--size", *SIZE]
    made = {}
    for name, options in {
        "off": ["--shader", "off"],
        "small": ["--shader", "small"],
        "split": ["--shader", "auto", "--split"],
    }.items():
        assert cli.main([*common, "--out", str(tmp_path / name), *options]) == 0
        made[name] = pictures(tmp_path / name)
    said = capsys.readouterr().out
    assert said.count("finding out what runs its small size fastest") == 1
    assert "shading" in said
    off, small, split = made.values()
    assert off.shape == small.shape == split.shape == (12, 64, 96, 3)
    assert (small - off)[..., 0].max() > 200 * RED
    assert np.abs(split[..., :48, :] - off[..., :48, :]).max() <= 1
    np.testing.assert_array_equal(split[..., 49:, :], small[..., 49:, :])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shader", "large"], "shader_large.safetensors"),
        (["--shader", "auto"], "training.export"),
        (["--split"], "--split shows the picture without the shader"),
    ],
)
def test_render_says_in_one_line_what_is_missing(
    assets: Path, motion: str, avatar_file: str, tmp_path: Path, capsys, options: list[str], said: str
) -> None:
    command = [
        "render",
        motion,
        "--avatar",
        avatar_file,
        "--camera",
        "mirror",
        "--out",
        str(tmp_path / "x"),
        *options,
    ]
    assert cli.main(command) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_live_says_what_is_missing_before_anything_starts(assets: Path, motion: str, tmp_path: Path, capsys) -> None:
    assert cli.main(["live", "--input", motion, "--shader", "medium", "--report", str(tmp_path / "r.json")]) == 2
    assert "shader_medium.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()


@pytest.fixture
def live(body: BodyModel, avatar_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Options of a session without a display, in an empty folder. Its motion lasts longer than a loaded machine needs
    for the first pictures: it is played in real time."""
    motion = gesture(body, tmp_path / "long.npz", 250)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)

    def make(**changes) -> Live:
        settings = {"input": motion, "avatar": avatar_file, "size": (96, 64), "backend": "cpu", "shader": "small"}
        return Live(**(settings | changes))

    return make


def test_a_live_session_reports_its_shader_and_ends_its_threads(assets: Path, live, tmp_path: Path) -> None:
    put_weights(assets)
    before = set(threading.enumerate())
    console = Console(file=io.StringIO(), width=200)
    run_session(live(view="none", frames=4, report=tmp_path / "r.json"), console)
    assert set(threading.enumerate()) <= before
    report = json.loads((tmp_path / "r.json").read_text())
    assert list(report["stages"]) == ["pose", "conditions", "shading", "draw"]
    assert {row["count"] for row in report["stages"].values()} == {4}
    assert report["shader"] == {"asked": "small", "engines": {"small": "torch-fp32"}, "pictures": {"small": 4}}
    assert "shader small (torch-fp32) on 4 pictures" in " ".join(console.file.getvalue().split())


def test_without_a_shader_there_is_none_in_the_report(live, tmp_path: Path) -> None:
    run_session(live(view="none", frames=2, shader="off", report=tmp_path / "r.json"), Console(file=io.StringIO()))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["shader"] is None
    assert list(report["stages"]) == ["pose", "draw"]


def test_the_keys_switch_it_off_and_split_the_picture(assets: Path, live, xvfb: str, monkeypatch) -> None:
    put_weights(assets, red=RED)
    monkeypatch.setenv("DISPLAY", xvfb)
    shown: list[tuple[np.ndarray, str]] = []
    show = MirrorWindow.show
    keys = {2: [Action.SPLIT], 4: [Action.SPLIT, Action.SHADER], 6: [Action.SHADER], 8: [Action.QUIT]}

    def seen_show(self, picture, overlay=None, sign=None):
        shown.append((picture.astype(int), overlay.shader))
        show(self, picture, overlay)

    monkeypatch.setattr(MirrorWindow, "show", seen_show)
    monkeypatch.setattr(MirrorWindow, "take_actions", lambda self: keys.get(len(shown), []))
    run_session(live(), Console(file=io.StringIO()))
    lines = [line for _, line in shown]
    assert lines == ["small on torch-fp32"] * 4 + ["off"] * 2 + ["small on torch-fp32"] * 2
    redness = [(p[..., 0] - p[..., 1]) for p, _ in shown]
    red = [(r[:, :48].mean(), r[:, 49:].mean()) for r in redness]
    off = red[4]
    assert all(r > off[1] + 5 for _, r in red[:4])
    assert all(left > off[0] + 5 for left, _ in (red[0], red[1], red[6], red[7]))
    assert all(left == pytest.approx(off[0], abs=2) for left, _ in red[2:6])
