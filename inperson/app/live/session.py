"""The live session: two clocks, one mailbox.

The tracking clock (`motion.tracking_process`) turns camera frames into body states at the camera's rate. The display
clocks take the newest state, carry it forward to the moment of display, pose the avatar, draw it, and present or
encode the picture: the mirror's here, a headset's in a process of its own (`headset.process`). None waits for
another. A clip is played at its own pace, with a window or without, so a session's figures are those of a camera.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from inperson.app.display_clock import DisplayClock
from inperson.app.headset.process import HeadsetProcess
from inperson.app.headset.status import HeadsetFigures, HeadsetStatus
from inperson.app.live.recording.figures import RecordedFigures
from inperson.app.live.recording.recording import LiveRecording
from inperson.app.mirror.show import MirrorShow
from inperson.app.motion.states import LiveStates
from inperson.app.motion.tracking_process import TrackingSummary
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.timing import Rate, StageRow
from inperson.errors import BadInputError, InPersonError
from inperson.render.overlay_recording import RecordingSign
from inperson.render.window import Action

HEADSET_RATE = 30.0
"""Looks a second at a headset that no mirror is shown beside."""
SHOWN_STATES = ("visible", "focused")


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """What a session measured."""

    tracking: TrackingSummary | None
    """None for a motion file."""
    stages: dict[str, StageRow]
    """Of the mirror: pose, conditions and shading with a shader, draw, present, encode."""
    display: Rate
    """Of the mirror's pictures."""
    ages_ns: tuple[int, ...]
    """Of every picture: from the capture of the frame it is based on to its presentation."""
    shown_ns: tuple[int, ...]
    """When each of the mirror's pictures was presented, monotonic."""
    headset: HeadsetFigures | None
    recording: RecordedFigures | None
    recording_error: InPersonError | None
    """Why the recording ended before the session did."""
    seconds: float
    """From the first picture to the last; of a headset, from when it could begin to its end."""
    interrupted: bool
    """Whether Ctrl-C ended it; what was written is complete all the same."""


