"""The headset process's side of what goes to and fro between it and the session."""

from multiprocessing.connection import Connection

import numpy as np

from inperson.app.headset.status import (
    CalibrationSeen,
    Command,
    HeadsetFigures,
    HeadsetReady,
    HeadsetStatus,
    Recentred,
    Stop,
)
from inperson.app.live.recording.taps import HeadsetTap
from inperson.app.motion.state_record import pack_state
from inperson.app.processes.mailbox import Mailbox
from inperson.app.processes.record_ring import RecordRing
from inperson.avatar.state import BodyState


class HeadsetLink:
    """Commands come in; status, figures and the wearer's state go out.

    Args:
        control: the pipe's end.
        states: where the wearer's fused state goes.
        dtype: its record.
        recorded: where every frame goes, if a recording wants them all.
    """

    def __init__(
        self, control: Connection, states: Mailbox, dtype: np.dtype, recorded: RecordRing | None = None
    ) -> None:
        self._control, self._states, self._dtype = control, states, dtype
        self.tap = HeadsetTap(recorded)
        """Told every frame."""

    def commands(self) -> list[Command]:
        """What was asked for since the last call; a session that is gone asks to stop."""
        commands: list[Command] = []
        try:
            while self._control.poll():
                commands.append(self._control.recv())
        except (EOFError, ConnectionResetError):
            commands.append(Stop())
        return commands

    def wait(self, seconds: float) -> None:
        """Sleep so long, or until there is a command."""
        self._control.poll(seconds)

    def wait_command(self) -> Command:
        """The next command, however long it takes."""
        try:
            return self._control.recv()
        except (EOFError, ConnectionResetError):
            return Stop()

    def say(self, message: HeadsetReady | HeadsetStatus | Recentred | CalibrationSeen | HeadsetFigures) -> None:
        """Tell the session. Raises BrokenPipeError when it is gone."""
        self._control.send(message)

    def put_state(self, state: BodyState) -> None:
        """The body that was drawn last, in the play space."""
        self._states.put(pack_state(state, self._dtype))
