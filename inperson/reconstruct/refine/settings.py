"""How an avatar is refined."""

from dataclasses import dataclass, field

import torch

from inperson.reconstruct.canonical import CPU
from inperson.reconstruct.fit_captures import FitSettings
from inperson.reconstruct.refine.objective import ObjectiveWeights


@dataclass(frozen=True, slots=True)
class OptimiseSettings:
    """How long and how hard the Gaussians are optimised."""

    steps: int = 900
    """At most; it stops early when nothing is gained."""
    seed: int = 0
    rates: dict[str, float] = field(
        default_factory=lambda: {
            "shift": 0.02,
            "quats": 4e-3,
            "log_scales": 8e-3,
            "logits": 4e-2,
            "colors": 1e-2,
            "residual_shift": 2e-3,
            "residual_colors": 1e-3,
        }
    )
    """Adam's step of each parameter at the start."""
    final_rate: float = 0.1
    """Share of the first rate that is left at the end (exponential in between)."""
    hold: dict[str, float] = field(
        default_factory=lambda: {
            "shift": 2e-7,
            "quats": 1e-6,
            "log_scales": 5e-7,
            "logits": 1e-7,
            "colors": 5e-7,
            "residual_shift": 1e-6,
            "residual_colors": 3e-6,
        }
    )
    """Pull of each parameter towards its start (L2; the loss is a mean over pixels, hence so small)."""
    base_share: float = 0.35
    """Share of the steps that draw the avatar without its residuals, so that it looks right on its own."""
    residuals_from: float = 0.25
    """Progress from which residuals are learned: first comes what is the same in all frames."""
    perceptual_every: int = 2
    """Steps: the perceptual term costs as much as everything else, so it is not in every one (and doubled in those
    that have it)."""
    align_at: tuple[float, ...] = (0.15, 0.4, 0.65)
    """Progress at which the frames are aligned again, with what has been learned by then."""
    check_every: int = 60
    """Steps between looks at the validation frames."""
    patience: int = 4
    """Looks without a gain after which it stops."""
    least_gain: float = 0.002
    """Share of the validation loss that counts as a gain."""
    least_shown: float = 0.02
    """Gaussians of which no frame shows more than this share stay as they are."""
    limits: FitSettings = field(default_factory=FitSettings)
    """Its limits on scales."""
    weights: ObjectiveWeights = field(default_factory=ObjectiveWeights)

    def rates_at(self, step: int) -> dict[str, float]:
        """Adam's step of each parameter."""
        return {name: rate * self.final_rate ** (step / self.steps) for name, rate in self.rates.items()}


@dataclass(frozen=True, slots=True)
class RefineSettings:
    """Everything that can be chosen."""

    seed: int = 0
    longest_side: int = 640
    """Pixels; larger frames are made smaller."""
    first_side: int = 320
    """Longest side of the pictures of the first steps, and of those that flow is measured in, pixels."""
    small_share: float = 0.7
    """Share of the steps with small pictures."""
    most_frames: int = 48
    """Frames that are learned from; of longer clips, evenly spaced ones."""
    any_person: bool = False
    """Refine even where the clip seems to show somebody else."""
    learn_shape: bool = True
    """Ask the clip for better betas first. Then its frames are tracked anew."""
    device: torch.device = CPU
    """Where Gaussians are drawn and learned (`choose_device`); frames are tracked and aligned on the CPU."""
    optimise: OptimiseSettings = field(default_factory=OptimiseSettings)
