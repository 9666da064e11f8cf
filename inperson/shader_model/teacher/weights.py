"""Weights of teachers."""

from pathlib import Path
from typing import get_args

from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.network_files import NetworkFiles, NetworkHeader
from inperson.shader_model.teacher.config import Size, TeacherConfig
from inperson.shader_model.teacher.model import Teacher

KIND = WeightsKind("inperson-shader-teacher", version=1, noun="teacher", long_noun="shader's teacher")
FILES = NetworkFiles(KIND, TeacherConfig.from_dict, Teacher)


def shipped_teacher(size: Size) -> Path:
    """Where the teacher of a size that comes with the program is."""
    return assets_dir() / "networks" / f"teacher_{size}.safetensors"


def teacher_file(given: Path | None, option: str) -> Path:
    """The file that was given, or that of the largest size that comes with the program.

    Args:
        option: of the command line, that gives one.

    Raises:
        BadInputError: none was given, and none comes with the program.
    """
    there = (path for size in reversed(get_args(Size)) if (path := shipped_teacher(size)).is_file())
    found = given or next(there, None)
    if found is None:
        raise BadInputError(
            f"there are no trained weights of a teacher at {shipped_teacher('small')}",
            f"name a file with {option}, or train one as inperson/shader_model/teacher/README.md says",
        )
    return found


def live_model_of(teacher: Teacher) -> LiveShader | None:
    """The live model at whose pictures a teacher begins, of the small size that comes with the program; None for one
    that begins at the render.

    Raises:
        BadInputError: its weights are missing or cannot be read.
    """
    return load_shader(shipped_shader("small")) if teacher.config.begins_at == "live" else None


def save_teacher(teacher: Teacher, path: Path, provenance: dict[str, str]) -> None:
    """See `NetworkFiles.save`."""
    FILES.save(teacher, teacher.config, path, provenance)


def read_teacher_header(path: Path) -> NetworkHeader[TeacherConfig]:
    """See `NetworkFiles.header`."""
    return FILES.header(path)


def load_teacher(path: Path) -> Teacher:
    """See `NetworkFiles.load`."""
    return FILES.load(path)
