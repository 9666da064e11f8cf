"""`CudaPictures`: the avatar drawn by gsplat, copied on the GPU from CUDA's memory into OpenGL's textures."""

from collections.abc import Callable, Sequence
from typing import Protocol

import moderngl
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gsplat_cuda import rasterize_gsplat
from inperson.render.scene.crop import Crop
from inperson.render.scene.cuda_gl import CudaTextures
from inperson.render.scene.picture_textures import PictureTextures
from inperson.render.scene.pictures import EyePicture
from inperson.render.views import EyeView

Rasterize = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Sequence[EyeView]], Tensor]
"""As `rasterize_gsplat`: means, quats, scales, opacities, colours and views to (V, C + 2, H, W)."""


class TextureWriter(Protocol):
    """Gets tensors into textures (`CudaTextures`)."""

    def write(self, texture: moderngl.Texture, texels: Float[Tensor, "h w c"]) -> None:
        """Overwrite a texture's first rows and columns."""
        ...

    def forget(self, texture: moderngl.Texture) -> None:
        """Before a texture is released."""
        ...


class CudaPictures:
    """Draws with CUDA: Gaussians go to the device, pictures never leave it.

    Args:
        context: OpenGL of the same GPU, current in the calling thread; stays the caller's.
        writer: copies into its textures; by default from the current CUDA device.
        rasterize: draws; gsplat by default.
        device: where.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: CUDA's Python bindings are not installed.
    """

    def __init__(
        self,
        context: moderngl.Context,
        writer: TextureWriter | None = None,
        rasterize: Rasterize = rasterize_gsplat,
        device: str = "cuda",
    ) -> None:
        self._rasterize, self._device = rasterize, device
        self._writer: TextureWriter = CudaTextures() if writer is None else writer
        self._textures = PictureTextures(context, "f2", before_release=self._writer.forget)

    @torch.inference_mode()
    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them; the views one below the other in the textures.

        Raises:
            BadInputError: gsplat is not installed.
            DeviceError: OpenGL does not run on the device's GPU.
        """
        g = gaussians
        arrays = (g.means, g.quats, g.scales, g.opacities, g.colors)
        means, quats, scales, opacities, colors = (torch.tensor(a, device=self._device) for a in arrays)
        planes = self._rasterize(means, quats, scales, opacities, colors, crop.views)
        count, _, height, width = planes.shape
        color, depth = self._textures.holding(width, count * height)
        color_texels, depth_texels = texels_of(planes)
        self._writer.write(color, color_texels)
        self._writer.write(depth, depth_texels)
        return tuple(EyePicture(color, depth, (0, number * height)) for number in range(count))

    def close(self) -> None:
        """Free the textures."""
        self._textures.close()


def texels_of(planes: Float[Tensor, "V 5 H W"]) -> tuple[Float[Tensor, "V*H W 4"], Float[Tensor, "V*H W 1"]]:
    """A rasteriser's planes as texels, the views one below the other: RGBA in 16 bits each, and depth times those
    bits' alpha, so that dividing by it gives the distance exactly."""
    color = planes[:, [0, 1, 2, 4]].permute(0, 2, 3, 1).flatten(0, 1).half().contiguous()
    alpha = planes[:, 4].flatten(0, 1)
    distance = planes[:, 3].flatten(0, 1) / alpha.clamp(min=1e-6)
    return color, (distance * color[..., 3].float())[..., None].contiguous()
