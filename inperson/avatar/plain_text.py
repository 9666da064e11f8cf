"""Text from files that reaches a terminal: one line of printable characters, no escapes that would steer it."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_plain(text: str, longest: int) -> bool:
    """Whether `text` is printable (no control, format or surrogate character) and at most `longest` long."""
    return len(text) <= longest and text.isprintable()


def plain(text: str, longest: int) -> str:
    """`text` made plain: what is not printable replaced, what is too long cut off with an ellipsis."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else REPLACEMENT for c in cut)
