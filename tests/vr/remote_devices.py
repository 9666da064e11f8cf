"""A headset, two controllers and two hands whose every pose a test decides, through Monado's `remote` driver.

The driver listens on TCP and takes packets of one fixed layout (`struct r_remote_data`, `drivers/remote/
r_interface.h`). It reports the newest packet's poses whatever time is asked for: it predicts nothing. Its hub tells
nobody what it read; `hold` asks the kernel.

Poses are in Monado's STAGE (and LOCAL_FLOOR) space: origin on the floor, y up, -z ahead; LOCAL lies 1.6 m higher.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from tests.vr.monado import MonadoService

FINGERS = ("little", "ring", "middle", "index", "thumb")
"""The order of the driver's curls."""

Matrix = Float[np.ndarray, "4 4"]


def pose(
    x: float = 0.0, y: float = 0.0, z: float = 0.0, *, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
) -> Matrix:
    """A rigid transform: metres, and degrees about y, then the turned x, then the turned z."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("YXZ", [yaw, pitch, roll], degrees=True).as_matrix()
    T[:3, 3] = x, y, z
    return T


@dataclass(frozen=True)
class Eye:
    """One view: its pose in the head's space and its field of view, radians (left and down are negative)."""

    T_head_from_eye: Matrix
    left: float = -0.75
    right: float = 0.75
    up: float = 0.75
    down: float = -0.75


@dataclass(frozen=True)
class Controller:
    """A Valve Index controller and the hand that holds it."""

    T_stage_from_grip: Matrix
    active: bool = True
    hand_active: bool = True
    curls: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Little finger to thumb (`FINGERS`): 0 straight, 1 a fist."""
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres a second in stage space. The runtime extrapolates with it."""
    angular_velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Radians a second, in the controller's own frame."""
    trigger: float = 0.0
    squeeze: float = 0.0
    thumbstick: tuple[float, float] = (0.0, 0.0)
    pressed: frozenset[str] = frozenset()
    """Of `BUTTONS`."""


BUTTONS = (
    *("system_click", "system_touch", "a_click", "a_touch", "b_click", "b_touch", "trigger_click", "trigger_touch"),
    *("thumbstick_click", "thumbstick_touch", "trackpad_touch"),
)


@dataclass(frozen=True)
class Wearer:
    """Everything the driver is told at once."""

    T_stage_from_head: Matrix = field(default_factory=lambda: pose(y=1.6))
    left: Controller = field(default_factory=lambda: Controller(pose(-0.2, 1.3, -0.5)))
    right: Controller = field(default_factory=lambda: Controller(pose(0.2, 1.3, -0.5)))
    eyes: tuple[Eye, Eye] | None = None
    """None: the driver's own, 63 mm apart and 85 degrees wide."""

    def packet(self) -> bytes:
        """The `r_remote_data` of this state, 376 bytes."""
        eyes = self.eyes or (Eye(pose(x=-0.0315)), Eye(pose(x=0.0315)))
        views = b"".join(
            struct.pack("<4f", eye.left, eye.right, eye.up, eye.down) + _pose(eye.T_head_from_eye) + bytes(4)
            for eye in eyes
        )
        head = views + _pose(self.T_stage_from_head) + struct.pack("<?3x", self.eyes is not None)
        return b"mndrmt3\0" + head + _controller(self.left) + _controller(self.right)


def _pose(T: Matrix) -> bytes:
    quat_xyzw = Rotation.from_matrix(T[:3, :3]).as_quat()
    return struct.pack("<7f", *quat_xyzw, *T[:3, 3])


def _controller(controller: Controller) -> bytes:
    unknown = controller.pressed - set(BUTTONS)
    assert not unknown, f"the driver has no {sorted(unknown)}"
    return (
        _pose(controller.T_stage_from_grip)
        + struct.pack("<6f", *controller.velocity, *controller.angular_velocity)
        + struct.pack("<5f", *controller.curls)
        + struct.pack("<3f2f", controller.trigger, controller.squeeze, 0.0, *controller.thumbstick)
        + struct.pack("<f2f", 0.0, 0.0, 0.0)  # the trackpad: force, position
        + struct.pack("<2?", controller.hand_active, controller.active)
        + struct.pack("<11?3x", *(button in controller.pressed for button in BUTTONS))
    )


class RemoteDevices:
    """The connection to a service's remote devices; scripts them until the end of the `with` block.

    Args:
        service: a running one with `devices="remote"`.
    """

    def __init__(self, service: MonadoService) -> None:
        self._service = service
        self._socket: socket.socket | None = None
        self._streaming: threading.Thread | None = None
        self._stop = threading.Event()
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect, or connect again after the service came back."""
        self.close()
        self._socket = socket.create_connection(("127.0.0.1", self._service.remote_port), timeout=10.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The hub greets with two packets: its state after a reset, and its latest.
        greeting = len(Wearer().packet()) * 2
        while greeting:
            greeting -= len(self._socket.recv(greeting))

    def close(self) -> None:
        """Stop streaming and disconnect; the devices stay where they are."""
        try:
            self.stop_streaming()
        finally:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def hold(self, wearer: Wearer) -> None:
        """Put everything there and leave it; returns when the service has read it. Ends a stream."""
        self.stop_streaming()
        self._send(wearer)
        give_up = time.monotonic() + 10.0
        while self._unread_bytes():
            assert time.monotonic() < give_up, "the service does not read its remote devices"
            time.sleep(0.001)
        time.sleep(0.001)  # from the hub's buffer into its state

    def stream(self, wearer_at: Callable[[int], Wearer], rate: float = 250.0) -> None:
        """Move everything from now on, from a thread of its own.

        Args:
            wearer_at: the state at a time, monotonic nanoseconds (CLOCK_MONOTONIC, as the display times are).
            rate: packets a second.
        """
        self.stop_streaming()
        self._stop.clear()
        self._streaming = threading.Thread(target=self._stream, args=(wearer_at, 1.0 / rate), name="remote devices")
        self._streaming.start()

    def stop_streaming(self) -> None:
        """End the stream; the last state stays. Raises what ended the stream early (OSError)."""
        if self._streaming is None:
            return
        self._stop.set()
        self._streaming.join()
        self._streaming = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _stream(self, wearer_at: Callable[[int], Wearer], period: float) -> None:
        try:
            while not self._stop.wait(period):
                self._send(wearer_at(time.monotonic_ns()))
        except OSError as error:
            self._failure = error

    def _send(self, wearer: Wearer) -> None:
        assert self._socket is not None, "not connected"
        self._socket.sendall(wearer.packet())

    def _unread_bytes(self) -> int:
        # Sent and not yet acknowledged here, and received and not yet read there, from the kernel's table.
        assert self._socket is not None
        ours, theirs = self._socket.getsockname()[1], self._socket.getpeername()[1]
        unread = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            row = line.split()
            local, remote = (int(address.rpartition(":")[2], 16) for address in row[1:3])
            sending, receiving = (int(size, 16) for size in row[4].split(":"))
            if (local, remote) == (ours, theirs):
                unread += sending
            if (local, remote) == (theirs, ours):
                unread += receiving
        return unread
