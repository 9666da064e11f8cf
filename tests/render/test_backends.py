"""Choosing a backend, and what each says where its device is missing."""

import moderngl
import numpy as np
import pytest
import torch

from inperson.errors import BadInputError, DeviceError
from inperson.render import backends, gl
from inperson.render.backends import make_rasterizer
from inperson.render.gsplat_cuda import common_range, intrinsic_matrices, view_matrices
from inperson.render.reference import project, rasterize_reference
from tests.render.scenes import cloud, eye, psnr, tensors

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.mark.parametrize("name", ["cpu", "gl", "reference"])
def test_by_name(name):
    rasterizer = make_rasterizer(name)
    assert rasterizer.name == name
    rasterizer.close()


def test_one_thread_draws_what_two_draw(cpu):
    alone = make_rasterizer("cpu", threads=1)
    gaussians, views = cloud(300, 1), [eye(-0.03), eye(0.03)]
    one, two = alone.render(gaussians, views), cpu.render(gaussians, views)
    np.testing.assert_array_equal(one.rgb, two.rgb)
    np.testing.assert_array_equal(one.features, two.features)


def test_unknown_name():
    with pytest.raises(BadInputError, match="'vulkan' is unknown: choose one of auto, cpu, gl"):
        make_rasterizer("vulkan")


@no_cuda
def test_gsplat_without_cuda():
    with pytest.raises(DeviceError, match="needs a CUDA device and there is none: use `cpu` or `gl`"):
        make_rasterizer("gsplat")


def no_gl(**settings):
    raise Exception("libEGL.so not loaded")


def test_gl_without_a_driver(monkeypatch):
    monkeypatch.setattr(moderngl, "create_context", no_gl)
    with pytest.raises(DeviceError, match=r"no OpenGL 3.3 \(libEGL.so not loaded\): install a graphics driver"):
        make_rasterizer("gl")


@no_cuda
def test_auto_without_gl_is_cpu(monkeypatch):
    monkeypatch.setattr(moderngl, "create_context", no_gl)
    assert make_rasterizer("auto").name == "cpu"


@no_cuda
@pytest.mark.parametrize(("software", "expected"), [(True, "cpu"), (False, "gl")])
def test_auto_prefers_hardware_gl_only(monkeypatch, software, expected):
    monkeypatch.setattr(backends, "is_software", lambda context: software)
    rasterizer = make_rasterizer("auto")
    assert rasterizer.name == expected
    rasterizer.close()


@pytest.mark.parametrize(
    ("renderer", "software"),
    [("llvmpipe (LLVM 15.0.6, 256 bits)", True), ("NVIDIA GeForce RTX 4090/PCIe/SSE2", False), ("Apple M2", False)],
)
def test_what_counts_as_software(renderer, software):
    class Context:
        info = {"GL_RENDERER": renderer}  # noqa: RUF012

    assert gl.is_software(Context()) == software


def test_gl_draws_in_a_context_that_is_not_its_own():
    context = gl.create_context()
    screen = context.simple_framebuffer((8, 8))
    screen.use()
    rasterizer = gl.GlRasterizer(context)
    rasterizer.render(cloud(20), [eye()])
    assert context.fbo is screen
    rasterizer.close()
    screen.clear(1.0, 0.0, 0.0, 1.0)
    assert screen.read(components=3)[:3] == b"\xff\x00\x00"
    context.release()


def test_gsplats_own_projection_agrees_with_ours():
    """gsplat's torch implementation, given the matrices that we give its kernels."""
    implementation = pytest.importorskip("gsplat.cuda._torch_impl")
    gaussians, views = cloud(200), [eye(-0.03), eye(0.4)]
    means, quats, scales, opacities, _ = (t.detach() for t in tensors(gaussians))
    covariances, _ = implementation._quat_scale_to_covar_preci(quats, scales, True, False)
    radii, centers, depths, conics, _ = implementation._fully_fused_projection(
        means, covariances, view_matrices(views), intrinsic_matrices(views), views[0].width, views[0].height
    )
    for v, view in enumerate(views):
        own = project(means, quats, scales, opacities, view)
        seen = own.visible
        assert 100 < seen.sum() < 200
        assert (radii[v][seen] > 0).all()
        torch.testing.assert_close(own.means[seen], centers[v][seen], rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(own.conics[seen], conics[v][seen], rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(own.depths[seen], depths[v][seen])


def test_gsplat_takes_one_near_plane():
    assert common_range([eye(), eye(0.1)]) == (0.05, 100.0)
    with pytest.raises(ValueError, match="one near and far plane"):
        common_range([eye(near=0.1), eye(near=0.2)])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gsplat_agrees_with_the_reference(reference):
    gaussians, views = cloud(600, 7), [eye(-0.03), eye(0.03)]
    drawn, truth = make_rasterizer("gsplat").render(gaussians, views), reference.render(gaussians, views)
    assert psnr(drawn.rgb, truth.rgb) > 45
    assert psnr(drawn.features, truth.features) > 42
    covered = truth.alpha > 0.05
    np.testing.assert_allclose(drawn.depth[covered], truth.depth[covered], rtol=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gsplat_gradients_agree_with_the_reference():
    from inperson.render.gsplat_cuda import rasterize_gsplat

    on_gpu = [t.detach().cuda().requires_grad_() for t in tensors(cloud(200))]
    on_cpu = tensors(cloud(200), torch.float64)
    rasterize_gsplat(*on_gpu, [eye()]).square().sum().backward()
    rasterize_reference(*on_cpu, [eye()]).square().sum().backward()
    for own, true in zip(on_gpu, on_cpu, strict=True):
        assert torch.linalg.norm(own.grad.cpu() - true.grad) <= 1e-3 * torch.linalg.norm(true.grad)
