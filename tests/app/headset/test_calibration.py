"""`inperson calibrate`: prompts in the terminal, the answer in the user's file, and what goes wrong in one line."""

import io

import numpy as np
import pytest
from rich.console import Console

from inperson.app.commands.calibrate import Calibrate
from inperson.app.commands.live import Live
from inperson.app.headset.calibration import calibrate
from inperson.app.live.setup import run_session
from inperson.errors import BadInputError, DeviceError
from inperson.tracking.play_calibration import calibration_path, load_calibration
from tests.app import headset_doubles, tracking_doubles


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    for name in ("cache", "config"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("inperson.app.processes.child_process.cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr("inperson.tracking.user_files.config_dir", lambda: tmp_path / "config")


def run(headset, tracking=tracking_doubles.EndlessPipeline, **options) -> str:
    console = Console(file=io.StringIO(), width=160)
    calibrate(Calibrate(**({"input": "demo", "profile": "wendy"} | options)), console, tracking, headset)
    return console.file.getvalue()


def test_a_wearer_who_follows_it_is_calibrated_and_live_finds_it():
    said = run(headset_doubles.GuidedHeadset)
    assert said.index("Look straight ahead.") < said.index("Hold both arms out") < said.index("agree within")
    calibration = load_calibration(calibration_path("wendy"))
    assert calibration.eye_height_m == pytest.approx(1.6)
    assert calibration.residual_m < 0.05
    T = calibration.T_play_from_camera
    assert T[:3, :3] == pytest.approx(np.diag([-1.0, 1.0, -1.0]), abs=0.05)  # it looks back at the wearer
    assert T[:3, 3] == pytest.approx([0.0, 1.6, -2.0], abs=0.5)  # from two metres ahead
    assert str(calibration_path("wendy")) in said.replace("\n", "")

    console = Console(file=io.StringIO(), width=160)
    options = Live(input="demo", view="headset", profile="wendy")
    run_session(options, console, tracking_doubles.EndlessPipeline, headset_doubles.LeavingHeadset)
    assert "no calibration" not in console.file.getvalue()


@pytest.mark.parametrize(
    ("headset", "tracking", "options", "error", "said"),
    [
        (
            *(headset_doubles.GuidedHeadset, tracking_doubles.NobodyPipeline, {}),
            *(BadInputError, "nobody was in view in a script of"),
        ),
        (
            *(headset_doubles.ImpatientHeadset, tracking_doubles.EndlessPipeline, {}),
            *(BadInputError, "left before its end"),
        ),
        (
            *(headset_doubles.SlackHeadset, tracking_doubles.EndlessPipeline, {}),
            *(BadInputError, "only 3 of 3 moments were usable"),
        ),
        (
            *(headset_doubles.no_runtime, tracking_doubles.EndlessPipeline, {}),
            *(DeviceError, "no OpenXR runtime is installed"),
        ),
        (
            *(headset_doubles.GuidedHeadset, tracking_doubles.no_models, {"input": "m.npz"}),
            *(BadInputError, "a motion file has no camera"),
        ),
        (
            *(headset_doubles.GuidedHeadset, tracking_doubles.UnpluggedPipeline, {}),
            *(DeviceError, "stopped sending pictures"),
        ),
    ],
)
def test_what_goes_wrong_is_told_and_nothing_is_saved(headset, tracking, options, error, said):
    with pytest.raises(error, match=said):
        run(headset, tracking, **options)
    assert load_calibration(calibration_path("wendy")) is None
