"""`TeacherConfig`: the shape of a teacher network, small enough for the header of its weights; and the sizes."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from inperson.errors import BadInputError

Size = Literal["small", "base"]
MAX_WIDTH = 1024
MAX_BLOCKS = 16
MAX_EXPANSION = 8
BEGINNINGS = ("render", "live")
HEAD = 32
"""Channels of one head of attention."""


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """What `Teacher` is built from."""

    widths: tuple[int, ...]
    """Channels at 1/4, 1/8 and 1/16 of the crop; multiples of `HEAD`."""
    blocks: tuple[int, ...]
    """Residual blocks at 1/4 and 1/8, as many going down as coming up, and at 1/16, each followed by attention."""
    embedding: int = 128
    """Numbers that time and modality switch become; a multiple of `HEAD`."""
    expansion: int = 3
    """How many times wider a block is inside."""
    begins_at: str = "render"
    """Which picture it generates the way from: the Gaussian `render`, or what the `live` model makes of it."""

    def __post_init__(self) -> None:
        checks = {
            "widths": _all_ints(self.widths, 3)
            and all(HEAD <= n <= MAX_WIDTH and n % HEAD == 0 for n in self.widths),
            "blocks": _all_ints(self.blocks, 3) and all(0 <= n <= MAX_BLOCKS for n in self.blocks),
            "embedding": type(self.embedding) is int
            and HEAD <= self.embedding <= MAX_WIDTH
            and self.embedding % HEAD == 0,
            "begins_at": self.begins_at in BEGINNINGS,
            "expansion": type(self.expansion) is int and 1 <= self.expansion <= MAX_EXPANSION,
        }
        wrong = [name for name, good in checks.items() if not good]
        if wrong:
            raise BadInputError(
                f"teacher configuration: {', '.join(wrong)} out of range", "see TeacherConfig's fields"
            )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "TeacherConfig":
        """Back from JSON, which may come from anywhere.

        Raises:
            BadInputError: unknown or missing fields, wrong types, values out of range.
        """
        if set(values) != {field.name for field in fields(TeacherConfig)}:
            raise BadInputError("teacher configuration: fields are missing or unknown", "train the teacher again")
        typed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return TeacherConfig(**typed)


def _all_ints(values: Any, count: int) -> bool:
    return isinstance(values, tuple) and len(values) == count and all(type(n) is int for n in values)


SIZES: dict[Size, TeacherConfig] = {
    "small": TeacherConfig(widths=(64, 160, 320), blocks=(2, 2, 4)),
    "base": TeacherConfig(widths=(128, 320, 640), blocks=(3, 3, 5), embedding=256),
}
"""6 million parameters for CPUs, 32 for a GPU: as many as a weights file holds (`weights_file.MAX_FILE_BYTES`)."""


def config_of(size: str) -> TeacherConfig:
    """The configuration of a size.

    Raises:
        BadInputError: there is none of that name.
    """
    if size not in get_args(Size):
        raise BadInputError(f"teacher size '{size}' is unknown", f"choose from {', '.join(get_args(Size))}")
    return SIZES[size]  # type: ignore[index]
