"""A display and a renderer of known cost: frame by frame what a headset's frame loop tells its pacing."""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from inperson.render.pacing import Pacing, Rung


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of a frame, at full scale and all Gaussians: a + b pixels + c gaussians."""

    fixed: float
    pixels: float
    gaussians: float
    noise: float = 0.04
    """Standard deviation of the cost's logarithm."""
    shading: float = 0.0
    """Of the video shader's dearest size, at full scale."""

    def of(self, rung: Rung) -> float:
        """Without noise."""
        drawing = self.fixed + self.pixels * rung.pixels + self.gaussians * rung.gaussians
        return drawing + self.shading * rung.shading


@dataclass
class SimulatedDisplay:
    """Draws frames one after another, each on the rung that the pacing chose for it. A frame that is not done within
    a period takes the display's next refresh, and those it passed over count as missed."""

    pacing: Pacing
    cost: Cost
    rate: float
    seed: int = 0
    rungs: list[Rung] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def run(self, seconds: float, load: float = 1.0) -> None:
        """Draw for so long while everything costs `load` times as much."""
        period_ms = 1e3 / self.rate
        refreshes = 0
        while refreshes < seconds * self.rate:
            rung = self.pacing.rung
            cost_ms = load * self.cost.of(rung) * math.exp(self.cost.noise * self._rng.standard_normal())
            missed = math.ceil(cost_ms / period_ms) - 1
            self.pacing.add(cost_ms, missed, period_ms)
            self.rungs.append(rung)
            self.missed.append(missed)
            refreshes += 1 + missed

    def newest(self, seconds: float) -> tuple[list[Rung], list[int]]:
        """Rungs and missed refreshes of the frames of the last seconds."""
        refreshes = np.cumsum(1 + np.array(self.missed[::-1]))
        frames = max(int(np.searchsorted(refreshes, seconds * self.rate)), 1)
        return self.rungs[-frames:], self.missed[-frames:]


def share_missed(missed: list[int]) -> float:
    """Of all refreshes."""
    return sum(missed) / (len(missed) + sum(missed))


def changes(rungs: list[Rung]) -> int:
    """How often the rung changed."""
    return sum(a != b for a, b in itertools.pairwise(rungs))
