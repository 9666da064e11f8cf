"""Weights of teachers. The header carries the network's configuration and how it was trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.interface import DENSE_CHANNELS
from inperson.shader_model.teacher.config import Size, TeacherConfig
from inperson.shader_model.teacher.model import Teacher

KIND = WeightsKind("inperson-shader-teacher", version=1, noun="teacher", long_noun="shader's teacher")


@dataclass(frozen=True, slots=True)
class TeacherHeader:
    """What a file says about its network."""

    config: TeacherConfig
    dense: tuple[str, ...]
    """The dense channels it was trained with, in their order."""
    provenance: dict[str, str]
    """How it was trained: recipe, steps, scores, data."""


def shipped_teacher(size: Size) -> Path:
    """Where the teacher of a size that comes with the program is."""
    return assets_dir() / "networks" / f"teacher_{size}.safetensors"


def save_teacher(teacher: Teacher, path: Path, provenance: dict[str, str]) -> None:
    """Write the weights, rounded to half precision; the file appears complete or not at all.

    Raises:
        BadInputError: weights are not finite in half precision.
        OutputError: the folder cannot be written.
    """
    about = {"config": teacher.config.to_dict(), "dense": list(DENSE_CHANNELS), "provenance": provenance}
    KIND.write(teacher, path, about)


def read_teacher_header(path: Path) -> TeacherHeader:
    """The header of a teacher's file.

    Raises:
        BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
    """
    with KIND.opened(path) as stored:
        return _header_of(path, stored)


def load_teacher(path: Path) -> Teacher:
    """A trained teacher, ready for inference.

    Raises:
        BadInputError: no such file; it is damaged, of another kind, from a newer version, or was trained with other
            dense channels.
    """
    with KIND.opened(path) as stored:
        header = _header_of(path, stored)
        if header.dense != DENSE_CHANNELS:
            raise BadInputError(f"teacher {path} was trained with other dense channels", "train it again")
        teacher = Teacher(header.config)  # TeacherConfig bounds its size
        KIND.fill(teacher, path, stored)
    return teacher.requires_grad_(False).eval()


def _header_of(path: Path, stored: Any) -> TeacherHeader:
    header = KIND.header_of(path, stored)
    config, dense, provenance = (header.get(name) for name in ("config", "dense", "provenance"))
    if not (isinstance(config, dict) and isinstance(dense, list) and isinstance(provenance, dict)):
        raise BadInputError(f"teacher {path}: its header is incomplete", KIND.again)
    if not all(isinstance(value, str) for value in (*dense, *provenance.values())):
        raise BadInputError(f"teacher {path}: its header is not made of strings", KIND.again)
    return TeacherHeader(TeacherConfig.from_dict(config), tuple(dense), provenance)
