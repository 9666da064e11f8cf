"""`TeacherOffline`: the teacher as an offline renderer. Slow: every pass goes over the whole sequence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.errors import BadInputError
from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.teacher.beginning import begun_around, begun_at
from inperson.shader_model.teacher.flow import Predictor, Solver, sample
from inperson.shader_model.teacher.guidance import guided, triangular
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.noise import sequence_noise
from inperson.shader_model.teacher.residual import picture_of
from inperson.shader_model.teacher.told import Told
from inperson.shader_model.teacher.weights import live_model_of
from inperson.shader_model.teacher.windows import Span, blended, spans_of


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """How a sequence is sampled."""

    steps: int = 1
    """Of the solver; one is nearest to the truth, more are sharper."""
    solver: Solver = "euler"
    front: float = 1.0
    """Weight of guidance where the photo was taken from, and everywhere without angles ..."""
    back: float = 1.5
    """... and half a turn away from it."""
    window: int = 8
    """Frames the teacher sees together; the memory of one pass grows with it."""
    overlap: int = 4
    """Frames that neighbouring windows share at least."""
    shared_noise: float = 0.5
    """Share of the noise that all frames and eyes have in common."""
    temperature: float = 0.0
    """Of the noise to begin with, in shares of what the teacher was trained on: at 0 samples are what the teacher
    thinks likeliest, the same for all seeds; higher, they vary and are sharper."""
    seed: int = 0

    def __post_init__(self) -> None:
        shares = self.shared_noise, self.temperature
        if self.steps < 1 or not 0 <= self.overlap < self.window or not all(0.0 <= share <= 1.0 for share in shares):
            what = (
                f"{self.steps} steps, windows of {self.window} that share {self.overlap}, {self.shared_noise} noise, "
                f"a temperature of {self.temperature}"
            )
            raise BadInputError(f"the teacher cannot sample with {what}", "see OfflineSettings' fields")


class TeacherOffline:
    """Shades whole sequences.

    Args:
        teacher: on any device; it stays there.
        settings: of the sampler.
        live: at whose pictures the teacher begins, if it does; on the CPU, where conditions are. By default the small
            size that comes with the program.

    Raises:
        BadInputError: the teacher needs the one that comes with the program, and it cannot be read.
    """

    def __init__(
        self, teacher: Teacher, settings: OfflineSettings | None = None, live: LiveShader | None = None
    ) -> None:
        self._teacher, self._settings = teacher, settings or OfflineSettings()
        self._live = live_model_of(teacher) if live is None else live

    @property
    def device(self) -> torch.device:
        """Where the teacher computes."""
        return next(self._teacher.parameters()).device

    def shade(
        self,
        conditions: Sequence[Conditions],
        angles: Sequence[float] | None = None,
        closed: bool = False,
        on_pass: Callable[[int, int], None] | None = None,
    ) -> Float[Tensor, "T E 4 H W"]:
        """The refined pictures, on the CPU. The same seed gives the same pictures on one device.

        Args:
            conditions: of consecutive frames, crops of one size (`sequence.steady_crops`). Of a closed sequence the
                first knows the last as its predecessor (`sequence.closed_conditions`).
            angles: of each frame's view to the photo's, radians: guidance grows with them (`guidance.triangular`).
            closed: the last frame is followed by the first, as in an orbit.
            on_pass: told after each pass over the sequence how many there were, and how many there will be.

        Raises:
            ValueError: no frames, several sizes, or not one angle a frame.
        """
        how, told = self._settings, self._told(conditions, closed)
        _, frames, eyes, height, width = told.shape
        if angles is not None and len(angles) != frames:
            raise ValueError(f"{len(angles)} angles for {frames} frames")
        weights = triangular(torch.tensor(angles or [0.0] * frames), how.front, how.back)
        spans = spans_of(frames, how.window, how.overlap, closed)
        passes = how.steps if how.solver == "euler" else 2 * how.steps - 1
        predictor = _SequencePredictor(self._teacher, told, spans, weights)
        counted = predictor if on_pass is None else _counted(predictor, on_pass, passes)
        noise = how.temperature * sequence_noise(how.seed, frames, eyes, (height, width), how.shared_noise)
        return picture_of(sample(counted, noise, how.steps, how.solver), told.color[0])

    def _told(self, conditions: Sequence[Conditions], closed: bool) -> Told:
        """One window of all frames.

        Raises:
            ValueError: no frames, or crops of several sizes or numbers of eyes.
        """
        if len({c.color.shape for c in conditions}) != 1:
            sizes = len({c.color.shape for c in conditions})
            raise ValueError(f"{len(conditions)} frames of {sizes} sizes, not of one")
        moments = [ConditionsBatch.of([c]) for c in conditions]
        return Told.of((begun_around if closed else begun_at)(self._live, moments))


class _SequencePredictor:
    """The teacher's guided prediction for a whole sequence, window by window."""

    def __init__(self, teacher: Teacher, told: Told, spans: Sequence[Span], weights: Float[Tensor, " T"]) -> None:
        self._teacher, self._told, self._spans, self._weights = teacher, told, spans, weights
        self._device = next(teacher.parameters()).device

    def __call__(self, noisy: Float[Tensor, "T E R h w"], time: float) -> Float[Tensor, "T E R h w"]:
        times = torch.tensor([time], device=self._device)

        def of_span(span: Span) -> Float[Tensor, "L E R h w"]:
            chosen = list(span.frames)
            told, part = self._told.window(chosen).to(self._device), noisy[None, chosen].to(self._device)
            return guided(self._teacher, part, times, told, self._weights[chosen])[0].to(noisy.device)

        return blended(self._spans, of_span, noisy)


def _counted(predict: Predictor, on_pass: Callable[[int, int], None], passes: int) -> Predictor:
    """The same, which says how far it has come."""
    numbers = count(1)

    def counted(noisy: Tensor, time: float) -> Tensor:
        clean = predict(noisy, time)
        on_pass(next(numbers), passes)
        return clean

    return counted
