"""Values of a TOML file as values of options: converted, or refused in words that name what is allowed."""

from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from tyro.constructors import PrimitiveConstructorSpec


class WrongValue(ValueError):
    """The value is none of the option's."""


def convert(value: object, annotation: Any) -> Any:
    """A TOML value as an option's.

    Args:
        annotation: of the option's field, tyro's words included.

    Raises:
        WrongValue: it is not one of the values allowed.
    """
    base, spec = _unwrap(annotation)
    if spec is not None:
        return _by_spec(value, annotation, spec)
    if (choices := _choices(base)) is not None:
        near = get_close_matches(value, choices, n=1) if isinstance(value, str) else []
        meant = f"did you mean {near[0]}? " if near else ""
        return _check(value, isinstance(value, str) and value in choices, annotation, meant)
    if (several := _tuple_of(base)) is not None:
        return _convert_tuple(value, several, annotation)
    kinds = {bool: bool, int: int, str: str, Path: str, float: int | float}
    right = isinstance(value, kinds[base]) and (base is bool or not isinstance(value, bool))
    return base(_check(value, right, annotation))


def allowed(annotation: Any) -> str:
    """What an option takes, for people."""
    base, spec = _unwrap(annotation)
    if spec is not None:
        return " or ".join(_words(spec))
    if (choices := _choices(base)) is not None:
        return " or ".join(f'"{choice}"' for choice in choices)
    if (several := _tuple_of(base)) is not None:
        if several[-1] is Ellipsis:
            return f"a list of {allowed(several[0])}"
        return f"a list of {len(several)}, each {allowed(several[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path in quotes"}
    return words.get(base, "text in quotes")


def example(annotation: Any) -> object:
    """A value that may stand in a file where an option has none by default."""
    base, spec = _unwrap(annotation)
    if spec is not None:
        return _words(spec)[0].strip('"')
    if (choices := _choices(base)) is not None:
        return choices[0]
    if (several := _tuple_of(base)) is not None:
        return [example(item) for item in several if item is not Ellipsis]
    return {bool: True, int: 1, float: 1.0}.get(base, "...")


def to_toml(value: object) -> object:
    """An option's value as TOML knows it."""
    if isinstance(value, tuple):
        return [to_toml(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def is_option(annotation: Any) -> bool:
    """Whether a field is a value that can stand in a file."""
    base, spec = _unwrap(annotation)
    if spec is not None or _choices(base) is not None:
        return True
    several = _tuple_of(base)
    if several is not None:
        return all(item is Ellipsis or is_option(item) for item in several)
    return base in (bool, int, float, str, Path)


def _unwrap(annotation: Any) -> tuple[Any, PrimitiveConstructorSpec[Any] | None]:
    """The type below `Annotated` and `| None`, and how tyro makes it if in a way of its own."""
    spec = None
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *metadata = get_args(annotation)
            spec = next((item for item in metadata if isinstance(item, PrimitiveConstructorSpec)), spec)
        elif get_origin(annotation) in (Union, UnionType):
            annotation, *more = [item for item in get_args(annotation) if item is not NoneType]
            if more:
                return object, spec
        else:
            return annotation, spec


def _choices(base: Any) -> tuple[str, ...] | None:
    return tuple(get_args(base)) if get_origin(base) is Literal else None


def _tuple_of(base: Any) -> tuple[Any, ...] | None:
    return get_args(base) if get_origin(base) is tuple else None


def _convert_tuple(value: object, several: tuple[Any, ...], annotation: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise WrongValue(f"give {allowed(annotation)}")
    if several[-1] is Ellipsis:
        several = several[:1] * len(value)
    _check(value, len(value) == len(several), annotation)
    return tuple(convert(item, kind) for item, kind in zip(value, several, strict=True))


def _by_spec(value: object, annotation: Any, spec: PrimitiveConstructorSpec[Any]) -> Any:
    _check(value, isinstance(value, str), annotation)
    try:
        return spec.instance_from_str([str(value)])
    except ValueError as error:
        raise WrongValue(f"{error}: give {allowed(annotation)}") from error


def _words(spec: PrimitiveConstructorSpec[Any]) -> list[str]:
    """From its metavar, as in [on|off|HOST:PORT]."""
    return [f'"{word}"' for word in spec.metavar.strip("[]").split("|")]


def _check(value: object, right: bool, annotation: Any, meant: str = "") -> Any:
    if not right:
        raise WrongValue(f"{meant}give {allowed(annotation)}")
    return value
