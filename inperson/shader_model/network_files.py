"""Files of networks that are told `Conditions`: weights, the network's configuration, and how it was trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import nn

from inperson.errors import BadInputError
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.interface import DENSE_CHANNELS


class _Config(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


ConfigT = TypeVar("ConfigT", bound=_Config)
NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class NetworkHeader(Generic[ConfigT]):
    """What a file says about its network."""

    config: ConfigT
    dense: tuple[str, ...]
    """The dense channels it was trained with, in their order."""
    provenance: dict[str, str]
    """How it was trained: recipe, seed, steps, scores, data."""


@dataclass(frozen=True, slots=True)
class NetworkFiles(Generic[ConfigT, NetworkT]):
    """Writing and reading the files of one kind of network."""

    kind: WeightsKind
    config_of: Callable[[dict[str, Any]], ConfigT]
    """From a header, which may come from anywhere: bounds what `network` builds."""
    network: Callable[[ConfigT], NetworkT]

    def save(self, network: NetworkT, config: ConfigT, path: Path, provenance: dict[str, str]) -> None:
        """Write the weights, rounded to half precision; the file appears complete or not at all.

        Raises:
            BadInputError: weights are not finite in half precision.
            OutputError: the folder cannot be written.
        """
        about = {"config": config.to_dict(), "dense": list(DENSE_CHANNELS), "provenance": provenance}
        self.kind.write(network, path, about)

    def header(self, path: Path) -> NetworkHeader[ConfigT]:
        """The header of a file.

        Raises:
            BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
        """
        with self.kind.opened(path) as stored:
            return self._header_of(path, stored)

    def load(self, path: Path) -> NetworkT:
        """A trained network, ready for inference.

        Raises:
            BadInputError: as `header`; or it was trained with other dense channels.
        """
        with self.kind.opened(path) as stored:
            header = self._header_of(path, stored)
            if header.dense != DENSE_CHANNELS:
                raise BadInputError(
                    f"{self.kind.noun} {path} was trained with other dense channels", "train it again"
                )
            network = self.network(header.config)
            self.kind.fill(network, path, stored)
        return network.requires_grad_(False).eval()

    def _header_of(self, path: Path, stored: Any) -> NetworkHeader[ConfigT]:
        header, noun = self.kind.header_of(path, stored), self.kind.noun
        config, dense, provenance = (header.get(name) for name in ("config", "dense", "provenance"))
        if not (isinstance(config, dict) and isinstance(dense, list) and isinstance(provenance, dict)):
            raise BadInputError(f"{noun} {path}: its header is incomplete", self.kind.again)
        if not all(isinstance(value, str) for value in (*dense, *provenance.values())):
            raise BadInputError(f"{noun} {path}: its header is not made of strings", self.kind.again)
        return NetworkHeader(self.config_of(config), tuple(dense), provenance)
