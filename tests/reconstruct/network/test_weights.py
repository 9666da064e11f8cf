"""A network's file: the same bytes back, and nothing but an error from anything else."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
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
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import NetInputs
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights import load_network, read_header, save_network

PROVENANCE = {"recipe": "test", "seed": "3", "steps": "0"}


@pytest.fixture
def path(network: ReconstructionNet, tmp_path: Path) -> Path:
    save_network(network, tmp_path / "net.safetensors", PROVENANCE)
    return tmp_path / "net.safetensors"


def header_of(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["inperson"])
    return header


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> None:
    """The file with something changed in its header or arrays."""
    data = path.read_bytes()
    header, arrays = header_of(data), load(data)
    change(header, arrays)
    path.write_bytes(save(arrays, {"inperson": json.dumps(header, sort_keys=True)}))


def test_a_file_gives_the_same_network_and_the_same_bytes(
    network: ReconstructionNet, path: Path, tmp_path: Path, make_batch: Callable[[int], NetInputs]
) -> None:
    loaded = load_network(path)
    assert loaded.config == network.config
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    save_network(loaded, tmp_path / "again.safetensors", PROVENANCE)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    with torch.no_grad():
        inputs = make_batch(1)
        torch.testing.assert_close(loaded(inputs).color, network.half().float()(inputs).color)


def test_the_header_says_how_it_was_made(path: Path, config: NetConfig) -> None:
    header = read_header(path)
    assert header.config == config
    assert header.provenance == PROVENANCE
    assert len(header.uv_sha256) == 64


def _set(name: str, value: object) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda header, _: header.update({name: value})


def _set_config(name: str, value: object) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda header, _: header["config"].update({name: value})


BIAS = "head.out.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("version", 2), "newer than 1.*update InPerson"),
        (_set("version", "1"), "not a positive number"),
        (_set("format", "inperson-avatar"), "not a reconstruction network"),
        (_set("uv_sha256", "0" * 64), "another body's uv map"),
        (_set("config", None), "header is incomplete"),
        (_set("provenance", {"steps": 3}), "not a table of strings"),
        (_set_config("widths", [8, 16, 16, 24]), "widths"),
        (_set_config("widths", [8, 16, 16, 24, 1 << 20]), "channels"),
        (_set_config("size", 1 << 30), "size"),
        (_set_config("size", True), "wrong kind"),
        (_set_config("max_offset", float("nan")), "limits"),
        (_set_config("semantic", "psychic"), "semantic"),
        (_set_config("surprise", 1), "missing or unknown"),
        (_set_config("token_width", 40), "wrong type or shape"),
        (_set_config("token_blocks", 2), "does not hold the arrays"),
        (lambda _, arrays: arrays.pop(BIAS), "does not hold the arrays.*head.out.bias"),
        (lambda _, arrays: arrays.update({BIAS: arrays[BIAS].astype(np.float32)}), "head.out.bias is of the wrong"),
        (lambda _, arrays: arrays.update({BIAS: np.full_like(arrays[BIAS], np.nan)}), "NaN or infinite"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    path: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None], message: str
) -> None:
    rewrite(path, change)
    with pytest.raises(BadInputError, match=message):
        load_network(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    for data in (b"", b"\x00" * 7, b"\xff" * 64, (1 << 62).to_bytes(8, "little") + b"{}", save({"a": np.zeros(3)})):
        path.write_bytes(data)
        with pytest.raises(BadInputError):
            load_network(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        load_network(tmp_path / "missing.safetensors")


def test_a_file_too_large_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(path, weights_file.MAX_FILE_BYTES + 1)
    monkeypatch.setattr(weights_file, "safe_open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(BadInputError, match="too large"):
        load_network(path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = NetConfig(size=16, widths=(8, 8, 8, 8, 8), token_width=8, token_blocks=0, heads=1, appearance=(8, 8, 8))
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    save_network(ReconstructionNet(config), path, PROVENANCE)
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
        network = load_network(damaged)
    except BadInputError:
        return
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_a_backbone_that_nobody_asked_for_is_refused(path: Path) -> None:
    class Backbone:
        width = 8

        def __call__(self, crop: torch.Tensor) -> torch.Tensor:
            return crop

    with pytest.raises(BadInputError, match="give no backbone"):
        load_network(path, Backbone())


def test_weights_beyond_half_precision_are_not_written(network: ReconstructionNet, tmp_path: Path) -> None:
    with torch.no_grad():
        network.head.out.bias[0] = 1e6  # type: ignore[index]
    with pytest.raises(BadInputError, match=r"head\.out\.bias are not finite"):
        save_network(network, tmp_path / "net.safetensors", PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_is_left(network: ReconstructionNet, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_network(network, tmp_path / "missing" / "net.safetensors", PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_configurations_survive_json() -> None:
    config = replace(NetConfig(), size=128, heads=3, max_turn=1.0)
    assert NetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
