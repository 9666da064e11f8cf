"""Pictures drawn with CUDA: all but CUDA's own calls on the CPU, and, where there is a device, those too."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError, DeviceError
from inperson.render.reference import rasterize_reference
from inperson.render.scene import cuda_gl
from inperson.render.scene.cuda_gl import CudaTextures
from inperson.render.scene.cuda_pictures import CudaPictures, texels_of
from inperson.render.scene.pictures import HostPictures
from inperson.render.tensors import TensorRasterizer
from tests.render.scenes import cloud, eye, psnr, single, straight_view
from tests.render.test_scene_pictures import texels, whole

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


class HostWriter:
    """Writes as `CudaTextures` does, from the CPU's memory, and checks what CUDA would need."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.sizes: dict[int, tuple[int, int]] = {}

    def write(self, texture, texels):
        height, width, components = texels.shape
        assert texels.is_contiguous()
        assert components == texture.components
        assert texels.element_size() == {"f2": 2, "f4": 4}[texture.dtype]
        assert width <= texture.width
        assert height <= texture.height
        assert self.sizes.setdefault(texture.glo, texture.size) == texture.size
        self.known.add(texture.glo)
        texture.write(texels.numpy().tobytes(), viewport=(0, 0, width, height), alignment=1)

    def forget(self, texture):
        self.known.remove(texture.glo)
        del self.sizes[texture.glo]


@pytest.fixture
def writer():
    return HostWriter()


@pytest.fixture
def pictures(context, writer):
    made = CudaPictures(context, writer, TensorRasterizer("reference", rasterize_reference, torch.device("cpu")))
    yield made
    made.close()


def test_pictures_are_those_that_are_uploaded(context, pictures, cpu):
    gaussians, crop = cloud(300), whole(eye(-0.03), eye(0.03))
    uploaded = HostPictures(context, cpu)
    for one, other in zip(pictures.draw(gaussians, crop), uploaded.draw(gaussians, crop), strict=True):
        (color, depth), (true_color, true_depth) = texels(one, 97, 61), texels(other, 97, 61)
        assert psnr(color, true_color) > 48
        solid = true_color[..., 3] > 0.1
        distance, true_distance = depth[solid] / color[..., 3][solid], true_depth[solid] / true_color[..., 3][solid]
        np.testing.assert_allclose(distance, true_distance, rtol=2e-3)
    uploaded.close()


def test_textures_grow_are_kept_and_are_forgotten_before_they_go(pictures, writer):
    first = pictures.draw(single(), whole(straight_view(33), straight_view(33)))[0]
    assert writer.known == {first.color.glo, first.depth.glo}
    smaller = pictures.draw(single(), whole(straight_view(17), straight_view(17)))[0]
    assert smaller.color is first.color
    larger = pictures.draw(single(), whole(straight_view(201), straight_view(201)))
    assert writer.known == {larger[0].color.glo, larger[0].depth.glo}
    for picture in larger:
        color, depth = texels(picture, 201, 201)
        assert color[100, 100, 3] == pytest.approx(0.8, abs=3e-3)
        assert depth[100, 100] == pytest.approx(0.8, rel=1e-2)
    pictures.close()
    assert not writer.known


def test_depth_over_alpha_is_the_distance_exactly():
    rng = np.random.default_rng(0)
    planes = torch.tensor(rng.uniform(0.01, 1, (2, 5, 4, 6)).astype(np.float32))
    planes[0, :, :2] = 0
    color, depth = texels_of(planes)
    assert color.dtype == torch.float16
    assert depth.dtype == torch.float32
    assert color.shape == (8, 6, 4)
    alpha = planes[:, 4].reshape(8, 6)
    seen = alpha > 0
    distance = depth[..., 0][seen] / color[..., 3].float()[seen]
    torch.testing.assert_close(distance, planes[:, 3].reshape(8, 6)[seen] / alpha[seen], rtol=1e-6, atol=0)
    assert not depth[..., 0][~seen].any()


class RecordingRuntime:
    """Stands where `cuda.bindings.runtime` does: notes the calls, fails where it is told to."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyDeviceToDevice="to device")
    cudaGraphicsRegisterFlags = SimpleNamespace(cudaGraphicsRegisterFlagsNone=0)

    def __init__(self, failing: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name.removeprefix("cudaGraphics"), *arguments))
            failed = name == self._failing
            return FakeError(int(failed)), None if failed else f"{name}'s"

        return call


class FakeError(int):
    name = "cudaErrorUnknown"


@pytest.fixture
def runtime(monkeypatch):
    made = RecordingRuntime()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(cuda_stream=77))
    monkeypatch.setattr(cuda_gl, "_import_runtime", lambda: made)
    return made


def test_a_texture_is_registered_once_and_mapped_for_each_copy(runtime):
    textures, texture = CudaTextures(), SimpleNamespace(glo=5)
    texels = torch.zeros(3, 7, 4, dtype=torch.float16)
    for _ in range(2):
        textures.write(texture, texels)
    textures.forget(texture)
    textures.forget(texture)
    resource, array = "cudaGraphicsGLRegisterImage's", "cudaGraphicsSubResourceGetMappedArray's"
    copy = [
        ("MapResources", 1, resource, 77),
        ("SubResourceGetMappedArray", resource, 0, 0),
        ("cudaMemcpy2DToArrayAsync", array, 0, 0, texels.data_ptr(), 56, 56, 3, "to device", 77),
        ("UnmapResources", 1, resource, 77),
    ]
    assert runtime.calls == [
        ("GLRegisterImage", 5, 0x0DE1, 0),
        *copy,
        *copy,
        ("UnregisterResource", resource),
    ]


@pytest.mark.parametrize(
    ("failing", "last"),
    [("cudaGraphicsGLRegisterImage", "GLRegisterImage"), ("cudaMemcpy2DToArrayAsync", "UnmapResources")],
)
def test_what_cuda_refuses_is_told_and_nothing_stays_mapped(runtime, failing, last):
    runtime._failing = failing
    with pytest.raises(
        DeviceError, match=r"CUDA cannot write into OpenGL's textures \(cudaErrorUnknown\): let OpenGL"
    ):
        CudaTextures().write(SimpleNamespace(glo=5), torch.zeros(3, 7, 4, dtype=torch.float16))
    assert runtime.calls[-1][0] == last


@no_cuda
def test_without_cuda(context):
    with pytest.raises(DeviceError, match="needs a CUDA device and there is none: use `cpu` or `gl`"):
        CudaPictures(context)


def test_without_the_bindings(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(BadInputError, match="CUDA's Python bindings cannot be imported"):
        CudaTextures()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and OpenGL on the same GPU")
def test_gsplat_draws_into_opengl_textures(context, cpu):
    gaussians, crop = cloud(300), whole(eye(-0.03), eye(0.03))
    pictures, uploaded = CudaPictures(context), HostPictures(context, cpu)
    for _ in range(3):  # the same textures again
        drawn = pictures.draw(gaussians, crop)
    for one, other in zip(drawn, uploaded.draw(gaussians, crop), strict=True):
        (color, depth), (true_color, true_depth) = texels(one, 97, 61), texels(other, 97, 61)
        assert psnr(color, true_color) > 40
        assert psnr(depth / 1.5, true_depth / 1.5) > 40
    pictures.close()
    uploaded.close()
