"""Optimising an avatar's Gaussians and residuals on the frames of a clip.

Each step draws one training frame in its aligned state, sometimes with and sometimes without the residuals (the
render-consistency of VASA-3D: the residuals may add to a good avatar, never hold up a bad one), compares, and moves
everything by Adam. Every now and then the frames are aligned anew. Frames that are not learned from say whether
anything is gained; the best so far is kept. They are aligned too: over frames that are a few pixels off, a blurred
avatar would win.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inperson.reconstruct.fit_captures import flushed_denormals
from inperson.reconstruct.polish import shown_share
from inperson.reconstruct.refine.aligner import Aligner
from inperson.reconstruct.refine.alignment import Correction, without_common_part
from inperson.reconstruct.refine.frames import ClipFrames, spread
from inperson.reconstruct.refine.learner import Learner, Values
from inperson.reconstruct.refine.objective import Objective
from inperson.reconstruct.refine.settings import OptimiseSettings

_LOOKED_AT = 8
"""Validation frames, and frames that tell which Gaussians are ever shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The frames of one clip, at the sizes they are used at."""

    small: ClipFrames
    """Training frames, small: for the first steps and for alignment."""
    large: ClipFrames
    """The same frames, large."""
    validation: ClipFrames
    """Small."""


@dataclass(slots=True, eq=False)
class Progress:
    """How far an optimisation is: all that is needed to go on with it, besides the learner's own values."""

    step: int
    corrections: list[Correction]
    """Of the training frames."""
    validation: list[Correction]
    """Of the validation frames that are looked at."""
    best: Values
    best_loss: float
    looks_without_gain: int = 0
    first_loss: float = 0.0


class Optimiser:
    """One run over one lesson.

    Args:
        learner: what is optimised, in place.
        lesson: what on.
        objective: the loss.
        settings: the schedule.
        small_share: share of the steps with small pictures.
    """

    def __init__(
        self,
        learner: Learner,
        lesson: Lesson,
        objective: Objective,
        settings: OptimiseSettings,
        small_share: float,
    ) -> None:
        self._learner, self._lesson, self._objective, self._settings = learner, lesson, objective, settings
        self._small_steps = round(small_share * settings.steps)
        self._aligner = Aligner(learner, lesson.small)
        self._shown = lesson.validation.part(spread(len(lesson.validation), _LOOKED_AT))
        self._shown_aligner = Aligner(learner, self._shown)
        self._align_steps = {int(p * settings.steps) for p in settings.align_at}
        self.progress: Progress | None = None

    def start(self) -> None:
        """Align the avatar with the frames, and each frame with the avatar; see which Gaussians they show."""
        none = [Correction.none() for _ in self._lesson.small.frames]
        unaligned = [Correction.none() for _ in self._shown.frames]
        unmoved, tracked_loss = self._learner.values(), self.validation_loss(unaligned)
        self._aligner.settle(self._aligner.measured(none))
        if self.validation_loss(unaligned) > tracked_loss:
            self._learner.restore(unmoved)
        corrections = without_common_part(self._aligner.measured(none))
        validation = self._shown_aligner.measured(unaligned)
        loss = self.validation_loss(validation)
        self.progress = Progress(0, corrections, validation, self._learner.values(), loss, first_loss=loss)
        self.freeze_unseen()

    def aligned_loss(self) -> float:
        """Loss over the validation frames that are looked at, each aligned: what an avatar is worth as it is."""
        none = [Correction.none() for _ in self._shown.frames]
        return self.validation_loss(self._shown_aligner.measured(none))

    def freeze_unseen(self) -> None:
        """Gaussians that no frame shows are not learned: their gradients are noise."""
        clip = self._lesson.small
        shown = np.zeros(len(self._learner.gaussians), np.float32)
        for number in spread(len(clip), _LOOKED_AT):
            motion = self._learner.binding.motion(clip.frames[number].state)
            shown = np.maximum(shown, shown_share(self._learner.gaussians, motion, clip.view))
        self._learner.freeze(shown < self._settings.least_shown)

    def run(
        self,
        stop: Callable[[], bool],
        told: Callable[[Progress], None],
        stopped: Callable[[Progress], None] = lambda now: None,
    ) -> bool:
        """Go on until nothing is gained, the steps are done, or somebody says stop; the learner ends with the best.

        Args:
            stop: asked before each step.
            told: after each step.
            stopped: told when somebody said stop, with everything still as it is then.

        Returns:
            whether it ended by itself.
        """
        now, settings = self.progress, self._settings
        if now is None:
            raise ValueError("start the optimiser first")
        interrupted = False
        with flushed_denormals():
            while now.step < settings.steps and now.looks_without_gain < settings.patience:
                interrupted = stop()
                if interrupted:
                    stopped(now)
                    break
                now.step += 1
                self._step(now)
                if now.step in self._align_steps:
                    now.corrections = without_common_part(self._aligner.measured(now.corrections))
                if now.step % settings.check_every == 0 or now.step == settings.steps:
                    self._look(now)
                told(now)
        self._learner.restore(now.best)
        return not interrupted

    def _step(self, now: Progress) -> None:
        settings, rng = self._settings, np.random.default_rng([self._settings.seed, now.step])
        clip = self._lesson.small if now.step <= self._small_steps else self._lesson.large
        round_number, place = divmod(now.step - 1, len(clip))
        order = np.random.default_rng([settings.seed, round_number]).permutation(len(clip))
        number = int(order[place])
        frame = clip.frames[number]
        motion = self._learner.binding.motion(now.corrections[number].applied_to(frame.state))
        residuals = now.step > settings.residuals_from * settings.steps and rng.random() >= settings.base_share
        planes = self._learner.draw(self._learner.posed(motion, frame.state, residuals), clip.view)
        perceptual = now.step % settings.perceptual_every == 0
        self._objective(planes, frame.rgba, rng.uniform(0, 1, 3), perceptual).backward()
        self._learner.step(settings.rates_at(now.step))

    def _look(self, now: Progress) -> None:
        """Whether the validation frames look better than ever; residuals that do not help there are not kept."""
        now.validation = self._shown_aligner.measured(now.validation)
        losses = {residuals: self.validation_loss(now.validation, residuals) for residuals in (False, True)}
        needed = losses[True] < losses[False]
        loss = losses[needed]
        if loss < now.best_loss * (1 - self._settings.least_gain):
            now.looks_without_gain = 0
        else:
            now.looks_without_gain += 1
        if loss < now.best_loss:
            now.best_loss = loss
            now.best = self._learner.values() if needed else self._learner.base_values()

    @torch.no_grad()
    def validation_loss(self, corrections: Sequence[Correction], with_residuals: bool = True) -> float:
        """Mean loss over the validation frames that are looked at, in corrected states."""
        losses = []
        for frame, correction in zip(self._shown.frames, corrections, strict=True):
            motion = self._learner.binding.motion(correction.applied_to(frame.state))
            planes = self._learner.draw(self._learner.posed(motion, frame.state, with_residuals), self._shown.view)
            losses.append(self._objective.value(planes, frame.rgba))
        return float(np.mean(losses))
