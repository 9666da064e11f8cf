"""What only a GPU shows: gsplat's planes under the conditions, and CUDA itself saying that nothing waits."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from inperson.app.shading.person import ahead_of
from inperson.app.shading.planes import refined
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gsplat_cuda import GsplatRasterizer
from inperson.render.scene.cuda_pictures import texels_of
from inperson.render.tensors import TensorRasterizer
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.torch_engine import TorchEngine
from inperson.shader_model.stream import ShaderStream
from tests.shader_model.conditions.on_device.test_sequences import moment

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda")


@contextmanager
def nothing_may_wait() -> Iterator[None]:
    """Whatever makes this process wait for the device is an error."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_sequence_drawn_by_gsplat_is_the_cpus(
    photographed: GaussianAvatar, body: BodyModel, network: LiveShader, cpu: CpuRasterizer
) -> None:
    poser = AvatarPoser(photographed, body)
    makers = {"cuda": ConditionMaker(GsplatRasterizer()), "cpu": ConditionMaker(cpu)}
    streams = {
        name: ShaderStream(TorchEngine(network, torch.float32, torch.device(name)), threads=1) for name in makers
    }
    for number in range(4):
        frames = {name: maker.make(moment(poser, number)) for name, maker in makers.items()}
        shaded = {name: streams[name].shade(frame.conditions) for name, frame in frames.items()}
        assert shaded["cuda"].device.type == "cuda"
        own, true = frames["cuda"].conditions, frames["cpu"].conditions
        for name in ("color", "photo", "dense", "switch"):
            apart = (getattr(own, name).cpu() - getattr(true, name)).abs()
            assert apart.mean() < 2e-3, name
        solid = (true.dense[:, 0] > 0.9)[:, None, None].expand_as(true.before)
        np.testing.assert_allclose(own.before.cpu()[solid], true.before[solid], atol=0.1)
        assert (shaded["cuda"].cpu() - shaded["cpu"]).abs().mean() < 5e-3
    for stream in streams.values():
        stream.close()


def test_nothing_waits_but_gsplat(photographed: GaussianAvatar, body: BodyModel, network: LiveShader) -> None:
    """gsplat counts on the host how many tiles its Gaussians touch: it alone may wait."""
    gsplat = GsplatRasterizer()
    poser, maker = AvatarPoser(photographed, body), ConditionMaker(_Excused(gsplat))
    with ShaderStream(TorchEngine(network, torch.bfloat16, CUDA), threads=1) as stream:
        for number in range(3):  # the first frames capture graphs and send what stays
            now = moment(poser, number)
            stream.shade(maker.make(now).conditions)
        for number in range(3, 6):
            now = moment(poser, number)
            with nothing_may_wait():
                frame = maker.make(now)
                texels_of(refined(frame.planes, stream.shade(frame.conditions), ahead_of(now)))


class _Excused(TensorRasterizer):
    """Draws as another does, which may wait."""

    def __init__(self, drawing: TensorRasterizer) -> None:
        def rasterize(*args: object) -> torch.Tensor:
            before = torch.cuda.get_sync_debug_mode()
            torch.cuda.set_sync_debug_mode("default")
            planes = drawing._rasterize(*args)  # type: ignore[arg-type]
            torch.cuda.set_sync_debug_mode(before)
            return planes

        super().__init__("excused", rasterize, drawing.device)
