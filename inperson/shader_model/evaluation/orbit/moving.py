"""The teacher beside the live model where people move: the windows of `evaluate shader`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.body import BodyModel
from inperson.reconstruct.perceptual import Perceptual
from inperson.render.gbuffer import Rasterizer
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.carrying import Disagreement, last_places
from inperson.shader_model.evaluation.frames import Frame, WindowSettings, frames_of
from inperson.shader_model.evaluation.orbit.shading import METHODS, OnPass, Taught
from inperson.shader_model.evaluation.pictures import PictureScores, PictureSums, over_grey
from inperson.shader_model.evaluation.synthetic import LOOK_EVERY
from inperson.shader_model.stream import ShaderStream
from inperson.synthetic.stage import Stage


@dataclass(frozen=True, slots=True)
class MovingScores:
    """One person's windows, by `METHODS`."""

    person: str
    scores: dict[str, PictureScores]
    frames: int
    pictures: int
    """Frames times eyes."""


class MovingEvaluation:
    """Goes through people and adds up.

    Args:
        body: that avatars are bound to.
        stage: draws the truth.
        rasterizer: draws avatars.
        stream: the live model.
        taught: the teacher, which gets whole windows, without angles: cameras stand where they stand.
    """

    def __init__(
        self,
        body: BodyModel,
        stage: Stage,
        rasterizer: Rasterizer,
        stream: ShaderStream,
        taught: Taught,
        perceptual: Perceptual,
    ) -> None:
        self._body, self._stage, self._rasterizer = body, stage, rasterizer
        self._stream, self._taught, self._perceptual = stream, taught, perceptual
        self.people: list[MovingScores] = []
        self.warping = {name: Disagreement() for name in ("truth", *METHODS)}
        """Change along the exact motion from frame to frame."""

    def add(
        self, subject: Subject, how: WindowSettings, rng: np.random.Generator, on_pass: OnPass | None = None
    ) -> MovingScores:
        """All windows of one person.

        Args:
            on_pass: told of the teacher's passes over each window.
        """
        sums = {name: PictureSums(self._perceptual) for name in METHODS}
        frames = pictures = 0
        every = frames_of(subject, self._body, self._stage, self._rasterizer, how, rng)
        for _, window in groupby(every, key=lambda frame: frame.window):
            together = list(window)
            self._add_window(together, self._shown(together, on_pass), sums)
            frames += len(together)
            pictures += sum(len(frame.truth) for frame in together)
        scores = {name: each.scores() for name, each in sums.items()}
        self.people.append(MovingScores(subject.person.name, scores, frames, pictures))
        return self.people[-1]

    def _shown(self, window: Sequence[Frame], on_pass: OnPass | None) -> dict[str, Float[Tensor, "T E 4 H W"]]:
        """By `METHODS`, and `truth`."""
        told = [frame.conditions for frame in window]
        return {
            "truth": torch.stack([frame.truth for frame in window]),
            "plain": torch.stack([each.color for each in told]),
            "live": torch.stack([self._stream.shade(each) for each in told]),
            "teacher": self._taught.shade(told, on_pass=on_pass),
        }

    def _add_window(
        self, window: Sequence[Frame], shown: dict[str, Float[Tensor, "T E 4 H W"]], sums: dict[str, PictureSums]
    ) -> None:
        for number, frame in enumerate(window):
            for name, each in sums.items():
                look = number % LOOK_EVERY == 0
                each.add(shown[name][number], frame.truth, frame.regions, first=number == 0, look=look)
            if number > 0:
                same = last_places(frame.conditions)
                for name, change in self.warping.items():
                    change.add(over_grey(shown[name][number]), over_grey(shown[name][number - 1]), same)
