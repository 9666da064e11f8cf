"""`CudaPictures`: the avatar drawn by gsplat, copied on the GPU from CUDA's memory into OpenGL's textures."""

from typing import Protocol

import moderngl
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gsplat_cuda import GsplatRasterizer
from inperson.render.scene.crop import Crop
from inperson.render.scene.cuda_gl import CudaTextures
from inperson.render.scene.picture_textures import PictureTextures
from inperson.render.scene.pictures import EyePicture
from inperson.render.tensors import TensorRasterizer


class TextureWriter(Protocol):
    """Gets tensors into textures (`CudaTextures`)."""

    def write(self, texture: moderngl.Texture, texels: Float[Tensor, "h w c"]) -> None:
        """Overwrite a texture's first rows and columns."""
        ...

    def forget(self, texture: moderngl.Texture) -> None:
        """Before a texture is released."""
        ...


class WrittenPictures:
    """Planes of a device as textures, without a copy through this process's memory: 16 bits a colour, 32 of depth.

    Args:
        context: OpenGL of the same GPU, current in the calling thread; stays the caller's.
        writer: copies into its textures; by default from the current CUDA device.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: CUDA's Python bindings are not installed.
    """

    def __init__(self, context: moderngl.Context, writer: TextureWriter | None = None) -> None:
        self._writer: TextureWriter = CudaTextures() if writer is None else writer
        self._textures = PictureTextures(context, "f2", before_release=self._writer.forget)

    def upload(self, planes: Float[Tensor, "V 5 H W"]) -> tuple[EyePicture, ...]:
        """A `ColorBuffer`'s planes; the views one below the other in the textures.

        Raises:
            DeviceError: OpenGL does not run on the device's GPU.
        """
        count, _, height, width = planes.shape
        color, depth = self._textures.holding(width, count * height)
        color_texels, depth_texels = texels_of(planes)
        self._writer.write(color, color_texels)
        self._writer.write(depth, depth_texels)
        return tuple(EyePicture(color, depth, (0, number * height)) for number in range(count))

    def close(self) -> None:
        """Free the textures."""
        self._textures.close()


class CudaPictures:
    """Draws with CUDA: Gaussians go to the device, pictures never leave it.

    Args:
        context: OpenGL of the same GPU, current in the calling thread; stays the caller's.
        writer: copies into its textures; by default from the current CUDA device.
        rasterizer: draws on that device; gsplat by default.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: CUDA's Python bindings, or gsplat, are not installed.
    """

    def __init__(
        self,
        context: moderngl.Context,
        writer: TextureWriter | None = None,
        rasterizer: TensorRasterizer | None = None,
    ) -> None:
        self._rasterizer = GsplatRasterizer() if rasterizer is None else rasterizer
        self._written = WrittenPictures(context, writer)

    @torch.inference_mode()
    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them.

        Raises:
            DeviceError: OpenGL does not run on the device's GPU.
        """
        colors = self._rasterizer.upload("colors", gaussians.colors)
        return self._written.upload(self._rasterizer.draw(self._rasterizer.shapes(gaussians), colors, crop.views))

    def close(self) -> None:
        """Free the textures."""
        self._written.close()


def texels_of(planes: Float[Tensor, "V 5 H W"]) -> tuple[Float[Tensor, "V*H W 4"], Float[Tensor, "V*H W 1"]]:
    """A rasteriser's planes as texels, the views one below the other: RGBA in 16 bits each, and depth times those
    bits' alpha, so that dividing by it gives the distance exactly."""
    alpha = planes[:, 4:]
    color = torch.cat([planes[:, :3], alpha], dim=1).permute(0, 2, 3, 1).flatten(0, 1).half().contiguous()
    distance = (planes[:, 3:4] / alpha.clamp(min=1e-6)).flatten(0, 2)
    return color, (distance * color[..., 3].float())[..., None].contiguous()
