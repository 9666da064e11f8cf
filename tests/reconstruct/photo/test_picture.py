"""Every kind of picture file becomes the same upright 8-bit RGB, or one clear error."""

import hashlib
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from inperson.errors import BadInputError
from inperson.reconstruct.photo.picture import LONGEST_SIDE, SHORTEST_SIDE, read_photo

HEIGHT, WIDTH = 120, 160


def picture() -> np.ndarray:
    """Smooth, unlike itself mirrored or turned."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) * 255 // (HEIGHT + WIDTH)], axis=2).astype(np.uint8)


RGB = picture()
GREY = RGB[..., 1]


def saved(tmp_path, image, name="photo.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_a_plain_picture_is_read_as_it_is(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB))
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.image, RGB)
    assert photo.image.flags.c_contiguous
    assert photo.name == "photo.png"
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert photo.focal is None


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, RGB),
        (2, RGB[:, ::-1]),
        (3, RGB[::-1, ::-1]),
        (4, RGB[::-1]),
        (5, RGB.transpose(1, 0, 2)),
        (6, np.rot90(RGB, 1)),
        (7, np.rot90(RGB, 2).transpose(1, 0, 2)),
        (8, np.rot90(RGB, -1)),
    ],
)
def test_pictures_are_turned_upright(tmp_path, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    np.testing.assert_array_equal(read_photo(path).image, RGB)


def test_grey(tmp_path):
    np.testing.assert_array_equal(read_photo(saved(tmp_path, Image.fromarray(GREY))).image, np.dstack([GREY] * 3))


def test_16_bit_grey_keeps_its_brightness(tmp_path):
    path = saved(tmp_path, Image.fromarray(GREY.astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_photo(path).image[..., 0], GREY)


def test_16_bit_colour(tmp_path):
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), (RGB[..., ::-1].astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_photo(path).image, RGB)


def test_float_tiff(tmp_path):
    path = saved(tmp_path, Image.fromarray(GREY.astype(np.float32) / 255), "f.tiff")
    np.testing.assert_array_equal(read_photo(path).image[..., 2], GREY)


def test_cmyk(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB).convert("CMYK"), "print.jpg", quality=100)
    assert np.abs(read_photo(path).image.astype(int) - RGB).mean() < 3.0


def test_palette(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB).quantize(256))
    assert np.abs(read_photo(path).image.astype(int) - RGB).mean() < 12.0


def test_what_is_transparent_becomes_white(tmp_path):
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    image = read_photo(saved(tmp_path, Image.fromarray(np.dstack([RGB, alpha])))).image
    assert (image[:, : WIDTH // 2] == 255).all()
    np.testing.assert_array_equal(image[:, WIDTH // 2 :], RGB[:, WIDTH // 2 :])


def test_colours_are_taken_to_srgb(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    to_lab = ImageCms.profileToProfile(Image.fromarray(RGB), srgb, lab, outputMode="LAB")
    path = saved(tmp_path, to_lab, "lab.tiff", icc_profile=lab.tobytes())
    assert np.abs(read_photo(path).image.astype(int) - RGB).mean() < 6.0
    plain = saved(tmp_path, Image.fromarray(RGB), "srgb.png", icc_profile=srgb.tobytes())
    assert np.abs(read_photo(plain).image.astype(int) - RGB).max() <= 1
    broken = saved(tmp_path, Image.fromarray(RGB), "broken.png", icc_profile=b"no profile")
    np.testing.assert_array_equal(read_photo(broken).image, RGB)


@pytest.mark.parametrize(("suffix", "mode"), [("jpg", "RGB"), ("png", "RGB"), ("png", "P"), ("jpg", "CMYK")])
def test_large_pictures_are_reduced_and_turned(tmp_path, suffix, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    large = Image.fromarray(RGB).resize((4000, 3000), Image.Resampling.BILINEAR).convert(mode)
    photo = read_photo(saved(tmp_path, large, f"large.{suffix}", exif=exif))
    assert photo.image.shape == (LONGEST_SIDE, LONGEST_SIDE * 3 // 4, 3)
    small = cv2.resize(photo.image, (HEIGHT, WIDTH), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - np.rot90(RGB, -1)).mean() < 10.0


def noting(focal: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x8769] = {0xA405: focal}
    return exif


@pytest.mark.parametrize("focal", [16, 28, 50, 200])
def test_the_focal_length_follows_the_diagonal(tmp_path, focal):
    """As stated for 36 x 24 mm film."""
    photo = read_photo(saved(tmp_path, Image.fromarray(RGB), exif=noting(focal)))
    assert photo.focal == pytest.approx(focal / 43.2666 * np.hypot(HEIGHT, WIDTH), rel=1e-4)


@pytest.mark.parametrize("focal", [0, 3, 1000])
def test_focal_lengths_that_cannot_be_are_not_believed(tmp_path, focal):
    assert read_photo(saved(tmp_path, Image.fromarray(RGB), exif=noting(focal))).focal is None


def refused(path) -> str:
    with pytest.raises(BadInputError) as caught:
        read_photo(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_read_is_one_line(tmp_path):
    assert "cannot be opened" in refused(tmp_path / "missing.jpg")
    assert "is a folder" in refused(tmp_path)
    (tmp_path / "words.jpg").write_text("not a picture")
    assert "not a picture" in refused(tmp_path / "words.jpg")
    (tmp_path / "empty.png").touch()
    assert "not a picture" in refused(tmp_path / "empty.png")
    tiny = saved(tmp_path, Image.fromarray(RGB[:50]), "tiny.png")
    assert f"at least {SHORTEST_SIDE} pixels" in refused(tiny)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp"])
def test_files_that_break_off(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, RGB.shape, np.uint8)
    whole = saved(tmp_path, Image.fromarray(noise), f"a.{suffix}")
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert any(word in refused(cut) for word in ("damaged", "not a picture"))


def test_a_header_that_promises_too_much(tmp_path):
    """A few bytes that claim to be 60,000 x 60,000 pixels are refused before anything is allocated."""
    data = bytearray(saved(tmp_path, Image.fromarray(RGB)).read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(bytes(data))
    assert any(words in refused(bomb) for words in ("too large", "60000 x 60000"))


def test_heic(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "phone.heic"
    heif.from_pillow(Image.fromarray(RGB)).save(path, quality=95)
    image = read_photo(path).image
    assert image.shape == RGB.shape
    assert np.abs(image.astype(int) - RGB).mean() < 4.0


def test_heic_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert "pip install pillow-heif" in refused(path)
