"""What an avatar file may hold besides Gaussians, since which version, and that old files open for ever."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from inperson.avatar.file import load_avatar, save_avatar
from inperson.errors import BadInputError
from tests.avatar.edited_files import edited, metadata_of
from tests.avatar.made_up import made_up_avatar, made_up_personal, made_up_photo, made_up_residuals
from tests.avatar.sparse_files import write_sparse


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


def test_round_trip_of_the_personal_shader(tmp_path: Path) -> None:
    personal = made_up_personal(5000)
    save_avatar(made_up_avatar(personal=personal), tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar").personal
    assert back is not None
    assert back.weights_sha256 == personal.weights_sha256
    assert back.values.dtype == np.float32
    np.testing.assert_allclose(back.values, personal.values, rtol=5e-4, atol=1e-6)


def test_a_file_has_the_lowest_version_that_holds_it(
    saved: Path, saved_with_residuals: Path, saved_with_photo: Path, saved_with_personal: Path
) -> None:
    assert metadata_of(saved)["version"] == "1"
    assert metadata_of(saved_with_residuals)["version"] == "2"
    assert metadata_of(saved_with_photo)["version"] == "3"
    assert metadata_of(saved_with_personal)["version"] == "4"


@pytest.mark.parametrize("kept", ["residuals", "reference", "photo", "personal"])
def test_what_may_be_there_comes_one_without_the_others(tmp_path: Path, kept: str) -> None:
    every = {
        "residuals": made_up_residuals(),
        "reference": np.ones((1, 8), np.float32),
        "photo": made_up_photo(),
        "personal": made_up_personal(),
    }
    save_avatar(made_up_avatar(**{kept: every[kept]}), tmp_path / "a.avatar")
    back = load_avatar(tmp_path / "a.avatar")
    assert [name for name in every if getattr(back, name) is not None] == [kept]


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


VERSION_3 = Path(__file__).parent / "data" / "version3.avatar"
"""Written by the format's third release, of `made_up_avatar(24, 1, 13)` with `made_up_photo(24, 8, 6)`."""


def test_a_file_of_version_3_opens_for_ever_and_is_still_written_so(tmp_path: Path) -> None:
    avatar = load_avatar(VERSION_3)
    assert avatar.photo is not None
    assert avatar.personal is None
    assert (avatar.photo.image.shape, avatar.photo.places.shape) == ((6, 8, 4), (24, 2))
    assert avatar.photo.image[2, 3].tolist() == [7, 232, 96, 239]
    save_avatar(avatar, tmp_path / "again.avatar")
    assert (tmp_path / "again.avatar").read_bytes() == VERSION_3.read_bytes()


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


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"personal_values": np.zeros((0,), np.float16)}, "0 personal numbers"),
        ({"personal_values": np.full(500, np.nan, np.float16)}, "personal_values holds NaN"),
        ({"personal_values": np.full(500, 2e3, np.float16)}, "personal_values holds numbers beyond 1000"),
        ({"personal_weights_sha256": np.zeros(31, np.uint8)}, "has a size of 31 where 32 is right"),
        ({"personal_values": None}, "the arrays should be"),
    ],
)
def test_bad_personal_shaders(saved_with_personal: Path, arrays: dict, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_avatar(edited(saved_with_personal, **arrays))


def test_a_personal_shader_of_no_weights_is_not_saved(tmp_path: Path) -> None:
    personal = replace(made_up_personal(), weights_sha256="somebody's")
    with pytest.raises(BadInputError, match="is no sha256"):
        save_avatar(made_up_avatar(personal=personal), tmp_path / "a.avatar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_versions_up_to_3_have_nothing_personal(saved_with_personal: Path, version: str) -> None:
    with pytest.raises(BadInputError, match="the arrays should be"):
        load_avatar(edited(saved_with_personal, {"version": version}))


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
