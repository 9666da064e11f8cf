"""The hand-written backward against torch's autograd through the reference in float64."""

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError
from inperson.render.differentiable import rasterize
from tests.render.scenes import cloud, eye, psnr, tensors

NAMES = ("means", "quats", "scales", "opacities", "colors")


def gradients(gaussians, views, weights, backend, dtype):
    inputs = tensors(gaussians, dtype)
    planes = rasterize(*inputs, views, backend=backend)
    (planes * weights.to(dtype)).sum().backward()
    return planes.detach().double().numpy(), [t.grad.double().numpy() for t in inputs]


@pytest.mark.parametrize(("count", "num_views"), [(1, 1), (60, 1), (400, 2)])
def test_forward_and_backward_agree_with_the_reference_in_float64(count, num_views):
    gaussians = cloud(count, seed=count)
    views = [eye(0.05 * v, width=61, height=45) for v in range(num_views)]
    weights = torch.randn(num_views, 5, 45, 61, generator=torch.Generator().manual_seed(count))
    truth, true_gradients = gradients(gaussians, views, weights, "reference", torch.float64)
    planes, own_gradients = gradients(gaussians, views, weights, "cpu", torch.float32)
    assert psnr(planes, truth) > 90
    for name, own, true in zip(NAMES, own_gradients, true_gradients, strict=True):
        assert np.linalg.norm(true) > 0, name
        assert np.linalg.norm(own - true) <= 1e-4 * np.linalg.norm(true), name


def test_means_outside_the_image_where_the_jacobian_is_clamped():
    gaussians = cloud(60, seed=5)
    gaussians.means[:] *= 5
    gaussians.scales[:] = (0.2, 0.15, 0.1)
    views = [eye(width=40, height=40)]
    weights = torch.randn(1, 5, 40, 40, generator=torch.Generator().manual_seed(0))
    _, true_gradients = gradients(gaussians, views, weights, "reference", torch.float64)
    _, own_gradients = gradients(gaussians, views, weights, "cpu", torch.float32)
    for name, own, true in zip(NAMES, own_gradients, true_gradients, strict=True):
        assert np.linalg.norm(own - true) <= 1e-4 * np.linalg.norm(true), name


def test_repeats_are_bit_identical():
    gaussians, views, weights = cloud(300), [eye(), eye(0.1)], torch.ones(2, 5, 61, 97)
    _, first = gradients(gaussians, views, weights, "cpu", torch.float32)
    _, second = gradients(gaussians, views, weights, "cpu", torch.float32)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_images_can_wait_for_their_backward():
    """The second drawing must not overwrite what the first one's gradient needs."""
    views, weights = [eye()], torch.ones(1, 5, 61, 97)
    _, alone = gradients(cloud(80, seed=1), views, weights, "cpu", torch.float32)
    inputs = tensors(cloud(80, seed=1))
    first = rasterize(*inputs, views)
    rasterize(*tensors(cloud(90, seed=2)), views).sum().backward()
    first.sum().backward()
    for tensor, expected in zip(inputs, alone, strict=True):
        np.testing.assert_array_equal(tensor.grad.double().numpy(), expected)


def test_what_cannot_be_seen_has_no_gradient():
    gaussians = cloud(20)
    gaussians.means[:] += (0, 0, 5)  # behind the eye
    _, own_gradients = gradients(gaussians, [eye()], torch.ones(1, 5, 61, 97), "cpu", torch.float32)
    for gradient in own_gradients:
        assert not gradient.any()


def test_some_behind_the_eye_leave_the_others_gradients_alone():
    gaussians, weights = cloud(100, seed=4), torch.ones(1, 5, 61, 97)
    gaussians.means[::3] += (0, 0, 1.15)  # around the eye
    gaussians.scales[::6] *= (0.1, 1, 3)
    _, true_gradients = gradients(gaussians, [eye()], weights, "reference", torch.float64)
    _, own_gradients = gradients(gaussians, [eye()], weights, "cpu", torch.float32)
    for name, own, true in zip(NAMES, own_gradients, true_gradients, strict=True):
        assert np.linalg.norm(own - true) <= 1e-4 * np.linalg.norm(true), name


def test_an_opacity_of_zero_gives_finite_gradients():
    gaussians = cloud(20)
    gaussians.opacities[:10] = 0
    _, own_gradients = gradients(gaussians, [eye()], torch.ones(1, 5, 61, 97), "cpu", torch.float32)
    for gradient in own_gradients:
        assert np.isfinite(gradient).all()


def test_no_gaussians():
    inputs = tensors(cloud(0))
    planes = rasterize(*inputs, [eye()])
    planes.sum().backward()
    assert planes.shape == (1, 5, 61, 97)
    assert not planes.detach().any()
    assert [tuple(t.grad.shape) for t in inputs] == [(0, 3), (0, 4), (0, 3), (0,), (0, 3)]


def test_descending_the_gradient_finds_a_colour():
    inputs = tensors(cloud(50, seed=3))
    target = rasterize(*inputs, [eye()], backend="reference").detach()
    colors = torch.full_like(inputs[4], 0.5, requires_grad=True)
    optimizer = torch.optim.Adam([colors], lr=0.1)
    losses = []
    for _ in range(40):
        loss = (rasterize(*(t.detach() for t in inputs[:4]), colors, [eye()]) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]


@pytest.mark.parametrize("wrong", range(5))
def test_shapes_that_do_not_belong_together(wrong):
    inputs = [t.detach() for t in tensors(cloud(20))]
    inputs[wrong] = inputs[wrong][:-1] if wrong % 2 else inputs[wrong][..., None]
    with pytest.raises(ValueError, match="do not belong together"):
        rasterize(*inputs, [eye()])


def test_unknown_backend():
    with pytest.raises(BadInputError, match="'metal' is unknown: choose one of cpu, gsplat, reference"):
        rasterize(*tensors(cloud(1)), [eye()], backend="metal")
