"""Addresses as people write them."""

import pytest

from inperson.app.outputs.addresses import find_address, split_address
from inperson.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off", None),
        ("on", ("127.0.0.1", 39539)),
        ("4000", ("127.0.0.1", 4000)),
        (":4000", ("127.0.0.1", 4000)),
        ("studio.local", ("studio.local", 39539)),
        ("192.168.1.20:65535", ("192.168.1.20", 65535)),
        ("[::1]", ("::1", 39539)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_what_is_an_address(text: str, expected: tuple[str, int] | None) -> None:
    assert split_address(text, 39539) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "host:0",
        "host:65536",
        "99999",
        "0",
        "host:http",
        "a b:1",
        "::1",
        "::1:39539",
        "[::1",
        "[::1]x",
        "1:2:3",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        find_address("--vmc", text, 39539)
    assert refused.value.what.startswith(f"--vmc {text}: ")
    assert "127.0.0.1:39539" in refused.value.mend


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("on", True),
        ("localhost:5", True),
        ("127.8.0.1", True),
        ("[::1]:5", True),
        ("192.168.1.2", False),
        ("0.0.0.0", False),
    ],
)
def test_whether_it_stays_on_this_machine(text: str, loopback: bool) -> None:
    address = find_address("--vmc", text, 39539)
    assert address is not None
    assert address.is_loopback == loopback


def test_a_host_that_is_not_known() -> None:
    with pytest.raises(BadInputError, match=r"no-such-host\.invalid is not known here"):
        find_address("--vmc", "no-such-host.invalid:5", 39539)
    with pytest.raises(BadInputError, match="is not known here"):
        find_address("--vmc", "a" * 300, 39539)


@pytest.mark.parametrize(
    ("text", "said"), [("on", "127.0.0.1:7"), ("[::1]:8", "[::1]:8"), ("localhost", "localhost:7")]
)
def test_how_it_is_said(text: str, said: str) -> None:
    assert str(find_address("--vmc", text, 7)) == said
