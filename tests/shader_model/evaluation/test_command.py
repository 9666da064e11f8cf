"""`inperson evaluate shader`: its JSON, its tables, its errors."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from rich.console import Console

from inperson.app import cli
from inperson.app.reports.evaluate_shader import shader_tables
from inperson.shader_model.evaluation import evaluate as module
from inperson.shader_model.evaluation.drift import Ends
from inperson.shader_model.evaluation.evaluate import Drift, Evaluation, EvaluationSettings
from inperson.shader_model.evaluation.reenacted import ReenactedClip
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import save_shader

ENDS = {"contrast": Ends(1.0, 1.1, 0.1, 1.0, 0.3), "fine": Ends(0.0, 0.1, 0.05, -2.0, 0.05)}
CLIP = {
    "plain": ReenactedClip(20.0, 0.7, 0.12, 0.5, 0.95, 16.0),
    "shaded": ReenactedClip(21.0, 0.72, 0.09, 0.9, 0.96, float("nan")),
}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The command sets torch's; other tests want one."""
    yield
    torch.set_num_threads(1)


@pytest.fixture
def weights(tmp_path: Path, tiny_config) -> Path:
    torch.manual_seed(0)
    save_shader(LiveShader(tiny_config), tmp_path / "tiny.safetensors", {"data": "made up", "steps": "0"})
    return tmp_path / "tiny.safetensors"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "a.mkv").write_bytes(b"")
    return tmp_path / "a.mkv"


@pytest.fixture
def asked(monkeypatch) -> list[EvaluationSettings]:
    """What was asked, answered by fixed numbers."""
    seen: list[EvaluationSettings] = []

    def fake(engine, settings, sheet, told) -> Evaluation:
        seen.append(settings)
        told("half", 0.5)
        clips = {path.name: CLIP for path in settings.clips}
        return Evaluation(None, Drift("held00000", settings.drift_frames, 1, ENDS), clips)

    monkeypatch.setattr(module, "evaluate_shader", fake)
    return seen


def test_json_has_the_agreed_shape(weights, clip, asked, capsys):
    command = ["evaluate", "shader", str(clip), "--weights", str(weights), "--engine", "torch-fp32", "--people", "0"]
    assert cli.main([*command, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert list(whole) == ["synthetic", "real", "warping", "eyes", "drift", "about"]
    assert whole["synthetic"] is whole["warping"] is whole["eyes"] is None, "nobody synthetic was asked for"
    for method in ("plain", "shaded"):
        assert {"psnr", "ssim", "perceptual", "sharpness"} <= set(whole["real"][method])
    assert whole["real"]["gain"] == {"psnr": 1.0, "perceptual": 0.25}
    assert whole["real"]["shaded"]["hands"] is None, "NaN is not JSON"
    assert whole["real"]["trained_on"] == "made up"
    assert whole["drift"]["largest_z"] == 2.0
    assert whole["drift"]["within_noise"] is True
    assert whole["about"]["engine"] == "torch-fp32"
    assert whole["about"]["provenance"]["steps"] == "0"
    assert len(whole["about"]["weights_sha256"]) == 64


def test_a_file_gets_the_json_and_the_screen_the_tables(weights, clip, asked, tmp_path, capsys):
    command = ["evaluate", "shader", str(clip), "--weights", str(weights), "--engine", "torch-fp32"]
    assert (
        cli.main([*command, "--drift-frames", "50", "--every", "2", "--fast", "--json", str(tmp_path / "x.json")])
        == 0
    )
    assert json.loads((tmp_path / "x.json").read_text())["drift"]["frames"] == 50
    said = capsys.readouterr().out
    assert "Real clips" in said
    assert "within noise" in said
    (settings,) = asked
    assert (settings.people, settings.drift_frames, settings.every) == (20, 50, 2)
    assert settings.create.fast
    assert settings.clips == (clip,)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--people", "-1"],
        ["--every", "0"],
        ["--threads", "0"],
        ["--drift-frames", "3"],
        ["missing.mkv"],
        ["--json", "a.json", "b.json"],
        ["--people", "0", "--sheet", "x.png"],
        ["--people", "0", "--drift-frames", "0"],
        ["--weights", "missing.safetensors"],
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments, asked, capsys):
    assert cli.main(["evaluate", "shader", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not asked


def test_tables_say_nothing_of_what_was_left_out():
    nothing = dict.fromkeys(["synthetic", "real", "warping", "eyes", "drift", "about"])
    assert list(shader_tables(nothing)) == []
    drift = {"frames": 99, "person": "[x]", "within_noise": False, "largest_z": None}
    (table,) = shader_tables(nothing | {"drift": drift})
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table)
    said = console.export_text()
    assert "99 frames of [x]" in said
    assert "beyond noise, z –" in said