class LiveSession:
    """The display clock of one session, and the watch over its headset.

    Args:
        states: what moves the avatar.
        mirror: where it is shown, if it is.
        headset: a headset process that is ready, if there is one.
        recording: takes it all down, if it is asked for; the session finishes it.
        outputs: other programs, if any are to have every state that is shown, or would be in a mirror.
        seconds: when to stop; None until the source ends or somebody quits.
        frames: after how many of the mirror's pictures to stop; a headset counts its own.
        on_progress: told the seconds shown so far, after each picture.
        say: told when the headset comes and goes.
    """

    def __init__(
        self,
        states: LiveStates,
        mirror: MirrorShow | None,
        headset: HeadsetProcess | None = None,
        recording: LiveRecording | None = None,
        outputs: LiveOutputs | None = None,
        *,
        seconds: float | None = None,
        frames: int | None = None,
        on_progress: Callable[[float], None] = lambda seconds: None,
        say: Callable[[str], None] = lambda notice: None,
    ) -> None:
        self._states, self._mirror, self._headset = states, mirror, headset
        self._recording, self._outputs = recording, outputs
        self._seconds, self._frames = seconds, frames
        self._on_progress, self._say = on_progress, say
        self._fault: InPersonError | None = None
        self._said = ""
        self._began_ns = 0
        self._quit = False

    def run(self) -> SessionFigures:
        """Run all clocks to the end.

        Raises:
            InPersonError: tracking failed or died, pictures could not be written, or the headset does not stay.
            BadInputError: nobody was ever in view.
        """
        interrupted = False
        self._states.go()
        self._began_ns = time.monotonic_ns()
        if self._headset is not None:
            self._headset.go(self._began_ns)
        if self._recording is not None:
            self._recording.begin(self._began_ns)
        clock = DisplayClock(self._mirror.rate if self._mirror is not None else HEADSET_RATE)
        try:
            while not self._over():
                self._tick(clock.wait())
        except KeyboardInterrupt:
            interrupted = True
        if self._recording is not None:
            self._recording.end()
        display = self._mirror.rate_shown if self._mirror is not None else Rate(0, 0.0)
        seconds = display.seconds if self._headset is None else self._elapsed()
        headset = self._headset.stop() if self._headset is not None else None
        summary = self._states.stop()
        recording = self._recording.finish() if self._recording is not None else None
        if self._fault is not None:
            raise self._fault
        if summary is not None and not summary.seen and self._headset is None:  # a headset does without
            raise BadInputError(
                f"nobody was in view in {self._states.source}",
                "step back until head and shoulders are in the picture",
            )
        return SessionFigures(
            tracking=summary,
            stages=self._mirror.times.table() if self._mirror is not None else {},
            display=display,
            ages_ns=tuple(self._mirror.ages_ns) if self._mirror is not None else (),
            shown_ns=tuple(self._mirror.shown_ns) if self._mirror is not None else (),
            headset=headset,
            recording=recording,
            recording_error=self._recording.error if self._recording is not None else None,
            seconds=seconds,
            interrupted=interrupted,
        )

    def _over(self) -> bool:
        in_time = self._seconds is None or self._elapsed() < self._seconds
        if self._headset is not None:
            left = self._headset.ended
        else:
            left = self._mirror is not None and self._mirror.rate_shown.count == self._frames
        return self._quit or left or not in_time or self._states.ended()

    def _elapsed(self) -> float:
        if self._headset is None and self._mirror is not None:
            return self._mirror.seconds
        return (time.monotonic_ns() - self._began_ns) / 1e9

    def _tick(self, tick_ns: int) -> None:
        status = self._look_at_headset()
        sign = self._look_at_recording()
        tracked = self._states.take()
        worn = self._headset.newest_state() if self._headset is not None else None
        state = worn or self._states.state_at(time.monotonic_ns())
        if state is not None:
            if self._outputs is not None:
                self._outputs.show(state, in_play_space=worn is not None)
            if self._recording is not None:
                self._recording.shown(state)
        mirror = self._mirror
        if mirror is not None:
            if tracked is not None:
                mirror.feed.tracked(tracked)
            if state is None:
                mirror.show_nobody(sign)
            else:
                based_on = self._states.based_on
                picture = mirror.show(state, based_on, tick_ns, status, worn=worn is not None, sign=sign)
                if self._outputs is not None:
                    self._outputs.show_picture(picture)
                if self._recording is not None:
                    self._recording.mirror_frame(mirror.times.take_fresh())
            for action in mirror.take_actions():
                self._act(action, mirror)
        self._on_progress(self._elapsed())

    def _look_at_headset(self) -> HeadsetStatus | None:
        """Watch over the headset. A mirror goes on without one; the fault is still told in the end."""
        if self._headset is None:
            return None
        if self._fault is None:
            try:
                for recentred in self._headset.poll():
                    if self._recording is not None:
                        self._recording.recentred(recentred.time_ns, recentred.T_new_from_old)
                    if self._mirror is not None:
                        self._mirror.recenter()
            except InPersonError as error:
                self._fault = error
                self._quit |= self._mirror is None
        status = self._headset.status
        if self._fault is not None:
            status = HeadsetStatus("failed", status.runtime, notice=self._fault.what)
        word = status.notice or (f"{status.runtime} shows it" if status.state in SHOWN_STATES else "")
        if word not in ("", self._said):
            self._said = word
            self._say(f"headset: {word}")
            if self._recording is not None and status.notice:
                self._recording.warn(f"headset: {word}")
        return status

    def _look_at_recording(self) -> RecordingSign | None:
        """What it has to say, and what shows that it goes on."""
        if self._recording is None:
            return None
        for notice in self._recording.look():
            self._say(notice)
        sign = self._recording.sign
        if self._headset is not None:
            self._headset.show_sign(sign.line)
        return sign

    def _act(self, action: Action, mirror: MirrorShow) -> None:
        if action is Action.RECENTER and self._outputs is not None:
            self._outputs.recenter()
        match action:
            case Action.RECENTER if self._headset is not None:
                self._headset.recenter()
            case Action.RECENTER if self._recording is not None:
                self._recording.recentred(time.monotonic_ns(), None)
            case Action.NEXT_AVATAR:
                self._change_avatar(mirror)
            case Action.SHADER if self._headset is not None:
                self._headset.toggle_shader()
            case Action.SPLIT if self._headset is not None:
                self._headset.toggle_split()
            case Action.QUIT:
                self._quit = True

    def _change_avatar(self, mirror: MirrorShow) -> None:
        name, performer = mirror.next_avatar()
        if self._headset is not None:
            self._headset.show_avatar(name)
            if self._outputs is not None:
                self._outputs.change_body(performer.body)
        if self._recording is not None:  # in a headset the states are of the new avatar's body
            self._recording.avatar_changed(name, None if self._headset is None else performer.body)
