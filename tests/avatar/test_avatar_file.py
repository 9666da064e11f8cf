"""The `.avatar` file: what is written comes back, what it loses is bounded, and broken files fail in one way."""

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inperson.avatar import file as avatar_file
from inperson.avatar.file import load_avatar, save_avatar, shipped_avatars
from inperson.errors import BadInputError, OutputError
from tests.avatar.edited_files import edited
from tests.avatar.made_up import made_up_avatar, made_up_photo


@pytest.mark.parametrize("k", [1, 4, 9])
def test_round_trip_keeps_every_field_within_its_quantum(tmp_path: Path, k: int) -> None:
    avatar = made_up_avatar(n=5000, k=k)
    save_avatar(avatar, tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar")
    assert (back.face_index == avatar.face_index).all()
    np.testing.assert_allclose(back.barycentric, avatar.barycentric, atol=1e-4)
    np.testing.assert_allclose(back.barycentric.sum(1), 1.0, atol=1e-6)
    np.testing.assert_allclose(back.offsets, avatar.offsets, atol=5e-5)
    turn = 2 * np.arccos(np.clip(np.abs((back.quats * avatar.quats).sum(1)), 0, 1))
    assert np.rad2deg(turn.max()) < 1.0
    np.testing.assert_allclose(back.scales, avatar.scales, rtol=5e-3)
    np.testing.assert_allclose(back.opacities, avatar.opacities, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(back.sh, avatar.sh, atol=1e-3)
    np.testing.assert_allclose(back.features, avatar.features, atol=2e-3)
    np.testing.assert_array_equal(back.betas, avatar.betas)
    assert (back.name, back.body_name, back.body_sha256) == (avatar.name, avatar.body_name, avatar.body_sha256)
    assert back.provenance == avatar.provenance


def test_a_second_round_trip_changes_nothing(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "b.avatar"
    save_avatar(load_avatar(saved), again)
    once, twice = load_avatar(saved), load_avatar(again)
    for name in ("face_index", "offsets", "scales", "opacities", "sh"):
        np.testing.assert_array_equal(getattr(once, name), getattr(twice, name))


def test_equal_avatars_give_equal_files(saved_with_residuals: Path, tmp_path: Path) -> None:
    avatar = load_avatar(saved_with_residuals)
    files = set()
    for name in "abc":
        save_avatar(avatar, tmp_path / name)
        files.add((tmp_path / name).read_bytes())
    assert len(files) == 1


def test_fifty_thousand_gaussians_take_under_two_megabytes(tmp_path: Path) -> None:
    save_avatar(made_up_avatar(n=50_000), tmp_path / "a.avatar")
    assert (tmp_path / "a.avatar").stat().st_size < 2_000_000


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1, exclude_max=True))
def test_any_truncation_is_bad_input(saved: Path, cut: float) -> None:
    data = saved.read_bytes()
    broken = saved.with_name("cut.avatar")
    broken.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(BadInputError, match=r"cut\.avatar"):
        load_avatar(broken)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0), flips=st.integers(1, 8), header_only=st.booleans())
