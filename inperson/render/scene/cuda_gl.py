"""Tensors of a CUDA device into textures of OpenGL on the same GPU, without a copy through host memory.

Through the CUDA runtime's graphics interoperability (`cuda.bindings.runtime`, which PyTorch's CUDA builds bring):
https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__OPENGL.html. A texture is registered once; for every
copy its image is mapped as a CUDA array, written on the current stream of PyTorch, and unmapped. Mapping waits for
the GL calls before it, and GL calls after unmapping wait for the copy: nothing else has to be synchronised.

Not run yet: no machine with an NVIDIA GPU was at hand. The bindings' own signatures were checked up to the missing
driver; what surrounds these calls is tested with tensors of the CPU.
"""

from types import ModuleType
from typing import Any

import moderngl
import torch
from torch import Tensor

from inperson.errors import BadInputError, DeviceError

GL_TEXTURE_2D = 0x0DE1


class CudaTextures:
    """Copies tensors into textures of the GL context that is current in the calling thread.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: PyTorch's CUDA bindings for Python are not installed.
    """

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise DeviceError("drawing with CUDA needs a CUDA device and there is none", "use `cpu` or `gl`")
        self._runtime = _import_runtime()
        self._registered: dict[int, Any] = {}
        """cudaGraphicsResource_t by the texture's GL name."""

    def write(self, texture: moderngl.Texture, texels: Tensor) -> None:
        """Overwrite a texture's first rows and columns.

        Args:
            texture: of 1 or 4 components ("f1", "f2" or "f4"); its size must not change after the first call.
            texels: (h, w, components), of the texture's type, contiguous on the current CUDA device, no larger than
                the texture. Kept alive by PyTorch until the current stream has copied it.

        Raises:
            DeviceError: the texture cannot be shared with CUDA.
        """
        runtime, stream = self._runtime, torch.cuda.current_stream().cuda_stream
        resource = self._resource(texture)
        _check(runtime.cudaGraphicsMapResources(1, resource, stream))
        try:
            array = _check(runtime.cudaGraphicsSubResourceGetMappedArray(resource, 0, 0))
            row_bytes = texels[0].numel() * texels.element_size()
            to_device = runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice
            _check(
                runtime.cudaMemcpy2DToArrayAsync(
                    array, 0, 0, texels.data_ptr(), row_bytes, row_bytes, len(texels), to_device, stream
                )
            )
        finally:
            _check(runtime.cudaGraphicsUnmapResources(1, resource, stream))

    def forget(self, texture: moderngl.Texture) -> None:
        """Before the texture is released."""
        resource = self._registered.pop(texture.glo, None)
        if resource is not None:
            _check(self._runtime.cudaGraphicsUnregisterResource(resource))

    def _resource(self, texture: moderngl.Texture) -> Any:
        if texture.glo not in self._registered:
            flags = self._runtime.cudaGraphicsRegisterFlags.cudaGraphicsRegisterFlagsNone
            self._registered[texture.glo] = _check(
                self._runtime.cudaGraphicsGLRegisterImage(texture.glo, GL_TEXTURE_2D, flags)
            )
        return self._registered[texture.glo]


def _import_runtime() -> ModuleType:
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        mend = "install a CUDA build of PyTorch, which brings cuda-bindings, or use `cpu` or `gl`"
        raise BadInputError(f"CUDA's Python bindings cannot be imported ({error})", mend) from error
    return runtime


def _check(answer: tuple[Any, ...]) -> Any:
    """The result behind the error code that every call of the runtime gives first."""
    error, *results = answer
    if int(error) != 0:
        mend = "let OpenGL and CUDA run on the same GPU (the NVIDIA driver's GL), or use `cpu` or `gl`"
        raise DeviceError(f"CUDA cannot write into OpenGL's textures ({error.name})", mend)
    return results[0] if results else None
