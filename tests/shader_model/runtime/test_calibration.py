"""Calibrations hold every input, belong to their weights whoever the person is, and come back from their files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.personal.adapter import AdaptedShader, personal_of, personalised
from inperson.shader_model.runtime.calibration import (
    Calibration,
    calibrated,
    load_calibration,
    save_calibration,
    shipped_calibration,
)
from inperson.shader_model.runtime.int8 import ChannelRanges, rounded_convolutions
from tests.shader_model.made_up_windows import made_up_window

STORED = {
    "version": 1,
    "weights_sha256": "ab",
    "ranges": {"trunk.0.widen": {"low": [-1.5, 0], "high": [2, 0.5]}},
    "provenance": {"data": "discs"},
}


def test_ranges_hold_every_input_of_every_window_and_zero(network: LiveShader):
    windows = [made_up_window(seed, eyes=1 + seed % 2) for seed in range(3)]
    found = calibrated(network, windows, {"data": "discs"})
    names = {name for name, _ in rounded_convolutions(network)}
    assert set(found.ranges) == names
    assert found.provenance == {"data": "discs"}
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    for name, convolution in rounded_convolutions(network):
        convolution.register_forward_pre_hook(lambda _, given, name=name: seen[name].append(given[0]))
    with torch.no_grad():
        for window in windows:
            unroll(network, [ConditionsBatch.of([moment]) for moment in window.conditions])
    for name, ranges in found.ranges.items():
        everything = torch.cat([x.transpose(0, 1).flatten(1) for x in seen[name]], dim=1)
        assert ranges.low == tuple(everything.amin(dim=1).clamp(max=0.0).tolist())
        assert ranges.high == tuple(everything.amax(dim=1).clamp(min=0.0).tolist())


def test_nothing_to_look_at_is_no_calibration(network: LiveShader):
    with pytest.raises(BadInputError, match="no windows"):
        calibrated(network, [], {})


def test_it_belongs_to_its_weights_and_to_everybody(network: LiveShader):
    found = calibrated(network, [made_up_window(0)], {})
    assert found.belongs_to(network)
    adapted = AdaptedShader(network)
    adapted.fill(np.random.default_rng(3).normal(scale=0.1, size=len(adapted.values())).astype(np.float32))
    person = personalised(network, personal_of(adapted, network))
    assert not torch.equal(person.head.added.weight, network.head.added.weight)
    assert found.belongs_to(person)
    with torch.no_grad():
        network.remember.gates.weight[0, 0, 0, 0] += 1.0
    assert not found.belongs_to(network)


def test_other_weights_of_a_size_that_ships_have_none():
    torch.manual_seed(0)
    assert shipped_calibration(LiveShader(SIZES["small"])) is None


def test_it_comes_back_from_its_file(tmp_path: Path):
    whole = Calibration("ab", {"trunk.0.widen": ChannelRanges((-1.5, 0.0), (2.0, 0.5))}, {"data": "discs"})
    save_calibration(whole, tmp_path / "a.int8.json")
    assert load_calibration(tmp_path / "a.int8.json") == whole
    assert json.loads((tmp_path / "a.int8.json").read_bytes()) == STORED
    assert whole != replace(whole, ranges={})


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        json.dumps({**STORED, "version": 2}).encode(),
        json.dumps({**STORED, "more": 1}).encode(),
        json.dumps({k: v for k, v in STORED.items() if k != "ranges"}).encode(),
        json.dumps({**STORED, "weights_sha256": 3}).encode(),
        json.dumps({**STORED, "provenance": {"data": 1}}).encode(),
        *(
            json.dumps({**STORED, "ranges": {"trunk.0.widen": ranges}}).encode()
            for ranges in (
                [0, 1],
                {"low": [0]},
                {"low": [0], "high": 1},
                {"low": [0], "high": [True]},
                {"low": [0], "high": [1, 1]},
                {"low": [1], "high": [2]},
                {"low": [-2], "high": [-1]},
                {"low": [0], "high": [float("nan")]},
            )
        ),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: bytes):
    path = tmp_path / "a.int8.json"
    path.write_bytes(damage)
    with pytest.raises(BadInputError, match=r"a\.int8\.json cannot be read .*tools.calibrate_shader"):
        load_calibration(path)
