"""A replay that is watched: one clock, which the mirror, a headset and the voice all follow."""

import time
from collections.abc import Callable

from inperson.app.display_clock import DisplayClock
from inperson.app.headset.process import HeadsetProcess
from inperson.app.headset.status import HeadsetStatus
from inperson.app.replay.controls import Controls
from inperson.app.replay.mirror import ReplayMirror
from inperson.app.replay.stage import ReplayStage
from inperson.app.replay.voice import ReplayVoice
from inperson.errors import InPersonError
from inperson.render.window import Action

HEADSET_RATE = 30.0
"""Looks a second at a headset that no mirror is shown beside."""
SHOWN_STATES = ("visible", "focused")


class ReplaySession:
    """Shows what was recorded, moment by moment, until the viewer quits. A headset without a window, which nothing
    could start again, leaves at the end.

    Args:
        controls: of the clock.
        stage: knows who is worn.
        mirror: the window, if there is one.
        headset: a process that is ready, if there is one.
        voice: follows the clock, where there is one that can be heard.
        say: told when the headset comes and goes.
    """

    def __init__(
        self,
        controls: Controls,
        stage: ReplayStage,
        mirror: ReplayMirror | None,
        headset: HeadsetProcess | None,
        voice: ReplayVoice | None,
        say: Callable[[str], None],
    ) -> None:
        self._controls, self._stage, self._mirror = controls, stage, mirror
        self._headset, self._voice, self._say = headset, voice, say
        self._in_headset = stage.worn_at(controls.tempo.position_ns)
        self._said = ""
        self._fault: InPersonError | None = None
        self._quit = False

    def run(self) -> None:
        """Until the viewer quits; Ctrl-C quits, too.

        Raises:
            InPersonError: the headset did not stay; a window goes on without it until the viewer quits.
        """
        begin_ns = time.monotonic_ns()
        self._controls.tempo = self._controls.tempo.sought(self._controls.tempo.position_ns, begin_ns)
        if self._headset is not None:
            self._headset.go(begin_ns)
        clock = DisplayClock(HEADSET_RATE if self._mirror is None else self._mirror.rate)
        try:
            while not self._quit:
                self._tick(clock.wait())
        except KeyboardInterrupt:
            pass
        if self._headset is not None:
            self._headset.stop()
        if self._fault is not None:
            raise self._fault

    def _tick(self, tick_ns: int) -> None:
        now_ns = time.monotonic_ns()
        tempo = self._controls.tempo
        if self._voice is not None:
            self._voice.follow(tempo)
        status = None if self._headset is None else self._look_at(self._headset, now_ns)
        if self._mirror is None:
            self._quit |= not tempo.runs(now_ns)
            return
        heard = self._voice is not None
        self._controls.point(self._mirror.show(tempo, now_ns, tick_ns, status, heard=heard), time.monotonic_ns())
        for action in self._mirror.take_actions():
            self._act(action)

    def _act(self, action: Action) -> None:
        match action:
            case Action.QUIT:
                self._quit = True
            case Action.RECENTER if self._headset is not None:
                self._headset.recenter()
            case Action.SHADER if self._headset is not None:
                self._headset.toggle_shader()
            case Action.SPLIT if self._headset is not None:
                self._headset.toggle_split()
            case _:
                self._controls.press(action, time.monotonic_ns())

    def _look_at(self, headset: HeadsetProcess, now_ns: int) -> HeadsetStatus:
        """Keep the headset with the clock and with the avatar of the moment, and watch over it."""
        tempo = self._controls.tempo
        headset.play(tempo)
        worn = self._stage.worn_at(tempo.position_at(now_ns))
        if worn != self._in_headset:
            self._in_headset = worn
            headset.show_avatar(worn)
        if self._fault is None:
            try:
                headset.poll()
            except InPersonError as error:
                self._fault = error
                self._quit |= self._mirror is None
        self._quit |= headset.ended
        status = headset.status
        if self._fault is not None:
            return HeadsetStatus("failed", status.runtime, notice=self._fault.what)
        word = status.notice or (f"{status.runtime} shows it" if status.state in SHOWN_STATES else "")
        if word not in ("", self._said):
            self._said = word
            self._say(f"headset: {word}")
        return status
