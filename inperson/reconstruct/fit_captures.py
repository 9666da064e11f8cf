"""Fitting an avatar's Gaussians to captures of a person, through the differentiable rasteriser.

Everything happens in canonical space: each step poses the Gaussians to one capture's state, draws them,
compares, and moves offsets, quaternions, scales, opacities and colours by Adam, on the device the Gaussians are on.
Backgrounds are random, so that only true transparency is learned as transparency. Limits on scales, checked after
each step, keep out needles and blobs that no capture happens to punish.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor

from inperson.avatar.body import BodyModel
from inperson.reconstruct.adam import Adam
from inperson.reconstruct.canonical import CanonicalGaussians
from inperson.reconstruct.density import PullMeter, prune_and_split
from inperson.reconstruct.image_loss import LossWeights, capture_loss
from inperson.render.differentiable import rasterize
from inperson.synthetic.captures import CaptureSet


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How long and how hard to fit."""

    steps: int = 4000
    seed: int = 0
    rates: dict[str, float] = field(
        default_factory=lambda: {"shift": 0.02, "quats": 4e-3, "log_scales": 8e-3, "logits": 2.5e-2, "colors": 8e-3}
    )
    """Adam's step of each parameter at the start."""
    final_rate: float = 0.05
    """Share of the first rate that is left at the end (exponential in between)."""
    loss: LossWeights = field(default_factory=LossWeights)
    shift_decay: float = 3e-9
    """Pull of each shift towards the sampled surface (L2; the loss is a mean over pixels, hence so small)."""
    max_scale: float = 2.2
    """Largest standard deviation, in units of spacing."""
    min_scale: float = 8e-5
    """Metres."""
    max_needle: float = 5.0
    """Longest over second-longest axis."""
    count: int = 55_000
    """Gaussians at the end, about (the last change only drops some)."""
    split_at: tuple[float, ...] = (0.12, 0.24, 0.36, 0.48)
    """Progress (0..1) at which transparent Gaussians are dropped and the most pulled are split."""
    prune_at: tuple[float, ...] = (0.8, 1.0)
    """Progress at which transparent ones are only dropped."""
    min_opacity: float = 0.03
    kind_weights: dict[str, float] = field(default_factory=dict)
    """How often a kind of view is drawn, relative to one that is not named here (1)."""

    def rates_at(self, step: int) -> dict[str, float]:
        """Adam's step of each parameter."""
        return {name: rate * self.final_rate ** (step / self.steps) for name, rate in self.rates.items()}

    def counts_at(self, start: int) -> dict[int, int]:
        """Step of each change to the number it should leave; growth in even stages, 0 where nothing is split."""
        growth = {
            int(p * self.steps): round(start + (self.count - start) * (k + 1) / len(self.split_at))
            for k, p in enumerate(self.split_at)
        }
        return growth | {int(p * self.steps): 0 for p in self.prune_at}


@dataclass(frozen=True, slots=True)
class FitReport:
    """One line of progress."""

    step: int
    loss: float
    """Mean over the steps since the last report."""
    gaussians: int


