"""The three template persons, and the random people whose variation is the shape space."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from tools.build_body.makehuman import MakeHuman

_ETHNICITIES = ("african", "asian", "caucasian")
_FACE_PARTS = frozenset(("cheek", "chin", "ear", "eyebrows", "eye", "forehead", "head", "mouth", "nose"))
_UNUSED_PARTS = frozenset(("pelvis", "bulge", "stomach"))
_FACE_SIGMA, _BODY_SIGMA = 0.21, 0.12
"""Of local changes (targets run from -1 to 1). At 0.35 faces one sigma out look like caricatures."""


@dataclass(frozen=True)
class Person:
    """One person in MakeHuman's terms: phenotypes 0 to 1 (gender 0 male, 1 female; age 2/3 is 25 years)."""

    phenotypes: dict[str, float]
    local_changes: dict[str, float] = field(default_factory=dict)

    def coefficients(self, mh: MakeHuman) -> Float[np.ndarray, " K"]:
        local = {k: np.array([v]) for k, v in _both_sides(self.local_changes).items()}
        phenotypes = {**dict.fromkeys(_ETHNICITIES, 1 / 3), **self.phenotypes}
        return mh.coefficients({k: np.array([v]) for k, v in phenotypes.items()}, local)[0]


_FRIENDLY = {"mouth-angles-up": 0.3, "l-eye-height2-incr": 0.15, "eyebrows-trans-up": 0.1}
_TEMPLATE_PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions", "cupsize", "firmness")


def _template(*values: float) -> Person:
    return Person(dict(zip(_TEMPLATE_PHENOTYPES, values, strict=True)), _FRIENDLY)


TEMPLATES: dict[str, Person] = {
    "neutral": _template(0.35, 0.7, 0.5, 0.48, 0.38, 0.6, 0.2, 0.6),
    "male": _template(0.0, 0.7, 0.6, 0.5, 0.385, 0.6, 0.5, 0.5),
    "female": _template(1.0, 0.7, 0.5, 0.46, 0.4, 0.6, 0.45, 0.6),
}


def random_people(mh: MakeHuman, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n K"]:
    """Adults of all builds, ages, sexes and ethnicities, left and right alike."""

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, n)

    def normal(mean: float, sigma: float) -> np.ndarray:
        return np.clip(rng.normal(mean, sigma, n), 0, 1)

    phenotypes = {
        "gender": uniform(0, 1),
        "age": uniform(0.6, 1.0),
        "muscle": normal(0.5, 0.2),
        "weight": normal(0.5, 0.22),
        "height": normal(0.39, 0.055),
        "proportions": uniform(0.2, 0.8),
        "cupsize": uniform(0.2, 0.8),
        "firmness": np.full(n, 0.5),
    }
    shares = rng.dirichlet([0.7] * len(_ETHNICITIES), n)
    phenotypes |= {name: shares[:, i] for i, name in enumerate(_ETHNICITIES)}
    changes = {}
    for name in mh.local_change_names:
        part = name.removeprefix("l-").split("-")[0]
        if name.startswith("r-") or _unused(name, part):
            continue
        changes[name] = np.clip(rng.normal(0, _FACE_SIGMA if part in _FACE_PARTS else _BODY_SIGMA, n), -1, 1)
    return mh.coefficients(phenotypes, _both_sides(changes))


def _unused(name: str, part: str) -> bool:
    return part not in _FACE_PARTS and ("trans" in name or part in _UNUSED_PARTS or "pregnant" in name)


def _both_sides(changes: dict) -> dict:
    return {**changes, **{"r-" + k[2:]: v for k, v in changes.items() if k.startswith("l-")}}
