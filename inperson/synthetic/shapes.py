"""Body shapes of synthetic people: random betas plus what an ethnicity and an age change."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import load_body
from inperson.errors import BadInputError
from inperson.paths import assets_dir

Ethnicity = Literal["african", "asian", "caucasian"]
ETHNICITIES: tuple[Ethnicity, ...] = ("african", "asian", "caucasian")
Proportions = Literal["female", "male"]
_YOUNG, _OLD = 0.7, 0.95
"""MakeHuman's ages of the template persons and of the `old` direction (0.5 is 25 years, 1.0 is 90)."""


@dataclass(frozen=True, slots=True)
class ShapeSpec:
    """A body shape as plain values."""

    seed: int
    ethnicity: Ethnicity
    age: float
    """On MakeHuman's scale, 0.5 to 1."""
    spread: float = 0.6
    """Standard deviation of the random part of the betas."""
    proportions: Proportions | None = None
    """On the neutral body: be a woman's or a man's shape all the same; None stays in the middle."""

    def betas(self, body_name: str, num_betas: int) -> Float[np.ndarray, " B"]:
        """Coefficients for a shipped body, float32.

        Raises:
            BadInputError: no phenotypes are known for this body.
        """
        if body_name == "neutral" and self.proportions is not None:
            gendered = replace(self, proportions=None).betas(self.proportions, num_betas)
            return neutral_betas(self.proportions, gendered)
        directions = _phenotypes()
        if f"{body_name}_{self.ethnicity}" not in directions:
            raise BadInputError(f"body '{body_name}' has no phenotypes", "use neutral, male or female")
        betas = np.random.default_rng(self.seed).normal(0.0, self.spread, num_betas)
        ageing = float(np.clip((self.age - _YOUNG) / (_OLD - _YOUNG), -0.3, 1.0))
        betas += directions[f"{body_name}_{self.ethnicity}"] + ageing * directions[f"{body_name}_old"]
        return betas.astype(np.float32)


_RIDGE = 1e-3
"""Holds betas down while a shape is expressed in another body's space: about 3 mm of it are lost, and betas stay
below 3 standard deviations."""


def neutral_betas(body_name: Proportions, betas: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    """The neutral body's betas of the shape that `betas` give another shipped body (ridge regression), float32."""
    neutral, other = load_body("neutral"), load_body(body_name)
    directions = neutral.shapedirs.reshape(-1, neutral.num_betas).astype(np.float64)
    wanted = (other.shaped(betas) - neutral.v_template).reshape(-1)
    normal = directions.T @ directions + _RIDGE * np.eye(neutral.num_betas)
    return np.linalg.solve(normal, directions.T @ wanted).astype(np.float32)


@lru_cache(maxsize=1)
def _phenotypes() -> dict[str, Float[np.ndarray, " B"]]:
    path = assets_dir() / "synthetic" / "phenotypes.npz"
    if not path.is_file():
        raise BadInputError(f"{path} is missing", "make it with `python -m tools.make_phenotypes`")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
