"""A replay that is watched: one clock, which the mirror, a headset and the voice all follow."""

import time

from inperson.app.display_clock import DisplayClock
from inperson.app.mirror_show import MirrorShow
from inperson.app.mirror_view import MirrorView
from inperson.app.replay.controls import Controls
from inperson.app.replay.marks import marks_of
from inperson.app.replay.opening import OpenedSession
from inperson.app.replay.stage import ReplayStage
from inperson.app.replay.tempo import Tempo
from inperson.app.replay.voice import ReplayVoice, sound_status
from inperson.render.overlay_timeline import Timeline
from inperson.render.window import Action


class ReplaySession:
    """Shows what was recorded, moment by moment, until the viewer quits.

    Args:
        opened: what is played.
        controls: of its clock.
        stage: who does it.
        view, show: the mirror, and the window that it is in.
        voice: follows the clock, where there is one that can be heard.
    """

    def __init__(
        self,
        opened: OpenedSession,
        controls: Controls,
        stage: ReplayStage,
        view: MirrorView,
        show: MirrorShow,
        voice: ReplayVoice | None,
    ) -> None:
        self._controls, self._stage, self._view, self._show, self._voice = controls, stage, view, show, voice
        self._zero_ns = opened.recorded.whole.begin_ns
        self._begin_s, self._end_s = (self._seconds(t) for t in (opened.stretch.begin_ns, opened.stretch.end_ns))
        self._marks = tuple(m for m in marks_of(opened.recorded) if self._begin_s <= m.seconds <= self._end_s)
        self._quit = False

    def run(self) -> None:
        """Until the viewer quits; Ctrl-C quits, too."""
        clock = DisplayClock(self._show.rate)
        now_ns = time.monotonic_ns()
        self._controls.tempo = self._controls.tempo.sought(self._controls.tempo.position_ns, now_ns)
        try:
            while not self._quit:
                self._tick(clock.wait())
        except KeyboardInterrupt:
            pass

    def _tick(self, tick_ns: int) -> None:
        now_ns = time.monotonic_ns()
        tempo = self._controls.tempo
        if self._voice is not None:
            self._voice.follow(tempo)
        state = self._stage.set(self._view, tempo.position_at(now_ns), now_ns)
        self._show.timeline = self._timeline(tempo, now_ns)
        if state is None:
            self._show.show_nobody()
        else:
            self._show.show(state, None, tick_ns, None, worn=False)
        self._controls.point(self._show.take_timeline_request(), time.monotonic_ns())
        for action in self._show.take_actions():
            self._act(action)

    def _act(self, action: Action) -> None:
        match action:
            case Action.NEXT_AVATAR:
                self._show.next_avatar()
            case Action.QUIT:
                self._quit = True
            case _:
                self._controls.press(action, time.monotonic_ns())

    def _timeline(self, tempo: Tempo, now_ns: int) -> Timeline:
        return Timeline(
            begin_s=self._begin_s,
            end_s=self._end_s,
            position_s=self._seconds(tempo.position_at(now_ns)),
            speed=tempo.speed,
            playing=tempo.runs(now_ns),
            loop=tempo.loop,
            sound="" if self._voice is None else sound_status(tempo),
            marks=self._marks,
        )

    def _seconds(self, recorded_ns: int) -> float:
        return (recorded_ns - self._zero_ns) / 1e9
