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
from inperson.avatar.state import BodyState

Encoder = Callable[[Shown], list[bytes]]
OpenEncoder = Callable[[BodyModel], Encoder]


class Stream:
    """One output over the network, on a thread of its own.

    Args:
        what: it is, for people.
        address: where it goes.
        open_encoder: makes what turns the states of a body into datagrams.
        body: whose states come first.
    """

    def __init__(self, what: str, address: Address, open_encoder: OpenEncoder, body: BodyModel) -> None:
        from inperson.app.outputs.osc import UdpSender

        self._what, self._address, self._open_encoder = what, address, open_encoder
        self._encoder = open_encoder(body)
        self._sender = UdpSender(address)
        self._thread: NewestOnly[tuple[Encoder, Shown]] = NewestOnly(self._send, what)

    @property
    def notice(self) -> str:
        """Where it goes, for people."""
        leaves = "" if self._address.is_loopback else ": your movements leave this machine"
        return f"{self._what} to {self._address}{leaves}"

    @property
    def figures(self) -> str:
        """What was sent, for people."""
        lost = f", {self._sender.lost} packets not taken by the network" if self._sender.lost else ""
        return f"{self._what} to {self._address}: {self._thread.done} states sent{lost}"

    def show(self, shown: Shown) -> None:
        """Send a state soon, or a newer one in its place."""
        self._thread.put((self._encoder, shown))

    def change_body(self, body: BodyModel) -> None:
        """States that come from now on are this body's."""
        self._encoder = self._open_encoder(body)

    def close(self) -> None:
        """Send what is left, end the thread."""
        try:
            self._thread.close()
        finally:
            self._sender.close()

    def _send(self, waiting: tuple[Encoder, Shown]) -> None:
        """On the thread: a state waits with the encoder of its own body, which may have changed meanwhile."""
        encoder, shown = waiting
        self._sender.send(encoder(shown))


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
        self._streams: list[Stream] = []
        self._camera = None
        self._recentred = 0
        self._body_sha256 = body.sha256
        with ExitStack() as opened:
            for what, address, open_encoder in _wanted(options):
                self._streams.append(Stream(what, address, open_encoder, body))
                opened.callback(self._streams[-1].close)
            self.notices += [stream.notice for stream in self._streams]
            if options.virtual_camera.device != OFF and picture_size is not None:
                from inperson.app.outputs.virtual_camera import VirtualCamera

                self._camera = VirtualCamera(options.virtual_camera.device, *picture_size, fps=rate)
                opened.callback(self._camera.close)
                self.notices.append(f"virtual camera: the mirror is at {self._camera.name}")
            self._opened = opened.pop_all()

    @property
    def figures(self) -> list[str]:
        """One line for each output over the network: what was sent."""
        return [stream.figures for stream in self._streams]

    def show(self, state: BodyState, *, in_play_space: bool = False) -> None:
        """Send a state.

        Args:
            in_play_space: whether its world is a headset's play space; otherwise a webcam's.
        """
        for stream in self._streams:
            stream.show(Shown(state, in_play_space, self._recentred))

    def show_picture(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Show a picture of the mirror; it must not be written to any more."""
        if self._camera is not None:
            self._camera.show(picture)

    def recenter(self) -> None:
        """Put the person into the middle of other programs' floors anew."""
        self._recentred += 1

    def change_body(self, body: BodyModel) -> None:
        """States that come from now on are this body's."""
        if body.sha256 != self._body_sha256:
            self._body_sha256 = body.sha256
            for stream in self._streams:
                stream.change_body(body)

    def close(self) -> None:
        """Send what is left, end all threads."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _wanted(options: Outputs) -> list[tuple[str, Address, OpenEncoder]]:
    """What is on: its name, where it goes, what makes its datagrams."""
    from inperson.app.outputs.arkit import ArkitBlendshapes
    from inperson.app.outputs.vmc import VmcPerformer
    from inperson.app.outputs.vrchat import VrchatTrackers

    vmc, vrchat, arkit = options.vmc, options.vrchat, options.arkit
    known: tuple[tuple[str, str, str, int, OpenEncoder], ...] = (
        ("VMC", "--vmc", vmc.address, VMC_PORT, lambda body: VmcPerformer(body, vmc.blendshapes)),
        (
            *("VRChat trackers", "--vrchat", vrchat.address, VRCHAT_PORT),
            lambda body: VrchatTrackers(body, vrchat.trackers, vrchat.height),
        ),
        (
            *("ARKit blendshapes", "--arkit-osc", arkit.address, ARKIT_PORT),
            lambda body: ArkitBlendshapes(body, arkit.prefix),
        ),
    )
    found = ((what, find_address(option, text, port), opens) for what, option, text, port, opens in known)
    return [(what, address, opens) for what, address, opens in found if address is not None]
