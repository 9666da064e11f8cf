"""Shading frame by frame: the same as the windowed forward pass, and clean starts."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.runtime.torch_engine import TorchEngine
from inperson.shader_model.stream import ShaderStream

MakeConditions = Callable[..., Conditions]
MakeWindow = Callable[..., list[Conditions]]
CPU = torch.device("cpu")


@pytest.fixture
def engine(network: LiveShader) -> TorchEngine:
    return TorchEngine(network, torch.float32, CPU)


@pytest.fixture
def stream(engine: TorchEngine) -> Iterator[ShaderStream]:
    with ShaderStream(engine, threads=2) as stream:
        yield stream


@pytest.mark.parametrize("eyes", [1, 2])
def test_streaming_equals_the_windowed_forward_pass(
    network: LiveShader, stream: ShaderStream, make_window: MakeWindow, eyes: int
):
    frames = make_window(8, eyes)
    frames[5] = replace(frames[5], before=frames[5].before[:, :0], seen_before=frames[5].seen_before[:, :0])
    with torch.no_grad():
        whole = unroll(network, [ConditionsBatch.of([frame]) for frame in frames])
    for frame, expected in zip(frames, whole, strict=True):
        torch.testing.assert_close(stream.shade(frame), expected[0], rtol=0, atol=1e-4)


def test_what_it_gave_is_not_written_over(stream: ShaderStream, make_window: MakeWindow):
    given = [stream.shade(frame) for frame in make_window(1)]
    copy = given[0].clone()
    for frame in make_window(3, seed=1):
        stream.shade(frame)
    assert torch.equal(given[0], copy)


def test_a_reset_forgets_everything(engine: TorchEngine, stream: ShaderStream, make_window: MakeWindow):
    frames, others = make_window(3), make_window(3, seed=1)
    for frame in others:
        stream.shade(frame)
    with ShaderStream(engine, threads=1) as fresh:
        for frame in frames:  # the first says itself that nothing was before it
            assert torch.equal(stream.shade(frame), fresh.shade(frame))
        stream.forget()
        fresh.forget()
        stream.shade(others[2])
        remembering = stream.shade(frames[2])
        stream.forget()
        assert not torch.equal(stream.shade(frames[2]), remembering)
        assert torch.equal(stream.shade(others[1]), _after(fresh, frames[2], others[1]))


def _after(stream: ShaderStream, first: Conditions, then: Conditions) -> torch.Tensor:
    stream.shade(first)
    return stream.shade(then)


def test_the_crop_may_change_its_size_and_eyes_come_and_go(stream: ShaderStream, make_conditions: MakeConditions):
    for eyes, before, height, width in (
        (1, 0, 64, 64),
        (1, 1, 96, 64),
        (2, 1, 64, 96),
        (2, 2, 64, 64),
        (1, 2, 32, 64),
    ):
        shaded = stream.shade(make_conditions(eyes, before, height=height, width=width))
        assert shaded.shape == (eyes, 4, height, width)
        assert shaded.isfinite().all()


def test_a_wrong_count_of_eyes_before_is_said(stream: ShaderStream, make_conditions: MakeConditions):
    stream.shade(make_conditions(1, 0))
    with pytest.raises(ValueError, match="the last frame had 1 eyes, not 2"):
        stream.shade(make_conditions(2, 2))


def test_another_size_goes_on_from_the_last_pictures(
    network: LiveShader, stream: ShaderStream, make_window: MakeWindow, tiny_config: ShaderConfig
):
    frames = make_window(3)
    torch.manual_seed(5)
    wider = LiveShader(replace(tiny_config, widths=(16, 16, 48))).eval()
    torch.nn.init.constant_(wider.head.previous.bias, 1.0)  # it mixes in what it remembers
    engine = TorchEngine(wider, torch.float32, CPU)
    stream.shade(frames[0])
    stream.use(engine)
    gone_on = stream.shade(frames[1])
    assert stream.shade(frames[2]).shape == frames[2].color.shape
    with ShaderStream(engine, threads=1) as fresh:
        assert (fresh.shade(frames[1]) - gone_on).abs().max() > 1e-3


def test_untrained_a_stream_shows_the_render(untrained: LiveShader, make_window: MakeWindow):
    with ShaderStream(TorchEngine(untrained, torch.float32, CPU), threads=1) as stream:
        for frame in make_window(3):
            assert torch.equal(stream.shade(frame), frame.color)
