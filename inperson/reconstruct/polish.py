"""Bringing an avatar's Gaussians closer to the photo, without spoiling what the photo does not show.

The network's (or the plain completion's) answer is a little blurred and a little off. A short optimisation through
the differentiable rasteriser mends that in the photo's own view; one view alone says nothing about depth and little
about what it sees at a slant, so three things hold the answer in place:

- Gaussians that add nothing to the picture take no part, and come out bit for bit as they went in.
- The others are pulled back to where they started (L2), the harder the less of their face the photo sees.
- Nothing moves along the line of sight, and the limits of `limit_scales` keep out needles.

Gaussians are drawn and moved on the device they are on; how the body carries them is worked out on the CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.avatar.binding import SurfaceMotion
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.reconstruct.adam import Adam
from inperson.reconstruct.canonical import LEARNED, CanonicalGaussians
from inperson.reconstruct.density import Change, PullMeter, prune_and_split
from inperson.reconstruct.fit_captures import FitSettings, flushed_denormals, limit_scales
from inperson.reconstruct.image_loss import LossWeights, capture_loss
from inperson.reconstruct.polish_target import PolishTarget
from inperson.reconstruct.surface.gaussians import joined
from inperson.reconstruct.surface.posing import turned_back
from inperson.render.differentiable import rasterize
from inperson.render.views import EyeView


@dataclass(frozen=True, slots=True)
class PolishSettings:
    """How long and how hard to polish."""

    steps: int = 120
    seed: int = 0
    rates: dict[str, float] = field(
        default_factory=lambda: {"shift": 0.03, "quats": 6e-3, "log_scales": 1.2e-2, "logits": 3e-2, "colors": 1.2e-2}
    )
    """Adam's step of each parameter at the start."""
    final_rate: float = 0.1
    """Share of the first rate that is left at the end (exponential in between)."""
    hold: dict[str, float] = field(
        default_factory=lambda: {"shift": 0.3, "quats": 0.1, "log_scales": 0.3, "logits": 0.3, "colors": 0.5}
    )
    """Pull of each parameter towards its start, in pixels of full error per unit moved, of a Gaussian that
    the photo shows surely."""
    hold_unsure: float = 1e4
    """Times the pull for one of which it shows nothing sure: turned away, hidden, or near an edge of something."""
    least_shown: float = 0.01
    """Gaussians that add less than this share of their face to the picture take no part."""
    split_at: tuple[float, ...] = (0.3, 0.5)
    """Progress at which the most pulled Gaussians are split."""
    growth: float = 0.12
    """Share by which each split raises the number of Gaussians that take part, if so many are wide enough."""
    wide: float = 1.0
    """Pixels (standard deviation) from which a Gaussian is wide enough to be split."""
    loss: LossWeights = field(default_factory=LossWeights)
    limits: FitSettings = field(default_factory=FitSettings)
    """Its limits on scales."""

    def rates_at(self, step: int) -> dict[str, float]:
        """Adam's step of each parameter."""
        return {name: rate * self.final_rate ** (step / self.steps) for name, rate in self.rates.items()}


def polish(
    gaussians: CanonicalGaussians,
    confidence: Float[np.ndarray, " N"],
    body: BodyModel,
    state: BodyState,
    target: PolishTarget,
    settings: PolishSettings,
    progress: Callable[[float], None] = lambda _: None,
) -> CanonicalGaussians:
    """Fit the Gaussians to the photo; the given ones stay as they are, the result is on their device.

    Args:
        gaussians: the start.
        confidence: how far the photo can be trusted for each, 0 to 1 (`SeenSites.confidence`).
        body: the body they ride on.
        state: the person in the photo; its betas are the avatar's.
        target: the photo.
        progress: told the share of the steps that are done.
    """
    scene = _Scene(body, state, target.view)
    shown = shown_share(gaussians, scene.motion_of(gaussians), target.view)
    taking_part = shown >= settings.least_shown
    looseness = settings.hold_unsure ** (1 - confidence[taking_part])
    work = _Work.of(rows_of(gaussians, taking_part), looseness, scene)
    photo = torch.from_numpy(target.rgba).to(gaussians.device)
    rng = np.random.default_rng(settings.seed)
    split_steps = {int(p * settings.steps) for p in settings.split_at}
    adam, meter = Adam(work.gaussians.learned(), {}), PullMeter(work.gaussians)
    with flushed_denormals():
        for step in range(1, settings.steps + 1):
            posed = work.gaussians.posed(work.motion)
            planes = rasterize(posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, [target.view])[
                0
            ]
            capture_loss(planes, photo, rng.uniform(0, 1, 3), settings.loss).backward()
            meter.add(work.gaussians, work.motion, target.view)
            work.add_pull(settings, planes.shape[1] * planes.shape[2])
            adam.step(work.gaussians.learned(), settings.rates_at(step))
            limit_scales(work.gaussians, settings.limits)
            work.undo_depth()
            if step in split_steps:
                wide = work.widths() > settings.wide
                added = min(round(settings.growth * len(wide)), int(wide.sum()))
                change = prune_and_split(work.gaussians, np.where(wide, meter.pull, -1.0), len(wide) + added, 0.0)
                adam.follow(change.source, change.is_new)
                work, meter = work.after(change), PullMeter(change.gaussians)
            progress(step / settings.steps)
    return joined(rows_of(gaussians, ~taking_part), work.gaussians)


