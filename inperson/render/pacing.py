"""Holding the display's rate: how sharply to draw the next frame, from what the last ones cost.

A ladder orders the ways to draw a frame from the best to the cheapest: the video shader is given up first, size by
size, then the eyes' resolution falls, and the Gaussians' level of detail after it. `Pacing` stands on one rung and is
told of every frame what it cost and how many refreshes it missed. It predicts what the other rungs would cost, so
one step lands near the right rung:

- down at once when frames no longer fit, as far as the prediction says;
- up slowly, when the dearer rung is predicted to fit with room to spare; a climb that has to be taken back makes the
  next one wait longer.

Time is counted in refreshes of the display, so nothing here reads a clock.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

WINDOW = 120
"""Frames that are looked back at: one to two seconds."""
EIGHTHS_PER_OCTAVE = 8
LEVEL_SCALES = (0.7, 0.5, 0.35)
"""The scales at which the next level of detail takes over. Each has half the pixels of the one before, and each level
half the Gaussians: there are never more Gaussians to a pixel than at full quality."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to draw a frame."""

    scale: float
    """Width and height of the eyes as a share of the recommended ones."""
    level: int
    """Which of the avatar's levels of detail, 0 for all Gaussians."""
    pixels: float
    """Share of the pixels at full scale."""
    gaussians: float
    """Share of the Gaussians of level 0."""
    shader: int | None = None
    """Which of the video shader's sizes refines the person, 0 for the dearest; None for none."""
    shading: float = 0.0
    """What that costs, as a share of the dearest size's cost at full scale."""


def ladder(gaussians: Sequence[int], minimum: float = 0.2) -> tuple[Rung, ...]:
    """The rungs from full quality to the cheapest.

    The scale falls by eighths of an octave (a factor of 0.92, so pixels by 0.84), and at each of `LEVEL_SCALES` the
    next level of detail takes over; those left follow on the smallest scale.

    Args:
        gaussians: how many each level of detail has, the finest first.
        minimum: scale that is not gone below.

    Raises:
        ValueError: no level, levels that do not thin out, or a minimum outside (0, 1].
    """
    if not gaussians or list(gaussians) != sorted(gaussians, reverse=True) or gaussians[-1] <= 0:
        raise ValueError(f"levels of detail must thin out from the first to the last, not {list(gaussians)}")
    if not 0.0 < minimum <= 1.0:
        raise ValueError(f"the smallest scale must lie in (0, 1], not {minimum}")
    eighths = math.floor(-EIGHTHS_PER_OCTAVE * math.log2(minimum) + 1e-9)
    scales = [2.0 ** (-k / EIGHTHS_PER_OCTAVE) for k in range(eighths + 1)]
    steps = [(scales[0], 0)]
    for scale in scales[1:]:
        level = steps[-1][1]
        due = sum(scale < level_scale for level_scale in LEVEL_SCALES)
        if level < min(due, len(gaussians) - 1):
            level += 1
            steps.append((steps[-1][0], level))
        steps.append((scale, level))
    steps += [(scales[-1], level) for level in range(steps[-1][1] + 1, len(gaussians))]
    return tuple(Rung(scale, level, scale**2, gaussians[level] / gaussians[0]) for scale, level in steps)


def shaded_while_it_fits(rungs: Sequence[Rung], costs: Sequence[float]) -> tuple[Rung, ...]:
    """The rungs below one for each size of the video shader, at full quality: it is given up before anything else.

    Args:
        rungs: a `ladder`.
        costs: of a step of each size, in any unit, the dearest first; none leaves the ladder as it is.

    Raises:
        ValueError: costs that do not fall, or are not positive.
    """
    if list(costs) != sorted(costs, reverse=True) or (costs and costs[-1] <= 0):
        raise ValueError(f"the shader's sizes must get cheaper from the first to the last, not cost {list(costs)}")
    best = rungs[0]
    shaded = (replace(best, shader=k, shading=cost / costs[0]) for k, cost in enumerate(costs))
    return (*shaded, *rungs)


