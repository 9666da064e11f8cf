"""A perceptual distance between pictures: what a network trained on people sees differently in them.

The form is LPIPS's without learned channel weights (Zhang et al. 2018, the "baseline" variants): activations at
several depths are divided by their length over the channels, subtracted, squared, summed over channels and averaged
over places; the depths are averaged. The network is the encoder of MediaPipe's body landmarker (a MobileNetV2
trained on people, Apache-2.0), whose file the tracker needs anyway. Its values are not LPIPS's: compare them only
with one another.
"""

import zipfile
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.reconstruct.perceptual_weights import NetworkPrefix
from inperson.tracking.models import POSE, model_path

_MEMBER = "pose_landmarks_detector.tflite"
TAPS = (204, 207, 217, 227, 241)
"""Tensors of the file, all behind a ReLU6: 24 and 64 channels at a half, 144 at a quarter, 192 at an eighth, 384 at
a sixteenth of the picture's size."""
SMALLEST_SIDE = 32
"""Pixels: below, the deepest features would be all border."""
_LENGTH_FLOOR = 1e-3
"""Added to feature vectors' lengths: flat places have short ones, and noise there must not count as structure."""


class Perceptual(nn.Module):
    """The distance. Frozen; gradients flow to the pictures.

    Args:
        network: the body landmark network, a TFLite file.
    """

    def __init__(self, network: bytes) -> None:
        super().__init__()
        self._features = NetworkPrefix(network, TAPS)

    @staticmethod
    def load(bundle: Path | None = None) -> "Perceptual":
        """The distance with the network out of a `pose_landmarker_full.task`, by default the cached one.

        Raises:
            MissingModelError: the models have not been fetched, or the file is damaged.
        """
        with zipfile.ZipFile(bundle or model_path(POSE)) as members:
            return Perceptual(members.read(_MEMBER))

    def features(self, images: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C h w"]]:
        """Activations at `TAPS`, each divided by its length over the channels.

        Raises:
            ValueError: the pictures are smaller than `SMALLEST_SIDE`.
        """
        if min(images.shape[-2:]) < SMALLEST_SIDE:
            raise ValueError(f"pictures of {tuple(images.shape[-2:])} are smaller than {SMALLEST_SIDE} pixels")
        return [_unit(x) for x in self._features(images)]

    def distance(
        self,
        a: Float[Tensor, "B 3 H W"],
        b: Float[Tensor, "B 3 H W"],
        mask: Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float[Tensor, " B"]:
        """How differently two batches of pictures look: 0 for equal ones, 2 at most.

        Args:
            a, b: RGB, sRGB-encoded, 0 to 1.
            mask: how much each pixel counts, 0 to 1 (anywhere if None): the mean is over these places.
        """
        return self.between(self.features(a), self.features(b), mask)

    def between(
        self,
        a: list[Float[Tensor, "B C h w"]],
        b: list[Float[Tensor, "B C h w"]],
        mask: Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float[Tensor, " B"]:
        """The distance between features that were computed before (`features`)."""
        maps = [(x - y).square().sum(dim=1, keepdim=True) for x, y in zip(a, b, strict=True)]
        return torch.stack([_mean_inside(m, mask) for m in maps]).mean(dim=0)


def _unit(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
    return x / (x.square().sum(dim=1, keepdim=True) + _LENGTH_FLOOR**2).sqrt()


def _mean_inside(values: Float[Tensor, "B 1 h w"], mask: Float[Tensor, "B 1 H W"] | None) -> Float[Tensor, " B"]:
    if mask is None:
        return values.mean(dim=(1, 2, 3))
    weight = F.adaptive_avg_pool2d(mask, (values.shape[2], values.shape[3]))
    return (values * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp_min(1e-6)
