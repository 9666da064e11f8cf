"""A replay shows the pixels of `inperson render` of the same motion, and the same bytes every time."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inperson.app import cli
from inperson.app.recording.reader import SessionReader
from inperson.avatar.body import BodyModel
from inperson.tracking.motion_file import save_motion
from tests.app.replay.sessions import about, avatar_record, gestures, session_of
from tests.app.shading.weights import RED, put_weights

SIZE = ("96", "64")
FRAMES = 11


@pytest.fixture
def session(body: BodyModel, avatar_file: str, tmp_path: Path) -> Path:
    """Half a second of somebody who gestures, their avatar embedded."""
    record, sha256 = avatar_record(Path(avatar_file))
    papers = about(body, avatar_name="few", avatar_sha256=sha256)
    return session_of(tmp_path / "s.mcap", papers, gestures(body, FRAMES), [record])


def pictures(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.iterdir())])


def replay(session: Path, out: Path, *options: str) -> np.ndarray:
    command = ["replay", str(session), "--backend", "cpu", "--size", *SIZE, "--out", str(out), *options]
    assert cli.main(command) == 0
    return pictures(out) if out.is_dir() else np.zeros(0)


@pytest.mark.parametrize(("view", "shader"), [("stereo", "off"), ("mirror", "auto")])
def test_the_pixels_are_those_of_render(session, avatar_file, assets, tmp_path, view, shader):
    put_weights(assets, red=RED)
    with SessionReader(session) as reader:
        save_motion(reader.motion("me"), tmp_path / "m.npz")
    common = ["--backend", "cpu", "--size", *SIZE, "--shader", shader]
    stereo = ["--stereo"] if view == "stereo" else []
    rendered = ["render", str(tmp_path / "m.npz"), "--avatar", avatar_file, "--camera", "mirror", *common, *stereo]
    assert cli.main([*rendered, "--out", str(tmp_path / "rendered")]) == 0
    expected = pictures(tmp_path / "rendered")
    shown = replay(session, tmp_path / "replayed", "--shader", shader, "--view", view)
    assert len(np.unique(expected[0])) > 50  # somebody is there
    assert (expected[0] != expected[-1]).any()
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    ("name", "options"), [("pictures", ("--shader", "small")), ("pictures", ("--speed", "0.5")), ("movie.mp4", ())]
)
def test_two_replays_are_the_same_bytes(session, assets, tmp_path, name, options):
    put_weights(assets, red=RED)
    made = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        replay(session, tmp_path / folder / name, *options)
        files = sorted(path for path in (tmp_path / folder).rglob("*") if path.is_file())
        made.append([(path.name, path.read_bytes()) for path in files])
    assert made[0] == made[1]
    assert len(made[0]) == (1 if name == "movie.mp4" else 2 * FRAMES - 1 if "0.5" in options else FRAMES)
