"""`ShaderStream`: one avatar's shading, frame by frame, with the memory that this needs."""

from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions
from inperson.shader_model.room import RoomStream
from inperson.shader_model.runtime.engine import Engine


class ShaderStream:
    """Shades one avatar for the eyes that see it: a room with one person in it.

    Args:
        engine: runs the network.
        threads: carry the pictures on a CPU; as many as this process has cores by default.
    """

    def __init__(self, engine: Engine, threads: int | None = None) -> None:
        self._room: RoomStream[None] = RoomStream(engine, threads)

    def __enter__(self) -> "ShaderStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads."""
        self._room.close()

    def shade(self, conditions: Conditions) -> Float[Tensor, "E 4 H W"]:
        """This frame's refined pictures. What was before is forgotten when the conditions say so (P is 0).

        Raises:
            ValueError: the conditions speak of more or fewer eyes in the last frame than there were.
        """
        return self._room.shade({None: conditions})[None]

    def forget(self) -> None:
        """Begin anew with the next frame, whatever it says."""
        self._room.forget(None)

    def use(self, engine: Engine) -> None:
        """Go on with another engine. Of another size, it takes the last pictures along but not the hidden state."""
        self._room.use(engine)
