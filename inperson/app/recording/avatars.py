"""Which avatar a participant of a session wears: the embedded one, the file it was, or another one."""

import hashlib
import tempfile
from pathlib import Path

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import ParticipantRecord
from inperson.avatar.file import SUFFIX, load_avatar, shipped_avatars
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError
from inperson.paths import assets_dir

_MEND = f"name another one with --avatar: an {SUFFIX} file, or a shipped one"


def avatar_of(session: SessionReader, participant: str, override: str | Path | None = None) -> GaussianAvatar:
    """A participant's avatar, as they wore it last.

    Looked for in this order: the file's own embedded avatars, by hash; a shipped avatar of the name and hash; an
    .avatar file of the name, or named by the hash, with that hash, beside the session or in the working folder. An
    avatar that was recorded without a hash may only be a shipped one.

    Args:
        override: a shipped name or an .avatar file to wear instead.

    Raises:
        BadInputError: no such participant or override, or the avatar is nowhere.
    """
    if override is not None:
        return load_avatar(override)
    about = session.participants().get(participant)
    if about is None:
        raise BadInputError(f"session {session.path} has no participant '{participant}'", "name another one")
    with tempfile.TemporaryDirectory(prefix="inperson-") as folder:
        path = avatar_file(session, about, Path(folder))
        if path is None:
            raise _missing(session, about)
        try:
            return load_avatar(path)
        except BadInputError as error:
            if path.parent != Path(folder):
                raise
            raise BadInputError(f"session {session.path}: its avatar cannot be used ({error.what})", _MEND) from error


def avatar_file(session: SessionReader, about: ParticipantRecord, folder: Path) -> Path | None:
    """The file of the avatar that a participant wore, looked for as `avatar_of` does; None where it is nowhere.

    Args:
        about: the participant at the time.
        folder: where an embedded one is written (safetensors maps files, not bytes).

    Raises:
        BadInputError: the embedded one is damaged.
    """
    if about.avatar_sha256 not in session.avatars:
        return _file_of(about, (session.path.parent, Path()))
    path = folder / f"{about.avatar_sha256}{SUFFIX}"
    if not path.is_file():
        path.write_bytes(session.avatar(about.avatar_sha256))
    return path


def _file_of(about: ParticipantRecord, folders: tuple[Path, ...]) -> Path | None:
    """The avatar's file on this machine, if there is one; never one that a name with folders in it leads to."""
    name = about.avatar_name if Path(about.avatar_name).name == about.avatar_name else ""
    if name in shipped_avatars():
        shipped = assets_dir() / "avatars" / f"{name}{SUFFIX}"
        if about.avatar_sha256 in ("", _sha256(shipped)):
            return shipped
    if not about.avatar_sha256:
        return None
    names = [f"{stem}{SUFFIX}" for stem in (name.removesuffix(SUFFIX), about.avatar_sha256) if stem]
    there = (folder / each for folder in folders for each in names)
    return next((path for path in there if path.is_file() and _sha256(path) == about.avatar_sha256), None)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # a file that cannot be read is not the one that is looked for


def _missing(session: SessionReader, about: ParticipantRecord) -> BadInputError:
    shipped = ", ".join(shipped_avatars()) or "none"
    mend = f"{_MEND} ({shipped})"
    if not (about.avatar_name or about.avatar_sha256):
        return BadInputError(f"session {session.path} does not say which avatar '{about.participant}' wore", mend)
    name, short = plain(about.avatar_name, 60) or "without a name", about.avatar_sha256[:12] or "unknown"
    where = "neither in the session, nor shipped, nor beside it"
    what = f"session {session.path}: the avatar of '{about.participant}' ({name}, sha256 {short}) is {where}"
    return BadInputError(what, mend)