def fit_captures(
    gaussians: CanonicalGaussians,
    body: BodyModel,
    captures: CaptureSet,
    settings: FitSettings,
    report: Callable[[FitReport, CanonicalGaussians], None] = lambda *_: None,
    report_every: int = 250,
) -> CanonicalGaussians:
    """Fit and return the Gaussians (fewer, after pruning); the given ones are used up.

    Args:
        gaussians: the start (`initial_gaussians`).
        body: the body they ride on.
        captures: of one person in one shape; pictures are kept in memory.
        settings: schedule and weights.
        report: called every `report_every` steps.
    """
    betas = captures.states[0].betas
    rng = np.random.default_rng(settings.seed)
    pictures = [torch.from_numpy(captures.rgba(i)) for i in range(len(captures))]
    order = _ViewOrder(captures.kinds, settings.kind_weights, rng)
    targets = settings.counts_at(len(gaussians))
    binding, meter = gaussians.binding(body, betas), PullMeter(gaussians)
    adam = Adam(gaussians.learned(), {"shift": settings.shift_decay})
    losses: list[float] = []
    with flushed_denormals():
        for step in range(1, settings.steps + 1):
            index = order.next()
            view, motion = captures.views[index], binding.motion(captures.states[int(captures.state_of_view[index])])
            posed = gaussians.posed(motion)
            planes = rasterize(posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, [view])[0]
            picture = pictures[index].to(gaussians.device)
            loss = capture_loss(planes, picture, rng.uniform(0, 1, 3), settings.loss)
            loss.backward()
            meter.add(gaussians, motion, view)
            adam.step(gaussians.learned(), settings.rates_at(step))
            limit_scales(gaussians, settings)
            losses.append(loss.item())
            if step in targets:
                change = prune_and_split(gaussians, meter.pull, targets[step], settings.min_opacity)
                adam.follow(change.source, change.is_new)
                gaussians = change.gaussians
                binding, meter = gaussians.binding(body, betas), PullMeter(gaussians)
            if step % report_every == 0 or step == settings.steps:
                report(FitReport(step, float(np.mean(losses)), len(gaussians)), gaussians)
                losses.clear()
    return gaussians


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Numbers below 1e-38 become 0 in this thread: gradients through the tails of Gaussians are full of them,
    and each costs a hundred times an ordinary number."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class _ViewOrder:
    """Views in random order, kinds in their proportions, every view of a kind before one comes again."""

    def __init__(self, kinds: tuple[str, ...], weights: dict[str, float], rng: np.random.Generator) -> None:
        self._rng = rng
        self._of_kind = {kind: np.flatnonzero(np.array(kinds) == kind) for kind in dict.fromkeys(kinds)}
        share = np.array([weights.get(kind, 1.0) * len(views) for kind, views in self._of_kind.items()])
        self._names, self._probability = list(self._of_kind), share / share.sum()
        self._waiting: dict[str, list[int]] = {kind: [] for kind in self._of_kind}

    def next(self) -> int:
        """Index of the next view."""
        kind = self._names[self._rng.choice(len(self._names), p=self._probability)]
        waiting = self._waiting[kind]
        if not waiting:
            waiting.extend(self._rng.permutation(self._of_kind[kind]).tolist())
        return waiting.pop()


def limit_scales(gaussians: CanonicalGaussians, settings: FitSettings) -> None:
    """Clamp scales between the smallest, the largest for the Gaussian's spacing, and a needle's."""
    limits = np.log([settings.min_scale, settings.max_scale, settings.max_needle]).astype(np.float32)
    logs, spacing = gaussians.log_scales.detach(), gaussians.spacing
    if gaussians.device.type == "cpu":
        _limit(logs.numpy(), np.log(spacing.numpy()), *limits)
    else:
        limit_in_torch(logs, spacing.log(), *limits.tolist())


def limit_in_torch(
    logs: Float[Tensor, "N 3"], log_spacing: Float[Tensor, " N"], log_least: float, log_most: float, log_needle: float
) -> None:
    """`limit_scales` of logarithms, in place, on any device: the reference of the pass below."""
    logs.copy_(torch.minimum(logs, log_spacing[:, None] + log_most).clamp_min(log_least))
    second = logs.median(dim=1, keepdim=True).values
    logs.copy_(torch.minimum(logs, second + log_needle))


@njit(cache=True, nogil=True, error_model="numpy")
def _limit(logs, log_spacing, log_least, log_most, log_needle):
    for n in range(len(logs)):
        for k in range(3):
            logs[n, k] = max(log_least, min(logs[n, k], log_spacing[n] + log_most))
        a, b, c = logs[n]
        second = max(min(a, b), min(max(a, b), c))
        for k in range(3):
            logs[n, k] = min(logs[n, k], second + log_needle)
