"""The `.avatar` file: what is written comes back, what it loses is bounded, and broken files fail in one way."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from inperson.avatar import file as avatar_file
from inperson.avatar.file import load_avatar, save_avatar, shipped_avatars
from inperson.avatar.gaussians import GaussianAvatar
from inperson.errors import BadInputError, OutputError


def make_avatar(n: int = 200, k: int = 1, seed: int = 0) -> GaussianAvatar:
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(n, 4))
    return GaussianAvatar(
        face_index=rng.integers(0, 500, n).astype(np.int32),
        barycentric=rng.dirichlet([1.0, 1.0, 1.0], n).astype(np.float32),
        offsets=rng.normal(scale=0.02, size=(n, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=np.exp(rng.uniform(np.log(2e-4), np.log(0.02), (n, 3))).astype(np.float32),
        opacities=rng.uniform(0, 1, n).astype(np.float32),
        sh=rng.normal(scale=0.5, size=(n, k, 3)).astype(np.float32),
        features=rng.normal(size=(n, 2)).astype(np.float32),
        betas=rng.normal(size=10).astype(np.float32),
        body_name="neutral",
        body_sha256="ab" * 32,
        name="tester",
        provenance={"licence": "CC0-1.0", "consent": "synthetic person", "tool": "a test"},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.avatar"
    save_avatar(make_avatar(), path)
    return path


def edited(path: Path, metadata: dict | None = None, **arrays: np.ndarray | None) -> Path:
    """A copy of an avatar file with metadata or arrays replaced (None drops an array)."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    tensors = load(data) | arrays
    out = path.with_name("edited.avatar")
    out.write_bytes(save({k: v for k, v in tensors.items() if v is not None}, header | (metadata or {})))
    return out


@pytest.mark.parametrize("k", [1, 4, 9])
def test_round_trip_keeps_every_field_within_its_quantum(tmp_path: Path, k: int) -> None:
    avatar = make_avatar(n=5000, k=k)
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


def test_fifty_thousand_gaussians_take_under_two_megabytes(tmp_path: Path) -> None:
    save_avatar(make_avatar(n=50_000), tmp_path / "a.avatar")
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
        ({"version": "2"}, r"newer than 1.*update InPerson"),
        ({"version": "one"}, "version is not"),
        ({"version": "-1"}, "version is not"),
        ({"format": "something"}, "format"),
        ({"provenance": "{"}, "not JSON"),
        ({"provenance": "[1]"}, "table of strings"),
    ],
)
def test_bad_headers(saved: Path, metadata: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved, metadata))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"offsets": np.full((200, 3), np.nan, np.float16)}, "offsets holds NaN"),
        ({"offsets": np.full((200, 3), 9, np.float16)}, "off the body"),
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


def test_an_empty_avatar_is_refused(saved: Path) -> None:
    empty = {name: array[:0] for name, array in load(saved.read_bytes()).items() if name != "betas"}
    with pytest.raises(BadInputError, match="0 Gaussians"):
        load_avatar(edited(saved, **empty))


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(BadInputError, match="nobody") as caught:
        load_avatar("nobody")
    assert all(name in str(caught.value) for name in shipped_avatars())


def test_a_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        load_avatar(tmp_path)


def test_saving_nonsense_writes_nothing(tmp_path: Path) -> None:
    avatar = make_avatar()
    broken = replace(avatar, offsets=np.full_like(avatar.offsets, np.nan))
    with pytest.raises(BadInputError, match="tester"):
        save_avatar(broken, tmp_path / "a.avatar")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file_and_leaves_no_litter(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full_disk(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(avatar_file.os, "fsync", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_avatar(make_avatar(seed=1), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_avatar(make_avatar(), tmp_path / "nowhere" / "a.avatar")
