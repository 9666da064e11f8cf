"""`RoomStream`: the shading of several people, frame by frame: as few steps of the network as their crops allow."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions, Memory, NetworkInputs
from inperson.shader_model.memory import Carrier
from inperson.shader_model.runtime.engine import Engine
from inperson.workers import available_cores

K = TypeVar("K", bound=Hashable)
"""What people are told apart by."""


class RoomStream(Generic[K]):
    """Shades people with one engine, each with a memory of their own: what one of them does, and that they come or
    go, changes nothing of another's pictures.

    People whose crops have one size and as many eyes go through the network in one batch
    (`conditions.room_crop.agreed_crops` sees to it); others in as many as there are sizes.

    Args:
        engine: runs the network.
        threads: carry the pictures on a CPU; as many as this process has cores by default.
    """

    def __init__(self, engine: Engine, threads: int | None = None) -> None:
        self._engine = engine
        self._carrier = Carrier(threads or available_cores())
        self._memories: dict[K, Memory] = {}

    def close(self) -> None:
        """End the threads."""
        self._carrier.close()

    def shade(self, people: Mapping[K, Conditions]) -> dict[K, Float[Tensor, "E 4 H W"]]:
        """This frame's refined pictures of everybody. Who is not among them has left, and comes back as a stranger;
        whose conditions begin anew (P is 0) begins anew.

        Raises:
            ValueError: somebody's conditions speak of more or fewer eyes in the last frame than they had; nobody's
                memory has changed then.
        """
        carried = {
            who: self._carrier.carry(self._memories.get(who), told, self._engine.hidden_channels)
            for who, told in people.items()
        }
        memories: dict[K, Memory] = {}
        for group in _alike(people):
            inputs = [_inputs(people[who], *carried[who]) for who in group]
            output, hidden = self._engine.step(_beside_each_other(inputs))
            eyes = len(output) // len(group)
            for number, who in enumerate(group):
                own = slice(number * eyes, (number + 1) * eyes)
                memories[who] = Memory(output[own], hidden[number : number + 1])
        self._memories = memories
        return {who: memories[who].output for who in people}

    def forget(self, who: K) -> None:
        """Begin anew with this person, whatever their next conditions say."""
        self._memories.pop(who, None)

    def use(self, engine: Engine) -> None:
        """Go on with another engine. Of another size, it takes the last pictures along but not the hidden states."""
        if engine.hidden_channels != self._engine.hidden_channels:
            for who, memory in self._memories.items():
                hidden = memory.hidden.new_zeros(1, engine.hidden_channels, *memory.hidden.shape[2:])
                self._memories[who] = Memory(memory.output, hidden)
        self._engine = engine


def _alike(people: Mapping[K, Conditions]) -> list[list[K]]:
    """Who may go through the network together."""
    groups: dict[torch.Size, list[K]] = {}
    for who, told in people.items():
        groups.setdefault(told.color.shape, []).append(who)
    return list(groups.values())


def _inputs(told: Conditions, previous: Tensor, hidden: Tensor) -> NetworkInputs:
    return NetworkInputs(told.color, told.photo, told.dense, previous, hidden, told.switch)


def _beside_each_other(people: Sequence[NetworkInputs]) -> NetworkInputs:
    """One batch; of one person their own tensors, which are large, without a copy."""
    if len(people) == 1:
        return people[0]
    names = [field.name for field in fields(NetworkInputs)]
    return NetworkInputs(**{name: torch.cat([getattr(one, name) for one in people]) for name in names})
