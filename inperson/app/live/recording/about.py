"""Who is recorded: the participant's description, and the file of the avatar they wear."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from inperson.app.commands.live import Keep
from inperson.app.recording.records import AvatarRecord, ParticipantRecord, Record
from inperson.avatar.body import BodyModel
from inperson.avatar.file import avatar_path, shipped_avatars
from inperson.avatar.plain_text import plain
from inperson.errors import OutputError
from inperson.paths import assets_dir

LONGEST_NAME = 200


class About:
    """A participant's description, written again when anything of it changes. For any thread.

    Args:
        participant: their key.
        body: that their states are of.
        put: takes records.
        known: what else is known of them at the start.
    """

    def __init__(self, participant: str, body: BodyModel, put: Callable[[Record], bool], **known: Any) -> None:
        self._put, self._lock = put, threading.Lock()
        self._record = ParticipantRecord(
            participant,
            time.monotonic_ns(),
            **of_body(body),
            **known,
        )

    def begin(self, time_ns: int) -> None:
        """Write it for the first time."""
        with self._lock:
            self._record = replace(self._record, time_ns=time_ns)
            self._put(self._record)

    def change(self, time_ns: int, **changes: Any) -> bool:
        """Write it again if this changes anything.

        Returns:
            Whether it did.
        """
        with self._lock:
            changed = replace(self._record, **changes)
            if changed == self._record:
                return False
            self._record = replace(changed, time_ns=time_ns)
            self._put(self._record)
            return True


def of_body(body: BodyModel) -> dict[str, Any]:
    """What a participant's description says of the body that their states are of."""
    return {
        "body_name": plain(body.name, LONGEST_NAME),
        "body_sha256": body.sha256,
        "expr_names": tuple(body.expr_names or ()),
    }


def avatar_of(name_or_path: str, keep: Keep, time_ns: int) -> tuple[dict[str, str], AvatarRecord | None]:
    """What a participant's description says of their avatar, and the avatar itself if the recording keeps it.

    Args:
        name_or_path: for `load_avatar`.
        keep: whether the file goes into the recording; `auto` takes the user's own, and names the shipped ones.

    Raises:
        BadInputError: no such avatar.
        OutputError: its file cannot be read any more.
    """
    path = avatar_path(name_or_path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"avatar {path} cannot be recorded ({error.strerror})", "check its file") from error
    sha256 = hashlib.sha256(data).hexdigest()
    described = {"avatar_name": plain(path.stem, LONGEST_NAME), "avatar_sha256": sha256}
    embedded = keep == "embed" or (keep == "auto" and not _is_shipped(path, data))
    return described, AvatarRecord(time_ns, data) if embedded else None


def _is_shipped(path: Path, data: bytes) -> bool:
    """Whether everybody has it: by its name and what is in it."""
    shipped = assets_dir() / "avatars" / path.name
    return path.stem in shipped_avatars() and shipped.read_bytes() == data
