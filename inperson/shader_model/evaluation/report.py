"""An evaluation as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inperson.shader_model.evaluation.carrying import Disagreement
from inperson.shader_model.evaluation.drift import within_noise
from inperson.shader_model.evaluation.evaluate import Drift, Evaluation
from inperson.shader_model.evaluation.pictures import decibels
from inperson.shader_model.evaluation.reenacted import ReenactedClip
from inperson.shader_model.evaluation.regions import Region
from inperson.shader_model.evaluation.synthetic import METHODS, SyntheticEvaluation, mean_gain

TRAINED_ON = "data"
"""Of the provenance in a shader's file: what it was trained on."""


@dataclass(frozen=True, slots=True)
class About:
    """Which network was evaluated how."""

    command: str
    """As it was typed."""
    engine: str
    weights: str
    """The file's name."""
    weights_sha256: str
    provenance: dict[str, str]
    """As the file says it: how it was trained."""
    tool: str
    machine: str
    threads: int
    seconds: float
    """That the evaluation took."""


def as_json(result: Evaluation, about: About) -> dict[str, Any]:
    """Everything that was measured, rounded as far as it means anything; null for what was left out or has no value.

    Keys `synthetic`, `real`, `warping`, `eyes`, `drift`, `about`.
    """
    synthetic = result.synthetic
    whole = {
        "synthetic": None if synthetic is None else _synthetic(synthetic),
        "real": _real(result.clips, about) if result.clips else None,
        "warping": None if synthetic is None else _warping(synthetic),
        "eyes": None if synthetic is None else _eyes(synthetic),
        "drift": None if result.drift is None else _drift(result.drift),
        "about": {name: getattr(about, name) for name in About.__dataclass_fields__},
    }
    rounded: dict[str, Any] = _rounded(whole)
    return rounded


def _synthetic(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    people = synthetic.people
    out: dict[str, Any] = {
        name: _mean_of([p.scores[name].to_dict() for p in people]) | {"regions": _regions(synthetic, name)}
        for name in METHODS
    }
    gain, error = mean_gain(people, "psnr")
    return out | {
        "gain": {
            "psnr": gain,
            "psnr_standard_error": error,
            "perceptual": 1.0 - _ratio(out["shaded"]["perceptual"], out["plain"]["perceptual"]),
        },
        "people": len(people),
        "frames": sum(p.frames for p in people),
        "pictures": sum(p.pictures for p in people),
        "each": [{"person": p.person, **{n: s.to_dict() for n, s in p.scores.items()}} for p in people],
    }


def _regions(synthetic: SyntheticEvaluation, name: str) -> dict[str, dict[str, float]]:
    """PSNR in each region, its share of the squared error and of the pixels."""
    errors, pixels = synthetic.errors[name], synthetic.pixels[name]
    all_errors, all_pixels = sum(errors.values()), sum(pixels.values())
    return {
        region.name.lower(): {
            "psnr": decibels(_ratio(errors[region], pixels[region])),
            "share_of_error": _ratio(errors[region], all_errors),
            "share_of_pixels": _ratio(pixels[region], all_pixels),
        }
        for region in Region
        if region is not Region.NONE
    }


def _warping(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    values = _values(synthetic.warping)
    flicker = [p.flicker for p in synthetic.people]
    return values | {
        **{f"{name}_to_truth": _ratio(values[name], values["truth"]) for name in METHODS},
        "still_flicker": float(np.mean(flicker)),
        "still_flicker_worst": float(np.max(flicker)),
    }


def _eyes(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    values, corrections = _values(synthetic.eyes), _values(synthetic.corrections)
    return values | {
        "shaded_to_plain": _ratio(values["shaded"], values["plain"]),
        "shaded_to_separate": _ratio(values["shaded"], values["separate"]),
        "corrections": corrections | {"shaded_to_separate": _ratio(corrections["shaded"], corrections["separate"])},
    }


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "frames": drift.frames,
        "person": drift.person,
        "resets": drift.resets,
        "largest_z": max(abs(one.z) for one in drift.ends.values()),
        "within_noise": within_noise(drift.ends),
        "series": {name: ends.to_dict() for name, ends in drift.ends.items()},
    }


def _real(clips: dict[str, dict[str, ReenactedClip]], about: About) -> dict[str, Any]:
    out: dict[str, Any] = {name: _mean_of([clip[name].to_dict() for clip in clips.values()]) for name in METHODS}
    return out | {
        "gain": {
            "psnr": out["shaded"]["psnr"] - out["plain"]["psnr"],
            "perceptual": 1.0 - _ratio(out["shaded"]["perceptual"], out["plain"]["perceptual"]),
        },
        "trained_on": about.provenance.get(TRAINED_ON),
        "clips": [{"clip": name, **{n: s.to_dict() for n, s in clip.items()}} for name, clip in clips.items()],
    }


def _values(disagreements: dict[str, Disagreement]) -> dict[str, float]:
    return {name: one.value for name, one in disagreements.items()}


def _mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of every field, over those rows in which it has a value."""
    out = {}
    for name in rows[0]:
        known = [row[name] for row in rows if np.isfinite(row[name])]
        out[name] = float(np.mean(known)) if known else float("nan")
    return out


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")


def _rounded(value: Any) -> Any:
    """Six digits; None for what is not finite, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
