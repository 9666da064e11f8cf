"""Shading where the rasteriser draws: the pixels of the host, one copy for a window, none for a headset."""

from collections.abc import Iterator

import moderngl
import numpy as np
import pytest
import torch

from benchmarks.bus import Bus
from inperson.app.mirror.framing import Framing
from inperson.app.shading import headset, person
from inperson.app.shading.engines import SizedEngine
from inperson.app.shading.headset import ShadedPictures
from inperson.app.shading.person import PersonShader
from inperson.app.shading.views import ShadedViews, ViewShader
from inperson.app.timing import StageTimes
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.gl import GlRasterizer
from inperson.render.pacing import always_shaded, ladder
from inperson.render.scene.cuda_pictures import WrittenPictures
from inperson.render.scene.pictures import EyePicture, HostPictures
from inperson.shader_model.conditions.moment import as_posed
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.torch_engine import TorchEngine
from tests.app.shading.test_pictures import HEIGHT, WIDTH, states
from tests.app.shading.weights import RED, TINY
from tests.reconstruct.far_device import FAR
from tests.render.test_cuda_pictures import HostWriter
from tests.render.test_scene_pictures import texels
from tests.shader_model.conditions.elsewhere import elsewhere

CPU = torch.device("cpu")
RUNG = always_shaded(ladder([1]))[0]


@pytest.fixture(scope="module")
def context() -> Iterator[moderngl.Context]:
    rasterizer = GlRasterizer()
    with rasterizer.context:
        yield rasterizer.context
    rasterizer.close()


@pytest.fixture(scope="module")
def poser(few: GaussianAvatar, body: BodyModel) -> AvatarPoser:
    return AvatarPoser(few, body)


def reddening(device: torch.device, rasterizer: Rasterizer, monkeypatch: pytest.MonkeyPatch) -> PersonShader:
    """Adds red, and half of what it remembers."""
    torch.manual_seed(0)
    network = LiveShader(TINY)
    with torch.no_grad():
        network.head.added.bias[:16] = RED
        network.head.previous.bias[:] = 0.5
    monkeypatch.setattr(person, "compute_device", lambda: device)
    return PersonShader(
        [SizedEngine("small", TorchEngine(network, torch.float32, device), 1.0)], rasterizer, threads=1
    )


def shown(shader: PersonShader, poser: AvatarPoser, count: int, eyes: int) -> list[ShadedViews]:
    """Frames of the mirror."""
    views, drawn = ViewShader(shader), []
    for state in states(poser.body, count):
        framing = Framing.of_person(np.array([0.0, 0.25, -2.0]))
        mirror = framing.eyes(WIDTH, HEIGHT, stereo=eyes == 2)
        drawn.append(views.draw(poser, state, poser.pose(state), mirror, 0, StageTimes()))
    return drawn


@pytest.mark.parametrize("eyes", [1, 2])
def test_a_windows_pixels_are_the_hosts(
    poser: AvatarPoser, rasterizer: CpuRasterizer, monkeypatch: pytest.MonkeyPatch, eyes: int
) -> None:
    host = reddening(CPU, rasterizer, monkeypatch)
    true = shown(host, poser, 3, eyes)
    host.close()
    with elsewhere() as there:
        far = reddening(FAR, there, monkeypatch)
        for own, here in zip(shown(far, poser, 3, eyes), true, strict=True):
            assert own.shaded_crop.device == own.plain_crop.device == FAR
            np.testing.assert_allclose(own.plain.planes, here.plain.planes, atol=1e-5)
            np.testing.assert_allclose(own.shaded.planes, here.shaded.planes, atol=2e-3)
            assert (own.shaded.planes - own.plain.planes)[:, 0].max() > 0.8 * RED
        far.close()


def test_a_window_fetches_one_picture_and_nothing_else(poser: AvatarPoser, monkeypatch: pytest.MonkeyPatch) -> None:
    with elsewhere() as there:
        far = reddening(FAR, there, monkeypatch)
        with Bus() as bus:
            (drawn,) = shown(far, poser, 1, eyes=1)
            assert (bus.fetched, bus.waits) == (0, [])
            picture = drawn.shaded
        part = drawn.crop.rectangles[0]
        assert bus.fetched == 4 * 5 * part.width * part.height
        assert len(bus.waits) == 1
        assert picture.planes.shape == (1, 5, HEIGHT, WIDTH)
        far.close()


class FarWriter(HostWriter):
    """Into textures from a far device, of whose tensors it takes no others."""

    def write(self, texture: moderngl.Texture, texels: torch.Tensor) -> None:
        assert texels.device == FAR
        super().write(texture, texels.near)  # type: ignore[attr-defined]


def headset_frames(shading: ShadedPictures, poser: AvatarPoser, count: int) -> list[tuple[EyePicture, ...]]:
    shading.posers = (poser,)
    views, drawn = Framing.of_person(np.array([0.0, 0.25, -2.0])).eyes(WIDTH, HEIGHT, stereo=True), []
    for state in states(poser.body, count):
        gaussians = poser.pose(state)
        shading.begin(RUNG, state, state.time_ns)
        crop = shading(gaussians, views)
        assert crop is not None
        drawn.append(shading.draw(gaussians, crop))
    return drawn


@pytest.mark.parametrize("split", [False, True])
def test_a_headsets_textures_are_the_hosts_and_nothing_comes_back(
    context: moderngl.Context,
    poser: AvatarPoser,
    rasterizer: CpuRasterizer,
    monkeypatch: pytest.MonkeyPatch,
    split: bool,
) -> None:
    plain = HostPictures(context, rasterizer)
    host = reddening(CPU, rasterizer, monkeypatch)
    shading = ShadedPictures(context, plain, host, "small", as_posed)
    shading.split = split
    true = [texels(picture, 128, 96) for picture in headset_frames(shading, poser, 3)[-1]]
    with elsewhere() as there:
        far = reddening(FAR, there, monkeypatch)
        written = ShadedPictures(context, plain, far, "small", as_posed, WrittenPictures(context, FarWriter()))
        written.split = split
        with Bus() as bus:
            drawn = headset_frames(written, poser, 3)[-1]
        assert (bus.fetched, bus.waits) == (0, [])
        for picture, (true_color, true_depth) in zip(drawn, true, strict=True):
            color, depth = texels(picture, 128, 96)
            np.testing.assert_allclose(color, true_color, atol=4e-3)
            solid = true_color[..., 3] > 0.1
            distance = depth[solid] / color[..., 3][solid], true_depth[solid] / true_color[..., 3][solid]
            np.testing.assert_allclose(*distance, rtol=2e-3)
        written.close()
        far.close()
    for each in (shading, host, plain):
        each.close()


@pytest.mark.parametrize("software", [True, False])
def test_cuda_writes_into_textures_of_a_gpu_only(
    context: moderngl.Context, monkeypatch: pytest.MonkeyPatch, software: bool
) -> None:
    made = []
    monkeypatch.setattr(headset, "is_software", lambda context: software)
    monkeypatch.setattr(headset, "WrittenPictures", lambda context: made.append("written"))
    headset._textures_for(torch.device("cuda"), context)
    assert made == ([] if software else ["written"])
    headset._textures_for(CPU, context).close()
    assert len(made) == (not software)
