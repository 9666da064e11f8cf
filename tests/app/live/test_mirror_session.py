"""Whole live sessions: real processes, real files, a real window; a scripted camera and a point rasteriser."""

import io
import itertools
import json

import av
import numpy as np
import pytest
from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.display_clock import DisplayClock
from inperson.app.live.setup import run_session
from inperson.errors import BadInputError, DeviceError, InPersonError, OutputError
from inperson.render.window import Action, MirrorWindow
from tests.app import tracking_doubles as doubles


@pytest.fixture
def options(workplace, avatar_file):
    def make(**changes) -> Live:
        return Live(**({"input": "demo", "avatar": str(avatar_file), "size": (64, 48)} | changes))

    return make


def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def pictures(path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def files(folder) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_clip_becomes_a_mirror_and_a_report(workplace, options):
    said = console()
    figures = run_session(options(report=workplace / "r.json"), said, doubles.ScriptedPipeline)
    shown = pictures(workplace / "out" / "mirror.mp4")  # the default place when there is no display
    assert files(workplace) == ["out/mirror.mp4", "r.json"]
    assert len(shown) == figures.display.count >= 1
    times = [time_s for time_s, _ in shown]
    assert times[0] == 0.0
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert times[-1] < 5.0
    assert {image.shape for _, image in shown} == {(48, 64, 3)}
    background = shown[-1][1][2, 2].astype(int)
    somebody = np.abs(shown[-1][1].astype(int) - background).sum(axis=-1) > 150
    assert somebody[10:, 16:48].mean() > 0.04  # an avatar stands in the middle

    report = json.loads((workplace / "r.json").read_text())
    assert report["stages"].keys() == {"capture", "landmarks", "fit", "pose", "draw", "encode"}
    assert report["stages"]["fit"]["count"] == report["frames_tracked"] == doubles.FRAME_COUNT
    assert report["stages"]["draw"]["count"] == report["pictures"] == len(shown)
    assert report["frames_dropped"] == doubles.FRAME_COUNT // 3
    assert 0 < report["capture_to_photon_ms"] < 5000
    assert report["tracking_fps"] > 0
    if len(shown) > 1:  # a machine with its hands full shows one
        assert report["display_fps"] == pytest.approx((len(shown) - 1) / report["seconds"], rel=0.01)
    for stage in report["stages"]:
        assert stage in said.file.getvalue()


def test_stereo_is_two_views_side_by_side(workplace, options):
    run_session(options(view="stereo", out=workplace / "s.mp4"), console(), doubles.ScriptedPipeline)
    assert pictures(workplace / "s.mp4")[0][1].shape == (48, 128, 3)


def test_view_none_measures_without_writing(workplace, options):
    figures = run_session(options(view="none"), console(), doubles.ScriptedPipeline)
    assert figures.display.count >= 1
    assert files(workplace) == []


def test_seconds_end_an_endless_source(workplace, options):
    figures = run_session(options(view="none", seconds=0.3), console(), doubles.EndlessPipeline)
    assert 0.25 < figures.display.seconds < 3.0


@pytest.mark.parametrize(
    ("pipeline", "error", "said"),
    [
        (doubles.NobodyPipeline, BadInputError, "nobody was in view in a script of"),
        (doubles.UnpluggedPipeline, DeviceError, "stopped sending pictures"),
        (doubles.SegfaultPipeline, InPersonError, "tracking was killed by SIGSEGV"),
    ],
)
def test_a_session_that_fails_leaves_no_file(workplace, options, pipeline, error, said):
    with pytest.raises(error, match=said):
        run_session(options(out=workplace / "x.mp4", report=workplace / "r.json"), console(), pipeline)
    assert files(workplace) == []


@pytest.mark.parametrize("option", ["out", "report"])
def test_what_cannot_be_written_is_said_before_tracking_starts(workplace, options, option):
    with pytest.raises(OutputError, match="nowhere"):
        run_session(options(**{option: workplace / "nowhere" / "x.mp4"}), console(), doubles.no_models)


def test_ctrl_c_keeps_what_was_shown(workplace, options, monkeypatch):
    wait, count = DisplayClock.wait, [0]

    def interrupted_wait(self):
        count[0] += 1
        if count[0] > 15:
            raise KeyboardInterrupt
        return wait(self)

    monkeypatch.setattr(DisplayClock, "wait", interrupted_wait)
    figures = run_session(options(out=workplace / "x.mp4"), console(), doubles.EndlessPipeline)
    assert figures.interrupted
    assert len(pictures(workplace / "x.mp4")) == figures.display.count >= 1
    assert files(workplace) == ["x.mp4"]


def test_hot_keys_in_a_real_window(workplace, options, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    shown = []
    show, script = MirrorWindow.show, iter([[Action.REFLECT], [Action.OVERLAY], [Action.NEXT_AVATAR], [Action.QUIT]])

    def seen_show(self, picture, overlay=None, sign=None):
        shown.append((picture, overlay))
        assert sign is None  # nothing is recorded
        show(self, picture, overlay, sign)

    def act_now_and_then(self):
        states = [overlay for _, overlay in shown if overlay is not None]
        silent = [overlay for _, overlay in shown if overlay is None]
        due = len(states) >= 25 and (len(states) + len(silent)) % 5 == 0
        return next(script) if due else []

    monkeypatch.setattr(MirrorWindow, "show", seen_show)
    monkeypatch.setattr(MirrorWindow, "take_actions", act_now_and_then)
    figures = run_session(options(), console(), doubles.EndlessPipeline)
    assert not figures.interrupted
    assert files(workplace) == []
    overlays = [overlay for _, overlay in shown if overlay is not None]
    assert overlays[0].reflected
    assert not overlays[-1].reflected
    assert overlays[-1].avatar == "tiny"
    assert overlays[-1].camera.preview.shape == (48, 64, 3)
    assert overlays[-1].tracking_fps > 0
    assert [line.name for line in overlays[-1].stages] == ["capture", "landmarks", "fit", "pose", "draw", "present"]
    assert shown[-1][1] is None  # the overlay key switched it off
    assert figures.stages["present"]["count"] == figures.display.count
