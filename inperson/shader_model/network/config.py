"""`ShaderConfig`: the shape of a shader network, small enough for the header of its weights; and the sizes."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from inperson.errors import BadInputError

Size = Literal["small", "medium", "large"]
MAX_WIDTH = 1024
MAX_BLOCKS = 16
MAX_EXPANSION = 8
_AGAIN = "train the network again"


@dataclass(frozen=True, slots=True)
class ShaderConfig:
    """What `LiveShader` is built from."""

    widths: tuple[int, int, int]
    """Channels at 1/4, 1/8 and 1/16 of the crop; multiples of 16. The last is also the hidden state's."""
    blocks: tuple[int, int, int]
    """Residual blocks at 1/4 and 1/8, as many going down as coming up, and at 1/16 in each eye."""
    trunk: int
    """Residual blocks at 1/16 that run once for all eyes."""
    expansion: int = 2
    """How many times wider a block is inside."""

    def __post_init__(self) -> None:
        checks = {
            "lengths": len(self.widths) == 3 and len(self.blocks) == 3,
            "widths": all(16 <= n <= MAX_WIDTH and n % 16 == 0 for n in self.widths),
            "blocks": all(0 <= n <= MAX_BLOCKS for n in (*self.blocks, self.trunk)),
            "expansion": 1 <= self.expansion <= MAX_EXPANSION,
        }
        wrong = [name for name, good in checks.items() if not good]
        if wrong:
            raise BadInputError(f"shader configuration: {', '.join(wrong)} out of range", "see ShaderConfig's fields")

    @property
    def hidden_channels(self) -> int:
        """C of the hidden state."""
        return self.widths[2]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "ShaderConfig":
        """Back from JSON, which may come from anywhere.

        Raises:
            BadInputError: unknown or missing fields, wrong types, values out of range.
        """
        if set(values) != {field.name for field in fields(ShaderConfig)}:
            raise BadInputError("shader configuration: fields are missing or unknown", _AGAIN)
        typed: dict[str, Any] = {}
        for name, value in values.items():
            several = name in ("widths", "blocks")
            numbers = value if several and isinstance(value, list | tuple) else [value]
            if several != isinstance(value, list | tuple) or not all(type(n) is int for n in numbers):
                raise BadInputError(f"shader configuration: {name} is of the wrong kind", _AGAIN)
            typed[name] = tuple(numbers) if several else value
        return ShaderConfig(**typed)


SIZES: dict[Size, ShaderConfig] = {
    "small": ShaderConfig(widths=(32, 64, 112), blocks=(1, 1, 1), trunk=2),
    "medium": ShaderConfig(widths=(48, 112, 224), blocks=(2, 2, 1), trunk=4),
    "large": ShaderConfig(widths=(64, 160, 384), blocks=(3, 3, 2), trunk=6),
}
"""The sizes that the program offers."""


def config_of(size: str) -> ShaderConfig:
    """The configuration of a size.

    Raises:
        BadInputError: there is none of that name.
    """
    if size not in get_args(Size):
        raise BadInputError(f"shader size '{size}' is unknown", f"choose from {', '.join(get_args(Size))}")
    return SIZES[size]  # type: ignore[index]
