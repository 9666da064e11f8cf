"""`host:port` as people write it, checked."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any

from inperson.errors import BadInputError

OFF, ON = "off", "on"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """A UDP address that exists."""

    host: str
    """As written."""
    port: int
    family: socket.AddressFamily
    resolved: tuple[Any, ...]
    """As the socket takes it."""

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return ipaddress.ip_address(self.resolved[0].partition("%")[0]).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split_address(text: str, default_port: int) -> tuple[str, int] | None:
    """Host and port of `off`, `on`, `HOST`, `HOST:PORT`, `:PORT`, `PORT` or `[IPV6]:PORT`; None for `off`.

    Raises:
        ValueError: none of these, or the port is not between 1 and 65535.
    """
    if text == OFF:
        return None
    if text == ON:
        return LOOPBACK, default_port
    if text.isdecimal():
        host, port = LOOPBACK, text
    elif text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed or port[:1] not in ("", ":"):
            raise ValueError("not HOST:PORT")
        port = port[1:]
    elif text.count(":") > 1:
        raise ValueError("an IPv6 address goes in brackets, as in [::1]:39539")
    else:
        host, _, port = text.partition(":")
    if any(c.isspace() for c in text) or (port and not port.isdecimal()) or not (host or port):
        raise ValueError("not HOST:PORT")
    number = int(port) if port else default_port
    if not 1 <= number <= 65535:
        raise ValueError("a port is between 1 and 65535")
    return host or LOOPBACK, number


def find_address(option: str, text: str, default_port: int) -> Address | None:
    """The address that an option means, looked up; None for `off`.

    Raises:
        BadInputError: it is none, or its host is not known.
    """
    try:
        split = split_address(text, default_port)
    except ValueError as error:
        raise BadInputError(
            f"{option} {text}: {error}", f"give HOST:PORT, on ({LOOPBACK}:{default_port}) or off"
        ) from None
    if split is None:
        return None
    host, port = split
    try:
        family, _, _, _, resolved = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise BadInputError(f"{option} {text}: {host} is not known here ({error})", "check its name") from error
    return Address(host, port, family, resolved)
