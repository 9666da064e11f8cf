"""Nothing is made before it is known that the person agreed."""

import datetime
import io
import sys

import pytest
from rich.console import Console

from inperson.app.making.consent import QUESTION, consent_to
from inperson.avatar.provenance import Consent
from inperson.errors import BadInputError

TODAY = datetime.date.today()


class Terminal(io.StringIO):
    """Standard input at a terminal."""

    def isatty(self) -> bool:
        return True


def asked(monkeypatch: pytest.MonkeyPatch, answer: str) -> tuple[Console, io.StringIO]:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    shown = io.StringIO()
    return Console(file=shown, force_terminal=True, width=200), shown


def test_the_option_is_written_down():
    consent = consent_to("me.jpg", given=True, console=Console(file=io.StringIO()))
    assert consent == Consent(True, "the person in the photo", "the maker said --consent", TODAY)


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "what?\ny\n"])
def test_at_a_terminal_it_is_asked(monkeypatch, answer):
    console, shown = asked(monkeypatch, answer)
    consent = consent_to("me.jpg", given=False, console=console)
    assert QUESTION in shown.getvalue()
    assert consent == Consent(True, "the person in the photo", "the maker answered yes at the terminal", TODAY)


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_no_default_and_end_of_input_are_no(monkeypatch, answer):
    console, _ = asked(monkeypatch, answer)
    with pytest.raises(BadInputError, match=r"me.jpg did not agree.*ask them first"):
        consent_to("me.jpg", given=False, console=console)


def test_without_a_terminal_the_option_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(BadInputError, match="--consent") as caught:
        consent_to("me.jpg", given=False, console=Console(file=io.StringIO(), force_terminal=True))
    assert caught.value.exit_code == 2
