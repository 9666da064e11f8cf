"""Canonical Gaussians: posed like the avatar they become, with exact gradients; pruned and split without a jump."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.binding import SurfaceMotion
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.canonical import LEARNED, CanonicalGaussians
from inperson.reconstruct.density import PullMeter, prune_and_split
from inperson.reconstruct.fit_captures import FitSettings, _limit, limit_in_torch, limit_scales
from inperson.reconstruct.hanging import hang, hang_in_torch
from inperson.render.reference import rotation_from_quat
from inperson.render.views import EyeView, look_at

N = 120


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


def random_gaussians(body: BodyModel, n: int = N, seed: int = 0) -> CanonicalGaussians:
    rng = np.random.default_rng(seed)

    def tensor(x: np.ndarray) -> torch.Tensor:
        return torch.tensor(x, dtype=torch.float32)

    return CanonicalGaussians(
        face_index=rng.integers(0, len(body.faces), n).astype(np.int32),
        barycentric=rng.dirichlet([1.0, 1.0, 1.0], n).astype(np.float32),
        base_offsets=tensor(rng.normal(scale=0.01, size=(n, 3))),
        spacing=tensor(rng.uniform(1e-3, 4e-3, n)),
        shift=tensor(rng.normal(size=(n, 3))).requires_grad_(),
        quats=tensor(rng.normal(size=(n, 4))).requires_grad_(),
        log_scales=tensor(np.log(rng.uniform(5e-4, 5e-3, (n, 3)))).requires_grad_(),
        logits=tensor(rng.normal(size=n)).requires_grad_(),
        colors=tensor(rng.uniform(0, 1, (n, 3))).requires_grad_(),
        features=tensor(rng.normal(size=(n, 2))),
    )


def test_posed_like_the_avatar_they_become(body: BodyModel) -> None:
    gaussians = random_gaussians(body)
    rest = BodyState.rest(10, body.num_expression)
    state = rest.with_full_pose(np.random.default_rng(1).normal(scale=0.3, size=(55, 3)))
    betas = np.random.default_rng(2).normal(scale=0.5, size=10).astype(np.float32)
    torch_posed = gaussians.posed(gaussians.binding(body, betas).motion(state))
    avatar = gaussians.to_avatar(body, betas, "tester", {})
    live = AvatarPoser(avatar, body).pose(state)
    order = np.argsort(gaussians.face_index, kind="stable")
    np.testing.assert_allclose(torch_posed.means.detach().numpy()[order], live.means, atol=1e-5)
    np.testing.assert_allclose(torch_posed.scales.detach().numpy()[order], live.scales, rtol=1e-4)
    np.testing.assert_allclose(torch_posed.colors.detach().numpy()[order], live.colors, atol=1e-5)
    np.testing.assert_array_equal(gaussians.features.numpy()[order], live.features)
    unit = torch.nn.functional.normalize(torch_posed.quats.detach(), dim=1).numpy()[order]
    assert np.abs((unit * live.quats).sum(1)).min() > 1 - 1e-4


def test_gradients_are_those_of_the_formula() -> None:
    """Against torch autograd in float64 over matrices instead of quaternion products."""
    rng = np.random.default_rng(4)
    n = 30
    turn = Rotation.random(n, random_state=1).as_quat()[:, [3, 0, 1, 2]]
    motion = SurfaceMotion(
        rng.normal(size=(n, 3)).astype(np.float32),
        turn.astype(np.float32),
        rng.uniform(0.7, 1.4, n).astype(np.float32),
    )
    arrays = [rng.normal(size=s) for s in ((n, 3), (n,), (n, 3), (n, 4), (n, 3), (n,))]
    fast = [torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in arrays]
    plain = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    out = hang(*fast, motion)
    base, spacing, shift, quats, logs, logits = plain
    R = rotation_from_quat(torch.tensor(motion.quats, dtype=torch.float64))
    q = torch.tensor(motion.quats, dtype=torch.float64)
    product = [
        (Rotation.from_quat(np.roll(a, -1)) * Rotation.from_quat(np.roll(b, -1))).as_quat()
        for a, b in zip(motion.quats, fast[3].detach().numpy(), strict=True)
    ]
    left = torch.stack([left_matrix(row) for row in q])
    expected = [
        torch.tensor(motion.points) + (R @ (base + spacing[:, None] * shift)[:, :, None])[:, :, 0],
        (left @ quats[:, :, None])[:, :, 0],
        torch.tensor(motion.stretch)[:, None] * logs.exp(),
        torch.sigmoid(logits),
    ]
    turned = torch.nn.functional.normalize(out[1].detach(), dim=1).numpy()
    assert np.abs((turned * np.roll(product, 1, axis=1)).sum(1)).min() > 1 - 1e-5
    pulls = [torch.tensor(rng.normal(size=e.shape)) for e in expected]
    for fast_out, plain_out in zip(out, expected, strict=True):
        torch.testing.assert_close(fast_out.double(), plain_out, rtol=1e-5, atol=1e-5)
    torch.autograd.backward(out, [p.float() for p in pulls])
    torch.autograd.backward(expected, pulls)
    for fast_in, plain_in in zip(fast[2:], plain[2:], strict=True):
        torch.testing.assert_close(fast_in.grad.double(), plain_in.grad, rtol=1e-4, atol=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 40))
def test_hanging_on_other_devices_is_the_same(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    turn = rng.normal(size=(count, 4))
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    motion = SurfaceMotion(
        *(np.float32(x) for x in (rng.normal(size=(count, 3)), turn, rng.uniform(0.5, 2.0, count)))
    )
    shapes = ((count, 3), (count,), (count, 3), (count, 4), (count, 3), (count,))
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    fast, plain = ([torch.tensor(a, requires_grad=n > 1) for n, a in enumerate(arrays)] for _ in range(2))
    results = hang(*fast, motion), hang_in_torch(*plain, motion)
    pulls = [torch.tensor(rng.normal(size=x.shape), dtype=torch.float32) for x in results[0]]
    for result in results:
        torch.autograd.backward(result, pulls)
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    for one, other in zip(fast[2:], plain[2:], strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def left_matrix(q: torch.Tensor) -> torch.Tensor:
    """L(q) with q p = L(q) p, wxyz."""
    w, x, y, z = q
    rows = [(w, -x, -y, -z), (x, w, -z, y), (y, z, w, -x), (z, -y, x, w)]
    return torch.stack([torch.stack(row) for row in rows])


def test_transparent_ones_go_and_the_most_pulled_are_split(body: BodyModel) -> None:
    gaussians = random_gaussians(body)
    with torch.no_grad():
        gaussians.logits[:] = 2.0
        gaussians.logits[7] = -6.0
    pull = np.arange(N, dtype=np.float32)
    change = prune_and_split(gaussians, pull, N + 9, min_opacity=0.02)
    assert len(change.gaussians) == N + 9
    assert 7 not in change.source
    split = change.source[change.is_new]
    assert set(split) == set(range(N - 10, N))
    assert change.gaussians.shift.requires_grad


def test_halves_straddle_the_whole_along_its_longest_axis(body: BodyModel) -> None:
    gaussians = random_gaussians(body, n=5)
    change = prune_and_split(gaussians, np.array([0, 0, 9, 0, 0], np.float32), 6, min_opacity=0.0)
    halves = np.flatnonzero(change.source == 2)
    assert len(halves) == 2

    def offsets(g: CanonicalGaussians) -> torch.Tensor:
        return (g.base_offsets + g.spacing[:, None] * g.shift).detach()

    whole, parts = offsets(gaussians)[2], offsets(change.gaussians)[halves]
    torch.testing.assert_close(parts.mean(0), whole, atol=1e-6, rtol=0)
    longest = int(gaussians.log_scales[2].argmax())
    axis = rotation_from_quat(gaussians.quats[2:3].detach())[0, :, longest]
    apart = parts[0] - parts[1]
    assert abs(float(apart @ axis)) == pytest.approx(float(apart.norm()), rel=1e-4)
    assert float(apart.norm()) == pytest.approx(float(gaussians.log_scales[2].detach().max().exp()), rel=1e-4)
    untouched = np.flatnonzero(change.source != 2)
    for name in LEARNED:
        before, after = getattr(gaussians, name), getattr(change.gaussians, name)
        torch.testing.assert_close(after[untouched], before[change.source[untouched]])


def test_pull_is_the_position_gradient_in_pixels(body: BodyModel) -> None:
    gaussians = random_gaussians(body, n=2)
    eye = EyeView(look_at(np.array([0.0, 0.0, 2.0]), np.zeros(3)), -0.5, 0.5, 0.5, -0.5, 64, 64)
    points = np.array([[0.0, 0.0, 0.0], [0.3, 0.1, -2.0]], np.float32)
    motion = SurfaceMotion(points, np.tile(np.float32([1, 0, 0, 0]), (2, 1)), np.ones(2, np.float32))
    per_metre = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 5.0]])
    gaussians.shift.grad = per_metre * gaussians.spacing[:, None]
    meter = PullMeter(gaussians)
    meter.add(gaussians, motion, eye)
    np.testing.assert_allclose(meter.pull, 5 * np.array([2.0, 4.0]) / eye.intrinsics.fx, rtol=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_limits_on_other_devices_are_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logs = torch.tensor(rng.normal(-6, 3, (50, 3)).round(int(rng.integers(0, 4))), dtype=torch.float32)  # with ties
    spacing = torch.tensor(rng.uniform(1e-4, 1e-2, 50), dtype=torch.float32)
    least, most, needle = (float(np.float32(x)) for x in np.log([8e-5, 2.2, 5.0]))
    fused = logs.numpy().copy()
    _limit(fused, np.log(spacing.numpy()), *(np.float32(x) for x in (least, most, needle)))
    limit_in_torch(logs, spacing.log(), least, most, needle)
    np.testing.assert_allclose(logs.numpy(), fused, rtol=1e-6, atol=1e-6)


def test_limits_leave_no_needle_and_no_blob(body: BodyModel) -> None:
    gaussians = random_gaussians(body)
    with torch.no_grad():
        gaussians.log_scales.copy_(torch.randn(N, 3) * 4 - 6)
    limit_scales(gaussians, replace(FitSettings(), max_scale=2.0, max_needle=3.0, min_scale=1e-4))
    scales = gaussians.log_scales.detach().exp().sort(dim=1).values
    assert (scales[:, 2] <= 2.0 * gaussians.spacing * 1.001).all()
    assert (scales[:, 2] <= scales[:, 1] * 3.003).all()
    assert (scales >= 0.999e-4).all()
