"""Files of trained weights: one safetensors each, half precision, with a JSON header. The same for every network.

They are read as untrusted input: sizes, header, names, types and shapes are checked before anything is allocated.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from inperson.avatar.atomic_file import write_atomically
from inperson.errors import BadInputError

MAX_FILE_BYTES = 64 << 20
MAX_HEADER_BYTES = 1 << 20
_ENTRY = "inperson"


@dataclass(frozen=True, slots=True)
class WeightsKind:
    """One kind of network: what its files say of themselves, and what errors call them."""

    format: str
    version: int
    noun: str
    """As in "NOUN me.safetensors cannot be read"."""
    long_noun: str
    """As in "me.safetensors is not a LONG NOUN"."""

    @property
    def again(self) -> str:
        """The mend for a damaged file."""
        return f"copy the file again, or train the {self.noun} again"

    def write(self, network: nn.Module, path: Path, about: dict[str, Any]) -> None:
        """Write the weights, rounded to half precision; the file appears complete or not at all.

        Args:
            about: the header besides format and version; JSON.

        Raises:
            BadInputError: weights are not finite in half precision.
            OutputError: the folder cannot be written.
        """
        state = {
            name: value.detach().cpu().to(torch.float16).contiguous() for name, value in network.state_dict().items()
        }
        broken = sorted(name for name, value in state.items() if not value.isfinite().all())
        if broken:
            raise BadInputError(f"weights {broken[0]} are not finite in half precision", "lower the learning rate")
        header = {"format": self.format, "version": self.version, **about}
        # one entry only: safetensors writes several in an order that differs from run to run
        write_atomically(path, save(state, {_ENTRY: json.dumps(header, sort_keys=True)}))

    @contextlib.contextmanager
    def opened(self, path: Path) -> Iterator[Any]:
        """The file, after its sizes are checked; whatever is wrong with it as one kind of error.

        Raises:
            BadInputError: no such file, or it is damaged.
        """
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                header_bytes = int.from_bytes(file.read(8), "little")
            if not 8 <= header_bytes + 8 <= size <= MAX_FILE_BYTES or header_bytes > MAX_HEADER_BYTES:
                raise BadInputError(f"{self.noun} {path} is truncated, too large or another kind of file", self.again)
            with safe_open(path, framework="numpy") as stored:
                yield stored
        except SafetensorError as error:
            what = f"{self.noun} {path} is not a complete safetensors file ({error})"
            raise BadInputError(what, self.again) from error
        except OSError as error:
            raise BadInputError(f"{self.noun} {path} cannot be read ({error.strerror})", "check the path") from error

    def header_of(self, path: Path, stored: Any) -> dict[str, Any]:
        """The header of an opened file of this kind, whatever else it holds.

        Raises:
            BadInputError: another kind of file, or a newer version.
        """
        not_one = f"{path} is not a {self.long_noun}", f"name a {self.noun}'s .safetensors file"
        try:
            header = json.loads((stored.metadata() or {})[_ENTRY])
        except (KeyError, ValueError, RecursionError) as error:
            raise BadInputError(*not_one) from error
        if not isinstance(header, dict) or header.get("format") != self.format:
            raise BadInputError(*not_one)
        version = header.get("version")
        if type(version) is not int or version < 1:
            raise BadInputError(f"{self.noun} {path}: its version is not a positive number", self.again)
        if version > self.version:
            what = f"{self.noun} {path} is of version {version}, newer than {self.version}"
            raise BadInputError(what, "update InPerson")
        return header

    def fill(self, network: nn.Module, path: Path, stored: Any) -> None:
        """Give the network the weights of an opened file, as float32.

        Raises:
            BadInputError: they are not exactly the network's, or not finite.
        """
        state = self._checked(path, stored, {name: tuple(v.shape) for name, v in network.state_dict().items()})
        network.load_state_dict(state, assign=True)

    def _checked(self, path: Path, stored: Any, wanted: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
        views = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
        if set(views) != set(wanted):
            odd = sorted(set(views) ^ set(wanted))[0]
            what = f"{self.noun} {path} does not hold the arrays of its configuration ({odd})"
            raise BadInputError(what, self.again)
        for name, view in views.items():
            if view.get_dtype() != "F16" or tuple(view.get_shape()) != wanted[name]:
                raise BadInputError(f"{self.noun} {path}: {name} is of the wrong type or shape", self.again)
        state = {name: stored.get_tensor(name).astype(np.float32) for name in views}
        broken = sorted(name for name, value in state.items() if not np.isfinite(value).all())
        if broken:
            raise BadInputError(f"{self.noun} {path}: {broken[0]} holds NaN or infinite numbers", self.again)
        return {name: torch.from_numpy(value) for name, value in state.items()}
