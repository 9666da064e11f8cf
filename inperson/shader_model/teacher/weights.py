"""Weights of teachers."""

from pathlib import Path

from inperson.paths import assets_dir
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.network_files import NetworkFiles, NetworkHeader
from inperson.shader_model.teacher.config import Size, TeacherConfig
from inperson.shader_model.teacher.model import Teacher

KIND = WeightsKind("inperson-shader-teacher", version=1, noun="teacher", long_noun="shader's teacher")
FILES = NetworkFiles(KIND, TeacherConfig.from_dict, Teacher)


def shipped_teacher(size: Size) -> Path:
    """Where the teacher of a size that comes with the program is."""
    return assets_dir() / "networks" / f"teacher_{size}.safetensors"


def save_teacher(teacher: Teacher, path: Path, provenance: dict[str, str]) -> None:
    """See `NetworkFiles.save`."""
    FILES.save(teacher, teacher.config, path, provenance)


def read_teacher_header(path: Path) -> NetworkHeader[TeacherConfig]:
    """See `NetworkFiles.header`."""
    return FILES.header(path)


def load_teacher(path: Path) -> Teacher:
    """See `NetworkFiles.load`."""
    return FILES.load(path)
