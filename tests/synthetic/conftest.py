"""What the tests of synthetic people share."""

from collections.abc import Iterator

import pytest

from inperson.errors import BadInputError
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """One GL context for all."""
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="session")
def wardrobe() -> Wardrobe:
    """The real wardrobe, which is no part of the repository."""
    try:
        return Wardrobe()
    except BadInputError as error:
        pytest.skip(str(error))
