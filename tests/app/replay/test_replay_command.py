"""`inperson replay` as a user runs it: whose avatar, what is said, and every mistake in one line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inperson.app import cli
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord, MicrophoneRecord
from inperson.app.recording.writer import VERSION
from inperson.avatar.file import avatar_path, save_avatar
from tests.app.drawing_doubles import tiny_avatar
from tests.app.recording.made_up import made_up_messages, write_session
from tests.app.replay.sessions import BEGIN_NS, FRAME_NS, about, avatar_record, gestures, session_of

FRAMES = 6


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Nothing lies about in the working folder, and there is no display."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def avatars(body, tmp_path_factory) -> tuple[Path, Path]:
    """A white one and a black one."""
    folder = tmp_path_factory.mktemp("avatars")
    paths = folder / "white.avatar", folder / "black.avatar"
    for path, color in zip(paths, (1.0, 0.0), strict=True):
        save_avatar(tiny_avatar(body, path.stem, color), path)
    return paths


@pytest.fixture(scope="module")
def session(body, avatars, tmp_path_factory) -> Path:
    """Somebody who wears white."""
    record, sha256 = avatar_record(avatars[0])
    papers = about(body, avatar_name="white", avatar_sha256=sha256)
    return session_of(tmp_path_factory.mktemp("session") / "s.mcap", papers, gestures(body, FRAMES), [record])


def replay(file: Path | str, *options: str) -> int:
    return cli.main(["replay", str(file), "--backend", "cpu", "--size", "64", "64", *options])


def pictures(folder: str = "out") -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(Path(folder).iterdir())]).astype(int)


def failed(capsys, file: Path | str, *options: str) -> tuple[int, str]:
    """Exit code, and the one line that says what is wrong."""
    code = replay(file, "--out", "out", *options)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not Path("out").exists()
    return code, error


def test_another_avatar_is_worn_when_it_is_asked_for(session, avatars):
    replay(session, "--out", "white")
    replay(session, "--out", "black", "--avatar", f"me={avatars[1]}")
    assert pictures("white").max() == 255
    assert pictures("black").max() < 160
    assert len(pictures("white")) == len(pictures("black")) == FRAMES


def test_a_change_of_avatar_is_followed_in_time(body, avatars):
    white, black = (avatar_record(path) for path in avatars)
    papers = about(body, avatar_name="white", avatar_sha256=white[1])
    at = BEGIN_NS + 3 * FRAME_NS
    change = about(body, avatar_name="black", avatar_sha256=black[1], time_ns=at)
    further = [white[0], black[0], change, EventRecord(at, EventKind.AVATAR, "me", "black")]
    path = session_of(Path("s.mcap"), papers, gestures(body, FRAMES), further)
    assert replay(path, "--out", "out") == 0
    assert [picture.max() > 200 for picture in pictures()] == [True] * 3 + [False] * 3


def test_a_missing_avatar_is_never_replaced_in_silence(body, capsys):
    papers = about(body, avatar_name="zoe", avatar_sha256="ab" * 32)
    path = session_of(Path("s.mcap"), papers, gestures(body, 2))
    code, error = failed(capsys, path)
    assert code == 2
    assert error == ("error: missing avatar zoe (sha256 abababababab): give --avatar me=FILE, or --avatar me=ada\n")
    nameless = session_of(Path("t.mcap"), about(body), gestures(body, 2))
    assert "does not say which avatar 'me' wore: give --avatar me=FILE" in failed(capsys, nameless)[1]
    other = about(body, avatar_name="ada", avatar_sha256="ab" * 32)
    assert failed(capsys, session_of(Path("u.mcap"), other, gestures(body, 2)))[0] == 2
    assert avatar_path("ada").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--avatar", "ada"), "--avatar ada: say whose it is: --avatar KEY=FILE"),
        (("--avatar", "you=ada"), "no participant 'you': it holds: me"),
        (("--avatar", "me=nobody"), "avatar 'nobody' not found"),
        (("--avatar", "me=ada", "--avatar", "me=kenji"), "'me' has one already"),
        (("--participant", "you"), "no participant 'you': it holds: me"),
        (("--from", "1:00"), "--from 1:00: the recording is 0.2 s long (0:00.2): name a moment within it"),
        (("--from", "0.19", "--to", "0.2"), "no motion between --from and --to: choose from 0.0 to 0.2"),
        (("--speed", "5"), "--speed 5: give 0.25 to 4"),
        (("--size", "0", "5"), "--size 0 5"),
        (("--scene", "mirror"), "--scene mirror is for a headset"),
        (("--loop",), "--loop never ends"),
        (("--view", "headset"), "leave out --view headset"),
    ],
)
def test_options_that_mean_nothing(session, capsys, options, said):
    code, error = failed(capsys, session, *options)
    assert code == 2
    assert said in error


def test_files_that_cannot_be_played(session, capsys):
    data = session.read_bytes()
    Path("text.mcap").write_bytes(b"hello " * 100)
    Path("damaged.mcap").write_bytes(data[:-1500] + bytes(b ^ 0xFF for b in data[-1500:-1400]) + data[-1400:])
    write_session(Path("silent.mcap"), [r for r in made_up_messages(2) if not isinstance(r, BodyRecord)])
    version = b"version\x01\0\0\0"
    own = version + str(VERSION).encode()
    assert data.count(own) == 1
    Path("newer.mcap").write_bytes(data.replace(own, version + b"9"))
    for name, said in {
        "nothing.mcap": "session nothing.mcap not found",
        "text.mcap": "text.mcap is not a session: it is no MCAP file",
        "newer.mcap": "is of version 9, this program knows up to",
        "damaged.mcap": "session check FILE --repair",
        "silent.mcap": "has no motion to play: record a session with somebody in view",
    }.items():
        code, error = failed(capsys, name)
        assert code == 2
        assert said in error


def test_a_file_that_was_cut_off_is_played_as_far_as_it_goes(body, avatars, capsys):
    record, sha256 = avatar_record(avatars[0])
    papers = about(body, avatar_name="white", avatar_sha256=sha256)
    path = session_of(Path("s.mcap"), papers, gestures(body, 20), [record], chunk=8, closed=False)
    path.write_bytes(path.read_bytes()[:-1500])
    assert replay(path, "--out", "out") == 0
    assert "s.mcap was never closed; playing what is there" in capsys.readouterr().out
    assert 2 < len(pictures()) < 20


def test_who_else_is_there_is_said_and_can_be_chosen(body, session, avatars, capsys):
    record, sha256 = avatar_record(avatars[1])
    you = about(body, "you", avatar_name="black", avatar_sha256=sha256)
    mine = about(body, avatar_name="white", avatar_sha256=avatar_record(avatars[0])[1])
    further = [
        *(record, avatar_record(avatars[0])[0], you),
        *(BodyRecord("you", state) for state in gestures(body, 2)),
        MicrophoneRecord("you", BEGIN_NS, 0, b"not opus"),
    ]
    path = session_of(Path("two.mcap"), mine, gestures(body, 4), further)
    assert replay(path, "--out", "me") == 0
    assert "showing me; also there: you (2 states). Choose with --participant" in capsys.readouterr().out
    assert replay(path, "--out", "you", "--participant", "you") == 0
    assert len(pictures("me")), len(pictures("you")) == (4, 2)
    assert pictures("you").max() < 160 < pictures("me").max()


def test_part_of_it_and_slower(session):
    assert replay(session, "--out", "part", "--from", "0.05", "--to", "-0.05") == 0
    assert replay(session, "--out", "slow", "--speed", "0.25") == 0
    whole_time = 5 * FRAME_NS + 2_000_002
    assert len(pictures("part")) == 2
    assert len(pictures("slow")) == int(whole_time / (0.25 * FRAME_NS)) + 1


def test_a_window_needs_a_display(session, capsys):
    assert replay(session) == 3
    assert "there is no display for a window" in capsys.readouterr().err
    assert replay(session, "--view", "none") == 2
    assert "--view none shows nothing" in capsys.readouterr().err
