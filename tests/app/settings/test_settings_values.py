"""TOML's values as options' values."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro

from inperson.app.outputs.options import TrackerName, VmcOutput, VrchatOutput
from inperson.app.settings.catalogue import sections_of
from inperson.app.settings.values import WrongValue, allowed, convert, example, to_toml

VIEW = Literal["mirror", "stereo"]
ADDRESS = sections_of({"": VmcOutput})[""].options["vmc"].annotation


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (True, bool, True),
        (3, int, 3),
        (3, float | None, 3.0),
        (2.5, float, 2.5),
        ("ada", str | None, "ada"),
        ("a/b", Annotated[Path | None, tyro.conf.arg(aliases=["-o"])], Path("a/b")),
        ("stereo", VIEW | None, "stereo"),
        ([4, 5], tuple[int, int] | None, (4, 5)),
        (["hip"], tuple[TrackerName, ...], ("hip",)),
        ([], tuple[TrackerName, ...], ()),
        ("on", ADDRESS, "on"),
        ("[::1]:7", ADDRESS, "[::1]:7"),
    ],
)
def test_right_values(value: object, annotation: object, expected: object) -> None:
    converted = convert(value, annotation)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "words"),
    [
        (1, bool, "give true or false"),
        (True, int, "give a whole number"),
        (1.5, int, "give a whole number"),
        (True, float, "give a number"),
        ("1", float | None, "give a number"),
        (7, str, "give text in quotes"),
        (7, Path, "give a path in quotes"),
        ("mirorr", VIEW, 'did you mean mirror? give "mirror" or "stereo"'),
        (["mirror"], VIEW, 'give "mirror" or "stereo"'),
        ([1], tuple[int, int], "give a list of 2, each a whole number"),
        (5, tuple[int, ...], "give a list of a whole number"),
        (["hip", "hips"], tuple[TrackerName, ...], "did you mean hip?"),
        ("nowhere:x", ADDRESS, 'not HOST:PORT: give "on" or "off" or "HOST:PORT"'),
        (39539, ADDRESS, 'give "on" or "off" or "HOST:PORT"'),
        (True, ADDRESS, 'give "on" or "off" or "HOST:PORT"'),
    ],
)
def test_wrong_values_name_what_is_allowed(value: object, annotation: object, words: str) -> None:
    with pytest.raises(WrongValue) as refused:
        convert(value, annotation)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    "annotation", [bool, int, float | None, str, Path, VIEW, tuple[int, int], tuple[VIEW, ...], ADDRESS]
)
def test_examples_are_values_and_go_back(annotation: object) -> None:
    value = convert(example(annotation), annotation)
    assert convert(to_toml(value), annotation) == value
    assert allowed(annotation)


def test_a_height_may_be_unset() -> None:
    height = sections_of({"vrchat": VrchatOutput})["vrchat"].options["vrchat_height"]
    assert (height.default, convert(1.8, height.annotation)) == (None, 1.8)
