"""An evaluation as JSON."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from inperson.shader_model.evaluation.drift import within_noise
from inperson.shader_model.evaluation.evaluate import Drift, Evaluation
from inperson.shader_model.evaluation.numbers import gain_of, mean_of, ratio, rounded, values_of
from inperson.shader_model.evaluation.pictures import decibels
from inperson.shader_model.evaluation.reenacted import ReenactedClip
from inperson.shader_model.evaluation.regions import Region
from inperson.shader_model.evaluation.synthetic import METHODS, SyntheticEvaluation

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
    out: dict[str, Any] = rounded(whole)
    return out


def _synthetic(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    people = synthetic.people
    out: dict[str, Any] = {
        name: mean_of([p.scores[name].to_dict() for p in people]) | {"regions": _regions(synthetic, name)}
        for name in METHODS
    }
    return out | {
        "gain": gain_of(people, out, "shaded", "plain"),
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
            "psnr": decibels(ratio(errors[region], pixels[region])),
            "share_of_error": ratio(errors[region], all_errors),
            "share_of_pixels": ratio(pixels[region], all_pixels),
        }
        for region in Region
        if region is not Region.NONE
    }


def _warping(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    values = values_of(synthetic.warping)
    flicker = [p.flicker for p in synthetic.people]
    return values | {
        **{f"{name}_to_truth": ratio(values[name], values["truth"]) for name in METHODS},
        "still_flicker": float(np.mean(flicker)),
        "still_flicker_worst": float(np.max(flicker)),
    }


def _eyes(synthetic: SyntheticEvaluation) -> dict[str, Any]:
    values, corrections = values_of(synthetic.eyes), values_of(synthetic.corrections)
    return values | {
        "shaded_to_plain": ratio(values["shaded"], values["plain"]),
        "shaded_to_separate": ratio(values["shaded"], values["separate"]),
        "corrections": corrections | {"shaded_to_separate": ratio(corrections["shaded"], corrections["separate"])},
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
    out: dict[str, Any] = {name: mean_of([clip[name].to_dict() for clip in clips.values()]) for name in METHODS}
    return out | {
        "gain": {
            "psnr": out["shaded"]["psnr"] - out["plain"]["psnr"],
            "perceptual": 1.0 - ratio(out["shaded"]["perceptual"], out["plain"]["perceptual"]),
        },
        "trained_on": about.provenance.get(TRAINED_ON),
        "clips": [{"clip": name, **{n: s.to_dict() for n, s in clip.items()}} for name, clip in clips.items()],
    }
