"""Windows as webdataset shards: tar files in which one sample is one window. The same windows give the same bytes.

Pictures are lossless WebP, 8 bits a channel; what is drawn at the inner size is 16-bit floating point, places in the
previous frame as the way there from the pixel itself (small numbers keep their digits).
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from inperson.reconstruct.training.shards import npz_arrays, npz_bytes
from inperson.shader_model.data.window import Window
from inperson.shader_model.interface import INNER, Conditions

PICTURES = ("color", "photo", "truth")


def encode_window(window: Window) -> dict[str, Any]:
    """A window as one sample: `__key__`, and bytes by extension."""
    out: dict[str, Any] = {"__key__": window.name}
    for t, conditions in enumerate(window.conditions):
        for name, pictures in zip(PICTURES, (conditions.color, conditions.photo, window.truth[t]), strict=True):
            for e, picture in enumerate(pictures):
                out[f"{name}{t:02d}{e}.webp"] = _webp(_as_bytes(picture))
    later = window.conditions[1:]
    own = own_places(*window.conditions[0].dense.shape[-2:])
    arrays = {
        "dense": _stacked([c.dense for c in window.conditions]),
        "moved": _stacked([c.before - own for c in later]),
        "seen_before": _stacked([c.seen_before for c in later]),
        "switch": np.stack([c.switch.numpy() for c in window.conditions]),
    }
    return out | {"inner.npz": npz_bytes(arrays, compressed=True)}


def decode_window(sample: dict[str, Any], choose: Callable[[int], range] = range) -> Window:
    """The inverse of `encode_window`, as exact as what was stored.

    Args:
        choose: of so many frames, those in a row that are wanted; the first of them remembers nothing.
    """
    inner = {k: torch.from_numpy(v.astype(np.float32)) for k, v in npz_arrays(sample["inner.npz"]).items()}
    total, eyes = inner["dense"].shape[:2]
    frames = choose(total)
    color, photo, truth = (
        torch.stack(
            [torch.stack([_as_picture(sample[f"{name}{t:02d}{e}.webp"]) for e in range(eyes)]) for t in frames]
        )
        for name in PICTURES
    )
    own = own_places(*inner["dense"].shape[-2:])
    nowhere = torch.zeros(eyes, 0, 2, *own.shape[-2:])
    conditions = [
        Conditions(
            color=color[i],
            photo=photo[i],
            dense=inner["dense"][t],
            before=own + inner["moved"][t - 1] if t > frames[0] else nowhere,
            seen_before=inner["seen_before"][t - 1] if t > frames[0] else nowhere[:, :, 0],
            switch=inner["switch"][t],
        )
        for i, t in enumerate(frames)
    ]
    return Window(sample["__key__"], tuple(conditions), truth)


def own_places(height: int, width: int) -> Float[Tensor, "2 h w"]:
    """Where each inner pixel's centre lies in its own crop, x then y, in full-size pixels."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return INNER * torch.stack([x, y])


def _stacked(frames: list[Tensor]) -> np.ndarray:
    return torch.stack(frames).numpy().astype(np.float16)


def _as_bytes(picture: Float[Tensor, "4 H W"]) -> UInt8[np.ndarray, "H W 4"]:
    levels = (picture.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().numpy()


def _as_picture(webp: bytes) -> Float[Tensor, "4 H W"]:
    with Image.open(io.BytesIO(webp)) as image:
        levels = np.array(image.convert("RGBA"))
    return torch.from_numpy(levels).permute(2, 0, 1).float() / 255.0


def _webp(rgba: UInt8[np.ndarray, "H W 4"]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "WEBP", lossless=True, exact=True, quality=20, method=1)
    return file.getvalue()
