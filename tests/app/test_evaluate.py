"""`inperson evaluate`: its JSON, its table, its errors."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from inperson.app import cli
from inperson.app.reports.evaluate import reenact_table
from inperson.reconstruct.evaluation import reenact as module
from inperson.reconstruct.evaluation.reenact import ClipResult, ReenactSettings, Stage, mean_of


def result(clip: str, psnr: float, hands: float = 16.0) -> ClipResult:
    return ClipResult(clip, psnr, 0.71, 0.12, 0.95, 31.5, hands, 17.25, 0.9, 8.0, 60)


@pytest.fixture
def clips(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "a.mkv", tmp_path / "b.mkv"]
    for path in paths:
        path.write_bytes(b"")
    return [str(p) for p in paths]


@pytest.fixture
def asked(monkeypatch) -> list[ReenactSettings]:
    """What `reenact` was asked, answered by fixed numbers."""
    seen: list[ReenactSettings] = []

    def fake(path: Path, settings: ReenactSettings, progress) -> ClipResult:
        seen.append(settings)
        progress(Stage.CREATE, 0.5)
        progress(Stage.SCORE, 1.0)
        return result(path.name, 20.0 + len(seen), hands=16.0 if len(seen) == 1 else float("nan"))

    monkeypatch.setattr(module, "reenact", fake)
    return seen


def test_json_has_the_clips_and_their_mean(clips, asked, capsys):
    assert cli.main(["evaluate", "reenact", *clips, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert list(whole) == ["clips", "mean"]
    assert [c["clip"] for c in whole["clips"]] == ["a.mkv", "b.mkv"]
    for entry in whole["clips"]:
        assert {"clip", "psnr", "ssim", "perceptual", "iou", "seconds"} <= set(entry)
    assert whole["mean"]["psnr"] == pytest.approx(21.5)
    assert whole["mean"]["hands"] == pytest.approx(16.0), "a clip without hands does not count"
    assert whole["clips"][1]["hands"] is None, "NaN is not JSON"


def test_options_reach_the_evaluation(clips, asked):
    assert cli.main(["evaluate", "reenact", clips[0], "--fast", "--no-network", "--no-anchors", "--every", "3"]) == 0
    (settings,) = asked
    assert settings.create.fast
    assert settings.create.completion == "plain"
    assert not settings.anchored
    assert settings.refine is None
    assert settings.every == 3


def test_refine_and_seed_reach_it_too(clips, asked):
    assert cli.main(["evaluate", "reenact", clips[0], "--refine", "--seed", "5"]) == 0
    (settings,) = asked
    assert settings.refine is not None
    assert settings.refine.seed == settings.create.seed == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["reenact"],
        ["reenact", "missing.mkv"],
        ["reenact", "CLIP", "--every", "0"],
        ["create", "nowhere"],
        ["create", "nowhere", "--count", "0"],
    ],
)
def test_bad_input_is_one_line(arguments, clips, capsys, model_files):
    given = [clips[0] if a == "CLIP" else a for a in arguments]
    assert cli.main(["evaluate", *given]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("error: ")


@pytest.fixture
def model_files():
    from inperson.tracking.models import fetch_models

    fetch_models()


def test_the_table_has_a_row_a_clip_and_the_mean():
    console = Console(width=160, record=True)
    console.print(reenact_table([result("[bold]x.mkv", 20.0), result("y.mkv", 22.0)]))
    text = console.export_text()
    assert "[bold]x.mkv" in text, "names are text, not markup"
    assert "21.00" in next(line for line in text.splitlines() if "mean" in line)


def test_means_leave_out_what_has_no_value():
    assert mean_of([result("a", 20.0, float("nan")), result("b", 22.0, 15.0)])["hands"] == 15.0
