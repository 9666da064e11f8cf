"""Whole frames on a device: those of the host, on nothing but that device, without waiting for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.bus import Bus
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.tensors import TensorRasterizer, Uploads
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker, FrameConditions
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.torch_engine import TorchEngine
from inperson.shader_model.stream import ShaderStream
from tests.reconstruct.far_device import FAR
from tests.shader_model.conditions.elsewhere import elsewhere, rasterizer_here
from tests.shader_model.conditions.scenes import eye, gesturing

CPU = torch.device("cpu")
TOLERANCES = {"before": 5e-3, "seen_before": 5e-3, "photo": 2e-3}
"""Of the fields that are computed; all others are nearly exact."""
MakeRasterizer = Callable[[], TensorRasterizer]


@pytest.fixture(params=["near", "far"])
def there(request: pytest.FixtureRequest) -> Iterator[TensorRasterizer]:
    """A rasteriser of tensors of the CPU, and one on the strict device."""
    with ExitStack() as stack:
        yield rasterizer_here() if request.param == "near" else stack.enter_context(elsewhere())


def pair(shift: float = 0.0) -> tuple[EyeView, ...]:
    return tuple(eye((x + shift, 0.3, 1.4), (0, 0.25, 0), (192, 160), half=0.3) for x in (-0.03, 0.03))


def moment(
    poser: AvatarPoser, frame: int, views: tuple[EyeView, ...] | None = None, late_ns: int = 0, away: float = 0.0
) -> Moment:
    state = gesturing(poser.body, 0.033 * frame)
    state = replace(state, transl=np.array([away, 0, 0], np.float32))
    return Moment(poser, state, poser.pose(state), views or pair(0.01 * frame), 33_000_000 * frame + late_ns)


def assert_same(own: FrameConditions, host: FrameConditions) -> None:
    for name in Conditions.__slots__:
        ours, true = getattr(own.conditions, name).cpu(), getattr(host.conditions, name)
        assert ours.shape == true.shape, name
        torch.testing.assert_close(ours, true, rtol=0, atol=TOLERANCES.get(name, 1e-5), msg=name)
    torch.testing.assert_close(own.planes.cpu(), host.planes, rtol=0, atol=1e-5)


def test_a_sequence_is_the_hosts(
    there: TensorRasterizer, cpu: CpuRasterizer, photographed: GaussianAvatar, body: BodyModel
) -> None:
    """Motion, eyes that move, crops that move and grow, one eye, a pause, a teleport, another level of detail,
    another person, one without photo and parts, and the first again."""
    poser = AvatarPoser(photographed, body)
    level = AvatarPoser(levels_of_detail(photographed, body, levels=2)[1], body)
    plain = replace(photographed, name="plain", photo=None, features=photographed.features[:, :0])
    other = AvatarPoser(plain, body)
    larger = tuple(eye((x, 0.3, 1.4), (0.02, 0.25, 0), (224, 192), half=0.33) for x in (-0.03, 0.03))
    moments = [
        *(moment(poser, n) for n in range(3)),
        *(moment(poser, 3, larger), moment(poser, 4, larger[:1]), moment(poser, 5, larger[:1])),
        *(moment(poser, 6), moment(poser, 7), moment(level, 8), moment(level, 9), moment(poser, 10)),
        *(moment(poser, 11, late_ns=10**9), moment(poser, 12, late_ns=10**9)),
        *(moment(poser, 13, late_ns=10**9, away=0.6), moment(other, 14, late_ns=10**9)),
        *(moment(other, 15, late_ns=10**9), moment(poser, 16, late_ns=10**9)),
    ]
    own, host = ConditionMaker(there), ConditionMaker(cpu)
    known = []
    for each in moments:
        ours, true = own.make(each), host.make(each)
        assert ours.planes.device == ours.conditions.before.device == there.device
        assert_same(ours, true)
        known.append(true.conditions.before.shape[1])
    assert known == [0, 2, 2, 2, 0, 1, 0, 2, 2, 2, 2, 0, 2, 0, 0, 2, 0]
    assert max(abs(host.make(moments[1]).conditions.photo[:, 3]).flatten()) > 0.5
    own.forget()
    assert own.make(moments[1]).conditions.before.shape[1] == 0
    host.close()


def test_nothing_comes_back_and_no_more_is_sent_than_changes(
    photographed: GaussianAvatar, body: BodyModel, network: LiveShader
) -> None:
    """A frame and the network's step: 52 bytes a Gaussian and some hundred numbers about the eyes go there, once
    everything that stays the same is there; nothing comes back, and nothing waits."""
    poser, n = AvatarPoser(photographed, body), len(photographed.scales)
    with elsewhere() as there:
        maker = ConditionMaker(there)
        with ShaderStream(TorchEngine(network, torch.float32, FAR), threads=1) as stream:
            sent = []
            for frame in range(4):
                with Bus() as bus:
                    shaded = stream.shade(maker.make(moment(poser, frame)).conditions)
                assert shaded.device == FAR
                assert (bus.fetched, bus.waits) == (0, [])
                sent.append(bus.sent)
        numbers = 2 * (7 + 9 + 1 + 2) + 2 * (7 + 9) + 4 * 12  # of the eyes, and of pairs of eyes
        assert sent[1:] == [52 * n + 4 * numbers] * 3
        assert sent[0] > sent[1] + 4 * n * 14  # opacities, colours and features; and the photo


def test_shading_there_is_shading_here(
    photographed: GaussianAvatar, body: BodyModel, network: LiveShader, cpu: CpuRasterizer
) -> None:
    poser, pictures = AvatarPoser(photographed, body), {}
    for name, device in (("here", CPU), ("there", FAR)):
        with elsewhere() as there, ShaderStream(TorchEngine(network, torch.float32, device), threads=1) as stream:
            maker = ConditionMaker(there if name == "there" else cpu)
            shaded = [stream.shade(maker.make(moment(poser, frame)).conditions) for frame in range(4)]
            pictures[name] = torch.stack([picture.cpu() for picture in shaded])
            maker.close()
    apart = (pictures["here"] - pictures["there"]).abs()
    assert apart.max() < 5e-3
    assert apart.mean() < 2e-5
    assert (pictures["here"][3] - pictures["here"][1]).abs().max() > 0.1


def test_what_cannot_change_is_sent_once_and_what_can_every_time() -> None:
    uploads, frozen, free = Uploads(CPU), np.arange(4.0), np.arange(4.0)
    frozen.flags.writeable = False
    assert uploads("a", frozen) is uploads("a", frozen)
    first = uploads("b", free)
    free[0] = 7.0
    assert uploads("b", free)[0] == 7.0
    assert first[0] == 0.0
    other = frozen + 1.0
    other.flags.writeable = False
    assert uploads("a", other)[0] == 1.0
    assert uploads("a", frozen)[0] == 0.0
