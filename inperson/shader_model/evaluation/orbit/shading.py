"""An orbit shaded: by the live model that has gone around before, and by the offline teacher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.evaluation.carrying import GREY_LEVELS
from inperson.shader_model.evaluation.orbit.views import Orbit
from inperson.shader_model.interface import Conditions
from inperson.shader_model.stream import ShaderStream
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.offline import OfflineSettings, TeacherOffline
from inperson.shader_model.teacher.windows import spans_of

METHODS = ("plain", "live", "teacher")
Precision = Literal["bf16", "fp32"]
OnPass = Callable[[int, int], None]
"""Told after each pass over a sequence how many there were, and how many there will be."""
TURNED_STEPS = 2
"""Of the orbits that begin elsewhere: in the second, windows are told what others said in the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """The teacher as it is used offline."""

    teacher: Teacher
    """On its device."""
    settings: OfflineSettings = field(default_factory=OfflineSettings)
    precision: Precision = "bf16"
    """What it computes in (autocast)."""

    @property
    def device(self) -> torch.device:
        """Where the teacher is."""
        return next(self.teacher.parameters()).device

    def shade(
        self,
        conditions: Sequence[Conditions],
        angles: Sequence[float] | None = None,
        *,
        closed: bool = False,
        on_pass: OnPass | None = None,
    ) -> Float[Tensor, "T E 4 H W"]:
        """See `TeacherOffline.shade`."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return TeacherOffline(self.teacher, self.settings).shade(conditions, angles, closed, on_pass)


def lap_of(orbit: Orbit, stream: ShaderStream) -> Float[Tensor, "N 1 4 H W"]:
    """The live model's second time around: in the first it gathers its memory."""
    stream.forget()
    for told in orbit.opened:
        stream.shade(told)
    return torch.stack([stream.shade(told) for told in orbit.closed])


@dataclass(frozen=True, slots=True)
class Turned:
    """How much an orbit's pictures change when it begins at another view, grey levels."""

    largest: float
    """Of all pixels and channels."""
    mean: float
    """Where the person is."""


def turned_difference(orbit: Orbit, taught: Taught) -> Turned:
    """Of the teacher's pictures.

    The other beginning is where the window half-way around begins. All views have the same noise, as otherwise each
    would get another one; in two steps. Nothing may differ where the windows divide the orbit evenly; where they do
    not, the other orbit's windows lie elsewhere. A teacher that begins at the live model's pictures has whatever
    that one remembers of where it began, more than a lap ago.
    """
    how = replace(taught.settings, steps=TURNED_STEPS, shared_noise=1.0)
    alike = replace(taught, settings=how)
    spans = spans_of(len(orbit.views), how.window, how.overlap, closed=True)
    by = spans[len(spans) // 2].frames[0]
    told, angles = orbit.closed, orbit.angles
    here = alike.shade(told, angles, closed=True)
    there = alike.shade(told[by:] + told[:by], angles[by:] + angles[:by], closed=True)
    change = GREY_LEVELS * (there.roll(by, 0) - here).abs()
    return Turned(float(change.max()), float(change.mean(dim=2)[here[:, :, 3] > 0.5].mean()))
