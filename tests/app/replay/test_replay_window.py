"""A replay in a real window on a virtual display: what is shown when, driven by the mouse and the keys."""

import io
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sounddevice
from rich.console import Console

from inperson.app.commands.replay import Replay
from inperson.app.outputs.options import Outputs, VmcOutput
from inperson.app.recording.records import EventKind, EventRecord
from inperson.app.recording.voice import VoiceStream
from inperson.app.replay.setup import replay
from inperson.avatar.file import save_avatar
from inperson.render.overlay import Overlay
from inperson.render.overlay_timeline import MARGIN, PANEL_HEIGHT, Timeline
from inperson.render.window import MirrorWindow
from tests.app.drawing_doubles import tiny_avatar
from tests.app.outputs.hearing import listening, wait_until
from tests.app.replay.sessions import BEGIN_NS, about, avatar_record, gestures, session_of

FRAMES = 100
"""Of four seconds."""
PATIENCE_S = 30.0


class Viewer(threading.Thread):
    """Watches a replay's window and, from a thread of its own, does what a script says; Q at its end."""

    def __init__(self, display: str, script: Callable[["Viewer"], None], monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._display, self._script = display, script
        self.pictures: list[np.ndarray] = []
        self.overlays: list[Overlay] = []
        self.window_size = (0, 0)
        self.failure: BaseException | None = None
        show = MirrorWindow.show

        def seen_show(window, picture, overlay=None, *further):
            self.pictures.append(picture)
            self.overlays.append(overlay)
            show(window, picture, overlay, *further)

        monkeypatch.setattr(MirrorWindow, "show", seen_show)

    @property
    def timeline(self) -> Timeline:
        return self.overlays[-1].timeline

    def run(self) -> None:
        try:
            self.until(lambda: len(self.pictures) > 3)
            self._script(self)
        except BaseException as failure:  # noqa: BLE001  (told to the test)
            self.failure = failure
        finally:
            self.do("key", "q")

    def do(self, *arguments: str) -> None:
        find = ["xdotool", "search", "--sync", "--name", "^InPerson$", "windowfocus", "--sync"]
        subprocess.run([*find, *arguments], env={"DISPLAY": self._display}, check=True, timeout=20)

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.01)

    def a_few_pictures(self) -> None:
        enough = len(self.pictures) + 4
        self.until(lambda: len(self.pictures) >= enough)


@pytest.fixture
def session(body, tmp_path) -> Path:
    """Somebody who wears white and then black, says something and is lost for a moment."""
    avatars = []
    for name, color in (("white", 1.0), ("black", 0.0)):
        save_avatar(tiny_avatar(body, name, color), tmp_path / f"{name}.avatar")
        avatars.append(avatar_record(tmp_path / f"{name}.avatar"))
    papers = about(body, avatar_name="white", avatar_sha256=avatars[0][1], name="Zoë")
    change = replace(papers, avatar_name="black", avatar_sha256=avatars[1][1], time_ns=BEGIN_NS + 3_000_000_000)
    voice = VoiceStream("me")
    said = [voice.record_of(np.zeros(960, np.float32), BEGIN_NS + 10_000_000 + k * 20_000_000) for k in range(10)]
    further = [
        *(record for record, _ in avatars),
        change,
        *said,
        EventRecord(BEGIN_NS + 1_000_000_000, EventKind.LOST, "me", "nobody is in view"),
        EventRecord(BEGIN_NS + 3_000_000_000, EventKind.AVATAR, "me", "black"),
    ]
    return session_of(tmp_path / "s.mcap", papers, gestures(body, FRAMES), further)


@pytest.fixture
def watch(session, xvfb, monkeypatch):
    """Runs a replay and a script beside it; what the command printed."""
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def no_device(*args, **options):
        raise sounddevice.PortAudioError("none here")

    monkeypatch.setattr(sounddevice, "OutputStream", no_device)

    def run(script: Callable[[Viewer], None], **options) -> tuple[Viewer, str]:
        viewer = Viewer(xvfb, script, monkeypatch)
        console = Console(file=io.StringIO(), width=200)
        viewer.start()
        replay(Replay(session, backend="cpu", size=(96, 96), **options), console)
        viewer.join()
        if viewer.failure is not None:
            raise viewer.failure
        return viewer, console.file.getvalue()

    return run


