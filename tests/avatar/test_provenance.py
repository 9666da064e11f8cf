"""Provenance: typed entries come back from the header's strings, anything else is kept, nothing steers a terminal."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.avatar.file import load_avatar, shipped_avatars
from inperson.avatar.plain_text import is_plain, plain
from inperson.avatar.provenance import LONGEST_TEXT, ClipEntry, Consent, Provenance, this_tool

DAY = date(2026, 11, 21)
FULL = Provenance(
    tool=this_tool(),
    created=DAY,
    body="neutral",
    photo_name="ada.jpg",
    photo_sha256="12" * 32,
    network_sha256="34" * 32,
    consent=Consent(given=True, by="ada", how="--consent", on=DAY),
    scores={"iou": 0.97, "psnr": 28.5},
    clips=(ClipEntry("talk.mp4", "56" * 32, DAY, 4.5, {"psnr": 23.0}),),
    others={"licence": "CC0-1.0"},
)

printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=LONGEST_TEXT)
dates = st.dates()
scores = st.dictionaries(printable, st.floats(allow_nan=False, allow_infinity=False), max_size=3)


def test_the_table_is_readable() -> None:
    assert FULL.to_strings() == {
        "licence": "CC0-1.0",
        "tool": this_tool(),
        "created": "2026-11-21",
        "body": "neutral",
        "photo_name": "ada.jpg",
        "photo_sha256": "12" * 32,
        "network_sha256": "34" * 32,
        "consent": '{"by":"ada","given":true,"how":"--consent","on":"2026-11-21"}',
        "scores": '{"iou":0.97,"psnr":28.5}',
        "clips": '[{"name":"talk.mp4","on":"2026-11-21","scores":{"psnr":23.0},"seconds":4.5,"sha256":"'
        + "56" * 32
        + '"}]',
    }


def test_what_is_not_known_is_not_written() -> None:
    assert Provenance(tool="x").to_strings() == {"tool": "x"}


@given(
    st.builds(
        Provenance,
        tool=printable,
        created=st.none() | dates,
        photo_name=printable,
        consent=st.none() | st.builds(Consent, st.booleans(), printable, printable, dates),
        scores=scores,
        clips=st.lists(st.builds(ClipEntry, printable, printable, dates, st.floats(0, 1e4), scores), max_size=2).map(
            tuple
        ),
        others=st.dictionaries(st.sampled_from(["licence", "made_by"]), printable),
    )
)
def test_round_trip(provenance: Provenance) -> None:
    assert Provenance.from_strings(provenance.to_strings()) == provenance


@given(st.dictionaries(st.sampled_from(sorted(FULL.to_strings())), st.text()))
def test_any_table_is_read_and_loses_nothing_it_cannot_read(table: dict[str, str]) -> None:
    read = Provenance.from_strings(table)
    for name, text in table.items():
        assert getattr(read, name, "") or name in read.others or text in ("", "null", "[]", "{}")
    assert read.others.get("licence") == table.get("licence")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "{}", "null", "1e999", '{"given": 1}', "2026-13-01", '{"psnr": NaN}', '{"psnr": 1e999}'),
        "[" * 100_000,
    ],
)
def test_broken_entries_are_kept_as_they_are(text: str) -> None:
    read = Provenance.from_strings({"consent": text, "created": text, "clips": text})
    assert (read.consent, read.created, read.clips) == (None, None, ())
    if text != "null":
        assert read.others == {"consent": text, "created": text, "clips": text}


def test_escapes_hidden_in_json_do_not_reach_a_terminal() -> None:
    r"""`\u001b` in JSON is six printable characters, and one that clears the screen once it is decoded."""
    hidden = r'{"given": true, "by": "a\u001b[2Jb", "how": "\u202e", "on": "2026-11-21"}'
    consent = Provenance.from_strings({"consent": hidden}).consent
    assert (consent.by, consent.how) == ("a\N{REPLACEMENT CHARACTER}[2Jb", "\N{REPLACEMENT CHARACTER}")
    read = Provenance.from_strings({"scores": r'{"\u001b[2J": 1}'})
    assert all(is_plain(name, 99) for name in read.scores)


def test_a_files_own_name_is_made_plain_before_it_is_written() -> None:
    table = Provenance(photo_name="a\n\x1b[31mb" + "c" * 1000).to_strings()
    assert is_plain(table["photo_name"], LONGEST_TEXT)


@given(st.text(), st.integers(2, 20))
def test_plain_text_is_plain_and_keeps_what_was(text: str, longest: int) -> None:
    assert is_plain(plain(text, longest), longest)
    assert plain(text, longest) == text or not is_plain(text, longest)


def test_shipped_avatars_lose_nothing() -> None:
    for name in shipped_avatars():
        table = load_avatar(name).provenance
        read = Provenance.from_strings(table)
        assert read.to_strings() == table
        assert read.others["consent"] == "not needed: a synthetic person"
