"""Which engine was the fastest before, kept from run to run in the user's cache."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inperson.avatar.atomic_file import write_atomically
from inperson.paths import cache_dir
from inperson.shader_model.network.config import ShaderConfig
from inperson.workers import available_cores

MAX_FILE_BYTES = 1 << 20
_PACKAGES = ("torch", "onnxruntime", "onnxruntime-gpu", "openvino")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shaded at once."""

    people: int
    eyes: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the fastest engine depends on."""

    machine: str
    """Processor and cores, and the GPU where that is what computes."""
    packages: str
    engines: tuple[str, ...]
    """Those that were to choose from."""
    config: ShaderConfig
    shape: Shape
    threads: int
    busy: bool = False
    """Other programs wanted the cores, too: what was measured then says little about calmer times."""

    def key(self) -> str:
        """The same text for the same circumstances."""
        return json.dumps(asdict(self), sort_keys=True)


def circumstances(
    config: ShaderConfig, shape: Shape, threads: int, engines: Iterable[str], gpu: str | None = None
) -> Circumstances:
    """Those of this machine, now."""
    installed = ((package, _version_of(package)) for package in _PACKAGES)
    return Circumstances(
        machine=f"{gpu or processor_name()}, {available_cores()} cores",
        packages=", ".join(f"{package} {number}" for package, number in installed if number),
        engines=tuple(sorted(engines)),
        config=config,
        shape=shape,
        threads=threads,
    )


def cores_are_busy() -> bool:
    """Whether other programs kept more than half of the cores busy in the last minute; False where nobody counts."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5 * available_cores()


def processor_name() -> str:
    """As the system calls it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


class Choices:
    """The file of choices: circumstances to milliseconds by engine. A damaged one counts as empty.

    Args:
        path: by default in the user's cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or cache_dir() / "shader_engines.json"

    def times(self, now: Circumstances) -> dict[str, float] | None:
        """What was measured in these circumstances, in milliseconds by engine; None if nothing was."""
        return self._read().get(now.key())

    def remember(self, now: Circumstances, times_ms: dict[str, float]) -> None:
        """Keep what was measured.

        Raises:
            OutputError: the cache cannot be written.
        """
        stored = {**self._read(), now.key(): times_ms}
        write_atomically(self._path, json.dumps(stored, indent=1, sort_keys=True).encode())

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            if self._path.stat().st_size > MAX_FILE_BYTES:
                return {}
            stored = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(stored, dict) or not all(_are_times(times) for times in stored.values()):
            return {}
        return stored


def _are_times(times: object) -> bool:
    return (
        isinstance(times, dict)
        and len(times) > 0
        and all(type(ms) in (int, float) and 0 < ms < float("inf") for ms in times.values())
    )


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
