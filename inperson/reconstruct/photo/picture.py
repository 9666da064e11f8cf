"""Reading a picture file as it is meant to be seen: upright, RGB, sRGB, eight bits, of a workable size."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from inperson.errors import BadInputError
from inperson.reconstruct.stages import Photo

LONGEST_SIDE = 2048
"""Pixels; larger pictures are reduced to this: 50,000 Gaussians cannot show more."""
SHORTEST_SIDE = 96
"""Pixels; nobody can be made out in less."""
MOST_PIXELS = 220_000_000
"""Of a file, before anything is decoded: more than any phone or camera takes."""
MOST_BYTES = 512_000_000

_KINDS = "JPEG, PNG, WebP, TIFF, BMP or HEIC"
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_EXIF_IFD, _FOCAL_LENGTH_35MM = 0x8769, 0xA405
_FILM_DIAGONAL_MM = float(np.hypot(36.0, 24.0))
_FOCAL_RANGE = (0.35, 6.0)
"""Focal lengths believed, as shares of the picture's longer side (110 to 10 degrees)."""
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


def read_photo(path: str | Path) -> Photo:
    """A picture file, turned upright by its EXIF orientation and taken to sRGB by its colour profile.

    Grey, CMYK, palette, 16-bit and transparent pictures become 8-bit RGB (what is transparent becomes white); of a
    file with several pictures the first is taken; pictures longer than `LONGEST_SIDE` are reduced to it.

    Raises:
        BadInputError: no such file, not a picture, broken off, too small or too large, or HEIC without its reader.
    """
    path = Path(path).expanduser()
    data = _file_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_check_size` draws its own line
            with _open(path, data) as picture:
                _check_size(path, picture.size)
                focal_35mm = _focal_35mm(picture)
                upright = ImageOps.exif_transpose(_reduced(picture))
                image = _rgb(upright)
    except Image.DecompressionBombError as error:
        raise BadInputError(f"picture {path} is too large ({error})", "save a smaller copy") from error
    except UnidentifiedImageError as error:
        raise BadInputError(f"{path} is not a picture that can be read", f"give a {_KINDS} file") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on broken files
        raise BadInputError(f"picture {path} is damaged ({error})", "save it again, or take another") from error
    focal = _focal_pixels(focal_35mm, image.shape[:2])
    return Photo(image, path.name, hashlib.sha256(data).hexdigest(), focal)


def _file_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadInputError(f"{path} is a folder", f"give one picture ({_KINDS})")
        if path.stat().st_size > MOST_BYTES:
            raise BadInputError(f"picture {path} has more than {MOST_BYTES // 1_000_000} MB", "save a smaller copy")
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(f"picture {path} cannot be opened ({reason})", "check its path and rights") from error


def _open(path: Path, data: bytes) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return _open_heif(path, data)
    return Image.open(io.BytesIO(data))


def _open_heif(path: Path, data: bytes) -> Image.Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise BadInputError(
            f"picture {path} is HEIC, which needs a reader that is not installed",
            "run `pip install pillow-heif`, or save the picture as JPEG",
        ) from error
    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True).to_pillow()


def _check_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < SHORTEST_SIDE:
        raise BadInputError(
            f"picture {path} is {width} x {height} pixels", f"give one of at least {SHORTEST_SIDE} pixels a side"
        )
    if width * height > MOST_PIXELS:
        raise BadInputError(
            f"picture {path} is {width} x {height} pixels", f"save a copy of at most {LONGEST_SIDE} pixels a side"
        )


def _focal_35mm(picture: Image.Image) -> float | None:
    """The focal length for a 36 x 24 mm film that EXIF states, millimetres."""
    value = picture.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_LENGTH_35MM)
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _focal_pixels(focal_35mm: float | None, shape: tuple[int, int]) -> float | None:
    """EXIF compares diagonals (CIPA DC-008, FocalLengthIn35mmFilm); what cannot be is not believed."""
    if focal_35mm is None:
        return None
    focal = focal_35mm / _FILM_DIAGONAL_MM * float(np.hypot(*shape))
    share = focal / max(shape)
    return focal if _FOCAL_RANGE[0] <= share <= _FOCAL_RANGE[1] else None


def _reduced(picture: Image.Image) -> Image.Image:
    """No longer than `LONGEST_SIDE`. JPEG is reduced while it is decoded, which large ones need."""
    if max(picture.size) <= LONGEST_SIDE:
        picture.load()
        return picture
    if picture.mode not in ("RGB", "L", "CMYK", "RGBA", "LA"):
        exif = picture.getexif()
        picture = _eight_bit(picture)
        picture.getexif().update(exif)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _eight_bit(picture: Image.Image) -> Image.Image:
    """8 bits a channel, no palette."""
    if picture.mode in _SIXTEEN_BIT or picture.mode in ("I", "F"):
        values = np.asarray(picture, np.float64)
        highest = 65535.0 if picture.mode != "F" or values.max() > 1.0 else 1.0
        return Image.fromarray(np.rint(np.clip(values / highest, 0.0, 1.0) * 255.0).astype(np.uint8))
    transparent = "transparency" in picture.info or picture.mode in ("PA", "LA", "La", "RGBa")
    if picture.mode in ("RGB", "L", "CMYK", "RGBA") and not transparent:
        return picture
    return picture.convert("RGBA" if transparent else "RGB")


def _rgb(picture: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
    profile = picture.info.get("icc_profile")
    picture = _eight_bit(picture)
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    picture = _as_srgb(picture.convert("RGB") if alpha is not None else picture, profile)
    if alpha is not None:
        white = Image.new("RGB", picture.size, (255, 255, 255))
        picture = Image.composite(picture, white, alpha)
    return np.ascontiguousarray(np.asarray(picture, np.uint8))


def _as_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that the embedded profile means; plain conversion where it is missing or broken."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):  # a profile of another colour space than the picture, or garbage
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")
