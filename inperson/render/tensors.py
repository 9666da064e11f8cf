"""`TensorRasterizer`: a rasteriser whose pictures are torch tensors and stay where they were drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.packing import channels_from_gaussians, gbuffer_from_planes
from inperson.render.views import EyeView

Rasterize = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Sequence[EyeView]], Tensor]
"""As `differentiable.rasterize`: means, quats, scales, opacities, channels and views to (V, C + 2, H, W)."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Where N Gaussians are and what form they have, on a device; as in `PosedGaussians`."""

    means: Float[Tensor, "N 3"]
    quats: Float[Tensor, "N 4"]
    scales: Float[Tensor, "N 3"]
    opacities: Float[Tensor, " N"]


class Uploads:
    """Copies arrays to a device: those that nobody can write to once, all others every time.

    The caller goes on at once: nothing waits for the device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[str, tuple[np.ndarray, Tensor]] = {}

    def __call__(self, name: str, array: np.ndarray) -> Tensor:
        """The array there. `name`: what it is; of each, the last one that cannot be written to is kept."""
        kept = self._kept.get(name)
        if kept is not None and kept[0] is array:
            return kept[1]
        tensor = uploaded(array, self._device)
        if not array.flags.writeable:
            self._kept[name] = (array, tensor)
        return tensor


def uploaded(array: np.ndarray, device: torch.device) -> Tensor:
    """A copy on a device. To CUDA it goes through page-locked memory, which is read while the caller goes on; from
    any other memory torch would wait until all that was asked of the device is done."""
    there = torch.from_numpy(array if array.flags.writeable else array.copy())
    if device.type == "cuda":
        return there.pin_memory().to(device, non_blocking=True)
    return there.to(device, copy=True)


class TensorRasterizer:
    """Draws with a function of tensors: as a `Rasterizer`, whose pictures come to this process's memory, or with
    `draw`, whose pictures stay.

    Args:
        name: of the backend.
        rasterize: draws, on the device.
        device: where.
    """

    def __init__(self, name: str, rasterize: Rasterize, device: torch.device) -> None:
        self.name, self.device = name, device
        self._rasterize, self._uploads = rasterize, Uploads(device)

    def upload(self, name: str, array: np.ndarray) -> Tensor:
        """An array on the device; see `Uploads`."""
        return self._uploads(name, array)

    def shapes(self, gaussians: PosedGaussians) -> Shapes:
        """The Gaussians on the device, for any number of `draw`s."""
        g = gaussians
        arrays = {"means": g.means, "quats": g.quats, "scales": g.scales, "opacities": g.opacities}
        return Shapes(**{name: self._uploads(name, array) for name, array in arrays.items()})

    @torch.inference_mode()
    def draw(
        self, shapes: Shapes, channels: Float[Tensor, "N C"], views: Sequence[EyeView]
    ) -> Float[Tensor, "V C+2 H W"]:
        """The channels, premultiplied, depth (metres times alpha) and alpha; all views, of one size, in one call."""
        planes = self._rasterize(shapes.means, shapes.quats, shapes.scales, shapes.opacities, channels, views)
        return planes.contiguous()

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size, one near and one far plane."""
        channels = uploaded(channels_from_gaussians(gaussians), self.device)
        return gbuffer_from_planes(self.draw(self.shapes(gaussians), channels, views).cpu().numpy())

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone."""
        colors = self._uploads("colors", gaussians.colors)
        return ColorBuffer(self.draw(self.shapes(gaussians), colors, views).cpu().numpy())

    def close(self) -> None:
        """The device's memory goes back with its tensors; nothing else is held."""
