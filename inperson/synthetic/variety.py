"""People to learn from and people to be tested on: more varied than `sample_person`, with nothing in common.

All stand in the neutral body, as people from photos do. Held-out people wear outfits, hair styles, prints and
shoes that no training person ever does.
"""

from dataclasses import dataclass

import numpy as np

from inperson.synthetic.fabrics import Dye, Pattern
from inperson.synthetic.people import (
    BROWS,
    EYE_COLORS,
    FORMAL,
    HAIR_TINTS,
    LASHES,
    Gender,
    PersonSpec,
    age_band,
    hsv_to_rgb,
)
from inperson.synthetic.shapes import ETHNICITIES, ShapeSpec


@dataclass(frozen=True, slots=True)
class Pool:
    """What people are drawn from."""

    outfits: dict[Gender, tuple[str, ...]]
    hair: dict[Gender, tuple[str, ...]]
    patterns: tuple[Pattern, ...]
    shoes: tuple[str, ...]


TRAINING = Pool(
    outfits={
        "female": ("female_casualsuit01", "female_sportsuit01", "female_elegantsuit01"),
        "male": (
            *("male_casualsuit01", "male_casualsuit02", "male_casualsuit04", "male_casualsuit05"),
            "male_elegantsuit01",
        ),
    },
    hair={
        "female": ("long01", "bob01", "braid01", "short01", "short03", "afro01"),
        "male": ("short01", "short02", "short03", "afro01"),
    },
    patterns=("plain", "plain", "stripes", "pinstripes", "check", "blotches", "sleeves", "badge"),
    shoes=("shoes01", "shoes02", "shoes04", "shoes05"),
)
HELD_OUT = Pool(
    outfits={"female": ("female_casualsuit02",), "male": ("male_casualsuit03", "male_casualsuit06")},
    hair={"female": ("ponytail01", "bob02"), "male": ("short04",)},
    patterns=("plain", "dots", "diagonal", "yoke"),
    shoes=("shoes03", "shoes06"),
)

_ONCE: dict[Pattern, tuple[float, float]] = {"sleeves": (0.16, 0.34), "yoke": (0.3, 0.3), "badge": (0.06, 0.16)}
"""Metres: the size of prints that do not repeat."""
_REPEATED, _BLOTCHES = (0.02, 0.12), (0.04, 0.16)


def sample_from(pool: Pool, rng: np.random.Generator, name: str) -> PersonSpec:
    """Draws a person in the neutral body. All choices come from `rng`, in one order, so seeds are stable."""
    gender: Gender = "female" if rng.random() < 0.5 else "male"
    ethnicity = ETHNICITIES[rng.choice(3, p=[0.3, 0.3, 0.4])]
    age = float(rng.uniform(0.52, 0.93))
    outfit = pool.outfits[gender][rng.integers(len(pool.outfits[gender]))]
    dyed = outfit not in FORMAL and rng.random() < 0.9
    return PersonSpec(
        name=name,
        gender=gender,
        shape=ShapeSpec(int(rng.integers(2**31)), ethnicity, age, spread=0.7, proportions=gender),
        skin=f"{age_band(age)}_{ethnicity}_{gender}",
        skin_tone=float(rng.uniform(0.75, 1.2)),
        outfit=outfit,
        top=_sample_dye(pool.patterns, rng) if dyed else None,
        bottom=_sample_dye(("plain",), rng, brightest=0.6) if dyed and rng.random() < 0.7 else None,
        shoes=pool.shoes[rng.integers(len(pool.shoes))],
        hair=pool.hair[gender][rng.integers(len(pool.hair[gender]))],
        hair_tint=_sample_tint(ethnicity == "caucasian", age, rng),
        eyes=EYE_COLORS[rng.integers(len(EYE_COLORS))] if ethnicity == "caucasian" else "brown",
        brows=BROWS[rng.integers(len(BROWS))],
        lashes=LASHES[rng.integers(len(LASHES))],
        body="neutral",
    )


def _sample_tint(fair: bool, age: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """A hair colour between two of the named ones; grey for the old, dyed hair of any hue now and then."""
    if rng.random() < 0.05:
        return hsv_to_rgb(float(rng.random()), float(rng.uniform(0.4, 0.8)), float(rng.uniform(0.1, 0.5)))
    names = list(HAIR_TINTS) if fair else ["black", "dark brown", "brown"]
    if age > 0.85 and rng.random() < 0.6:
        names = ["grey"]
    first, second = (np.array(HAIR_TINTS[names[rng.integers(len(names))]]) for _ in range(2))
    mixed = (first + rng.random() * (second - first)) * rng.uniform(0.8, 1.3)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _sample_dye(patterns: tuple[Pattern, ...], rng: np.random.Generator, brightest: float = 0.97) -> Dye:
    """A cloth's colour, an accent that may be close to it or far from it, and a print."""
    hue, saturation = float(rng.random()), float(rng.beta(1.1, 1.6))
    brightness = float(rng.uniform(0.06, brightest))
    color = hsv_to_rgb(hue, saturation, brightness)
    accent = hsv_to_rgb(float(rng.random()), float(rng.beta(1.1, 1.6)), float(rng.uniform(0.06, 0.97)))
    pattern = patterns[rng.integers(len(patterns))]
    least, most = _ONCE.get(pattern, _BLOTCHES if pattern == "blotches" else _REPEATED)
    return Dye(color, pattern, accent, float(rng.uniform(least, most)))
