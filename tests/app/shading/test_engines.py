"""Which sizes can be had, what is said of those that cannot, and that measuring is announced, once."""

from pathlib import Path
from typing import get_args

import pytest

from inperson.app.shading.choice import DEFAULT_SHADER, ShaderChoice
from inperson.app.shading.engines import measure_engines, open_engines, sizes_for
from inperson.errors import BadInputError
from inperson.shader_model.network.weights import shipped_shader
from tests.app.shading.weights import LARGER, put_weights


def test_the_default_can_run_in_this_checkout() -> None:
    assert DEFAULT_SHADER in get_args(ShaderChoice)
    assert all(shipped_shader(size).is_file() for size in sizes_for(DEFAULT_SHADER))


def test_off_needs_nothing(assets: Path) -> None:
    assert sizes_for("off") == ()
    assert open_engines((), 1, 1) == ()


def test_a_size_without_weights_is_one_line_that_names_the_file_and_the_mend(assets: Path) -> None:
    put_weights(assets, "small")
    with pytest.raises(BadInputError) as raised:
        sizes_for("medium")
    said = str(raised.value)
    assert str(assets / "networks" / "shader_medium.safetensors") in said
    assert "inperson.shader_model.training.train" in said
    assert "\n" not in said


def test_auto_takes_what_has_weights_the_largest_first(assets: Path) -> None:
    with pytest.raises(BadInputError, match=r"shader_small\.safetensors"):
        sizes_for("auto")
    put_weights(assets, "small")
    put_weights(assets, "large")
    assert sizes_for("auto") == ("large", "small")
    assert sizes_for("small") == ("small",)


def test_measuring_is_announced_and_done_once(assets: Path) -> None:
    put_weights(assets, "small")
    said: list[str] = []
    measure_engines(("small",), 1, 1, said.append)
    assert [word in said[0] for word in ("small", "fastest")] == [True, True]
    measure_engines(("small",), 1, 1, said.append)
    (engine,) = open_engines(("small",), 1, 1, said.append)
    assert len(said) == 1
    assert (engine.size, engine.engine.name) == ("small", "torch-fp32")
    assert engine.step_ms > 0


def test_every_size_is_its_own_network(assets: Path) -> None:
    put_weights(assets, "small")
    put_weights(assets, "large", config=LARGER)
    engines = open_engines(sizes_for("auto"), 2, 1)
    assert [engine.engine.hidden_channels for engine in engines] == [48, 32]


def test_a_file_that_is_no_network_is_refused(assets: Path) -> None:
    put_weights(assets, "small").write_bytes(b"not weights")
    with pytest.raises(BadInputError, match=r"shader_small\.safetensors"):
        open_engines(("small",), 1, 1)