def shown_share(gaussians: CanonicalGaussians, motion: SurfaceMotion, view: EyeView) -> Float[np.ndarray, " N"]:
    """How much of each Gaussian's face a view sees: 1 turned to the camera with nothing before it, 0 hidden.

    What it adds to the picture (the sum of its blending weights, which is the gradient of the picture's sum by its
    colour), over the pixels that a patch of its spacing covers.
    """
    with torch.no_grad():
        posed = gaussians.posed(motion)
    white = torch.ones(len(gaussians), 1, device=gaussians.device, requires_grad=True)
    rasterize(posed.means, posed.quats, posed.scales, posed.opacities, white, [view])[0, 0].sum().backward()
    assert white.grad is not None
    added, spacing = white.grad.cpu().numpy()[:, 0], gaussians.spacing.cpu().numpy()
    patch = spacing * motion.stretch * np.float32(view.intrinsics.fx) / _depths(motion, view)
    return np.minimum(added / np.maximum(patch, 1e-6) ** 2, 1.0)


def _depths(motion: SurfaceMotion, view: EyeView) -> Float[np.ndarray, " N"]:
    """Along the view axis, metres, at least `near`."""
    to_eye = view.T_cv_from_world.astype(np.float32)
    return np.maximum(motion.points @ to_eye[2, :3] + to_eye[2, 3], view.near)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The person in the photo."""

    body: BodyModel
    state: BodyState
    view: EyeView

    def motion_of(self, gaussians: CanonicalGaussians) -> SurfaceMotion:
        """How the body carries them."""
        return gaussians.binding(self.body, self.state.betas).motion(self.state)

    def sight(self, motion: SurfaceMotion) -> Float[np.ndarray, "N 3"]:
        """The line of sight to each Gaussian: unit length, T-pose axes."""
        ray = motion.points - self.view.T_world_from_eye[:3, 3].astype(np.float32)
        return turned_back(motion.quats, ray / np.linalg.norm(ray, axis=1, keepdims=True))


class _Work:
    """The Gaussians that take part, where they started, and how they are held there."""

    def __init__(
        self, gaussians: CanonicalGaussians, start: dict[str, Tensor], looseness: Float[Tensor, " N"], scene: _Scene
    ) -> None:
        self.gaussians, self._start, self._looseness, self._scene = gaussians, start, looseness, scene
        self.motion = scene.motion_of(gaussians)
        self._sight = torch.from_numpy(scene.sight(self.motion)).to(gaussians.device)

    @staticmethod
    def of(gaussians: CanonicalGaussians, looseness: Float[np.ndarray, " N"], scene: _Scene) -> "_Work":
        """Where polishing begins."""
        start = {name: p.detach().clone() for name, p in gaussians.learned().items()}
        return _Work(gaussians, start, torch.from_numpy(looseness).to(gaussians.device), scene)

    def after(self, change: Change) -> "_Work":
        """Rows were rearranged; halves start where the split put them, in the colour of the whole."""
        rows = torch.from_numpy(change.source).to(self.gaussians.device)
        split = torch.bincount(rows, minlength=len(self._looseness))[rows] > 1
        start = {name: p[rows] for name, p in self._start.items()}
        for name in ("shift", "log_scales"):
            start[name][split] = getattr(change.gaussians, name).detach()[split]
        return _Work(change.gaussians, start, self._looseness[rows], self._scene)

    def widths(self) -> Float[np.ndarray, " N"]:
        """The longest standard deviation of each, in pixels of the view."""
        view, log_scales = self._scene.view, self.gaussians.log_scales.detach().cpu().numpy()
        longest = np.exp(log_scales.max(axis=1)) * self.motion.stretch
        return longest * np.float32(view.intrinsics.fx) / _depths(self.motion, view)

    def add_pull(self, settings: PolishSettings, pixels: int) -> None:
        """Add the gradient of the pull towards the start, in the loss's unit: a mean over pixels."""
        for name, parameter in self.gaussians.learned().items():
            away = parameter.detach() - self._start[name]
            assert parameter.grad is not None
            strength = settings.hold[name] / pixels * self._looseness
            parameter.grad += strength.reshape(-1, *[1] * (away.dim() - 1)) * away

    def undo_depth(self) -> None:
        """Take back what moved along the line of sight."""
        shift = self.gaussians.shift.detach()
        along = ((shift - self._start["shift"]) * self._sight).sum(dim=1, keepdim=True)
        shift -= along * self._sight


def rows_of(gaussians: CanonicalGaussians, rows: Bool[np.ndarray, " N"]) -> CanonicalGaussians:
    """A copy of some of the Gaussians, leaves of their own."""
    chosen = torch.from_numpy(rows).to(gaussians.device)
    tensors = {
        name: getattr(gaussians, name).detach()[chosen].clone()
        for name in ("base_offsets", "spacing", "features", *LEARNED)
    }
    for name in LEARNED:
        tensors[name].requires_grad_(True)
    return CanonicalGaussians(gaussians.face_index[rows], gaussians.barycentric[rows], **tensors)
