"""What the tests of tracking share."""

import pytest

from inperson.tracking.models import fetch_models


@pytest.fixture(scope="session")
def model_cache() -> None:
    """The landmarkers' model files, in the per-user cache (set-up has put them there; else they are fetched)."""
    fetch_models()
