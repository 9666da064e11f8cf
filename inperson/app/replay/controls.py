"""Keys and the mouse on a replay's clock."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from inperson.app.replay.tempo import Tempo, faster, slower
from inperson.render.overlay_timeline import TimelineRequest
from inperson.render.window import Action

LEAP_NS = 5_000_000_000
"""Of the left and right keys."""


class Controls:
    """Turns what the viewer does into a `Tempo`.

    Args:
        tempo: to begin with.
        times_ns: of the recorded states, rising, for going from one to the next.
        zero_ns: the recording's start, from which a timeline counts.
    """

    def __init__(self, tempo: Tempo, times_ns: Int[np.ndarray, " n"], zero_ns: int) -> None:
        self.tempo = tempo
        self._times_ns, self._zero_ns = times_ns, zero_ns
        self._held: bool | None = None
        """Whether it played when the mouse took the timeline; None while it does not hold it."""

    def press(self, action: Action, now_ns: int) -> None:
        """A key."""
        tempo = self.tempo
        position = tempo.position_at(now_ns)
        match action:
            case Action.PLAY:
                self.tempo = tempo.toggled(now_ns)
            case Action.BACK:
                self.tempo = tempo.sought(position - LEAP_NS, now_ns)
            case Action.FORWARD:
                self.tempo = tempo.sought(position + LEAP_NS, now_ns)
            case Action.PREVIOUS:
                self._step(int(np.searchsorted(self._times_ns, position)) - 1, now_ns)
            case Action.NEXT:
                self._step(int(np.searchsorted(self._times_ns, position, side="right")), now_ns)
            case Action.BEGIN:
                self.tempo = tempo.sought(tempo.stretch.begin_ns, now_ns)
            case Action.END:
                self.tempo = tempo.sought(tempo.stretch.end_ns, now_ns)
            case Action.FASTER:
                self.tempo = tempo.at_speed(faster(tempo.speed), now_ns)
            case Action.SLOWER:
                self.tempo = tempo.at_speed(slower(tempo.speed), now_ns)
            case Action.LOOP:
                self.tempo = tempo.looped(not tempo.loop, now_ns)

    def point(self, request: TimelineRequest | None, now_ns: int) -> None:
        """What the mouse asks for in a picture. While it holds the timeline, time stands still where it is."""
        if request is not None and request.toggle:
            self.tempo = self.tempo.toggled(now_ns)
        if request is not None and request.seek_s is not None:
            if self._held is None:
                self._held = self.tempo.playing
            there = self._zero_ns + round(request.seek_s * 1e9)
            self.tempo = self.tempo.paused(now_ns).sought(there, now_ns)
        elif self._held is not None:
            here = self.tempo.sought(self.tempo.position_at(now_ns), now_ns)
            self.tempo, self._held = replace(here, playing=self._held), None

    def _step(self, number: int, now_ns: int) -> None:
        """Hold the state of a number, or the nearest one there is in what is played."""
        number = min(max(number, 0), len(self._times_ns) - 1)
        self.tempo = self.tempo.paused(now_ns).sought(int(self._times_ns[number]), now_ns)
