"""A shader's file: the same bytes back, and nothing but an error from anything else."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from inperson.errors import BadInputError, OutputError
from inperson.reconstruct.network import weights_file
from inperson.shader_model.network.config import SIZES, ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader, read_shader_header, save_shader

PROVENANCE = {"recipe": "test", "seed": "3", "steps": "0"}
BIAS = "head.added.bias"
Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


@pytest.fixture
def path(network: LiveShader, tmp_path: Path) -> Path:
    save_shader(network, tmp_path / "shader.safetensors", PROVENANCE)
    return tmp_path / "shader.safetensors"


def header_of(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["inperson"])
    return header


def rewrite(path: Path, change: Change) -> None:
    """The file with something changed in its header or arrays."""
    data = path.read_bytes()
    header, arrays = header_of(data), load(data)
    change(header, arrays)
    path.write_bytes(save(arrays, {"inperson": json.dumps(header, sort_keys=True)}))


def test_a_file_gives_the_same_network_and_the_same_bytes(network: LiveShader, path: Path, tmp_path: Path) -> None:
    loaded = load_shader(path)
    assert loaded.config == network.config
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    save_shader(loaded, tmp_path / "again.safetensors", PROVENANCE)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_the_header_says_how_it_was_made(path: Path, tiny_config: ShaderConfig) -> None:
    header = read_shader_header(path)
    assert header.config == tiny_config
    assert header.provenance == PROVENANCE


def _set(name: str, value: object) -> Change:
    return lambda header, _: header.update({name: value})


def _set_config(name: str, value: object) -> Change:
    return lambda header, _: header["config"].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("version", 2), "newer than 1.*update InPerson"),
        (_set("version", "1"), "not a positive number"),
        (_set("format", "inperson-reconstruction-network"), "not a shader network"),
        (_set("dense", ["alpha"]), "other dense channels"),
        (_set("dense", [1]), "not made of strings"),
        (_set("dense", None), "header is incomplete"),
        (_set("config", None), "header is incomplete"),
        (_set("provenance", {"steps": 3}), "not made of strings"),
        (_set_config("widths", [16, 16]), "lengths"),
        (_set_config("widths", [16, 16, 1 << 20]), "widths"),
        (_set_config("widths", 16), "wrong kind"),
        (_set_config("trunk", True), "wrong kind"),
        (_set_config("trunk", [1]), "wrong kind"),
        (_set_config("surprise", 1), "missing or unknown"),
        (_set_config("widths", [16, 16, 48]), "wrong type or shape"),
        (_set_config("trunk", 2), "does not hold the arrays"),
        (lambda _, arrays: arrays.pop(BIAS), "does not hold the arrays.*head.added.bias"),
        (lambda _, arrays: arrays.update({BIAS: arrays[BIAS].astype(np.float32)}), "head.added.bias is of the wrong"),
        (lambda _, arrays: arrays.update({BIAS: np.full_like(arrays[BIAS], np.nan)}), "NaN or infinite"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(path: Path, change: Change, message: str) -> None:
    rewrite(path, change)
    with pytest.raises(BadInputError, match=message):
        load_shader(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    for data in (b"", b"\x00" * 7, b"\xff" * 64, (1 << 62).to_bytes(8, "little") + b"{}", save({"a": np.zeros(3)})):
        path.write_bytes(data)
        with pytest.raises(BadInputError):
            load_shader(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        load_shader(tmp_path / "missing.safetensors")


def test_a_file_too_large_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(path, weights_file.MAX_FILE_BYTES + 1)
    monkeypatch.setattr(weights_file, "safe_open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(BadInputError, match="too large"):
        load_shader(path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    save_shader(LiveShader(ShaderConfig(widths=(16, 16, 16), blocks=(0, 0, 0), trunk=0)), path, PROVENANCE)
    return path


@given(cut=st.floats(0.0, 1.0), flips=st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(1, 255)), max_size=6))
def test_damage_is_refused_or_gives_finite_weights(tiny: Path, cut: float, flips: list[tuple[float, int]]) -> None:
    data = bytearray(tiny.read_bytes())
    for place, mask in flips:
        # squared: most of the damage goes where the header is
        data[int(place * place * (len(data) - 1))] ^= mask
    damaged = tiny.with_name("damaged.safetensors")
    damaged.write_bytes(bytes(data if cut > 0.5 else data[: int(2 * cut * len(data))]))
    try:
        network = load_shader(damaged)
    except BadInputError:
        return
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_weights_beyond_half_precision_are_not_written(network: LiveShader, tmp_path: Path) -> None:
    with torch.no_grad():
        network.head.added.bias[0] = 1e6  # type: ignore[index]
    with pytest.raises(BadInputError, match=r"head\.added\.bias are not finite"):
        save_shader(network, tmp_path / "shader.safetensors", PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_is_left(network: LiveShader, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_shader(network, tmp_path / "missing" / "shader.safetensors", PROVENANCE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("config", SIZES.values(), ids=SIZES)
def test_configurations_survive_json(config: ShaderConfig) -> None:
    assert ShaderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
