"""`inperson avatar export`: the right avatar in the right pose, whole or not at all, errors in one line."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData

from inperson.app import cli
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.tracking.motion_file import MotionClip, save_motion
from tests.app.drawing_doubles import tiny_avatar


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="module")
def things(body: BodyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny avatar and a motion of two seconds that raises the left arm."""
    folder = tmp_path_factory.mktemp("things")
    save_avatar(tiny_avatar(body), folder / "tiny.avatar")
    save_avatar(replace(tiny_avatar(body), body_sha256="00" * 32), folder / "other.avatar")
    poses = np.zeros((3, 165), np.float32)
    poses[:, 3 * 16 + 2] = [0.0, 0.6, 1.2]
    motion = MotionClip(
        poses=poses,
        trans=np.zeros((3, 3), np.float32),
        betas=np.zeros(body.num_betas, np.float32),
        framerate=1.0,
        times_ns=np.arange(3) * 1_000_000_000,
        expression=np.zeros((3, body.num_expression), np.float32),
        confidence=np.ones((3, 5), np.float32),
        source=np.zeros((3, 5), np.int64),
        expr_names=body.expr_names,
        body_name=body.name,
        body_sha256=body.sha256,
    )
    save_motion(motion, folder / "arm.npz")
    return folder


def means_of(path: Path) -> np.ndarray:
    vertices = PlyData.read(path)["vertex"]
    return np.stack([vertices[c] for c in "xyz"], axis=1)


def posed(things: Path, body: BodyModel, arm: float) -> np.ndarray:
    pose = np.zeros((55, 3), np.float32)
    pose[16, 2] = arm
    state = BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)
    return AvatarPoser(load_avatar(things / "tiny.avatar"), body).pose(state).means


def test_without_a_pose_it_stands_in_t_pose(things: Path, body: BodyModel, tmp_path: Path, capsys) -> None:
    out = tmp_path / "a.ply"
    assert cli.main(["avatar", "export", str(things / "tiny.avatar"), "-o", str(out)]) == 0
    np.testing.assert_allclose(means_of(out), posed(things, body, 0.0), atol=1e-6)
    assert capsys.readouterr().out.strip() == f"wrote {out}"
    assert [path.name for path in tmp_path.iterdir()] == ["a.ply"]


@pytest.mark.parametrize(("at", "arm"), [("0", 0.0), ("1", 0.6), ("1.5", 0.9), ("2.9", 1.2)])
def test_it_takes_the_pose_of_a_motion(things: Path, body: BodyModel, tmp_path: Path, at: str, arm: float) -> None:
    out = tmp_path / "a.ply"
    motion = ["--pose", str(things / "arm.npz"), "--at", at]
    assert cli.main(["avatar", "export", str(things / "tiny.avatar"), "-o", str(out), *motion]) == 0
    np.testing.assert_allclose(means_of(out), posed(things, body, arm), atol=1e-4)


def test_spz_holds_as_many_gaussians(things: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.SPZ"
    assert cli.main(["avatar", "export", str(things / "tiny.avatar"), "-o", str(out)]) == 0
    data = gzip.decompress(out.read_bytes())
    count = len(load_avatar(things / "tiny.avatar").scales)
    assert (data[:4], int.from_bytes(data[8:12], "little"), len(data)) == (b"NGSP", count, 16 + 20 * count)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nobody-like-that", "-o", "a.ply"], 2, "nobody-like-that"),
        (["tiny.avatar", "-o", "a.obj"], 2, "a.obj: name a file ending in .ply or .spz"),
        (["tiny.avatar", "-o", "nowhere/a.ply"], 5, "nowhere/a.ply"),
        (["other.avatar", "-o", "a.ply"], 2, "another body"),
        (["tiny.avatar", "-o", "a.ply", "--at", "1"], 2, "--at without --pose"),
        (["tiny.avatar", "-o", "a.ply", "--pose", "arm.npz", "--at", "3"], 2, "from 0 to below 3 seconds"),
        (["tiny.avatar", "-o", "a.ply", "--pose", "arm.npz", "--at", "nan"], 2, "--at nan is not within"),
        (["tiny.avatar", "-o", "a.ply", "--pose", "missing.npz"], 2, "missing.npz"),
        (["tiny.avatar", "-o", "a.ply", "--pose", "tiny.avatar"], 2, "tiny.avatar"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    things: Path, tmp_path: Path, monkeypatch, capsys, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(things / a) if (things / a).is_file() else a for a in arguments]
    assert cli.main(["avatar", "export", *arguments]) == status
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_looks_like_markup_is_text(body: BodyModel, tmp_path: Path) -> None:
    """Names come out of files that anybody may write; progress bars read brackets as markup."""
    save_avatar(replace(tiny_avatar(body), name="[/red] [bold]"), tmp_path / "a.avatar")
    assert cli.main(["avatar", "export", str(tmp_path / "a.avatar"), "-o", str(tmp_path / "a.ply")]) == 0
    show = ["avatar", "show", str(tmp_path / "a.avatar"), "-o", str(tmp_path / "a.mp4"), "--size", "32", "48"]
    assert cli.main(show) == 0
    assert PlyData.read(tmp_path / "a.ply").comments[0] == "avatar [/red] [bold], exported by InPerson"
