"""Our Adam against torch's, and its moments following rearranged rows."""

import numpy as np
import torch

from inperson.reconstruct.adam import Adam, update_in_torch


def test_same_steps_as_torch() -> None:
    rng = np.random.default_rng(0)
    start = rng.normal(size=(50, 3)).astype(np.float32)
    ours, theirs = (torch.tensor(start, requires_grad=True) for _ in range(2))
    adam = Adam({"x": ours}, {"x": 0.05})
    torch_adam = torch.optim.Adam([theirs], lr=0.03, eps=1e-15, weight_decay=0.05)
    for _ in range(25):
        gradient = torch.tensor(rng.normal(size=(50, 3)).astype(np.float32))
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        adam.step({"x": ours}, {"x": 0.03})
        torch_adam.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert ours.grad is None


def test_steps_on_other_devices_are_the_same() -> None:
    rng = np.random.default_rng(1)
    fused = torch.tensor(rng.normal(size=(40, 4)).astype(np.float32), requires_grad=True)
    adam, plain = Adam({"x": fused}, {"x": 0.02}), fused.detach().clone()
    first, second = torch.zeros(40, 4), torch.zeros(40, 4)
    for step in range(1, 20):
        gradient = torch.tensor(
            rng.normal(scale=10.0 ** -rng.integers(0, 8, (40, 1)), size=(40, 4)).astype(np.float32)
        )
        fused.grad = gradient.T.contiguous().T  # in another order in memory, as autograd may leave it
        adam.step({"x": fused}, {"x": 0.01})
        update_in_torch(plain, gradient, first, second, 0.01, 0.02, 1 / (1 - 0.9**step), 1 / (1 - 0.999**step))
    torch.testing.assert_close(fused.detach(), plain, rtol=1e-4, atol=1e-6)


def test_moments_follow_their_rows_and_new_rows_start_at_rest() -> None:
    x = torch.zeros(3, 1, requires_grad=True)
    adam = Adam({"x": x}, {})
    for _ in range(5):
        x.grad = torch.tensor([[1.0], [-1.0], [1.0]])
        adam.step({"x": x}, {"x": 0.1})
    source, is_new = np.array([2, 1, 1]), np.array([False, False, True])
    y = torch.zeros(3, 1, requires_grad=True)
    adam.follow(source, is_new)
    y.grad = torch.zeros(3, 1)
    adam.step({"x": y}, {"x": 0.1})
    assert y[0].item() < -0.05
    assert y[1].item() > 0.05
    assert y[2].item() == 0


def test_goes_on_from_a_snapshot_as_if_it_had_never_stopped():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(8, 5, 3)).astype(np.float32)

    def stepped(adam: Adam, parameter: torch.Tensor, some: np.ndarray) -> None:
        for gradient in some:
            parameter.grad = torch.from_numpy(gradient.copy())
            adam.step({"p": parameter}, {"p": 0.1})

    whole, first = torch.zeros(5, 3, requires_grad=True), torch.zeros(5, 3, requires_grad=True)
    stepped(Adam({"p": whole}, {}), whole, gradients)
    before = Adam({"p": first}, {})
    stepped(before, first, gradients[:3])
    after = Adam({"p": first}, {})
    after.resume(before.snapshot())
    stepped(after, first, gradients[3:])
    assert torch.equal(whole, first)
