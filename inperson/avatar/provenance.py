"""How an avatar was made and who agreed to it: typed access to the table of strings in an avatar's header.

`GaussianAvatar.provenance` stays a table of strings, so that any version can carry what another one wrote. This
module reads the entries that `create` and `refine` write; entries it does not know, or cannot read, are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from importlib.metadata import version
from typing import Any

import msgspec

from inperson.avatar.plain_text import plain

LONGEST_TEXT = 300
"""Characters of one text; longer ones (file names) are cut."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the person shown agreed to an avatar of them."""

    given: bool
    by: str
    """Who said so."""
    how: str
    """How they were asked: `--consent`, or the question at the terminal."""
    on: date


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """One clip that an avatar was refined on."""

    name: str
    sha256: str
    """Of the file's bytes."""
    on: date
    """When it was used."""
    seconds: float
    """Of the clip that were learned from."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """On the part that was held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How an avatar was made. An empty text and None say that nobody wrote it down."""

    tool: str = ""
    """Program and version, as `this_tool` names them."""
    created: date | None = None
    body: str = ""
    """Name of the body that the avatar was fitted with."""
    photo_name: str = ""
    photo_sha256: str = ""
    """Of the photo file's bytes."""
    network_sha256: str = ""
    """Of the weights that completed what the photo does not show."""
    consent: Consent | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """At the photo: `iou`, `psnr`, `ssim`, `seconds`, ..."""
    clips: tuple[ClipEntry, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    """Every other entry, as it is."""

    @staticmethod
    def from_strings(table: Mapping[str, str]) -> "Provenance":
        """Read a header's table. Never fails: entries that are no such thing stay in `others`."""
        known, others = {}, dict(table)
        for name, kind in _KINDS.items():
            if name in others:
                try:
                    known[name] = _decoded(others[name], kind)
                except (msgspec.MsgspecError, RecursionError):
                    continue
                del others[name]
        return Provenance(**known, others=others)

    def to_strings(self) -> dict[str, str]:
        """The header's table: texts as they are, dates as ISO 8601, tables and lists as JSON."""
        table = dict(self.others)
        for name in _KINDS:
            value = getattr(self, name)
            if isinstance(value, str):
                text = plain(value, LONGEST_TEXT)
            elif isinstance(value, date):
                text = value.isoformat()
            else:
                text = "" if not value else msgspec.json.encode(_plain_texts(value), order="sorted").decode()
            if text:
                table[name] = text
        return table


def this_tool() -> str:
    """The name and version of this program, for `Provenance.tool`."""
    return f"InPerson {version('inperson')}"


_KINDS: dict[str, Any] = {f.name: f.type for f in fields(Provenance) if f.name != "others"}


def _decoded(text: str, kind: Any) -> Any:
    if kind is str:
        return text
    if kind == date | None:
        return msgspec.convert(text, date)
    return _plain_texts(msgspec.json.decode(text, type=kind))


def _plain_texts(value: Any) -> Any:
    """`value` with every text in it plain: JSON's own escapes would carry a terminal's past the header's check."""
    if isinstance(value, str):
        return plain(value, LONGEST_TEXT)
    if isinstance(value, dict):
        return {plain(k, LONGEST_TEXT): v for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain_texts(v) for v in value)
    if isinstance(value, Consent | ClipEntry):
        return type(value)(**{f.name: _plain_texts(getattr(value, f.name)) for f in fields(value)})
    return value
