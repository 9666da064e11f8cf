"""`PersonSpec`: who a synthetic person is and what they wear, as plain values; and drawing one at random."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from inperson.synthetic.fabrics import Dye, Pattern
from inperson.synthetic.shapes import ETHNICITIES, ShapeSpec

Gender = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Everything that makes one person; the same spec gives the same pixels."""

    name: str
    gender: Gender
    shape: ShapeSpec
    skin: str
    """A folder of the wardrobe's skins."""
    skin_tone: float
    """Multiplies the skin's albedo."""
    outfit: str
    top: Dye | None
    bottom: Dye | None
    shoes: str
    hair: str
    hair_tint: tuple[float, float, float]
    """Linear albedo."""
    eyes: str
    """A colour of the wardrobe's eyes, or `brown` (the light brown one, darkened)."""
    brows: str
    lashes: str
    body: str | None = None
    """Name or path of the body; None takes the one of the person's gender."""


HAIR: dict[Gender, tuple[str, ...]] = {
    "female": ("long01", "ponytail01"),
    "male": ("short01", "short02", "short04"),
}
"""Styles without faults: bob01, bob02, braid01 and short03 hide an eye, afro01 shows its seams."""
OUTFITS: dict[Gender, tuple[str, ...]] = {
    "female": ("female_casualsuit01", "female_casualsuit02", "female_sportsuit01", "female_elegantsuit01"),
    "male": (
        *("male_casualsuit01", "male_casualsuit02", "male_casualsuit03", "male_casualsuit04"),
        *("male_casualsuit05", "male_casualsuit06", "male_elegantsuit01"),
    ),
}
"""All but male_worksuit01, whose texture coordinates do not match its picture."""
FORMAL = ("male_elegantsuit01",)
"""Never dyed: jacket, shirt and tie share their islands."""
HAIR_TINTS: dict[str, tuple[float, float, float]] = {
    "black": (0.014, 0.012, 0.011),
    "dark brown": (0.040, 0.024, 0.015),
    "brown": (0.085, 0.046, 0.024),
    "chestnut": (0.130, 0.058, 0.026),
    "blond": (0.360, 0.225, 0.105),
    "grey": (0.290, 0.275, 0.260),
    "red": (0.230, 0.075, 0.028),
}
EYE_COLORS = ("blue", "bluegreen", "green", "grey", "brownlight", "brown")
SHOES = ("shoes01", "shoes02", "shoes03", "shoes04", "shoes05", "shoes06")
BROWS = ("eyebrow001", "eyebrow005", "eyebrow008", "eyebrow010", "eyebrow011", "eyebrow012")
"""Without those that frown (002, 003, 004), are drawn as lines (006, 007) or bushy (009)."""
LASHES = ("eyelashes01", "eyelashes02", "eyelashes03")
_PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "pinstripes", "check", "dots")


def age_band(age: float) -> str:
    """The wardrobe's word for an age on MakeHuman's scale."""
    return "young" if age < 0.72 else "middleage" if age < 0.87 else "old"


def sample_person(rng: np.random.Generator, name: str) -> PersonSpec:
    """Draws a person. All choices come from `rng`, in one order, so seeds are stable."""
    gender: Gender = "female" if rng.random() < 0.5 else "male"
    ethnicity = ETHNICITIES[rng.choice(3, p=[0.3, 0.3, 0.4])]
    age = float(rng.uniform(0.52, 0.93))
    tints = list(HAIR_TINTS) if ethnicity == "caucasian" else ["black", "dark brown"]
    tint = "grey" if age > 0.87 and rng.random() < 0.7 else tints[rng.integers(len(tints))]
    outfit = OUTFITS[gender][rng.integers(len(OUTFITS[gender]))]
    dyed = outfit not in FORMAL and rng.random() < 0.85
    return PersonSpec(
        name=name,
        gender=gender,
        shape=ShapeSpec(int(rng.integers(2**31)), ethnicity, age),
        skin=f"{age_band(age)}_{ethnicity}_{gender}",
        skin_tone=float(rng.uniform(0.85, 1.12)),
        outfit=outfit,
        top=_sample_dye(rng) if dyed else None,
        bottom=_sample_dye(rng, patterns=("plain",), value=0.45) if dyed and rng.random() < 0.5 else None,
        shoes=SHOES[rng.integers(len(SHOES))],
        hair=HAIR[gender][rng.integers(len(HAIR[gender]))],
        hair_tint=HAIR_TINTS[tint],
        eyes=EYE_COLORS[rng.integers(len(EYE_COLORS))] if ethnicity == "caucasian" else "brown",
        brows=BROWS[rng.integers(len(BROWS))],
        lashes=LASHES[rng.integers(len(LASHES))],
    )


def _sample_dye(rng: np.random.Generator, patterns: tuple[Pattern, ...] = _PATTERNS, value: float = 0.85) -> Dye:
    """A wearable colour: muted more often than loud, with a lighter or darker accent."""
    hue, saturation = rng.random(), rng.beta(1.6, 2.4)
    brightness = rng.uniform(0.12, value)
    color = hsv_to_rgb(hue, saturation, brightness)
    accent = hsv_to_rgb((hue + rng.uniform(-0.12, 0.12)) % 1.0, saturation * 0.6, 1.05 - brightness)
    return Dye(color, patterns[rng.integers(len(patterns))], accent, float(rng.uniform(0.02, 0.09)))


def hsv_to_rgb(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """All in 0..1 (Smith 1978)."""
    k = (np.array([5.0, 3.0, 1.0]) + 6.0 * hue) % 6.0
    rgb = value * (1.0 - saturation * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0))
    return float(rgb[0]), float(rgb[1]), float(rgb[2])
