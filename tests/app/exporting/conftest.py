"""One small session for all tests of exports."""

import pytest

from inperson.avatar.body import load_body
from tests.app.exporting.sessions import moving_states, small_session


@pytest.fixture(scope="session")
def body():
    return load_body("neutral")


@pytest.fixture(scope="session")
def states(body):
    return moving_states(body, 12)


@pytest.fixture(scope="session")
def session(tmp_path_factory, body, states):
    return small_session(tmp_path_factory.mktemp("session") / "s.mcap", body, states)
