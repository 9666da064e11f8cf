"""How good orbits are, made several ways: against the truth, from each side, and at the seam."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.evaluation.orbit.seam import Seam
from inperson.shader_model.evaluation.orbit.shading import METHODS, OnPass, Taught, Turned, lap_of, turned_difference
from inperson.shader_model.evaluation.orbit.views import Orbit, Side
from inperson.shader_model.evaluation.pictures import PictureScores, PictureSums
from inperson.shader_model.stream import ShaderStream

LOOK_EVERY = 2
"""Views between perceptual distances."""
OPENED = "teacher_open"
"""The teacher that does not know that the orbit closes."""
SEAMS = ("truth", *METHODS, OPENED)
"""Whose seams are measured."""


@dataclass(frozen=True, slots=True)
class OrbitScores:
    """One person's orbit, by `METHODS`."""

    person: str
    scores: dict[str, PictureScores]
    sides: dict[Side, dict[str, PictureScores]]
    """Of the views from each side alone."""


def score_orbit(
    person: str, orbit: Orbit, shown: Mapping[str, Float[Tensor, "N 1 4 H W"]], perceptual: Perceptual
) -> OrbitScores:
    """Of all views.

    Args:
        shown: the views, made each way.
    """
    scores: dict[str, PictureScores] = {}
    sides: dict[Side, dict[str, PictureScores]] = {side: {} for side in Side}
    for name in METHODS:
        sums, whole = {side: PictureSums(perceptual) for side in Side}, PictureSums(perceptual)
        for number, view in enumerate(orbit.views):
            look = number % LOOK_EVERY == 0
            sums[view.side].add(shown[name][number], view.truth, view.regions, first=False, look=look)
        for side, part in sums.items():
            whole.include(part)
            sides[side][name] = part.scores()
        scores[name] = whole.scores()
    return OrbitScores(person, scores, sides)


class OrbitEvaluation:
    """Goes through people's orbits and adds up.

    Args:
        stream: the live model.
        taught: the teacher.
    """

    def __init__(self, stream: ShaderStream, taught: Taught, perceptual: Perceptual) -> None:
        self._stream, self._taught, self._perceptual = stream, taught, perceptual
        self.people: list[OrbitScores] = []
        self.seams = {name: Seam() for name in SEAMS}
        self.turned: list[Turned] = []
        """`turned_difference` of everybody who was looked at for a seam."""

    def add(self, person: str, orbit: Orbit, on_pass: OnPass | None = None) -> dict[str, Float[Tensor, "N 1 4 H W"]]:
        """One person, scored.

        Args:
            on_pass: told of the teacher's passes.

        Returns:
            The views by `METHODS`, and `truth`.
        """
        shown = {
            "truth": orbit.truth,
            "plain": torch.stack([told.color for told in orbit.closed]),
            "live": lap_of(orbit, self._stream),
            "teacher": self._taught.shade(orbit.closed, orbit.angles, closed=True, on_pass=on_pass),
        }
        self.people.append(score_orbit(person, orbit, shown, self._perceptual))
        return shown

    def add_seam(
        self, orbit: Orbit, shown: Mapping[str, Float[Tensor, "N 1 4 H W"]], on_pass: OnPass | None = None
    ) -> None:
        """Look for a seam in what `add` returned. The teacher shades the orbit again, as one that is not closed, and
        beginning elsewhere."""
        opened = self._taught.shade(orbit.opened, orbit.angles, on_pass=on_pass)
        for name, pictures in (*shown.items(), (OPENED, opened)):
            self.seams[name].add(pictures, orbit)
        self.turned.append(turned_difference(orbit, self._taught))
