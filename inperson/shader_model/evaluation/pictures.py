"""How like the truth pictures are: error, structure, what a network sees, sharpness.

Everything is taken over mid-grey, inside the union of the true person and the drawn one (alpha above a half).
"""

from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from inperson.reconstruct.evaluation.metrics import LEAST_ERROR, ssim_map
from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.evaluation.regions import Region

BACKGROUND = 0.5
FINE = 1.5
"""Standard deviation of the blur that takes away what counts as fine, pixels."""
WELL_INSIDE = 5
"""Pixels from the outline within which sharpness is not taken: it would be the outline's."""
OPAQUE = 0.95
_BORDER = 2 * WELL_INSIDE + 1


@dataclass(frozen=True, slots=True)
class PictureScores:
    """Of one person's pictures, made one way."""

    psnr: float
    """dB, of the mean square error over all pixels."""
    ssim: float
    """Mean over the same pixels."""
    perceptual: float
    """Mean of `Perceptual`'s distance; lower is better."""
    sharpness: float
    """Energy of fine detail, in that of the truth: 1 is right, less is blurred, more is harsher than the truth."""
    first_psnr: float
    """PSNR of the frames that follow a reset: nothing is remembered in them. They count above, too."""

    def to_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


class PictureSums:
    """Adds up one person's pictures, made one way.

    Args:
        perceptual: the network that sees as people do.
    """

    def __init__(self, perceptual: Perceptual) -> None:
        self._perceptual = perceptual
        self._error, self._first, self._similarity = _Mean(), _Mean(), _Mean()
        self._fine = self._true_fine = 0.0
        self._distances: list[float] = []
        self.regions = {region: _Mean() for region in Region if region is not Region.NONE}
        """Squared error of each."""

    def add(
        self,
        drawn: Float[Tensor, "E 4 H W"],
        truth: Float[Tensor, "E 4 H W"],
        regions: UInt8[np.ndarray, "E H W"],
        *,
        first: bool,
        look: bool,
    ) -> None:
        """One moment.

        Args:
            drawn, truth: premultiplied colour and alpha.
            regions: `Region` of each pixel.
            first: whether it follows a reset.
            look: whether to take the perceptual distance, which costs more than everything else.
        """
        inside = (torch.maximum(drawn, truth)[:, 3] > 0.5).numpy()
        for a, b, where, region in zip(over_grey(drawn), over_grey(truth), inside, regions, strict=True):
            image, true = (np.ascontiguousarray(x.numpy().transpose(1, 2, 0)) for x in (a, b))
            square = np.square(image.astype(np.float64) - true).mean(axis=2)
            self._error.add(square, where)
            if first:
                self._first.add(square, where)
            self._similarity.add(ssim_map(image, true), where)
            for number, mean in self.regions.items():
                mean.add(square, where & (region == number))
        well = well_inside(torch.minimum(drawn, truth)[:, 3].numpy())
        self._fine += fine_energy(over_grey(drawn), well)
        self._true_fine += fine_energy(over_grey(truth), well)
        if look:
            mask = torch.from_numpy(inside)[:, None].float()
            with torch.inference_mode():
                self._distances += self._perceptual.distance(over_grey(drawn), over_grey(truth), mask).tolist()

    def include(self, other: "PictureSums") -> None:
        """Count what another one has added up, too."""
        for mine, theirs in ((self._error, other._error), (self._first, other._first)):
            mine.include(theirs)
        self._similarity.include(other._similarity)
        for region, mean in self.regions.items():
            mean.include(other.regions[region])
        self._fine, self._true_fine = self._fine + other._fine, self._true_fine + other._true_fine
        self._distances += other._distances

    def scores(self) -> PictureScores:
        """Of everything so far; NaN for what has not been seen."""
        sharp = self._fine / self._true_fine if self._true_fine > 0.0 else float("nan")
        seen = float(np.mean(self._distances)) if self._distances else float("nan")
        return PictureScores(
            decibels(self._error.value), self._similarity.value, seen, sharp, decibels(self._first.value)
        )


def decibels(error: float) -> float:
    """PSNR of a mean square error, peak 1; NaN of NaN."""
    return float(-10.0 * np.log10(np.maximum(error, LEAST_ERROR)))


def over_grey(rgba: Float[Tensor, "E 4 H W"]) -> Float[Tensor, "E 3 H W"]:
    """Premultiplied colour over mid-grey."""
    return (rgba[:, :3] + (1.0 - rgba[:, 3:]) * BACKGROUND).clamp(0.0, 1.0)


def fine_energy(pictures: Float[Tensor, "E 3 H W"], where: Bool[np.ndarray, "E H W"]) -> float:
    """Sum over pixels of the square of what a Gaussian blur of `FINE` pixels takes away, mean of the channels."""
    total = 0.0
    for picture, inside in zip(pictures.numpy(), where, strict=True):
        image = picture.transpose(1, 2, 0).astype(np.float64)
        fine = image - cv2.GaussianBlur(image, (0, 0), FINE)
        total += float(np.square(fine).mean(axis=2)[inside].sum())
    return total


def well_inside(alpha: Float[np.ndarray, "E H W"]) -> Bool[np.ndarray, "E H W"]:
    """Opaque pixels `WELL_INSIDE` from any that is not."""
    solid = (alpha > OPAQUE).astype(np.uint8)
    return np.stack([cv2.erode(one, np.ones((_BORDER, _BORDER), np.uint8)) > 0 for one in solid])


class _Mean:
    """A mean over pixels of many pictures."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, values: Float[np.ndarray, "H W"], where: Bool[np.ndarray, "H W"]) -> None:
        self.total += float(values[where].sum())
        self.count += int(where.sum())

    def include(self, other: "_Mean") -> None:
        self.total, self.count = self.total + other.total, self.count + other.count

    @property
    def value(self) -> float:
        """NaN of nothing."""
        return self.total / self.count if self.count else float("nan")