def test_the_keys_play_pause_seek_and_step(watch):
    def script(viewer: Viewer) -> None:
        viewer.do("key", "space")
        viewer.until(lambda: not viewer.timeline.playing)
        viewer.do("key", "Home")
        viewer.until(lambda: viewer.timeline.position_s == 0.0)
        for steps in (1, 2, 3):
            viewer.do("key", "period")
            own = gestures_time(steps)
            viewer.until(lambda own=own: viewer.timeline.position_s == pytest.approx(own, abs=1e-9))
        viewer.do("key", "comma")
        viewer.until(lambda: viewer.timeline.position_s == pytest.approx(gestures_time(2), abs=1e-9))
        viewer.a_few_pictures()
        held = viewer.pictures[-1]
        viewer.a_few_pictures()
        np.testing.assert_array_equal(viewer.pictures[-1], held)  # time stands still
        viewer.do("key", "Right")
        viewer.until(lambda: viewer.timeline.position_s == viewer.timeline.end_s)
        viewer.do("key", "l", "Up", "Home", "space")
        viewer.until(
            lambda: (viewer.timeline.loop, viewer.timeline.speed, viewer.timeline.playing) == (True, 2, True)
        )
        viewer.until(lambda: viewer.timeline.position_s > 1.0)
        viewer.until(lambda: viewer.timeline.position_s < 1.0)  # again from the beginning
        viewer.do("key", "m", "o")  # the mirror's own keys go on working
        viewer.until(lambda: viewer.overlays[-1] is None)

    viewer, printed = watch(script)
    assert "replaying silently: no sound device (none here)" in printed
    first = next(overlay for overlay in viewer.overlays if overlay is not None)
    assert first.source == "s.mcap: Zoë"
    assert [(m.kind, m.text, m.seconds) for m in first.timeline.marks] == [
        ("lost", "lost: nobody is in view", 1.0),
        ("avatar", "avatar: black", 3.0),
    ]


def gestures_time(frame: int) -> float:
    """Seconds from the recording's start, of a frame."""
    return (frame * 40_000_000 + (frame % 3) * 1_000_001) / 1e9


def test_a_click_on_the_timeline_goes_there_and_avatars_come_and_go_with_time(watch):
    def script(viewer: Viewer) -> None:
        viewer.do("key", "space")
        viewer.until(lambda: not viewer.timeline.playing)
        places = {}
        for share, avatar in {0.6: "white", 0.96: "black", 0.3: "white"}.items():
            x, y = round(190 + share * 840), round(800 - MARGIN - 0.5 * PANEL_HEIGHT)
            viewer.do("mousemove", "--window", "%1", str(x), str(y), "click", "1")
            viewer.until(lambda avatar=avatar: viewer.overlays[-1].avatar == avatar)
            viewer.a_few_pictures()
            places[share] = viewer.timeline.position_s / viewer.timeline.end_s
            assert (viewer.pictures[-1].max() > 200) == (avatar == "white")
        assert places[0.3] < places[0.6] < places[0.96]
        assert places[0.6] - places[0.3] == pytest.approx(0.3, abs=0.05)
        assert not viewer.timeline.playing
        viewer.do("key", "n")
        viewer.until(lambda: viewer.overlays[-1].avatar == "ada")
        viewer.do("key", "End")  # a wish outlasts what was recorded
        viewer.until(lambda: viewer.timeline.position_s == viewer.timeline.end_s)
        viewer.a_few_pictures()
        assert viewer.overlays[-1].avatar == "ada"

    watch(script)


def test_it_holds_at_its_end_and_space_begins_again(watch):
    def script(viewer: Viewer) -> None:
        viewer.until(lambda: not viewer.timeline.playing)
        assert viewer.timeline.position_s == viewer.timeline.end_s == pytest.approx(3.5, abs=0.05)
        viewer.do("key", "space")
        viewer.until(lambda: viewer.timeline.playing)
        assert viewer.timeline.position_s < 3.4

    watch(script, begin="3", end="-0.46", speed=4.0)


def test_what_is_played_goes_to_other_programs_too(watch):
    def script(viewer: Viewer) -> None:
        viewer.do("key", "space", "End")  # of the recording: 0.99 m to the person's left of where it began
        viewer.until(lambda: viewer.timeline.position_s == viewer.timeline.end_s)
        wait_until(lambda: any(address == "/VMC/Ext/Root/Pos" and values[1] < -0.4 for address, values in heard))

    with listening() as (port, heard):
        _, said = watch(script, outputs=Outputs(vmc=VmcOutput(f":{port}")))
    assert f"VMC to 127.0.0.1:{port}" in said
