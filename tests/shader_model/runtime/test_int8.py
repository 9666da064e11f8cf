"""8-bit products: within the bound that rounding has, the same in the engine as simulated, and good enough to see."""

from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.errors import BadInputError, DeviceError
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.interface import Conditions, NetworkInputs
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.runtime.calibration import Calibration, calibrated, shipped_calibration
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.engine import in_order
from inperson.shader_model.runtime.int8 import (
    ChannelRanges,
    RoundedConv2d,
    check_rounding,
    rounded,
)
from tests.shader_model.conditions.scenes import eye, gesturing
from tests.shader_model.made_up_windows import made_up_window

CPU = torch.device("cpu")
GOOD_ENOUGH = 45.0
"""dB: no difference that anybody sees."""


def ranges_of(x: Tensor) -> ChannelRanges:
    """Exactly those of an input."""
    ends = x.amin(dim=(0, 2, 3)).clamp(max=0.0), x.amax(dim=(0, 2, 3)).clamp(min=0.0)
    return ChannelRanges(*(tuple(end.tolist()) for end in ends))


@given(
    seed=st.integers(0, 1 << 20),
    low=st.floats(-8.0, 0.0),
    high=st.floats(0.1, 8.0),
    quiet=st.floats(0.01, 1.0),
    side=st.sampled_from([1, 3]),
    loud=st.floats(0.01, 3.0),
)
def test_a_product_is_as_exact_as_its_roundings(
    seed: int, low: float, high: float, quiet: float, side: int, loud: float
):
    random = torch.Generator().manual_seed(seed)
    plain = nn.Conv2d(3, 2, side, padding=side // 2).requires_grad_(False)
    for parameter in plain.parameters():
        nn.init.normal_(parameter, std=loud, generator=random)
    x = low + (high - low) * torch.rand(1, 3, 4, 5, generator=random)
    x[:, 1] *= quiet
    coarse = RoundedConv2d(plain, ranges_of(x))
    # half a step each way; and the ends move by half a step where zero must be a level
    x_off, weight_off = coarse.scale, 0.5 * coarse.weight_scale[:, None, None]
    sums = nn.functional.conv2d(torch.ones_like(x), coarse.weight.abs(), padding=side // 2)
    inputs = nn.functional.conv2d((x * coarse.gain).abs() + x_off, torch.ones_like(plain.weight), padding=side // 2)
    assert ((coarse(x) - plain(x)).abs() <= 1.001 * (x_off * sums + weight_off * inputs) + 1e-5).all()


def test_a_quiet_channel_beside_a_loud_one_is_not_lost():
    """What is remembered stays within 1, what comes in goes to 12."""
    random = torch.Generator().manual_seed(0)
    plain = nn.Conv2d(2, 4, 1, bias=False).requires_grad_(False)
    x = torch.randn(1, 2, 32, 32, generator=random) * torch.tensor([0.02, 12.0])[None, :, None, None]
    nn.init.normal_(plain.weight, generator=random)
    plain.weight *= torch.tensor([6.0, 0.01])[None, :, None, None]
    off = (RoundedConv2d(plain, ranges_of(x))(x) - plain(x)).square().mean() / plain(x).square().mean()
    assert off < 1e-4  # with one scale for both channels more than 0.01


def test_what_lies_beyond_the_range_becomes_the_nearest_that_there_is():
    plain = nn.Conv2d(1, 1, 1, bias=False).requires_grad_(False)
    nn.init.ones_(plain.weight)
    x = torch.tensor([-7.0, -1.0, 0.0, 2.0, 90.0])[None, None, None]
    shown = RoundedConv2d(plain, ChannelRanges((-1.0,), (2.0,)))(x).flatten()
    torch.testing.assert_close(shown, torch.tensor([-1.0, -1.0, 0.0, 2.0, 2.0]), atol=0.006, rtol=0)


@pytest.fixture
def calibration(network: LiveShader) -> Calibration:
    return calibrated(network, [made_up_window(seed, eyes=2, size=64) for seed in range(2)], {})


def test_only_the_dense_products_at_a_sixteenth_are_rounded(network: LiveShader, calibration: Calibration):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    copied = rounded(network, calibration.ranges)
    changed = {name for name, module in copied.named_modules() if isinstance(module, RoundedConv2d)}
    assert changed == {
        *("each_eye.0.widen", "each_eye.0.narrow"),
        *("remember.gates", "remember.candidate"),
        *("trunk.0.widen", "trunk.0.narrow"),
    }
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    with pytest.raises(BadInputError, match=r"trunk\.0\.narrow has 64 channels, not 0"):
        rounded(network, {k: v for k, v in calibration.ranges.items() if k != "trunk.0.narrow"})
    with pytest.raises(BadInputError, match=r"trunk\.0\.narrow has 64 channels, not 1"):
        rounded(network, {**calibration.ranges, "trunk.0.narrow": ChannelRanges((-1.0,), (1.0,))})


def test_the_engine_computes_what_was_simulated(
    network: LiveShader,
    calibration: Calibration,
    make_inputs: Callable[..., NetworkInputs],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("inperson.shader_model.runtime.candidates.shipped_calibration", lambda model: calibration)
    engine = candidates(network, CPU, threads=1)["openvino-int8"]()
    assert engine.name == "openvino-int8"
    simulated = rounded(network, calibration.ranges)
    for inputs in (make_inputs(1), make_inputs(2, height=64, width=96)):
        with torch.no_grad():
            expected = simulated(*in_order(inputs))
        for part, wanted in zip(engine.step(inputs), expected, strict=True):
            error = (part - wanted).abs()
            assert error.mean() < 0.01
            assert error.max() < 0.15


class Overflowing:
    """An engine whose integers saturate."""

    name = "overflowing"
    hidden_channels = 32

    def __init__(self, model: LiveShader) -> None:
        self._model = model

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        output, hidden = self._model(*in_order(inputs))
        return output, hidden.clamp(-0.2, 0.2)


def test_an_engine_that_overflows_is_refused(network: LiveShader, calibration: Calibration):
    with pytest.raises(DeviceError, match="overflowing computes something else on this processor"):
        check_rounding(Overflowing(network), rounded(network, calibration.ranges))


@pytest.fixture(scope="module")
def gesture() -> Iterator[list[ConditionsBatch]]:
    """Somebody who ships, in motion, seen by one eye."""
    avatar = load_avatar("ada")
    rasterizer = CpuRasterizer(threads=1)
    poser, maker = AvatarPoser(avatar, load_body(avatar.body_name)), ConditionMaker(rasterizer)
    view = eye((0.0, 0.3, 1.4), (0.0, 0.25, 0.0), (192, 192), half=0.3)

    def told(seconds: float) -> Conditions:
        state = gesturing(poser.body, seconds)
        return maker.make(Moment(poser, state, poser.pose(state), (view,), round(seconds * 1e9))).conditions

    yield [ConditionsBatch.of([told(number / 30.0)]) for number in range(8)]
    maker.close()
    poser.close()
    rasterizer.close()


def test_what_ships_is_calibrated_and_nobody_sees_the_rounding(gesture: list[ConditionsBatch]):
    model = load_shader(shipped_shader("small"))
    calibration = shipped_calibration(model)
    assert calibration is not None, "the weights have changed: python -m tools.calibrate_shader"
    with torch.no_grad():
        exact, coarse = (unroll(m, gesture) for m in (model, rounded(model, calibration.ranges)))
    for a, b in zip(exact, coarse, strict=True):
        inside = (a[:, :, 3:] > 0.5).expand_as(a)
        assert inside.any()
        assert -10.0 * torch.log10((a - b)[inside].square().mean()) > GOOD_ENOUGH
    assert not torch.equal(exact[-1], coarse[-1])
