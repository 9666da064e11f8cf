"""`inperson evaluate teacher`: a whole run on a bare person, its JSON and tables, and what it refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inperson.app import cli
from inperson.app.commands import evaluate_teacher as command
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.orbit import evaluate as module
from inperson.shader_model.evaluation.sheet import GAP
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import save_shader
from inperson.shader_model.teacher import weights as teacher_weights
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.offline import OfflineSettings
from inperson.shader_model.teacher.weights import save_teacher
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.orbit.conftest import SIDE, VIEWS

SCORES = {"psnr", "ssim", "perceptual", "sharpness"}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The command sets torch's; other tests want one."""
    yield
    torch.set_num_threads(1)


@pytest.fixture
def live(tmp_path: Path, tiny_config) -> Path:
    torch.manual_seed(0)
    save_shader(LiveShader(tiny_config), tmp_path / "live.safetensors", {"data": "made up"})
    return tmp_path / "live.safetensors"


@pytest.fixture
def weights(tmp_path: Path, untrained: Teacher) -> Path:
    save_teacher(untrained, tmp_path / "teacher.safetensors", {"recipe": "none"})
    return tmp_path / "teacher.safetensors"


@pytest.fixture
def asked(live: Path, weights: Path) -> list[str]:
    """The command, as quick as it can be."""
    chosen = {
        "weights": weights,
        "shader": live,
        "engine": "torch-fp32",
        "threads": 1,
        "views": VIEWS,
        "pixels": SIDE,
    }
    chosen |= {"people": 1, "seams": 1, "windows": 1, "steps": 1, "back": 1.0, "window": 6, "overlap": 3}
    return ["evaluate", "teacher", *(part for name, value in chosen.items() for part in (f"--{name}", str(value)))]


@pytest.fixture
def nobody_dressed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bare person in place of everybody: no wardrobe is needed."""

    class Bare:
        def __init__(self, *_: object) -> None:
            self.body = PERSON.body

        def make(self, who: object) -> Subject:
            return subject

    for name in ("Wardrobe", "Dresser"):
        monkeypatch.setattr(module, name, lambda _: None)
    monkeypatch.setattr(module, "SubjectMaker", Bare)


@pytest.mark.usefixtures("nobody_dressed")
def test_a_whole_run_is_written_shown_and_pictured(asked: list[str], tmp_path: Path, capsys) -> None:
    file, sheet = tmp_path / "x.json", tmp_path / "x.png"
    assert cli.main([*asked, "--json", str(file), "--sheet", str(sheet)]) == 0
    whole = json.loads(file.read_text())
    assert list(whole) == ["orbit", "moving", "about"]
    orbit, moving, about = whole["orbit"], whole["moving"], whole["about"]
    for part in (orbit, *orbit["by_angle"].values()):
        assert {name: set(part[name]) for name in ("plain", "live", "teacher")} == dict.fromkeys(
            ("plain", "live", "teacher"), SCORES
        )
        # neither network is trained
        assert part["teacher"]["psnr"] == pytest.approx(part["plain"]["psnr"], abs=1e-3)
        assert part["live"]["psnr"] == pytest.approx(part["plain"]["psnr"], abs=1e-3)
    assert list(orbit["by_angle"]) == ["front", "side", "back"]
    assert orbit["gain"]["over_live"] == {
        "psnr": pytest.approx(0.0, abs=1e-3),
        "psnr_standard_error": None,
        "perceptual": pytest.approx(0.0, abs=1e-3),
    }
    seam = orbit["seam"]
    assert set(seam) == {"truth", "plain", "live", "teacher", "teacher_open", "turned", "people"}
    assert seam["plain"]["ratio"] == pytest.approx(seam["plain"]["change"] / seam["plain"]["elsewhere"], rel=1e-4)
    assert seam["teacher"] == seam["teacher_open"] == pytest.approx(seam["plain"], rel=1e-3)
    assert seam["turned"] == {"largest": 0.0, "mean": 0.0}
    assert moving["frames"] == 12
    assert moving["pictures"] == 24
    assert set(moving["plain"]) == SCORES | {"first_psnr"}
    assert moving["warping"]["teacher_to_truth"] == pytest.approx(moving["warping"]["plain_to_truth"], rel=1e-3)
    assert (about["views"], about["pixels"], about["engine"]) == (VIEWS, SIDE, "torch-fp32")
    assert about["weights"] == "live.safetensors"
    assert about["teacher"]["weights"] == "teacher.safetensors"
    assert about["teacher"]["provenance"] == {"recipe": "none"}
    assert (about["teacher"]["steps"], about["teacher"]["precision"]) == (1, "bf16")
    assert np.asarray(Image.open(sheet)).shape == (SIDE, 8 * SIDE + 7 * GAP, 3)
    said = capsys.readouterr().out
    for title in ("All around", "From each side", "Where the last view", "In motion", "Change along"):
        assert title in said


@pytest.mark.usefixtures("nobody_dressed")
def test_what_is_left_out_is_null(asked: list[str], capsys) -> None:
    assert cli.main([*asked, "--seams", "0", "--windows", "0", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["moving"] is None
    assert whole["orbit"]["seam"] is None
    assert whole["orbit"]["people"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--people", "0"],
        ["--seams", "-1"],
        ["--windows", "-1"],
        ["--threads", "0"],
        ["--views", "8"],
        ["--pixels", "100"],
        ["--steps", "0"],
        ["--overlap", "6"],
        ["--shared-noise", "2"],
        ["--json", "a.json", "b.json"],
        ["--weights", "missing.safetensors"],
        ["--shader", "missing.safetensors"],
        ["--engine", "none"],
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments: list[str], asked: list[str], capsys) -> None:
    assert cli.main([*asked, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_what_is_not_asked_for_is_as_render_does_it(weights: Path) -> None:
    assert command.Teacher()._taught(weights).settings == OfflineSettings()
    some = command.Teacher(steps=3, solver="heun", temperature=0.0, seed=5)._taught(weights).settings
    assert some == replace(OfflineSettings(), steps=3, solver="heun", temperature=0.0, seed=5)


def test_without_shipped_weights_it_says_where_they_would_be(monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(teacher_weights, "shipped_teacher", lambda size: tmp_path / f"no_{size}.safetensors")
    assert cli.main(["evaluate", "teacher", "--threads", "1"]) == 2
    assert "no_small.safetensors" in capsys.readouterr().err
    (tmp_path / "no_base.safetensors").write_bytes(b"")
    assert teacher_weights.teacher_file(None, "--weights") == tmp_path / "no_base.safetensors", "the largest there is"
    assert teacher_weights.teacher_file(tmp_path / "mine", "--weights") == tmp_path / "mine"
