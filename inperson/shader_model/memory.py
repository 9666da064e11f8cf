"""`Carrier`: takes what the shader remembers of one person to where it belongs now, on whatever device it is."""

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions, Memory
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.warp import carried_batch
from inperson.shader_model.network.warp_cpu import carry_hidden_cpu, carry_pictures_cpu
from inperson.workers import Workers


class Carrier:
    """Carries memories.

    Args:
        threads: that carry the pictures on a CPU.
    """

    def __init__(self, threads: int) -> None:
        self._workers = Workers(threads)

    @torch.inference_mode()
    def carry(
        self, memory: Memory | None, now: Conditions, channels: int
    ) -> tuple[Float[Tensor, "E 5 H W"], Float[Tensor, "1 C H/16 W/16"]]:
        """`previous` and `hidden` of the network's inputs; zeros where the conditions begin anew (P is 0).

        Args:
            channels: C, of a hidden state that is not there yet.

        Raises:
            ValueError: the conditions speak of more or fewer eyes in the last frame than there were.
        """
        seen_by = now.seen_before.shape[1]
        if memory is not None and seen_by not in (0, len(memory.output)):
            raise ValueError(f"the last frame had {len(memory.output)} eyes, not {seen_by}")
        if memory is not None and seen_by and now.color.device.type == "cpu":
            arrays = (memory.output, memory.hidden[0], now.before, now.seen_before)
            last, state, before, seen = (x.contiguous().numpy() for x in arrays)
            previous = carry_pictures_cpu(last, before, seen, self._workers)
            hidden = carry_hidden_cpu(state, before[0, 0], seen[0, 0])
            return torch.from_numpy(previous), torch.from_numpy(hidden)[None]
        output, state_before = (None, None) if memory is None else (memory.output[None], memory.hidden)
        people, carried = carried_batch(output, state_before, ConditionsBatch.of([now]), channels)
        return people[0], carried

    def close(self) -> None:
        """End the threads."""
        self._workers.close()
