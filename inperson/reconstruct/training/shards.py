"""People as webdataset shards: tar files in which one sample is one person. The same people give the same bytes."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import webdataset
from jaxtyping import UInt8
from PIL import Image

from inperson.errors import BadInputError
from inperson.reconstruct.training.people import PersonShots
from inperson.render.views import EyeView
from inperson.synthetic.captures import states_from_arrays, states_to_arrays

DEPTH_UNITS = 8000.0
"""Depth is kept in eighths of a millimetre, 16 bits: up to 8.19 m."""


def write_shard(path: Path, samples: Iterable[dict[str, Any]]) -> None:
    """Write samples (`__key__` and bytes by extension) as one tar file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with webdataset.TarWriter(str(unfinished), mtime=0.0, encoder=False) as shard:
        for sample in samples:
            shard.write(sample)
    unfinished.rename(path)


def read_shards(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Samples of shards, in order."""
    yield from webdataset.WebDataset([str(p) for p in paths], shardshuffle=False, empty_check=False)


def find_shards(folder: Path, split: str, made_by: str = "tools.make_training_shards") -> list[Path]:
    """The shards of a split (`train` or `held_out`), sorted.

    Args:
        made_by: the tool that makes such shards, for the error.

    Raises:
        BadInputError: there are none.
    """
    found = sorted(folder.glob(f"{split}-*.tar"))
    if not found:
        raise BadInputError(f"no {split} shards in {folder}", f"make them with `python -m {made_by}`")
    return found


def encode_person(person: PersonShots) -> dict[str, Any]:
    """A person as one sample."""
    out: dict[str, Any] = {"__key__": person.name}
    for i, rgba in enumerate(person.input_rgba):
        out[f"input{i}.webp"] = _webp(rgba)
    for i, rgba in enumerate(person.target_rgba):
        out[f"target{i:02d}.webp"] = _webp(rgba)
    arrays: dict[str, np.ndarray] = {
        **states_to_arrays(person.states),
        **_views_to_arrays("input", person.input_views),
        **_views_to_arrays("target", person.target_views),
        **{f"input_part{i}": part for i, part in enumerate(person.input_part)},
        "input_state": person.input_state,
        "target_state": person.target_state,
        "target_part": person.target_part,
        "target_depth": np.round(person.target_depth * DEPTH_UNITS).astype(np.uint16),
    }
    return out | {"truth.npz": npz_bytes(arrays, compressed=True)}


def decode_person(sample: dict[str, Any]) -> PersonShots:
    """The inverse of `encode_person`."""
    truth = npz_arrays(sample["truth.npz"])
    inputs, targets = len(truth["input_state"]), len(truth["target_state"])
    return PersonShots(
        name=sample["__key__"],
        states=states_from_arrays(truth),
        input_rgba=tuple(_from_webp(sample[f"input{i}.webp"]) for i in range(inputs)),
        input_part=tuple(truth[f"input_part{i}"] for i in range(inputs)),
        input_views=_views_from_arrays("input", truth),
        input_state=truth["input_state"],
        target_rgba=np.stack([_from_webp(sample[f"target{i:02d}.webp"]) for i in range(targets)]),
        target_part=truth["target_part"],
        target_depth=truth["target_depth"].astype(np.float32) / np.float32(DEPTH_UNITS),
        target_views=_views_from_arrays("target", truth),
        target_state=truth["target_state"],
    )


def npz_bytes(arrays: dict[str, np.ndarray], compressed: bool) -> bytes:
    """An npz file in memory (its entries carry no time, so equal arrays give equal bytes)."""
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def npz_arrays(data: bytes) -> dict[str, np.ndarray]:
    """The inverse of `npz_bytes`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return dict(file)


def _webp(rgba: UInt8[np.ndarray, "H W 4"]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "WEBP", lossless=True, exact=True, quality=20, method=1)
    return file.getvalue()


def _from_webp(data: bytes) -> UInt8[np.ndarray, "H W 4"]:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGBA"))


def _views_to_arrays(name: str, views: tuple[EyeView, ...]) -> dict[str, np.ndarray]:
    return {
        f"{name}_T_world_from_eye": np.stack([v.T_world_from_eye for v in views]),
        f"{name}_angles": np.array([[v.angle_left, v.angle_right, v.angle_up, v.angle_down] for v in views]),
        f"{name}_size": np.array([[v.width, v.height] for v in views]),
    }


def view_from_arrays(name: str, arrays: dict[str, np.ndarray], index: int) -> EyeView:
    """One of the views that `encode_person` wrote under a name (`input` or `target`)."""
    left, right, up, down = (float(angle) for angle in arrays[f"{name}_angles"][index])
    width, height = (int(n) for n in arrays[f"{name}_size"][index])
    return EyeView(arrays[f"{name}_T_world_from_eye"][index], left, right, up, down, width, height)


def _views_from_arrays(name: str, arrays: dict[str, np.ndarray]) -> tuple[EyeView, ...]:
    return tuple(view_from_arrays(name, arrays, i) for i in range(len(arrays[f"{name}_size"])))
