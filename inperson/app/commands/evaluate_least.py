"""Numbers that an evaluation is asked for: none may be too small."""

from inperson.errors import BadInputError


def check_least(*asked: tuple[str, int, int]) -> None:
    """Before anything is evaluated.

    Args:
        asked: options' names, their values, and the least of each.

    Raises:
        BadInputError: the first that is smaller.
    """
    for name, value, least in asked:
        if value < least:
            raise BadInputError(f"--{name} {value}", f"give at least {least}")
