"""The window of a replay: the mirror at the moment that is played, over its timeline."""

from inperson.app.headset.status import HeadsetStatus
from inperson.app.mirror.show import MirrorShow
from inperson.app.mirror.view import MirrorView
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.replay.marks import marks_of
from inperson.app.replay.recorded import Recorded
from inperson.app.replay.stage import ReplayStage
from inperson.app.replay.tempo import Stretch, Tempo
from inperson.app.replay.voice import sound_status
from inperson.render.overlay_timeline import Timeline, TimelineRequest
from inperson.render.window import Action


class ReplayMirror:
    """Shows a recorded moment.

    Args:
        recorded, stretch: what is played, and how much of it.
        stage: who does it.
        view, show: the mirror, and the window that it is in.
        outputs: other programs, if any are to have what is shown.
    """

    def __init__(
        self,
        recorded: Recorded,
        stretch: Stretch,
        stage: ReplayStage,
        view: MirrorView,
        show: MirrorShow,
        outputs: LiveOutputs | None = None,
    ) -> None:
        self._stage, self._view, self._show, self._outputs = stage, view, show, outputs
        self._zero_ns = recorded.whole.begin_ns
        self._begin_s, self._end_s = self._seconds(stretch.begin_ns), self._seconds(stretch.end_ns)
        self._marks = tuple(m for m in marks_of(recorded) if self._begin_s <= m.seconds <= self._end_s)

    @property
    def rate(self) -> float:
        """Pictures a second that are wanted."""
        return self._show.rate

    def show(
        self, tempo: Tempo, now_ns: int, tick_ns: int, headset: HeadsetStatus | None, *, heard: bool
    ) -> TimelineRequest | None:
        """One picture.

        Args:
            now_ns, tick_ns: now, and when the picture was due; monotonic.
            headset: how the headset is doing, if there is one.
            heard: whether there is a voice.

        Returns:
            What the mouse asked the timeline for.
        """
        position_ns = tempo.position_at(now_ns)
        state = self._stage.set(self._view, position_ns, now_ns)
        self._show.timeline = Timeline(
            begin_s=self._begin_s,
            end_s=self._end_s,
            position_s=self._seconds(position_ns),
            speed=tempo.speed,
            playing=tempo.runs(now_ns),
            loop=tempo.loop,
            sound=sound_status(tempo) if heard else "",
            marks=self._marks,
        )
        if state is None:
            self._show.show_nobody()
        else:
            picture = self._show.show(state, None, tick_ns, headset, worn=False)
            if self._outputs is not None:
                self._outputs.change_body(self._stage.performer.body)
                self._outputs.show(state, in_play_space=self._stage.in_play_space)
                self._outputs.show_picture(picture)
        return self._show.take_timeline_request()

    def take_actions(self) -> list[Action]:
        """Hot keys that were pressed, those of the mirror alone already done."""
        actions = self._show.take_actions()
        if self._outputs is not None and Action.RECENTER in actions:
            self._outputs.recenter()
        for _ in range(actions.count(Action.NEXT_AVATAR)):
            self._show.next_avatar()
        return actions

    def _seconds(self, recorded_ns: int) -> float:
        return (recorded_ns - self._zero_ns) / 1e9
