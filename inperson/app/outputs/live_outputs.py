"""All live outputs of a session: opened from options, handed every shown state and picture, closed."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import UInt8

from inperson.app.outputs.addresses import OFF, Address, find_address
from inperson.app.outputs.newest import NewestOnly
from inperson.app.outputs.options import ARKIT_PORT, VMC_PORT, VRCHAT_PORT, Outputs
from inperson.app.outputs.shown import Shown
from inperson.avatar.body import BodyModel

Encoder = Callable[[Shown], list[bytes]]


class LiveOutputs:
    """Sends what a session shows. Nothing here waits for a receiver.

    Args:
        options: what is on.
        body: whose states are shown.
        picture_size: width and height of the mirror's pictures, pixels; None where there is no mirror.
        rate: pictures a second at most.

    Raises:
        BadInputError: an option's value is no value, or an address that is not known.
        DeviceError: there is no virtual camera.
    """

    def __init__(
        self, options: Outputs, body: BodyModel, picture_size: tuple[int, int] | None = None, rate: float = 30.0
    ) -> None:
        options.check()
        self.notices: list[str] = []
        """One line for each output, for people."""
        self._threads: list[NewestOnly[Shown]] = []
        self._camera = None
        self._stack = ExitStack()
        with ExitStack() as opened:
            for what, address, encoder in _senders(options, body):
                self._open(opened, what, address, encoder)
            if options.virtual_camera.device != OFF and picture_size is not None:
                from inperson.app.outputs.virtual_camera import VirtualCamera

                self._camera = VirtualCamera(options.virtual_camera.device, *picture_size, fps=rate)
                opened.callback(self._camera.close)
                self.notices.append(f"virtual camera: the mirror is at {self._camera.name}")
            self._stack = opened.pop_all()

    def show(self, shown: Shown) -> None:
        """Send a state."""
        for thread in self._threads:
            thread.put(shown)

    def show_picture(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Show a picture of the mirror; it must not be written to any more."""
        if self._camera is not None:
            self._camera.show(picture)

    @property
    def wants_pictures(self) -> bool:
        """Whether pictures go anywhere."""
        return self._camera is not None

    def close(self) -> None:
        """Send what is left, end all threads."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, opened: ExitStack, what: str, address: Address, encoder: Encoder) -> None:
        from inperson.app.outputs.osc import UdpSender

        sender = UdpSender(address)
        opened.callback(sender.close)
        thread: NewestOnly[Shown] = NewestOnly(lambda shown: sender.send(encoder(shown)), what)
        opened.callback(thread.close)
        self._threads.append(thread)
        leaves = "" if address.is_loopback else ": your movements leave this machine"
        self.notices.append(f"{what} to {address}{leaves}")


def _senders(options: Outputs, body: BodyModel) -> list[tuple[str, Address, Encoder]]:
    """What is on: its name, where it goes, what makes its datagrams."""
    from inperson.app.outputs.arkit import ArkitBlendshapes
    from inperson.app.outputs.vmc import VmcPerformer
    from inperson.app.outputs.vrchat import VrchatTrackers

    vmc, vrchat, arkit = options.vmc, options.vrchat, options.arkit
    out: list[tuple[str, Address, Encoder]] = []
    if (address := find_address("--vmc", vmc.address, VMC_PORT)) is not None:
        out.append(("VMC", address, VmcPerformer(body, vmc.blendshapes)))
    if (address := find_address("--vrchat", vrchat.address, VRCHAT_PORT)) is not None:
        out.append(("VRChat trackers", address, VrchatTrackers(body, vrchat.trackers, vrchat.height)))
    if (address := find_address("--arkit-osc", arkit.address, ARKIT_PORT)) is not None:
        out.append(("ARKit blendshapes", address, ArkitBlendshapes(body, arkit.prefix)))
    return out