def always_shaded(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The rungs with the video shader's only size on all of them: everything else is given up before it."""
    return tuple(replace(rung, shader=0, shading=rung.pixels) for rung in rungs)


@dataclass(frozen=True, slots=True)
class PacingPolicy:
    """How quickly `Pacing` gives way and how long it waits. Shares are of the display's period."""

    full: float = 0.92
    """A frame that costs more than this does not fit."""
    aim: float = 0.80
    """What a step down aims at, and what a step up must be predicted to stay within."""
    idle: float = 0.50
    """Frames that cost less miss for another reason: drawing less is no mend."""
    streak: int = 4
    """Frames in a row that do not fit: they are no accident."""
    tolerated: float = 0.06
    """Share of the last frames that may be late."""
    hopeless: float = 0.34
    """Share of late frames that calls for a step down whatever they seem to cost: some cost is not seen."""
    settle: int = 3
    """Frames after a step that still show the old rung (a GPU's times arrive late)."""
    climb: int = 2
    """Rungs in one step up."""
    patience_s: float = 1.0
    """Without trouble on a rung before a step up."""
    longest_patience_s: float = 32.0
    """Doubled up to here by climbs that have to be taken back, halved by those that last."""
    trial_s: float = 6.0
    """A climb that lasts as long was right."""


class CostShares:
    """What a frame's cost consists of: a fixed part, one for its pixels, one for its Gaussians, one for its shading.

    Only their proportions matter, for load on the machine multiplies them all; they are learnt where they show, which
    is when the rung changes.

    Args:
        fixed, pixels, gaussians: at full quality, one together.
        shading: of the video shader's dearest size, in the same unit.
    """

    def __init__(
        self, fixed: float = 0.15, pixels: float = 0.6, gaussians: float = 0.25, shading: float = 2.0
    ) -> None:
        self._shares = (fixed, pixels, gaussians, shading)

    def ratio(self, to: Rung, now: Rung) -> float:
        """How many times the cost of `now` a frame on `to` is predicted to cost."""
        return self._load(to) / self._load(now)

    def learn(self, now: Rung, now_ms: float, before: Rung, before_ms: float) -> None:
        """The cost went from `before_ms` to `now_ms` with the step from one rung to another.

        Takes half of the smallest relative change of the shares that explains it (a Kaczmarz step in the metric of
        the shares themselves). No share falls below a hundredth.
        """
        times = now_ms / before_ms
        off = [a - times * b for a, b in zip(_parts(now), _parts(before), strict=True)]
        error = sum(s * v for s, v in zip(self._shares, off, strict=True))
        norm = sum((s * v) ** 2 for s, v in zip(self._shares, off, strict=True))
        if norm == 0.0:
            return
        moved = [max(s - 0.5 * s * s * v * error / norm, 0.0) for s, v in zip(self._shares, off, strict=True)]
        drawing = sum(moved[:3])
        fixed, pixels, gaussians, shading = (max(s / drawing, 0.01) for s in moved)
        self._shares = (fixed, pixels, gaussians, shading)

    def _load(self, rung: Rung) -> float:
        return sum(share * part for share, part in zip(self._shares, _parts(rung), strict=True))


def _parts(rung: Rung) -> tuple[float, float, float, float]:
    return 1.0, rung.pixels, rung.gaussians, rung.shading


class Pacing:
    """Chooses the rung of the next frame.

    Args:
        rungs: from the best to the cheapest.
        policy: the numbers.
        start: which of the rungs to begin on.
        shares: a first guess of what frames consist of.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        policy: PacingPolicy | None = None,
        *,
        start: int = 0,
        shares: CostShares | None = None,
    ) -> None:
        self._rungs = tuple(rungs)
        self._policy = policy or PacingPolicy()
        self._shares = shares or CostShares()
        self._at = start
        self._patience_s = self._policy.patience_s
        self._costs: deque[float] = deque(maxlen=WINDOW)
        self._late: deque[bool] = deque(maxlen=WINDOW)
        self._frames = 0
        self._elapsed_ms = 0.0
        self._on_trial = False
        self._before: tuple[Rung, float] | None = None

    @property
    def rung(self) -> Rung:
        """What the next frame is drawn with."""
        return self._rungs[self._at]

    def add(self, cost_ms: float, missed: int, period_ms: float) -> Rung:
        """A frame was drawn on `rung`; returns the rung of the next one.

        Args:
            cost_ms: of everything between two waits for the display, or the GPU's time where that is longer.
            missed: refreshes of the display that passed without a new frame before this one's.
            period_ms: of the display at its nominal rate.
        """
        self._frames += 1
        self._elapsed_ms += period_ms * (1 + missed)
        if self._frames <= self._policy.settle and self._before is not None:
            return self.rung
        self._costs.append(cost_ms)
        self._late.append(missed > 0)
        if len(self._costs) == 2 * self._policy.streak:
            self._learn()
        if self._on_trial and self._elapsed_ms > 1e3 * self._policy.trial_s:
            self._on_trial = False
            self._patience_s = max(self._patience_s / 2, self._policy.patience_s)
        down = self._steps_down(period_ms)
        if down:
            if self._on_trial:
                self._patience_s = min(2 * self._patience_s, self._policy.longest_patience_s)
            self._step(down)
            self._on_trial = False
        elif self._at > 0 and self._elapsed_ms >= 1e3 * self._patience_s:
            up = self._steps_up(period_ms)
            if up:
                self._step(-up)
                self._on_trial = True
        return self.rung

    def _steps_down(self, period_ms: float) -> int:
        """How many rungs to give up now."""
        policy, lowest = self._policy, len(self._rungs) - 1 - self._at
        if lowest == 0 or len(self._costs) < policy.streak:
            return 0
        newest = [self._costs[-k] for k in range(1, policy.streak + 1)]
        if min(newest) > policy.full * period_ms:
            return min(max(self._rungs_to(policy.aim * period_ms, median(newest)), 1), lowest)
        share = sum(self._late) / max(len(self._late), round(1e3 / period_ms))
        is_costly = median(self._costs) > policy.idle * period_ms
        return 1 if share > (policy.tolerated if is_costly else policy.hopeless) else 0

    def _rungs_to(self, budget_ms: float, cost_ms: float) -> int:
        """Rungs down to the best one that fits, or to the last."""
        below = range(1, len(self._rungs) - self._at)
        fits = (k for k in below if cost_ms * self._ratio(k) <= budget_ms)
        return next(fits, len(self._rungs) - 1 - self._at)

    def _steps_up(self, period_ms: float) -> int:
        """How many rungs there is room to climb: the dear frames of the last second must fit as well."""
        policy = self._policy
        newest = sorted(list(self._costs)[-round(1e3 / period_ms) :])
        if sum(self._late) > policy.tolerated * len(self._late):
            return 0
        dear = newest[int(0.9 * len(newest))]
        steps = range(min(policy.climb, self._at), 0, -1)
        return next((k for k in steps if dear * self._ratio(-k) <= policy.aim * period_ms), 0)

    def _ratio(self, down: int) -> float:
        """Predicted cost `down` rungs from here against the cost here."""
        return self._shares.ratio(self._rungs[self._at + down], self.rung)

    def _learn(self) -> None:
        """What this rung costs against the one before says what frames consist of."""
        if self._before is not None:
            self._shares.learn(self.rung, median(self._costs), *self._before)

    def _step(self, down: int) -> None:
        if len(self._costs) < 2 * self._policy.streak:
            self._learn()
        newest = list(self._costs)[-2 * self._policy.streak :]
        self._before = (self.rung, median(newest[-self._policy.streak :] if down > 0 else newest))
        self._at += down
        self._frames, self._elapsed_ms = 0, 0.0
        self._costs.clear()
        self._late.clear()
