"""`GBuffer` and `ColorBuffer`, what a rasteriser gives, and `Rasterizer`, what a backend must do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.views import EyeView


@dataclass(frozen=True, slots=True)
class GBuffer:
    """V views of the same Gaussians, float32, rows from the top. V is 2 for a stereo pair.

    Everything but `depth` is premultiplied by alpha (a weighted sum over Gaussians).
    """

    rgb: Float[np.ndarray, "V H W 3"]
    """sRGB-encoded, premultiplied."""
    alpha: Float[np.ndarray, "V H W"]
    depth: Float[np.ndarray, "V H W"]
    """Expected distance along the view axis, metres (divided by alpha); 0 where alpha is 0."""
    normal: Float[np.ndarray, "V H W 3"]
    """World space, premultiplied, not renormalised."""
    features: Float[np.ndarray, "V H W F"]

    def over(self, background: Float[np.ndarray, "3"] | Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "V H W 3"]:
        """The colour composited over an sRGB-encoded background."""
        return self.rgb + (1.0 - self.alpha[..., None]) * np.asarray(background, np.float32)


@dataclass(frozen=True, slots=True)
class ColorBuffer:
    """V views of the same Gaussians as an eye sees them: a `GBuffer` without what only the video shader reads."""

    planes: Float[np.ndarray, "V 5 H W"]
    """float32, rows from the top: red, green and blue (sRGB-encoded, premultiplied), the distance along the view
    axis times alpha (metres), alpha."""

    @property
    def rgb(self) -> Float[np.ndarray, "V H W 3"]:
        """sRGB-encoded, premultiplied."""
        return np.moveaxis(self.planes[:, :3], 1, -1)

    @property
    def alpha(self) -> Float[np.ndarray, "V H W"]:
        """0 to 1."""
        return self.planes[:, 4]


class Rasterizer(Protocol):
    """A backend: `cpu` (numba), `gl` (moderngl), `gsplat` (CUDA), `reference` (plain torch, for tests)."""

    name: str

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size."""
        ...

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone: `render`'s, for less."""
        ...

    def close(self) -> None:
        """Free what the backend holds."""
        ...
