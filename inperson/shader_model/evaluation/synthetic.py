"""All measures on one synthetic person after another: pictures, change in time, agreement of the eyes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.body import BodyModel
from inperson.reconstruct.perceptual import Perceptual
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.carrying import Disagreement, last_places, places_in_other_eye
from inperson.shader_model.evaluation.eyes import SeparateEyes
from inperson.shader_model.evaluation.frames import Frame, WindowSettings, frames_of
from inperson.shader_model.evaluation.pictures import PictureScores, PictureSums, over_grey
from inperson.shader_model.evaluation.regions import Region
from inperson.shader_model.evaluation.sheet import Sheet
from inperson.shader_model.evaluation.stillness import flicker_when_still
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.stream import ShaderStream
from inperson.synthetic.stage import Stage

METHODS = ("plain", "shaded")
SHADED = ("shaded", "separate")
"""With the eyes together and apart."""
LOOK_EVERY = 4
"""Frames between perceptual distances."""


@dataclass(frozen=True, slots=True)
class PersonScores:
    """One person's pictures, by `METHODS`."""

    person: str
    scores: dict[str, PictureScores]
    flicker: float
    """Of their avatar when it is still, grey levels."""
    frames: int
    pictures: int
    """Frames times eyes."""


class SyntheticEvaluation:
    """Goes through people and adds up.

    Args:
        body: that avatars are bound to.
        stage: draws the truth.
        rasterizer: draws avatars.
        engine: runs the network.
        threads: carry its memory.
    """

    def __init__(
        self,
        body: BodyModel,
        stage: Stage,
        rasterizer: Rasterizer,
        engine: Engine,
        perceptual: Perceptual,
        threads: int = 1,
    ) -> None:
        self._body, self._stage, self._rasterizer = body, stage, rasterizer
        self._engine, self._perceptual, self._threads = engine, perceptual, threads
        self.people: list[PersonScores] = []
        self.warping = {name: Disagreement() for name in ("truth", *METHODS)}
        """Change along the exact motion from frame to frame."""
        self.eyes = {name: Disagreement() for name in ("truth", *METHODS, "separate")}
        """Difference of what the left eye sees from what the right one does; `separate`: shaded one by one."""
        self.corrections = {name: Disagreement() for name in SHADED}
        """The same of what was added to the plain render: what the shader alone disagrees about."""
        self.errors = {name: dict.fromkeys(Region, 0.0) for name in METHODS}
        """Squared error in each region, sums."""
        self.pixels = {name: dict.fromkeys(Region, 0) for name in METHODS}

    def add(
        self,
        subject: Subject,
        how: WindowSettings,
        still_frames: int,
        rng: np.random.Generator,
        sheet: Sheet | None = None,
        told: Callable[[int], None] = lambda frames: None,
    ) -> PersonScores:
        """All windows of one person.

        Args:
            still_frames: for how long the first moment is held to see whether it flickers.
            sheet: gets pictures to choose from.
            told: the number of frames so far.
        """
        sums = {name: PictureSums(self._perceptual) for name in METHODS}
        streams = _Streams(self._engine, self._threads)
        last: dict[str, Float[Tensor, "E 3 H W"]] = {}
        frames = pictures = 0
        first: Moment | None = None
        for frame in frames_of(subject, self._body, self._stage, self._rasterizer, how, rng):
            first = first or frame.moment
            shown = streams.shade(frame)
            for name in METHODS:
                look = frame.number % LOOK_EVERY == 0
                sums[name].add(shown[name], frame.truth, frame.regions, first=frame.number == 0, look=look)
            now = {name: over_grey(rgba) for name, rgba in shown.items()}
            if frame.number > 0:
                same = last_places(frame.conditions)
                for name, change in self.warping.items():
                    change.add(now[name], last[name], same)
            if len(frame.truth) == 2:
                self._compare_eyes(frame.moment, now)
            if sheet is not None:
                sheet.offer(subject.person.name, frame, shown)
            last, frames, pictures = now, frames + 1, pictures + len(frame.truth)
            told(frames)
        assert first is not None
        flicker = flicker_when_still(first, self._rasterizer, streams.together, still_frames)
        streams.close()
        self._add_regions(sums)
        self.people.append(
            PersonScores(subject.person.name, {n: s.scores() for n, s in sums.items()}, flicker, frames, pictures)
        )
        return self.people[-1]

    def _compare_eyes(self, moment: Moment, now: dict[str, Float[Tensor, "2 3 H W"]]) -> None:
        same = places_in_other_eye(self._rasterizer, moment.gaussians, cast("tuple[EyeView, EyeView]", moment.views))
        for name, disagreement in self.eyes.items():
            disagreement.add(now[name][:1], now[name][1:], same)
        for name, disagreement in self.corrections.items():
            added = now[name] - now["plain"]
            disagreement.add(added[:1], added[1:], same)

    def _add_regions(self, sums: dict[str, PictureSums]) -> None:
        for name, each in sums.items():
            for region, mean in each.regions.items():
                self.errors[name][region] += mean.total
                self.pixels[name][region] += mean.count


class _Streams:
    """The live model as it runs, and with the eyes apart."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self.together = ShaderStream(engine, threads)
        self._apart = SeparateEyes(engine, 2, threads)

    def shade(self, frame: Frame) -> dict[str, Float[Tensor, "E 4 H W"]]:
        """The frame by name: `plain`, `shaded`, `truth`, and of two eyes `separate`."""
        told = frame.conditions
        shown = {"plain": told.color, "shaded": self.together.shade(told), "truth": frame.truth}
        if len(told.color) == 2:
            shown["separate"] = self._apart.shade(told)
        return shown

    def close(self) -> None:
        """End the threads."""
        self.together.close()
        self._apart.close()
