"""`Carrier`: takes what the shader remembers of one person to where it belongs now, on whatever device it is."""

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions, Memory
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.warp import carried_batch, carry_hidden
from inperson.shader_model.network.warp_cpu import carry_pictures_cpu
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
            last, before, seen = (x.contiguous().numpy() for x in (memory.output, now.before, now.seen_before))
            previous = torch.from_numpy(carry_pictures_cpu(last, before, seen, self._workers))
            return previous, carry_hidden(memory.hidden, now.before[None, 0, 0], now.seen_before[None, 0, 0])
        output, hidden = (None, None) if memory is None else (memory.output[None], memory.hidden)
        people, hidden = carried_batch(output, hidden, ConditionsBatch.of([now]), channels)
        return people[0], hidden

    def close(self) -> None:
        """End the threads."""
        self._workers.close()
