"""Numbers of an evaluation on their way into JSON: means over people, ratios, gains, rounding."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from inperson.shader_model.evaluation.carrying import Disagreement
from inperson.shader_model.evaluation.pictures import PictureScores


class Scored(Protocol):
    """Somebody's pictures, made several ways."""

    @property
    def scores(self) -> dict[str, PictureScores]:
        """Of each way."""
        ...


def mean_gain(people: Sequence[Scored], name: str, better: str, than: str) -> tuple[float, float]:
    """How much higher a score is one way than another: mean over people, and its standard error."""
    gains = np.array([getattr(p.scores[better], name) - getattr(p.scores[than], name) for p in people])
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return float(gains.mean()), float(error)


def gain_of(
    people: Sequence[Scored], means: Mapping[str, Mapping[str, float]], better: str, than: str
) -> dict[str, float]:
    """How much better one way is than another: dB, and the share of the perceptual distance that is gone.

    Args:
        means: of the people's scores, by way.
    """
    gain, error = mean_gain(people, "psnr", better, than)
    return {
        "psnr": gain,
        "psnr_standard_error": error,
        "perceptual": 1.0 - ratio(means[better]["perceptual"], means[than]["perceptual"]),
    }


def values_of(disagreements: Mapping[str, Disagreement]) -> dict[str, float]:
    """By name, grey levels."""
    return {name: one.value for name, one in disagreements.items()}


def mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of every field, over those rows in which it has a value."""
    out = {}
    for name in rows[0]:
        known = [row[name] for row in rows if np.isfinite(row[name])]
        out[name] = float(np.mean(known)) if known else float("nan")
    return out


def ratio(a: float, b: float) -> float:
    """NaN where there is nothing to divide by."""
    return a / b if b else float("nan")


def rounded(value: Any) -> Any:
    """Six digits; None for what is not finite, which JSON does not know."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