def test_flipped_bits_load_as_a_sane_avatar_or_are_bad_input(
    saved: Path, bit: int, flips: int, header_only: bool
) -> None:
    data = bytearray(saved.read_bytes())
    span = 8 * (min(len(data), 1200) if header_only else len(data))
    for flip in range(flips):
        where = (bit * 2654435761 + flip * 7919) % span
        data[where // 8] ^= 1 << (where % 8)
    broken = saved.with_name("flipped.avatar")
    broken.write_bytes(data)
    try:
        avatar = load_avatar(broken)
    except BadInputError as error:
        assert "flipped.avatar" in str(error)  # noqa: PT017  (both outcomes are right)
        return
    assert len(avatar.scales) <= len(data)
    for array in (avatar.offsets, avatar.quats, avatar.scales, avatar.opacities, avatar.sh, avatar.barycentric):
        assert np.isfinite(array).all()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_other_bytes_are_bad_input(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "noise.avatar"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=r"noise\.avatar"):
        load_avatar(path)


def test_a_header_that_claims_gigabytes_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "huge.avatar"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", avatar_file.MAX_HEADER_BYTES + 1))
        file.truncate(avatar_file.MAX_HEADER_BYTES + 100)
    with pytest.raises(BadInputError, match="header"):
        load_avatar(path)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"version": "5"}, r"newer than 4.*update InPerson"),
        ({"version": "one"}, "version is not"),
        ({"version": "-1"}, "version is not"),
        ({"format": "something"}, "format"),
        ({"provenance": "{"}, "not JSON"),
        ({"provenance": "[1]"}, "table of strings"),
        ({"provenance": "[" * 100_000}, "not JSON"),
        ({"provenance": '{"consent": "\\u001b[2J"}'}, "not plain text"),
        ({"provenance": '{"\\ud800": "x"}'}, "not plain text"),
        ({"provenance": json.dumps({str(n): "" for n in range(300)})}, "300 entries"),
        ({"name": "a\x1b[31mb"}, "its name is too long or is not one line"),
        ({"name": "two\nlines"}, "its name is too long or is not one line"),
        ({"name": "\u202eelbrahmoc"}, "its name is too long or is not one line"),
        ({"name": "a" * 300}, "its name is too long or is not one line"),
        ({"body_name": "//server/share/body.npz"}, "body_name is a path"),
        ({"body_name": "..\\up"}, "body_name is a path"),
        ({"body_name": "~/body"}, "body_name is a path"),
        ({"body_sha256": "12"}, "no sha256"),
    ],
)
def test_bad_headers(saved: Path, metadata: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved, metadata))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"offsets": np.full((200, 3), np.nan, np.float16)}, "offsets holds NaN"),
        ({"offsets": np.full((200, 3), 9, np.float16)}, "offsets holds numbers beyond 5"),
        ({"sh": np.full((200, 1, 3), np.inf, np.float16)}, "sh holds NaN"),
        ({"sh": np.zeros((200, 2, 3), np.float16)}, "colour coefficients"),
        ({"log_scales": np.full((200, 3), 12, np.float16)}, "impossible sizes"),
        ({"quats": np.zeros((200, 4), np.int8)}, "length zero"),
        ({"quats": np.ones((200, 4), np.float32)}, "quats is stored as float32"),
        ({"opacities": np.zeros(199, np.uint8)}, "opacities has a size of 199"),
        ({"barycentric": np.full((200, 2), 65535, np.uint16)}, "leave their triangle"),
        ({"face_index": np.full(200, 2**32 - 1, np.uint32)}, "points past"),
        ({"betas": None}, "the arrays should be"),
        ({"extra": np.zeros(3, np.float32)}, "the arrays should be"),
    ],
)
def test_bad_arrays(saved: Path, arrays: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved, **arrays))


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(BadInputError, match="nobody") as caught:
        load_avatar("nobody")
    assert all(name in str(caught.value) for name in shipped_avatars())


def test_a_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        load_avatar(tmp_path)


def test_saving_nonsense_writes_nothing(tmp_path: Path) -> None:
    avatar = made_up_avatar()
    broken = replace(avatar, offsets=np.full_like(avatar.offsets, np.nan))
    with pytest.raises(BadInputError, match="tester"):
        save_avatar(broken, tmp_path / "a.avatar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "a\x07b"}, "its name"),
        ({"body_name": "bodies/mine"}, "body_name is a path"),
        ({"provenance": {"photo_name": "a\nb"}}, "plain text"),
        ({"provenance": {"x": "y" * 90_000, **{f"x{n}": "y" * 90_000 for n in range(20)}}}, "header of"),
        ({"opacities": np.full(200, np.nan, np.float32)}, "opacities holds NaN"),
        ({"quats": np.zeros((200, 4), np.float32)}, "length zero"),
        ({"sh": np.full((200, 1, 3), 1e9, np.float32)}, "sh holds NaN or infinite"),
        ({"betas": np.full(10, 1e3, np.float32)}, "betas holds numbers beyond 100"),
        ({"photo": replace(made_up_photo(), places=np.full((200, 2), np.nan, np.float32))}, "photo_places holds NaN"),
        ({"photo": made_up_photo(199)}, "photo_places has a size of 199"),
        ({"photo": made_up_photo(width=513)}, "513 columns of the photo"),
    ],
)
def test_saving_refuses_what_loading_would(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        save_avatar(replace(made_up_avatar(), **changes), tmp_path / "a.avatar")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file_and_leaves_no_litter(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full_disk(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_avatar(made_up_avatar(seed=1), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_avatar(made_up_avatar(), tmp_path / "nowhere" / "a.avatar")
