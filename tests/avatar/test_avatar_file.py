"""The `.avatar` file: what is written comes back, what it loses is bounded, and broken files fail in one way."""

import json
import os
import struct
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from inperson.avatar import file as avatar_file
from inperson.avatar.file import load_avatar, save_avatar, shipped_avatars
from inperson.errors import BadInputError, OutputError
from tests.avatar.made_up import made_up_avatar, made_up_photo, made_up_residuals
from tests.avatar.sparse_files import write_sparse


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.avatar"
    save_avatar(made_up_avatar(), path)
    return path


@pytest.fixture
def saved_with_residuals(tmp_path: Path) -> Path:
    path = tmp_path / "r.avatar"
    reference = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    save_avatar(made_up_avatar(residuals=made_up_residuals(), reference=reference), path)
    return path


@pytest.fixture
def saved_with_photo(tmp_path: Path) -> Path:
    path = tmp_path / "p.avatar"
    save_avatar(made_up_avatar(photo=made_up_photo()), path)
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


def metadata_of(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def test_round_trip_of_residuals_and_reference(tmp_path: Path) -> None:
    residuals = made_up_residuals(5000, components=8)
    reference = np.random.default_rng(0).normal(size=(257, 384)).astype(np.float32)
    save_avatar(made_up_avatar(5000, residuals=residuals, reference=reference), tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar")
    assert back.residuals is not None
    for name in ("weights", "mean", "low", "high"):
        np.testing.assert_array_equal(getattr(back.residuals, name), getattr(residuals, name))
    np.testing.assert_allclose(back.residuals.offsets, residuals.offsets, rtol=5e-4, atol=1e-7)  # under a micrometre
    np.testing.assert_allclose(back.residuals.colors, residuals.colors, rtol=5e-4, atol=1e-7)
    np.testing.assert_allclose(back.reference, reference, rtol=5e-4, atol=1e-6)
    for array in (*(getattr(back.residuals, f.name) for f in fields(back.residuals)), back.reference):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


def test_round_trip_of_the_photo(tmp_path: Path) -> None:
    photo = made_up_photo(5000, width=512, height=391)
    save_avatar(made_up_avatar(5000, photo=photo), tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar").photo
    assert back is not None
    np.testing.assert_array_equal(back.image, photo.image)
    np.testing.assert_allclose(back.places * 512, photo.places * 512, atol=0.005)  # pixels
    np.testing.assert_allclose(back.trust, photo.trust, atol=0.5 / 255 + 1e-6)
    assert [a.dtype for a in (back.image, back.places, back.trust)] == [np.uint8, np.float32, np.float32]
    assert all(a.flags.c_contiguous for a in (back.image, back.places, back.trust))


def test_a_file_has_the_lowest_version_that_holds_it(
    saved: Path, saved_with_residuals: Path, saved_with_photo: Path
) -> None:
    assert metadata_of(saved)["version"] == "1"
    assert metadata_of(saved_with_residuals)["version"] == "2"
    assert metadata_of(saved_with_photo)["version"] == "3"


@pytest.mark.parametrize("kept", ["residuals", "reference", "photo"])
def test_residuals_reference_and_photo_come_one_without_the_others(tmp_path: Path, kept: str) -> None:
    every = {
        "residuals": made_up_residuals(),
        "reference": np.ones((1, 8), np.float32),
        "photo": made_up_photo(),
    }
    save_avatar(made_up_avatar(**{kept: every[kept]}), tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar")
    assert [name for name in every if getattr(back, name) is not None] == [kept]


def test_equal_avatars_give_equal_files(saved_with_residuals: Path, tmp_path: Path) -> None:
    avatar = load_avatar(saved_with_residuals)
    files = set()
    for name in "abc":
        save_avatar(avatar, tmp_path / name)
        files.add((tmp_path / name).read_bytes())
    assert len(files) == 1


VERSION_1 = Path(__file__).parent / "data" / "version1.avatar"
"""Written by the first release of the format, of `made_up_avatar(40, 4, 11)`."""


def test_what_version_1_can_hold_is_written_as_it_was(tmp_path: Path) -> None:
    save_avatar(made_up_avatar(40, 4, 11), tmp_path / "a.avatar")
    assert metadata_of(tmp_path / "a.avatar") == metadata_of(VERSION_1)
    old, new = load(VERSION_1.read_bytes()), load((tmp_path / "a.avatar").read_bytes())
    assert old.keys() == new.keys()
    for name in old:
        np.testing.assert_array_equal(new[name], old[name])


def test_a_file_of_version_1_opens_for_ever() -> None:
    """The numbers are from its own reader."""
    avatar = load_avatar(VERSION_1)
    assert (len(avatar.scales), avatar.sh.shape, avatar.body_sha256) == (40, (40, 4, 3), "ab" * 32)
    assert avatar.provenance == {"licence": "CC0-1.0", "consent": "synthetic person", "tool": "a test"}
    assert (avatar.residuals, avatar.reference, avatar.photo) == (None, None, None)
    np.testing.assert_array_equal(avatar.face_index[:4], [64, 399, 314, 207])
    np.testing.assert_allclose(avatar.barycentric[7], [0.193881, 0.497765, 0.308354], atol=1e-6)
    np.testing.assert_allclose(avatar.offsets[7], [-0.0140991, 0.0034904, 0.0582581], atol=1e-7)
    np.testing.assert_allclose(avatar.quats[7], [-0.850188, 0.020083, 0.508774, -0.133888], atol=1e-6)
    np.testing.assert_allclose(avatar.scales[7], [0.015303289, 0.007006356, 0.002733032], rtol=1e-5)
    np.testing.assert_allclose(avatar.opacities[:3] * 255, [70.0, 225.0, 74.0], atol=1e-3)
    np.testing.assert_allclose(avatar.sh[7, 3], [-0.769531, 0.566895, 0.725586], atol=1e-6)
    np.testing.assert_allclose(avatar.betas[:3], [-3.119948, -0.241351, 0.352654], atol=1e-6)


VERSION_2 = Path(__file__).parent / "data" / "version2.avatar"
"""Written by the format's second release, of `made_up_avatar(24, 1, 12)` with two residual components and a
reference of ones."""


def test_a_file_of_version_2_opens_for_ever_and_is_still_written_so(tmp_path: Path) -> None:
    avatar = load_avatar(VERSION_2)
    assert avatar.residuals is not None
    assert avatar.photo is None
    assert (avatar.residuals.offsets.shape, avatar.reference.shape) == ((2, 24, 3), (3, 8))
    np.testing.assert_allclose(avatar.residuals.low, [-0.9801436, -1.9463632], atol=1e-6)
    save_avatar(avatar, tmp_path / "again.avatar")
    assert (tmp_path / "again.avatar").read_bytes() == VERSION_2.read_bytes()


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
        ({"version": "4"}, r"newer than 3.*update InPerson"),
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


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"residual_offsets": np.full((4, 200, 3), np.nan, np.float16)}, "residual_offsets holds NaN"),
        ({"residual_colors": np.full((4, 200, 3), 11, np.float16)}, "residual_colors holds numbers beyond 10"),
        ({"residual_offsets": np.zeros((4, 199, 3), np.float16)}, "residual_offsets has a size of 199"),
        ({"residual_offsets": np.zeros((200, 3), np.float16)}, "residual_offsets has 2 dimensions"),
        ({"residual_low": np.full(4, 3, np.float32)}, "residual_low is above residual_high"),
        ({"residual_low": np.full(5, -1, np.float32)}, "residual_low has a size of 5"),
        ({"residual_weights": np.full((4, 118), 1e9, np.float32)}, "residual_weights holds numbers beyond"),
        ({"residual_mean": None}, "the arrays should be"),
        ({"reference": np.zeros((3, 0), np.float16)}, "0 reference channels"),
        ({"reference": np.full((3, 16), np.inf, np.float16)}, "reference holds NaN"),
    ],
)
def test_bad_residuals(saved_with_residuals: Path, arrays: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved_with_residuals, **arrays))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"photo_image": np.zeros((513, 4, 4), np.uint8)}, "513 rows of the photo"),
        ({"photo_image": np.zeros((4, 600, 4), np.uint8)}, "600 columns of the photo"),
        ({"photo_image": np.zeros((0, 4, 4), np.uint8)}, "0 rows of the photo"),
        ({"photo_image": np.zeros((4, 4, 3), np.uint8)}, "photo_image has a size of 3 where 4 is right"),
        ({"photo_image": np.zeros((4, 4, 4), np.float32)}, "photo_image is stored as float32"),
        ({"photo_places": np.zeros((199, 2), np.uint16)}, "photo_places has a size of 199"),
        ({"photo_trust": np.zeros((200, 1), np.uint8)}, "photo_trust has 2 dimensions"),
        ({"photo_trust": None}, "the arrays should be"),
    ],
)
def test_bad_photos(saved_with_photo: Path, arrays: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved_with_photo, **arrays))


@pytest.mark.parametrize("version", ["1", "2"])
def test_versions_1_and_2_have_no_photo(saved_with_photo: Path, version: str) -> None:
    with pytest.raises(BadInputError, match="the arrays should be"):
        load_avatar(edited(saved_with_photo, {"version": version}))


def test_version_1_has_no_residuals(saved_with_residuals: Path) -> None:
    with pytest.raises(BadInputError, match="the arrays should be"):
        load_avatar(edited(saved_with_residuals, {"version": "1"}))


def test_too_many_components_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="17 residual components"):
        save_avatar(made_up_avatar(residuals=made_up_residuals(components=17)), tmp_path / "a.avatar")


def test_arrays_that_would_fill_the_memory_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """Every size is allowed by itself, and the file's is; their sum in memory is not."""
    path = tmp_path / "large.avatar"
    write_sparse(path, gaussians=1_000_000, components=12)
    with pytest.raises(BadInputError, match=r"would fill 3\d{8} bytes of memory"):
        load_avatar(path)


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
