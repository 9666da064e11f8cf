"""Adam (Kingma and Ba 2015) over rows that may be dropped and split between steps.

torch's optimisers tie their state to tensors of one size; here moments follow their Gaussians through pruning and
splitting. On the CPU one vectorised pass a parameter; on other devices the formula in torch, the pass's reference.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numba import njit
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-15


class Adam:
    """Moments of named parameters whose first dimension counts Gaussians.

    Args:
        parameters: leaves with float32 data; updated in place. Moments are kept on their devices.
        decay: L2 coefficient of each parameter, 0 where it is not named.
    """

    def __init__(self, parameters: dict[str, Tensor], decay: dict[str, float]) -> None:
        self._decay = decay
        self._step = 0
        self._moments = {
            name: (torch.zeros_like(p, requires_grad=False), torch.zeros_like(p, requires_grad=False))
            for name, p in parameters.items()
        }

    def step(self, parameters: dict[str, Tensor], rates: dict[str, float]) -> None:
        """Move every parameter along its `.grad`, and clear it."""
        self._step += 1
        scale1, scale2 = 1 / (1 - BETA1**self._step), 1 / (1 - BETA2**self._step)
        for name, parameter in parameters.items():
            if parameter.grad is None:
                raise ValueError(f"{name} has no gradient")
            update = _update_on_cpu if parameter.device.type == "cpu" else update_in_torch
            factors = (rates[name], self._decay.get(name, 0.0), scale1, scale2)
            update(parameter.detach(), parameter.grad, *self._moments[name], *factors)
            parameter.grad = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The moments and how many steps they are of, to go on from (`resume`)."""
        moments = {f"{name}.{k}": m for name, pair in self._moments.items() for k, m in enumerate(pair)}
        return {"step": np.array([self._step])} | {name: m.cpu().numpy().copy() for name, m in moments.items()}

    def resume(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken of an optimiser of the same parameters, on whatever device."""
        self._step = int(snapshot["step"][0])
        for name, pair in self._moments.items():
            for k, moments in enumerate(pair):
                moments.copy_(torch.tensor(snapshot[f"{name}.{k}"]))

    def follow(self, source: Int[np.ndarray, " M"], is_new: Bool[np.ndarray, " M"]) -> None:
        """Rows were rearranged: row i now continues row `source[i]`; new rows start without momentum."""
        for name, moments in self._moments.items():
            first, second = (m[torch.from_numpy(source).to(m.device)] for m in moments)
            first[torch.from_numpy(is_new).to(first.device)] = 0.0
            self._moments[name] = (first, second)


def update_in_torch(
    parameter: Float[Tensor, "..."],
    gradient: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
    rate: float,
    decay: float,
    scale1: float,
    scale2: float,
) -> None:
    """One step in place, on any device.

    Args:
        first, second: the moments.
        decay: L2 coefficient.
        scale1, scale2: what makes up for the moments' start at zero.
    """
    g = gradient + decay * parameter
    first.mul_(BETA1).add_(g, alpha=1 - BETA1)
    second.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
    parameter -= rate * (first * scale1) / ((second * scale2).sqrt() + EPSILON)


def _update_on_cpu(parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor, *factors: float) -> None:
    """`update_in_torch` of tensors on the CPU."""
    arrays = (x.view(-1).numpy() for x in (parameter, gradient.contiguous(), first, second))
    _update(*arrays, *(np.float32(x) for x in factors))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _update(parameter, gradient, first, second, rate, decay, scale1, scale2):
    b1, b2, epsilon, one = np.float32(BETA1), np.float32(BETA2), np.float32(EPSILON), np.float32(1.0)
    for i in range(len(parameter)):
        g = gradient[i] + decay * parameter[i]
        m = b1 * first[i] + (one - b1) * g
        v = b2 * second[i] + (one - b2) * g * g
        first[i], second[i] = m, v
        parameter[i] -= rate * (m * scale1) / (np.sqrt(v * scale2) + epsilon)
