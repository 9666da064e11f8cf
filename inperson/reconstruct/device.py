"""Where avatars are made and refined: on the CPU, or on a CUDA device.

The network, the Gaussians that are learned, the rasteriser that draws them (`rasterize` goes by the tensors' device),
the loss and the optimiser's moments live there. Tracking, mattes, the body's surface, optical flow, scores and files
are the CPU's on either. What crosses over: pictures and where the surface is, to the device; the result
(`CanonicalGaussians.to`, `Learner.values`) and what flow is measured in, back.
"""

from typing import Literal

import torch

from inperson.errors import BadInputError, DeviceError
from inperson.reconstruct.canonical import CPU
from inperson.render.gsplat_cuda import check_gsplat

DeviceName = Literal["auto", "cpu", "cuda"]
"""`auto` is `cuda` where gsplat can draw with it, else `cpu`."""


_MEND = (
    "say --device cpu; CUDA takes an NVIDIA GPU, a torch that was built for it, `pip install 'inperson[cuda]'` and "
    "CUDA's toolkit (nvcc) in torch's version"
)


def choose_device(name: DeviceName) -> torch.device:
    """A device by name.

    Raises:
        DeviceError: `cuda` where there is none, or where gsplat is missing or cannot be compiled.
    """
    if name == "cpu":
        return CPU
    try:
        check_gsplat()
    except (DeviceError, BadInputError) as error:
        if name == "auto":
            return CPU
        raise DeviceError(f"--device cuda: {error.what}", _MEND) from error
    return torch.device("cuda", torch.cuda.current_device())


def device_text(device: torch.device) -> str:
    """For people: `the CPU`, or the GPU's name."""
    return "the CPU" if device.type == "cpu" else f"{torch.cuda.get_device_name(device)} (CUDA)"
