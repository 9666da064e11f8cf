"""What shaded a session, for its report."""

from dataclasses import dataclass

OFF = "off"
"""How pictures without the shader are counted."""


@dataclass(frozen=True, slots=True)
class ShaderFigures:
    """What shaded a session."""

    asked: str
    """A size, or `auto`."""
    engines: dict[str, str]
    """What ran each size."""
    pictures: dict[str, int]
    """How many each size shaded, and `OFF` for those without."""

    def words(self) -> str:
        """In a line."""
        return ", ".join(
            f"{size} ({self.engines[size]}) on {count} pictures" if size in self.engines else f"{size} on {count}"
            for size, count in self.pictures.items()
        )
