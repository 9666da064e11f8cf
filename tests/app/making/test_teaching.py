"""Teaching the shader a person: what a clip shows is kept in the avatar with its papers, or said not to help."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from inperson.app.commands.avatar_refine import Refine
from inperson.app.making.teaching import teach, teaching_table, with_papers
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.provenance import ClipEntry, Provenance
from inperson.errors import BadInputError
from inperson.reconstruct.refine.frames import ClipFrame, ClipFrames, ClipParts
from inperson.shader_model.data.footage import Reenacted
from inperson.shader_model.data.recipe import FootageRecipe
from inperson.shader_model.network import weights
from inperson.shader_model.personal.learning import LearnedPersonal, PersonalSettings
from tests.app.shading.weights import put_weights
from tests.shader_model.data.test_footage import clip  # noqa: F401

QUICK = PersonalSettings(
    steps=25,
    batch=1,
    rate=2e-2,
    windows=FootageRecipe(windows=3, frames=2, size=256),
    judged_on=2,
)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    monkeypatch.setattr(weights, "assets_dir", lambda: folder)
    return folder


@pytest.fixture
def learned(clip: Reenacted, assets: Path) -> LearnedPersonal:  # noqa: F811
    """Of a clip that is redder than its avatar."""
    put_weights(assets)
    factors = np.array([1.0, 0.6, 0.6, 1.0])
    frames = [
        ClipFrame((rgba * factors).astype(np.uint8), state)
        for rgba, state in zip(clip.cut_outs, clip.states, strict=True)
    ]
    parts = ClipParts(*(ClipFrames(tuple(part), clip.view) for part in (frames[:2], frames[2:4], frames[3:])))
    torch.manual_seed(0)
    return teach(clip.avatar, clip.body, parts, "small", lambda share: None, lambda: False, QUICK)


def test_what_was_learned_goes_into_the_avatar_with_its_papers(
    clip: Reenacted,  # noqa: F811
    learned: LearnedPersonal,
    tmp_path: Path,
) -> None:
    assert learned.personal is not None
    entry = ClipEntry("me.mp4", "ab" * 32, date(2026, 1, 2), 3.0, {"after_psnr": 20.0})
    avatar = replace(clip.avatar, provenance=Provenance(clips=(entry,)).to_strings())
    save_avatar(with_papers(avatar, learned), tmp_path / "me.avatar")
    back = load_avatar(tmp_path / "me.avatar")
    assert back.personal is not None
    np.testing.assert_allclose(back.personal.values, learned.personal.values, rtol=1e-3, atol=1e-6)
    (papers,) = Provenance.from_strings(back.provenance).clips
    assert papers.scores["after_psnr"] == 20.0
    assert papers.scores["shader_after_psnr"] > papers.scores["shader_before_psnr"] + 0.5


def test_the_table_says_what_became_of_it(learned: LearnedPersonal, capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=100).print(teaching_table("small", learned))
    Console(width=100).print(teaching_table("small", replace(learned, personal=None)))
    out = capsys.readouterr().out
    assert "taught the person: kept" in out
    assert "taught the person: no better, not kept" in out
    assert format(learned.after["psnr"], ".2f") in out


def test_missing_weights_are_said_before_the_work(assets: Path, clip: Reenacted, tmp_path: Path) -> None:  # noqa: F811
    save_avatar(clip.avatar, tmp_path / "me.avatar")
    (tmp_path / "clip.mp4").write_bytes(b"never looked at")
    with pytest.raises(BadInputError, match=r"--shader large.*shader_large\.safetensors"):
        Refine(str(tmp_path / "me.avatar"), tmp_path / "clip.mp4", shader="large").run(Console())
