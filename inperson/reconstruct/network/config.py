"""`NetConfig`: the shape of a reconstruction network, small enough to travel in the header of its weights."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from inperson.errors import BadInputError

Semantic = Literal["trained", "dinov2"]
MAX_SIZE = 1024
MAX_WIDTH = 512
MAX_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class NetConfig:
    """What `ReconstructionNet` is built from."""

    size: int = 256
    """S, texels along the uv map's side; a multiple of 16."""
    widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 160)
    """Channels of the uv network at S, S/2, S/4, S/8 and S/16; multiples of 8."""
    semantic: Semantic = "trained"
    """Where the semantic tokens come from: an encoder trained with the rest, or a frozen DINOv2."""
    dinov2: str = "facebook/dinov2-small"
    """Repository on the Hugging Face hub, when `semantic` is "dinov2"."""
    token_width: int = 160
    token_blocks: int = 3
    heads: int = 5
    """Of every attention over tokens."""
    appearance: tuple[int, int, int] = (16, 24, 40)
    """Channels of the crop's features at 1/2, 1/4 and 1/8; multiples of 8."""
    max_offset: float = 0.15
    """Metres along the surface's normal; along each axis half as much again."""
    max_log_scale: float = 1.0
    max_turn: float = 0.5
    """Radians per axis."""
    max_shade: float = 0.5
    """Of the logarithm of the factor that unseen colours are lightened or darkened by."""
    trust: float = 1.0
    """How far of the way from the plain completion's colours to the network's own to go. 1 in training; less where
    it meets clothes unlike those of its training, of which it is too sure."""

    def __post_init__(self) -> None:
        sizes = (*self.widths, *self.appearance, self.token_width)
        checks = {
            "size": 16 <= self.size <= MAX_SIZE and self.size % 16 == 0,
            "widths": len(self.widths) == 5 and len(self.appearance) == 3,
            "channels": all(8 <= n <= MAX_WIDTH and n % 8 == 0 for n in sizes),
            "semantic": self.semantic in get_args(Semantic),
            "heads": 1 <= self.heads <= 64,
            "token_blocks": 0 <= self.token_blocks <= MAX_BLOCKS,
            "trust": 0 <= self.trust <= 1,
            "limits": all(0 < x <= 10 for x in (self.max_offset, self.max_log_scale, self.max_turn, self.max_shade)),
        }
        wrong = [name for name, good in checks.items() if not good]
        if wrong:
            raise BadInputError(f"network configuration: {', '.join(wrong)} out of range", "see NetConfig's fields")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "NetConfig":
        """Back from JSON, which may come from anywhere.

        Raises:
            BadInputError: unknown or missing fields, wrong types, values out of range.
        """
        default = NetConfig()
        if set(values) != {field.name for field in fields(NetConfig)}:
            raise BadInputError("network configuration: fields are missing or unknown", "train the network again")
        typed: dict[str, Any] = {}
        for name, value in values.items():
            like = getattr(default, name)
            if isinstance(like, tuple):
                good = isinstance(value, list | tuple) and all(type(v) is int for v in value)
                value = tuple(value) if good else value
            elif isinstance(like, float):
                good = type(value) in (int, float)
                value = float(value) if good else value
            else:
                good = type(value) is type(like)
            if not good:
                raise BadInputError(f"network configuration: {name} is of the wrong kind", "train the network again")
            typed[name] = value
        return NetConfig(**typed)
