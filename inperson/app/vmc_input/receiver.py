"""The thread that listens to a VMC sender."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from inperson.app.outputs.addresses import Address, find_address
from inperson.app.outputs.options import VMC_INPUT_PORT, VmcInput
from inperson.app.vmc_input.heard import RefusedMessage, VmcHeard, VmcListener
from inperson.app.vmc_input.osc_reading import MalformedPacket, read_packet
from inperson.errors import DeviceError

LARGEST_DATAGRAM = 65535
LOOK_UP_S = 0.1
"""How often the thread looks whether it is to end."""


def vmc_notice(options: VmcInput) -> str | None:
    """What to say of VMC input at the start of a session; None where it is off."""
    address = find_address("--vmc-input", options.address, VMC_INPUT_PORT)
    if address is None:
        return None
    others = "" if address.is_loopback else ": programs on other machines can move your avatar"
    return f"VMC input ({', '.join(options.parts)}) on {address}{others}"


class VmcReceiver:
    """Listens from the moment it is made; `close` gives the port back.

    Args:
        address: where to listen.

    Raises:
        DeviceError: another program listens there, or the address is not this machine's.
    """

    def __init__(self, address: Address) -> None:
        self._socket = socket.socket(address.family, socket.SOCK_DGRAM)
        try:
            self._socket.bind(address.resolved)
        except OSError as error:
            self._socket.close()
            raise DeviceError(
                f"VMC input cannot listen on {address} ({error.strerror})",
                "close the program that listens there already, or give --vmc-input another port",
            ) from error
        self._socket.settimeout(LOOK_UP_S)
        self.port = int(self._socket.getsockname()[1])
        """Where it listens."""
        self.packets = 0
        """Datagrams that came."""
        self.malformed = 0
        """Datagrams that were not OSC, and were ignored."""
        self.refused = 0
        """VMC messages that could not be meant, and were ignored."""
        self._listener = VmcListener()
        self._lock = threading.Lock()
        self._stop = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="vmc-input")
        self._listening = self._executor.submit(self._listen)

    @property
    def heard(self) -> VmcHeard:
        """Everything heard so far."""
        with self._lock:
            return self._listener.heard

    @property
    def figures(self) -> str:
        """What came, for people."""
        ignored = ""
        if self.malformed or self.refused:
            ignored = f"; ignored: {self.malformed} that were not OSC, {self.refused} messages that cannot be meant"
        return f"VMC input: {self.packets} packets{ignored}"

    def close(self) -> None:
        """End the thread and give the port back."""
        self._stop = True
        self._executor.shutdown(wait=True)
        self._socket.close()
        self._listening.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self) -> None:
        while not self._stop:
            try:
                data = self._socket.recv(LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            except ConnectionError:  # Windows tells a receiver that an answer of its own did not arrive
                continue
            self.packets += 1
            self._take(data)

    def _take(self, data: bytes) -> None:
        now = time.monotonic_ns()
        try:
            messages = read_packet(data)
        except MalformedPacket:
            self.malformed += 1
            return
        with self._lock:
            for message in messages:
                try:
                    self._listener.listen(message, now)
                except RefusedMessage:
                    self.refused += 1
