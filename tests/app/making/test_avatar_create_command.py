"""`inperson avatar create`: the files it writes and what it says."""

import io
import os
import resource
import sys
from datetime import date
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from inperson.app import cli
from inperson.app.reports.create import SHARES, CreateBar
from inperson.avatar.file import load_avatar
from inperson.avatar.provenance import Provenance
from inperson.reconstruct import create
from tests.app.making.create_studio import one_error, run


def test_the_command_writes_the_avatar_its_papers_and_the_strip(studio, once, tmp_path, capsys):
    out = tmp_path / "me.avatar"
    assert run(studio.photo, "-o", out, "--consent", "--network", studio.network, "--seed", 7, "--person", 1) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.avatar", "me.png"]
    (settings,) = once
    assert (settings.fast, settings.seed, settings.person, settings.network) == (False, 7, 1, studio.network)
    avatar = load_avatar(out)
    about = Provenance.from_strings(avatar.provenance)
    assert avatar.name == "me"
    assert about.photo_name == "me.png"
    assert about.photo_sha256 == sha256(studio.photo.read_bytes()).hexdigest()
    assert about.network_sha256 == sha256(studio.network.read_bytes()).hexdigest()
    assert about.created == date.today()
    assert about.tool.startswith("InPerson ")
    assert about.body == "neutral"
    assert about.consent.given
    assert about.consent.how == "the maker said --consent"
    assert about.scores["psnr"] == pytest.approx(studio.created.scores.psnr, abs=0.01)
    view = studio.created.target.view
    strip = np.asarray(Image.open(tmp_path / "me.png"))
    assert strip.shape == (view.height, 7 * view.width, 3)
    photo, front = strip[:, : view.width], strip[:, view.width : 2 * view.width]
    assert np.array_equal(photo, studio.created.target.cut(np.asarray(Image.open(studio.photo))))
    inside = studio.created.target.rgba[..., 3] > 250
    assert np.abs(photo[inside].astype(int) - front[inside]).mean() < 10
    assert (
        np.abs(photo[inside].astype(int) - strip[:, -view.width :][inside]).mean() > 15
    )  # the back is another picture
    said = capsys.readouterr().out
    assert "finding the person" in said
    assert f"{studio.created.scores.psnr:.1f} dB" in said
    assert f"wrote {out}" in said.replace("\n", "")


def test_the_device_is_chosen_and_said(studio, once, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    out = tmp_path / "me.avatar"
    assert run(studio.photo, "-o", out, "--consent", "--device", "cuda") == 3
    assert "--device cuda: " in (said := one_error(capsys))
    assert "say --device cpu" in said
    assert not any(tmp_path.iterdir())
    assert run(studio.photo, "-o", out, "--consent") == 0
    assert "computing on the CPU" in capsys.readouterr().out
    assert [settings.device.type for settings in once] == ["cpu"]


def test_show_prints_the_papers(studio, once, tmp_path, capsys):
    out = tmp_path / "me.avatar"
    assert run(studio.photo, "-o", out, "--consent", "--name", "Somebody") == 0
    capsys.readouterr()
    assert cli.main(["avatar", "show", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name: Somebody"
    assert "photo: me.png" in lines
    assert lines[-1].startswith("consent: given by the person in the photo on 20")


def test_the_strip_goes_where_it_is_told_and_never_over_the_photo(studio, once, tmp_path):
    mine = tmp_path / "me.png"
    mine.write_bytes(studio.photo.read_bytes())
    assert run(mine, "-o", tmp_path / "me.avatar", "--consent") == 0
    assert mine.read_bytes() == studio.photo.read_bytes()
    assert (tmp_path / "me.strip.png").is_file()
    assert run(mine, "-o", tmp_path / "me.avatar", "--consent", "--strip", tmp_path / "sides.png") == 0
    assert (tmp_path / "sides.png").is_file()


def test_without_a_terminal_consent_must_be_said(studio, once, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(studio.photo, "-o", tmp_path / "me.avatar") == 2
    assert "--consent" in one_error(capsys)
    assert once == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["PHOTO", "-o", "me.ply"], 2, "me.ply"),
        (["PHOTO", "-o", "me.avatar", "--strip", "me.jpg"], 2, "me.jpg"),
        (["PHOTO", "-o", "nowhere/me.avatar"], 5, "nowhere/me.avatar"),
        (["PHOTO", "-o", "me.avatar", "--strip", "nowhere/me.png"], 5, "nowhere/me.png"),
        (["PHOTO", "-o", "me.avatar", "--strip", "PHOTO"], 2, "the photo itself"),
        (["nobody.jpg", "-o", "me.avatar"], 2, "nobody.jpg"),
        (["PHOTO", "-o", "me.avatar", "--body", "giant"], 2, "giant"),
        (["PHOTO", "-o", "me.avatar", "--network", "nowhere.safetensors"], 2, "nowhere.safetensors"),
    ],
)
def test_wrong_paths_are_told_at_once(studio, one_process, tmp_path, monkeypatch, capsys, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    arguments = [studio.photo if a == "PHOTO" else a for a in arguments]
    assert run(*arguments, "--consent") == status
    assert said in one_error(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(studio, once, tmp_path, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # Python ignores the signal; writing fails
    try:
        status = run(studio.photo, "-o", tmp_path / "me.avatar", "--consent")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 5
    assert "me.avatar" in one_error(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".avatar", ".png"])
def test_an_interruption_leaves_nothing_half_written(studio, once, tmp_path, monkeypatch, suffix):
    rename = os.replace

    def interrupted(source, target):
        if str(target).endswith(suffix):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    assert run(studio.photo, "-o", tmp_path / "me.avatar", "--consent") == cli.EXIT_INTERRUPTED
    assert [path.name for path in tmp_path.iterdir()] == ([] if suffix == ".avatar" else ["me.avatar"])


def test_the_bar_reaches_its_end_and_never_goes_back(studio):
    assert list(SHARES) == list(create.Stage)
    bar = CreateBar(Console(file=io.StringIO()), "me.png")
    done = []
    for stage in create.Stage:
        for share in (0.0, 0.5, 1.0):
            bar.update(stage, share)
            done.append(bar._progress.tasks[0].percentage)
    assert done == sorted(done)
    assert done[-1] == pytest.approx(100.0)
