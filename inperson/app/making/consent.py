"""Whether the person in a photo agreed to be made into an avatar. Nothing is made before this is known."""

import datetime
import sys

from rich.console import Console
from rich.prompt import Confirm

from inperson.avatar.provenance import Consent
from inperson.errors import BadInputError

QUESTION = "Did the person in the photo agree to an avatar being made of them?"
PERSON = "the person in the photo"


def consent_to(photo: str, *, given: bool, console: Console) -> Consent:
    """What goes into the avatar's header about consent; asks at the terminal when `--consent` was not given.

    Args:
        photo: its file name, for the messages.
        given: whether the user said `--consent`.

    Raises:
        BadInputError: the answer was no, or there is no terminal to ask at.
    """
    today = datetime.date.today()
    if given:
        return Consent(True, PERSON, "the maker said --consent", today)
    if not (console.is_terminal and sys.stdin.isatty()):
        raise BadInputError(
            f"whether the person in {photo} agreed to an avatar is not known", "ask them, then add --consent"
        )
    try:
        agreed = Confirm.ask(QUESTION, console=console, default=False)
    except EOFError:
        agreed = False
    if not agreed:
        raise BadInputError(f"the person in {photo} did not agree to an avatar", "ask them first; nothing was made")
    return Consent(True, PERSON, "the maker answered yes at the terminal", today)
