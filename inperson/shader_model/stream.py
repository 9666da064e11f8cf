"""`ShaderStream`: one avatar's shading, frame by frame, with the memory that this needs."""

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions, Memory, NetworkInputs
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.warp import carried_batch, carry_hidden
from inperson.shader_model.network.warp_cpu import carry_pictures_cpu
from inperson.shader_model.runtime.engine import Engine
from inperson.workers import Workers, available_cores


class ShaderStream:
    """Shades one avatar for the eyes that see it.

    Args:
        engine: runs the network.
        threads: carry the pictures on a CPU; as many as this process has cores by default.
    """

    def __init__(self, engine: Engine, threads: int | None = None) -> None:
        self._engine = engine
        self._workers = Workers(threads or available_cores())
        self._memory: Memory | None = None

    def __enter__(self) -> "ShaderStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    def shade(self, conditions: Conditions) -> Float[Tensor, "E 4 H W"]:
        """This frame's refined pictures. What was before is forgotten when the conditions say so (P is 0).

        Raises:
            ValueError: the conditions speak of more or fewer eyes in the last frame than there were.
        """
        previous, hidden = self._carried(conditions)
        inputs = NetworkInputs(
            conditions.color, conditions.photo, conditions.dense, previous, hidden, conditions.switch
        )
        output, hidden = self._engine.step(inputs)
        self._memory = Memory(output, hidden)
        return output

    def forget(self) -> None:
        """Begin anew with the next frame, whatever it says."""
        self._memory = None

    def use(self, engine: Engine) -> None:
        """Go on with another engine. Of another size, it takes the last pictures along but not the hidden state."""
        if self._memory is not None and engine.hidden_channels != self._engine.hidden_channels:
            shape = self._memory.hidden.shape
            hidden = self._memory.hidden.new_zeros(1, engine.hidden_channels, *shape[2:])
            self._memory = Memory(self._memory.output, hidden)
        self._engine = engine

    def _carried(self, now: Conditions) -> tuple[Float[Tensor, "E 5 H W"], Float[Tensor, "1 C H/16 W/16"]]:
        memory, seen_by = self._memory, now.seen_before.shape[1]
        if memory is not None and seen_by not in (0, len(memory.output)):
            raise ValueError(f"the last frame had {len(memory.output)} eyes, not {seen_by}")
        if memory is not None and seen_by and not now.color.is_cuda:
            last, before, seen = (x.contiguous().numpy() for x in (memory.output, now.before, now.seen_before))
            previous = torch.from_numpy(carry_pictures_cpu(last, before, seen, self._workers))
            return previous, carry_hidden(memory.hidden, now.before[None, 0, 0], now.seen_before[None, 0, 0])
        output, hidden = (None, None) if memory is None else (memory.output[None], memory.hidden)
        people, hidden = carried_batch(output, hidden, ConditionsBatch.of([now]), self._engine.hidden_channels)
        return people[0], hidden
