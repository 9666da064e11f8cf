"""`inperson session`, through the real command line."""

import json
from pathlib import Path

import pytest

from inperson.app import cli
from tests.app.recording.made_up import made_up_avatar_record, made_up_messages, write_session


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    messages = made_up_messages(states=31)
    write_session(tmp_path / "good.mcap", [made_up_avatar_record(), *messages])
    write_session(tmp_path / "killed.mcap", messages, closed=False)
    data = bytearray((tmp_path / "good.mcap").read_bytes())
    data[5000] ^= 1
    (tmp_path / "bad.mcap").write_bytes(data)
    return tmp_path


def test_a_good_file_is_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["session", "check", "good.mcap"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("good.mcap: 1.0 s, ")
    assert out[0].endswith(" MB, 2 participants, 62 states, closed")
    assert out[1:] == ["nothing is damaged"]


@pytest.mark.parametrize(
    ("name", "said"), [("bad.mcap", "damaged at byte"), ("killed.mcap", "it was never closed: the program")]
)
def test_a_damaged_file_is_told_and_mended(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    before = (folder / name).read_bytes()
    assert cli.main(["session", "check", name]) == 2
    told = capsys.readouterr()
    assert said in told.out
    assert told.err == (f"error: session {name} is not whole: run `inperson session check {name} --repair`\n")
    assert cli.main(["session", "check", name, "--repair"]) == 0
    mended = name.replace(".mcap", ".repaired.mcap")
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {mended}"
    assert (folder / name).read_bytes() == before
    assert cli.main(["session", "check", mended]) == 0
    assert cli.main(["session", "check", name, "--repair"]) == 5  # there is a mended one already
    assert "is there already" in capsys.readouterr().err


def test_show_says_who_and_what(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["session", "show", "good.mcap"]) == 0
    out = capsys.readouterr().out
    for words in (
        "started: 2027-01-15T08:00:00+00:00",
        "me: Zoë Müller, body neutral, ada",
        "  about 1, body 31, microphone 31, video 1",
        "session: settings 1, events 3, timings 31",
        "avatar embedded: ",
        "1.0 s  recenter you-2",
    ):
        assert words in out
    assert cli.main(["session", "show", "good.mcap", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["closed"]
    assert report["bytes"] == (folder / "good.mcap").stat().st_size
    assert report["participants"]["me"]["body"] == 31
    assert report["participants"]["me"]["body_name"] == "neutral"


@pytest.mark.parametrize("command", [["check"], ["show"], ["check", "--repair"]])
def test_what_is_no_session(folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    (folder / "text.mcap").write_text("hello")
    assert cli.main(["session", command[0], "text.mcap", *command[1:]]) == 2
    assert capsys.readouterr().err.startswith("error: text.mcap is not a session: it is no MCAP file: give a session")
    assert not (folder / "text.repaired.mcap").exists()
