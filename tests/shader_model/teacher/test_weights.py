"""A teacher's file: the same network back, and nothing but an error from anything else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from inperson.errors import BadInputError
from inperson.reconstruct.network.weights_file import MAX_FILE_BYTES
from inperson.shader_model.teacher.config import SIZES, TeacherConfig, config_of
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.weights import load_teacher, read_teacher_header, save_teacher
from tests.shader_model.teacher.conftest import TINY

PROVENANCE = {"recipe": "test", "steps": "0"}
BIAS = "head.out.bias"
Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


@pytest.fixture
def path(teacher: Teacher, tmp_path: Path) -> Path:
    save_teacher(teacher, tmp_path / "teacher.safetensors", PROVENANCE)
    return tmp_path / "teacher.safetensors"


def test_a_file_gives_the_same_network_and_the_same_bytes(teacher: Teacher, path: Path, tmp_path: Path) -> None:
    loaded = load_teacher(path)
    assert loaded.config == TINY
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in teacher.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    save_teacher(loaded, tmp_path / "again.safetensors", PROVENANCE)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert read_teacher_header(path).provenance == PROVENANCE


def _set(name: str, value: object) -> Change:
    return lambda header, _: header.update({name: value})


def _set_config(name: str, value: object) -> Change:
    return lambda header, _: header["config"].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("version", 2), "newer than 1.*update InPerson"),
        (_set("format", "inperson-shader-network"), "not a shader's teacher"),
        (_set("dense", ["alpha"]), "other dense channels"),
        (_set("dense", None), "header is incomplete"),
        (_set("provenance", {"steps": 3}), "not made of strings"),
        (_set_config("widths", [32, 32]), "widths"),
        (_set_config("widths", [32, 32, 1 << 20]), "widths"),
        (_set_config("widths", [32, 32, 40]), "widths"),
        (_set_config("widths", 32), "widths"),
        (_set_config("blocks", [1, True, 1]), "blocks"),
        (_set_config("embedding", "32"), "embedding"),
        (_set_config("expansion", 0), "expansion"),
        (_set_config("surprise", 1), "missing or unknown"),
        (_set_config("widths", [32, 32, 96]), "wrong type or shape"),
        (_set_config("blocks", [1, 1, 1]), "does not hold the arrays"),
        (lambda _, arrays: arrays.pop(BIAS), "does not hold the arrays.*head.out.bias"),
        (lambda _, arrays: arrays.update({BIAS: np.full_like(arrays[BIAS], np.nan)}), "NaN or infinite"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(path: Path, change: Change, message: str) -> None:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["inperson"])
    arrays = load(data)
    change(header, arrays)
    path.write_bytes(save(arrays, {"inperson": json.dumps(header)}))
    with pytest.raises(BadInputError, match=message):
        load_teacher(path)


def test_damage_is_an_error(path: Path) -> None:
    data = path.read_bytes()
    for damaged in (b"", data[:100], data[: len(data) // 2], b"\xff" * 64):
        path.write_bytes(damaged)
        with pytest.raises(BadInputError, match=r"teacher .*teacher\.safetensors"):
            load_teacher(path)


@pytest.mark.parametrize("config", SIZES.values(), ids=SIZES)
def test_sizes_survive_json_and_fit_a_file(config: TeacherConfig) -> None:
    assert TeacherConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in Teacher(config).parameters())
    assert 2 * count < 0.99 * MAX_FILE_BYTES


def test_unknown_sizes_are_named() -> None:
    with pytest.raises(BadInputError, match="'huge' is unknown"):
        config_of("huge")
