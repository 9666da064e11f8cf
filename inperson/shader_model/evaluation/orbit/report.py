"""The evaluation of a teacher as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from inperson.shader_model.evaluation.numbers import Scored, gain_of, mean_of, ratio, rounded, values_of
from inperson.shader_model.evaluation.orbit.evaluate import TeacherEvaluation, TeacherEvaluationSettings
from inperson.shader_model.evaluation.orbit.moving import MovingEvaluation
from inperson.shader_model.evaluation.orbit.scores import OrbitEvaluation
from inperson.shader_model.evaluation.orbit.shading import METHODS, Taught
from inperson.shader_model.evaluation.orbit.views import Side
from inperson.shader_model.evaluation.pictures import PictureScores
from inperson.shader_model.evaluation.report import About

ONLY_AFTER_RESETS = "first_psnr"
"""A score that orbits have none of."""


@dataclass(frozen=True, slots=True)
class AboutTeacher:
    """Which teacher was evaluated."""

    weights: str
    """The file's name."""
    weights_sha256: str
    provenance: dict[str, str]
    """As the file says it: how it was trained."""
    device: str


def as_json(
    result: TeacherEvaluation,
    taught: Taught,
    settings: TeacherEvaluationSettings,
    about: About,
    about_teacher: AboutTeacher,
) -> dict[str, Any]:
    """Everything that was measured, rounded as far as it means anything; null for what was left out or has no value.

    Keys `orbit`, `moving`, `about`.

    Args:
        about: the live model.
    """
    whole = {
        "orbit": _orbit(result.around),
        "moving": _moving(result.moving) if result.moving.people else None,
        "about": {
            **{name: getattr(about, name) for name in About.__dataclass_fields__},
            "teacher": asdict(about_teacher) | asdict(taught.settings) | {"precision": taught.precision},
            "views": settings.orbit.views,
            "pixels": settings.orbit.size,
        },
    }
    out: dict[str, Any] = rounded(whole)
    return out


def _orbit(around: OrbitEvaluation) -> dict[str, Any]:
    people = around.people
    means = {name: mean_of([_of_orbit(p.scores[name]) for p in people]) for name in METHODS}
    return {
        **means,
        "gain": _gains(people, means),
        "by_angle": {
            side.value: {name: mean_of([_of_orbit(p.sides[side][name]) for p in people]) for name in METHODS}
            for side in Side
        },
        "seam": _seam(around) if around.turned else None,
        "people": len(people),
        "each": [{"person": p.person, **{n: _of_orbit(s) for n, s in p.scores.items()}} for p in people],
    }


def _seam(around: OrbitEvaluation) -> dict[str, Any]:
    rows = {
        name: {"change": seam.change, "elsewhere": seam.elsewhere, "ratio": ratio(seam.change, seam.elsewhere)}
        for name, seam in around.seams.items()
    }
    turned = {
        "largest": max(one.largest for one in around.turned),
        "mean": float(np.mean([one.mean for one in around.turned])),
    }
    return {**rows, "turned": turned, "people": len(around.turned)}


def _moving(moving: MovingEvaluation) -> dict[str, Any]:
    people, changes = moving.people, values_of(moving.warping)
    means = {name: mean_of([p.scores[name].to_dict() for p in people]) for name in METHODS}
    return {
        **means,
        "gain": _gains(people, means),
        "warping": changes | {f"{name}_to_truth": ratio(changes[name], changes["truth"]) for name in METHODS},
        "people": len(people),
        "frames": sum(p.frames for p in people),
        "pictures": sum(p.pictures for p in people),
        "each": [{"person": p.person, **{n: s.to_dict() for n, s in p.scores.items()}} for p in people],
    }


def _gains(people: Sequence[Scored], means: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {f"over_{than}": gain_of(people, means, "teacher", than) for than in ("plain", "live")}


def _of_orbit(scores: PictureScores) -> dict[str, float]:
    return {name: value for name, value in scores.to_dict().items() if name != ONLY_AFTER_RESETS}
