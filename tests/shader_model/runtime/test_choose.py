"""The fastest engine is found once, remembered, and found anew when anything that matters changed."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from inperson.errors import BadInputError, DeviceError
from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime import choose
from inperson.shader_model.runtime.choices import MAX_FILE_BYTES, Choices, Shape, circumstances
from inperson.shader_model.runtime.choose import choose_engine, measure
from inperson.shader_model.runtime.engine import Engine, in_order
from inperson.shader_model.runtime.example import example_inputs
from inperson.workers import available_cores

CPU = torch.device("cpu")
SHAPE = Shape(people=1, eyes=2, height=32, width=64)
ENGINES = ("fast", "slow")


class Steps:
    """An engine that counts its steps on a clock of its own."""

    hidden_channels = 32

    def __init__(self, name: str, clock: "Clock", seconds: float) -> None:
        self.name = name
        self._clock = clock
        self._seconds = seconds

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        self._clock.now += self._seconds
        self._clock.steps += 1
        return inputs.color, inputs.hidden


class Clock:
    now = 0.0
    steps = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


@pytest.fixture(autouse=True)
def load(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of the machine; calm unless a test says otherwise."""
    load = [0.0, 0.0, 0.0]
    monkeypatch.setattr(os, "getloadavg", lambda: tuple(load))
    return load


@pytest.fixture
def makers(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Engine]]:
    makers: dict[str, Callable[[], Engine]] = {
        "slow": lambda: Steps("slow", clock, 0.030),
        "fast": lambda: Steps("fast", clock, 0.010),
    }
    monkeypatch.setattr(choose, "candidates", lambda *_: makers)
    return makers


@pytest.fixture
def choices(tmp_path: Path) -> Choices:
    return Choices(tmp_path / "choices.json")


def test_the_fastest_is_chosen_and_remembered(
    untrained: LiveShader, clock: Clock, makers: dict, choices: Choices, tmp_path: Path
):
    assert choose_engine(untrained, SHAPE, CPU, 2, choices=choices).name == "fast"
    assert clock.steps == 2 * (1 + choose.ROUNDS)
    times = choices.times(circumstances(untrained.config, SHAPE, 2, makers))
    assert times == pytest.approx({"slow": 30.0, "fast": 10.0})
    again = choose_engine(untrained, SHAPE, CPU, 2, choices=Choices(tmp_path / "choices.json"))
    assert again.name == "fast"
    assert clock.steps == 2 * (1 + choose.ROUNDS)


def test_the_one_asked_for_is_taken_unmeasured(untrained: LiveShader, clock: Clock, makers: dict, choices: Choices):
    assert choose_engine(untrained, SHAPE, CPU, 2, asked_for="slow", choices=choices).name == "slow"
    assert clock.steps == 0
    with pytest.raises(BadInputError, match="'steam' cannot run here: choose from fast, slow"):
        choose_engine(untrained, SHAPE, CPU, 2, asked_for="steam", choices=choices)


def test_with_other_engines_to_choose_from_all_are_measured_anew(
    untrained: LiveShader, clock: Clock, makers: dict, choices: Choices
):
    choose_engine(untrained, SHAPE, CPU, 2, choices=choices)
    fast = makers.pop("fast")
    assert choose_engine(untrained, SHAPE, CPU, 2, choices=choices).name == "slow"
    makers |= {"fast": fast, "faster": lambda: Steps("faster", clock, 0.005)}
    assert choose_engine(untrained, SHAPE, CPU, 2, choices=choices).name == "faster"


def test_what_a_busy_machine_measured_is_measured_anew_in_calmer_times(
    untrained: LiveShader, clock: Clock, makers: dict, choices: Choices, load: list[float]
):
    once = 2 * (1 + choose.ROUNDS)
    load[0] = 64.0 * available_cores()
    for _ in range(2):
        choose_engine(untrained, SHAPE, CPU, 2, choices=choices)
        assert clock.steps == once
    load[0] = 0.4 * available_cores()
    for _ in range(2):
        choose_engine(untrained, SHAPE, CPU, 2, choices=choices)
        assert clock.steps == 2 * once
    load[0] = 64.0
    choose_engine(untrained, SHAPE, CPU, 2, choices=choices)
    assert clock.steps == 2 * once


def test_whatever_matters_is_measured_apart(untrained: LiveShader, choices: Choices):
    now = circumstances(untrained.config, SHAPE, 2, ENGINES)
    choices.remember(now, {"fast": 1.0})
    for other in (
        replace(now, shape=replace(SHAPE, eyes=1)),
        replace(now, shape=replace(SHAPE, width=96)),
        replace(now, config=SIZES["small"]),
        replace(now, machine="another"),
        replace(now, packages="torch 3"),
        replace(now, engines=(*ENGINES, "steam")),
        replace(now, threads=1),
        replace(now, busy=True),
    ):
        assert choices.times(other) is None
        choices.remember(other, {"fast": 2.0})
    assert choices.times(now) == {"fast": 1.0}
    assert "torch" in now.packages


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"a": 3}',
        b'{"a": {}}',
        b'{"a": {"fast": "soon"}}',
        b'{"a": {"fast": NaN}}',
        b'{"a": {"fast": -1}}',
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
def test_a_damaged_file_counts_as_empty_and_is_mended(untrained: LiveShader, tmp_path: Path, damage: bytes):
    path = tmp_path / "choices.json"
    path.write_bytes(damage)
    now = circumstances(untrained.config, SHAPE, 2, ENGINES)
    assert Choices(path).times(now) is None
    Choices(path).remember(now, {"fast": 1.0})
    assert json.loads(path.read_bytes()) == {now.key(): {"fast": 1.0}}


def test_an_engine_whose_libraries_are_missing_is_passed_over(
    untrained: LiveShader, clock: Clock, makers: dict[str, Callable[[], Engine]]
):
    def broken() -> Engine:
        raise DeviceError("no CUDA", "install it")

    times = measure({"broken": broken, **makers}, example_inputs(untrained, SHAPE, CPU))
    assert times == pytest.approx({"slow": 30.0, "fast": 10.0})


def test_examples_are_what_the_model_takes(untrained: LiveShader):
    shape = Shape(people=2, eyes=2, height=64, width=32)
    output, hidden = untrained(*in_order(example_inputs(untrained, shape, CPU)))
    assert output.shape == (4, 4, 64, 32)
    assert hidden.shape == (2, 32, 4, 2)
