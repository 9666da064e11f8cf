"""`LiveRecording`: a session's own handle on its recording."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from inperson.app.audio.source import Microphone
from inperson.app.commands.live import Keep
from inperson.app.live.recording.about import About, avatar_of, of_body
from inperson.app.live.recording.feeds import Feed, HeadsetFeed, PictureFeed, TrackedFeed
from inperson.app.live.recording.figures import RecordedFigures
from inperson.app.live.recording.rings import LiveRings
from inperson.app.live.recording.voice import RecordedVoice
from inperson.app.recording.recorder import Recorder, RecorderStatus
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    MicrophoneRecord,
    Record,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.errors import InPersonError
from inperson.render.overlay_recording import RecordingSign

ME = "me"
"""The key of who sits at this machine."""
DRAIN_S = 0.1
"""Between two looks at what processes handed over."""
LOOK_S = 0.25
"""Between two looks at how recorder and microphone are doing."""
LONGEST_TEXT = 1000


class LiveRecording:
    """Records a session until it is finished; the session goes on whatever becomes of it. `with` finishes it.

    Three threads do the work: the recorder's writes, one drains what processes hand over, the microphone's encodes.
    The display clock only hands over its timings, and, where nothing is tracked, the states it shows.

    Args:
        recorder: with an empty file; closed with this.
        path: its file's name.
        rings: what the session's processes fill; this is their one reader.
        body: that the states are of.
        avatar: whom the participant wears; for `load_avatar`.
        keep: whether avatars' files go into the recording.
        world: the states' frame, `camera` or `play`.
        settings: the session's.
        microphone: open, or None.
        camera: whether the camera's pictures are recorded.
        framerate: states a second, nominal; 0 while it is not known.
    """

    def __init__(
        self,
        recorder: Recorder,
        path: Path,
        rings: LiveRings,
        body: BodyModel,
        avatar: str,
        *,
        keep: Keep,
        world: str,
        settings: SettingsRecord,
        microphone: Microphone | None,
        camera: bool,
        framerate: float = 0.0,
    ) -> None:
        self._recorder, self._path, self._keep, self._camera = recorder, path, keep, camera
        self._settings = settings
        self._nobody_tracks = rings.tracking is None and rings.headset is None
        self._counts: Counter[type] = Counter()
        self._ring_drops = 0
        described, embedded = avatar_of(avatar, keep, time.monotonic_ns())
        self._avatar = embedded
        self._about = About(ME, body, self.put, world=world, framerate=framerate, **described)
        self._feeds = _feeds(rings, self._about)
        self._voice = None if microphone is None else RecordedVoice(microphone, ME, self.put)
        self._began_ns = self._ended_ns = 0
        self._looked_s = 0.0
        self._told: set[str] = set()
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, "recording-feed")
        self._draining: Future[None] | None = None
        self._finished: RecordedFigures | None = None

    def begin(self, start_ns: int) -> None:
        """The session begins now (monotonic nanoseconds).

        Raises:
            DeviceError: the microphone does not start.
        """
        self._began_ns = start_ns
        self.put(replace(self._settings, time_ns=start_ns))
        self._about.begin(start_ns)
        if self._avatar is not None:
            self.put(self._avatar)
        self.put(EventRecord(start_ns, EventKind.JOIN, ME))
        if self._camera:
            text = "pictures of the camera are recorded"
            self.put(EventRecord(start_ns, EventKind.NOTE, ME, text=text))
        if self._voice is not None:
            self._voice.start(start_ns)
        self._draining = self._thread.submit(self._drain_until_closed)

    def put(self, record: Record) -> bool:
        """Hand a record over. For any thread."""
        taken = self._recorder.put(record)
        self._counts[type(record)] += taken
        return taken

    def shown(self, state: BodyState) -> None:
        """A state is shown. Recorded where no process hands over states: of a motion file without a headset."""
        if self._nobody_tracks:
            self.put(BodyRecord(ME, state))

    def mirror_frame(self, stages_ns: dict[str, int]) -> None:
        """The mirror has presented a picture, and this is how long its stages took."""
        self.put(TimingsRecord(time.monotonic_ns(), "mirror", tuple(stages_ns), tuple(stages_ns.values())))

    def recentred(self, time_ns: int, T_new_from_old: np.ndarray | None) -> None:
        """The participant was put back into the middle; in a headset the play space moved by this."""
        self.put(EventRecord(time_ns, EventKind.RECENTER, ME, T_new_from_old=T_new_from_old))

    def avatar_changed(self, name_or_path: str, body: BodyModel | None) -> None:
        """The participant wears another avatar.

        Args:
            body: that their states are of from now on; None: of the same as before.

        Raises:
            OutputError: its file cannot be read.
        """
        now = time.monotonic_ns()
        described, embedded = avatar_of(name_or_path, self._keep, now)
        if embedded is not None:
            self.put(embedded)
        if self._about.change(now, **described, **({} if body is None else of_body(body))):
            self.put(EventRecord(now, EventKind.AVATAR, ME, text=described["avatar_name"]))

    def warn(self, text: str) -> None:
        """Something went wrong that is worth knowing later."""
        self.put(EventRecord(time.monotonic_ns(), EventKind.WARNING, ME, text=text[:LONGEST_TEXT]))

    def look(self) -> list[str]:
        """Look at how it is doing, a few times a second however often it is called; what the user should be told."""
        if time.monotonic() - self._looked_s < LOOK_S:
            return []
        self._looked_s = time.monotonic()
        notices = self._look_at_microphone()
        status = self._recorder.status
        for notice in (status.warning, "" if status.error is None else str(status.error)):
            if notice and notice not in self._told:
                self._told.add(notice)
                notices.append(notice)
        return notices

    @property
    def error(self) -> InPersonError | None:
        """Why it ended before the session did."""
        return self._recorder.status.error

    @property
    def sign(self) -> RecordingSign:
        """What the user sees of it."""
        status = self._recorder.status
        end_ns = self._ended_ns or time.monotonic_ns()
        return RecordingSign(
            seconds=(end_ns - self._began_ns) / 1e9 if self._began_ns else 0.0,
            size=status.size,
            camera=self._camera,
            sound=self._voice is not None,
            warning=status.warning,
            stopped="" if status.error is None else status.error.what.removeprefix("recording stopped: "),
        )

    def end(self) -> None:
        """The session is over: nobody is listened to any more. What its processes still hand over is taken."""
        if self._ended_ns:
            return
        self._ended_ns = time.monotonic_ns()
        if self._voice is not None:
            self._voice.close()
            self._look_at_microphone()

    def finish(self) -> RecordedFigures:
        """Close the file with everything in it. To be called when the processes have ended."""
        if self._finished is not None:
            return self._finished
        try:
            self.end()
            self._closing.set()
            self._thread.shutdown()
            if self._draining is not None:
                self._draining.result()  # a bug in the thread is raised here
                self.put(EventRecord(self._ended_ns, EventKind.LEAVE, ME))
        finally:
            status = self._recorder.close()
        self._finished = self._figures(status)
        return self._finished

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.finish()

    def _drain_until_closed(self) -> None:
        while not self._closing.wait(DRAIN_S):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        for feed in self._feeds:
            for record in feed.drain():
                if isinstance(record, EventRecord) and record.kind is EventKind.DROPPED:
                    self._ring_drops += record.count
                self.put(record)

    def _look_at_microphone(self) -> list[str]:
        if self._voice is None:
            return []
        notices = []
        for event in self._voice.events(time.monotonic_ns()):
            self.put(event)
            if event.kind is EventKind.WARNING:
                notices.append(event.text)
            else:
                self._ring_drops += event.count
        return notices

    def _figures(self, status: RecorderStatus) -> RecordedFigures:
        return RecordedFigures(
            file=str(self._path),
            seconds=round((self._ended_ns - self._began_ns) / 1e9, 3) if self._began_ns else 0.0,
            states=status.states,
            headset_frames=self._counts[HeadsetRecord],
            sound_seconds=round(self._counts[MicrophoneRecord] * 0.02, 2),
            camera_pictures=self._counts[VideoRecord],
            dropped=status.dropped + self._ring_drops,
            bytes=status.size,
            microphone="" if self._voice is None else self._voice.microphone.name,
            error="" if status.error is None else str(status.error),
        )


def _feeds(rings: LiveRings, about: About) -> Sequence[Feed]:
    feeds: list[Feed] = []
    if rings.headset is not None:
        feeds.append(HeadsetFeed(rings.headset, about, ME))
    if rings.tracking is not None:
        feeds.append(TrackedFeed(rings.tracking.frames, about, ME, states=rings.headset is None))
        if rings.tracking.pictures is not None:
            feeds.append(PictureFeed(rings.tracking.pictures, ME))
    return feeds
