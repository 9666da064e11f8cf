"""Text from files that reaches a terminal: one line of printable characters, no escapes that would steer it."""

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_plain(text: str, longest: int) -> bool:
    """Whether `text` has no control, format, surrogate or line-breaking character and is at most `longest` long."""
    return len(text) <= longest and (text.isprintable() or all(map(_is_printable, text)))


def plain(text: str, longest: int) -> str:
    """`text` made plain: what is not printable replaced, what is too long cut off with an ellipsis."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(c if _is_printable(c) else REPLACEMENT for c in cut)


def _is_printable(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # spaces of other scripts
