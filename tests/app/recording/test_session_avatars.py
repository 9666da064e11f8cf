"""Which avatar a participant wears: embedded, shipped, a file of that hash, or one that was asked for."""

import hashlib
from dataclasses import replace

import pytest

from inperson.app.recording.avatars import avatar_of
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import AvatarRecord, ParticipantRecord
from inperson.avatar.body import load_body
from inperson.avatar.file import avatar_path, save_avatar
from inperson.errors import BadInputError
from tests.app.drawing_doubles import tiny_avatar
from tests.app.recording.made_up import write_session


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture
def own(body, tmp_path):
    """An avatar file that is not in the folder of the session, with its hash."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "mine.avatar"
    save_avatar(replace(tiny_avatar(body), name="mine"), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def session(tmp_path, *records, **about) -> SessionReader:
    person = ParticipantRecord("me", 5_000_000_000, **about)
    return SessionReader(write_session(tmp_path / "s.mcap", [person, *records]))


def test_the_embedded_avatar(tmp_path, own):
    path, sha256 = own
    record = AvatarRecord(5_000_000_001, path.read_bytes())
    with session(tmp_path, record, avatar_name="ada", avatar_sha256=sha256) as opened:
        assert avatar_of(opened, "me").name == "mine"


def test_a_shipped_avatar_by_name_and_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ada").write_text("not an avatar")
    sha256 = hashlib.sha256(avatar_path("kenji").read_bytes()).hexdigest()
    with session(tmp_path, avatar_name="kenji", avatar_sha256=sha256) as opened:
        assert avatar_of(opened, "me").name == "kenji"


def test_a_shipped_avatar_of_another_hash_is_another_one(tmp_path):
    with (
        session(tmp_path, avatar_name="kenji", avatar_sha256="ab" * 32) as opened,
        pytest.raises(BadInputError, match=r"kenji, sha256 abababababab.*--avatar.*ada, kenji, samuel"),
    ):
        avatar_of(opened, "me")


@pytest.mark.parametrize("name", ["mine.avatar", "{sha256}.avatar"])
def test_a_file_beside_the_session(tmp_path, own, name):
    path, sha256 = own
    path.rename(tmp_path / name.format(sha256=sha256))
    with session(tmp_path, avatar_name="mine", avatar_sha256=sha256) as opened:
        assert avatar_of(opened, "me").name == "mine"


def test_a_file_in_the_working_folder(tmp_path, own, monkeypatch):
    path, sha256 = own
    monkeypatch.chdir(path.parent)
    with session(tmp_path, avatar_name="mine", avatar_sha256=sha256) as opened:
        assert avatar_of(opened, "me").name == "mine"


def test_a_name_is_never_a_path(tmp_path, own):
    _, sha256 = own
    with (
        session(tmp_path, avatar_name="elsewhere/mine", avatar_sha256=sha256) as opened,
        pytest.raises(BadInputError, match="neither in the session, nor shipped, nor beside it"),
    ):
        avatar_of(opened, "me")


def test_a_file_of_the_name_with_another_hash_is_not_it(tmp_path, own):
    path, _ = own
    path.rename(tmp_path / "mine.avatar")
    with (
        session(tmp_path, avatar_name="mine", avatar_sha256="cd" * 32) as opened,
        pytest.raises(BadInputError, match="--avatar"),
    ):
        avatar_of(opened, "me")


def test_nothing_known_offers_the_option(tmp_path):
    with session(tmp_path) as opened:
        with pytest.raises(BadInputError, match=r"does not say which avatar 'me' wore: .*--avatar"):
            avatar_of(opened, "me")
        assert avatar_of(opened, "me", "samuel").name == "samuel"
        with pytest.raises(BadInputError, match="no participant 'you'"):
            avatar_of(opened, "you")


def test_an_embedded_file_that_is_no_avatar(tmp_path):
    data = b"an avatar's bytes" * 40
    about = {"avatar_name": "x", "avatar_sha256": hashlib.sha256(data).hexdigest()}
    with (
        session(tmp_path, AvatarRecord(5_000_000_001, data), **about) as opened,
        pytest.raises(BadInputError, match=r"s\.mcap: its avatar cannot be used .*--avatar"),
    ):
        avatar_of(opened, "me")
