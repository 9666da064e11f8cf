"""Sessions with a headset: alone, beside a mirror window, moved by a camera or by a file, and when it crashes."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.display_clock import DisplayClock
from inperson.app.headset import process
from inperson.app.headset.plan import bindings_for
from inperson.app.live.setup import run_session
from inperson.app.pictures.turntable import at_ease
from inperson.avatar.body import load_body
from inperson.errors import BadInputError, DeviceError, InPersonError
from inperson.render.window import Action, MirrorWindow
from inperson.tracking.motion_file import clip_of_states, save_motion
from tests.app import headset_doubles, tracking_doubles


@pytest.fixture(scope="module")
def motion_file(tmp_path_factory):
    """Half a second of somebody who raises nothing but their place."""
    path, body = tmp_path_factory.mktemp("motions") / "m.npz", load_body("neutral")
    state = at_ease(body.num_betas, body.num_expression)
    states = [replace(state, transl=np.float32([0, 0.01 * k, -2]), time_ns=k * 40_000_000) for k in range(12)]
    save_motion(clip_of_states(states, framerate=25.0, body_name=body.name, body_sha256=body.sha256), path)
    return path


@pytest.fixture
def options(workplace, avatar_file):
    def make(**changes) -> Live:
        settings = {"input": "demo", "avatar": str(avatar_file), "size": (64, 48), "view": "headset"}
        return Live(**(settings | changes))

    return make


def run(options: Live, headset=headset_doubles.LeavingHeadset, tracking=tracking_doubles.EndlessPipeline):
    console = Console(file=io.StringIO(), width=160)
    figures = run_session(options, console, tracking, headset)
    return figures, console.file.getvalue()


def test_a_headset_alone_reports_its_percentiles_until_the_wearer_leaves(workplace, options):
    figures, said = run(options(report=workplace / "r.json"))
    assert not figures.interrupted
    report = json.loads((workplace / "r.json").read_text())
    assert report["view"] == "headset"
    assert (report["pictures"], report["width"], report["capture_to_photon_ms"]) == (0, 0, None)
    assert report["frames_tracked"] == report["stages"]["fit"]["count"] > 0
    headset = report["headset"]
    assert headset["frames"]["rendered"] == 20
    assert headset["frames"]["stages"]["draw"] == {"p50": 3.0, "p95": 4.0, "p99": 5.0}
    assert (headset["frames"]["missed"], headset["frames"]["nominal_fps"]) == (0, 100.0)
    assert (headset["frames"]["scale_p50"], headset["frames"]["levels"]) == (0.75, {"1": 20})
    assert headset["rungs"] == [{"seconds": 0.0, "scale": 0.75, "level": 1, "shader": ""}]
    assert headset["states"][-1] == "EXITING"
    assert (headset["reconnects"], headset["restarts"], headset["scene"]) == (0, 0, "mirror")
    for words in ("p99 ms", "draw", "100.0 of 100 frames a second, 0 missed", "a headset of cardboard"):
        assert words in said
    assert sorted(p.name for p in workplace.iterdir()) == ["r.json"]


def test_seconds_end_it_through_the_headsets_states(options):
    figures, _ = run(options(seconds=0.4), headset_doubles.ScriptedHeadset)
    assert 0.35 < figures.seconds < 5.0
    assert figures.headset.states[-1] == "EXITING"


def test_a_motion_file_needs_no_tracking(options, motion_file):
    figures, said = run(options(input=str(motion_file), scene="embodied"), tracking=tracking_doubles.no_models)
    assert figures.tracking is None
    assert figures.headset.scene == "embodied"
    assert "calibrat" not in said


def test_a_motion_file_plays_once_in_the_mirror(workplace, options, motion_file):
    figures, said = run(options(input=str(motion_file), view="mirror", report=workplace / "r.json"))
    assert figures.headset is None
    assert 0.3 < figures.seconds <= 0.6
    report = json.loads((workplace / "r.json").read_text())
    assert report["source"] == "m.npz"
    assert report["capture_to_photon_ms"] is None
    assert report["stages"].keys() == {"pose", "draw", "encode"}
    assert "tracking" not in said


def test_frames_count_the_mirrors_pictures_without_a_headset(workplace, options):
    figures, _ = run(options(view="mirror", frames=3))
    assert figures.display.count == 3


def test_without_a_calibration_it_says_so_once(options):
    _, said = run(options(profile="wendy"))
    assert said.count("run `inperson calibrate`") == 1
    _, said = run(options(profile="wendy", scene="face-to-face"))
    assert "calibrate" not in said  # nothing is aligned there


def test_a_headset_without_passthrough_says_so(options):
    assert "a headset of cardboard offers no passthrough" in run(options(passthrough=True))[1]
    assert "passthrough" not in run(options())[1]


def test_no_runtime_is_one_line(options):
    with pytest.raises(DeviceError, match="no OpenXR runtime is installed: install one"):
        run(options(), headset_doubles.no_runtime)


def test_ctrl_c_goes_through_the_headsets_states(options, monkeypatch):
    wait, count = DisplayClock.wait, [0]

    def interrupted_wait(self):
        count[0] += 1
        if count[0] > 10:
            raise KeyboardInterrupt
        return wait(self)

    monkeypatch.setattr(DisplayClock, "wait", interrupted_wait)
    figures, _ = run(options(), headset_doubles.ScriptedHeadset)
    assert figures.interrupted
    assert figures.headset.states[-1] == "EXITING"


def test_a_fault_that_stays_ends_a_headset_alone(options):
    with pytest.raises(InPersonError, match="headset crashed: ZeroDivisionError: a bug in the frame loop"):
        run(options(), headset_doubles.HopelessHeadset)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"view": "mirror", "scene": "embodied"}, BadInputError, "--scene embodied is for a headset"),
        ({"view": "none", "passthrough": True}, BadInputError, "--passthrough is for a headset"),
        ({"out": "x.mp4"}, BadInputError, "x.mp4: a headset alone has no mirror"),
        ({"seconds": 0.0}, BadInputError, "--seconds 0.0: give a number above 0"),
        ({"frames": -1}, BadInputError, "--frames -1: give a number above 0"),
        ({"view": "headset+mirror"}, DeviceError, "no display for the mirror window"),
        ({"input": "nowhere.npz", "view": "none"}, BadInputError, r"motion nowhere.npz not found"),
    ],
)
def test_options_that_contradict_each_other(workplace, options, changes, error, said):
    with pytest.raises(error, match=said):
        run(options(**changes), headset_doubles.ScriptedHeadset, tracking_doubles.no_models)
    assert list(workplace.iterdir()) == []


def test_glx_beside_a_window_egl_without():
    assert bindings_for(mirror_window=True) == ("glx", "egl")
    assert bindings_for(mirror_window=False) == ("egl", "glx")


class Window:
    """Stands between a session and its real window: sees what is shown, and presses keys when something is."""

    def __init__(self, monkeypatch, script) -> None:
        self.overlays, self.signs = [], []
        self._script = script
        show = MirrorWindow.show

        def seen_show(window, picture, overlay=None, sign=None):
            self.signs.append(sign)
            if overlay is not None:
                self.overlays.append(overlay)
            show(window, picture, overlay, sign)

        monkeypatch.setattr(MirrorWindow, "show", seen_show)
        monkeypatch.setattr(MirrorWindow, "take_actions", lambda window: self.keys())

    def keys(self) -> list[Action]:
        """The next key of the script once its time has come."""
        if self.overlays and self._script and self._script[0][0](self.overlays[-1]):
            return [self._script.pop(0)[1]]
        return []


def running(overlay) -> bool:
    return overlay.headset is not None and overlay.headset.title == "Scripted 1.0: focused"


def test_beside_the_mirror_its_keys_reach_the_headset(options, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    states = []
    newest_state = process.HeadsetProcess.newest_state

    def seen_state(headset):
        state = newest_state(headset)
        states.append(None if state is None else state.transl.tolist())
        return state

    monkeypatch.setattr(process.HeadsetProcess, "newest_state", seen_state)
    window = Window(
        monkeypatch,
        [
            (running, Action.RECENTER),
            (lambda overlay: states[-1] == [1.0, 0.0, 1.0], Action.NEXT_AVATAR),
            (lambda overlay: states[-1] == [1.0, 1.0, 1.0], Action.QUIT),
        ],
    )
    figures, said = run(options(view="headset+mirror"), headset_doubles.ScriptedHeadset)
    assert figures.headset.frames.frames > 0
    assert figures.display.count == len(window.overlays)
    shown = window.overlays[-1]
    assert shown.avatar != "tiny"
    assert shown.headset.summary == "100.0 of 100 fps, 0 missed, scale 0.75, level 1"
    assert [(line.name, line.p99) for line in shown.headset.stages][2:] == [("draw", 5.0), ("frame", 6.0)]
    assert shown.camera.preview.shape == (48, 64, 3)
    assert "a headset of cardboard" in said


def test_the_mirror_goes_on_while_the_headset_is_started_again(options, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    told = []

    def back(overlay) -> bool:
        told.append(overlay.notice)
        return running(overlay) and any("starting it again" in notice for notice in told)

    window = Window(monkeypatch, [(back, Action.QUIT)])
    figures, said = run(options(view="headset+mirror"), headset_doubles.CrashingHeadset)
    during = [overlay for overlay in window.overlays if "killed by SIGSEGV" in overlay.notice]
    assert len(during) > 3
    assert figures.headset.restarts == 1
    assert said.count("headset: it was killed by SIGSEGV: libopenxr: double free, starting it again") == 1


def test_a_headset_that_stays_away_leaves_the_mirror_and_is_told_in_the_end(options, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    after = []

    def failed(overlay) -> bool:
        after.append(overlay.headset.title)
        return after.count("Scripted 1.0: failed") > 10

    Window(monkeypatch, [(failed, Action.QUIT)])
    with pytest.raises(InPersonError, match="a bug in the frame loop"):
        run(options(view="headset+mirror"), headset_doubles.HopelessHeadset)
