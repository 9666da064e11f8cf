"""`inperson avatar refine` from a video file to a better avatar, on clips of shipped avatars."""

import io
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from inperson.app.commands.avatar_refine import Refine
from inperson.app.processes.interrupt import InterruptFlag
from inperson.app.reports.refine import SHARES, RefineBar
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.provenance import Provenance
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError, DeviceError
from inperson.paths import assets_dir
from inperson.reconstruct.refine.checkpoint import checkpoint_path
from inperson.reconstruct.refine.clip import Stage, Watcher, refine_watched
from inperson.reconstruct.refine.preparing import WatchedClip, watch_clip
from inperson.reconstruct.refine.settings import OptimiseSettings, RefineSettings
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.synthetic.video import write_video
from inperson.tracking.models import fetch_models
from inperson.tracking.motion_file import load_motion
from tests.reconstruct.far_device import FAR, far_device

WIDTH, HEIGHT, FOCAL, FRAMES = 320, 240, 277.0, 26
ROOM = np.array([0.8, 0.82, 0.85])
LOWERED = np.array([0.0, -0.1, 0.0], np.float32)


def pictures(avatar: GaussianAvatar) -> list[np.ndarray]:
    """The avatar gesturing in front of a bright wall."""
    body, motion = load_body(avatar.body_name), load_motion(assets_dir() / "performer" / "performer.npz")
    view = EyeView.from_intrinsics(Intrinsics(FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT))
    poser, rasterizer = AvatarPoser(avatar, body), CpuRasterizer(1)
    out = []
    for number in range(0, 4 * FRAMES, 4):
        state = motion.state(number)
        state = replace(state, betas=avatar.betas, transl=state.transl + LOWERED)
        drawn = rasterizer.render_color(poser.pose(state), [view])
        image = drawn.rgb[0] + (1 - drawn.alpha[0][..., None]) * ROOM
        out.append(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ada.mp4`, and `me.avatar`: ada in faded colours, with papers."""
    fetch_models()
    out = tmp_path_factory.mktemp("refine")
    ada = load_avatar("ada")
    write_video(out / "ada.mp4", pictures(ada), 15)
    faded = replace(ada, sh=0.6 * ada.sh, name="me", provenance={"consent_note": "said yes", "source": "test"})
    save_avatar(faded, out / "me.avatar")
    return out


@pytest.fixture(scope="module")
def watched(folder: Path) -> WatchedClip:
    return watch_clip(folder / "ada.mp4", 160)


def quick(steps: int = 12) -> RefineSettings:
    return RefineSettings(optimise=OptimiseSettings(steps=steps, check_every=6, align_at=()), most_frames=8)


def test_command_writes_a_better_avatar_with_its_papers(folder, capsys):
    before = sorted(p.name for p in folder.iterdir())
    Refine(str(folder / "me.avatar"), folder / "ada.mp4", steps=12, device="cpu").run(Console(width=140))
    out = capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == sorted([*before, "me-refined.avatar"]), "nothing else is left"
    refined = load_avatar(folder / "me-refined.avatar")
    papers = Provenance.from_strings(refined.provenance)
    (entry,) = papers.clips
    assert entry.name == "ada.mp4"
    assert len(entry.sha256) == 64
    assert entry.scores["after_psnr"] > entry.scores["before_psnr"] + 1.0
    assert refined.provenance["consent_note"] == "said yes"
    assert out.startswith("computing on the CPU")
    assert "9 frames that were not learned from" in out
    assert "wrote" in out
    assert len(refined.face_index) == len(load_avatar(folder / "me.avatar").face_index)


def test_somebody_else_is_noticed_and_may_be_allowed(watched):
    kenji = load_avatar("kenji")
    body = load_body(kenji.body_name)
    with pytest.raises(BadInputError, match=r"ada\.mp4 shows someone else.*--any-person"):
        refine_watched(kenji, body, watched, quick(), Watcher())
    told = []
    watcher = Watcher(lambda stage, done, total: told.append(stage), stop=lambda: True)
    refined = refine_watched(kenji, body, watched, replace(quick(), any_person=True), watcher)
    assert not refined.finished
    assert refined.steps == 0
    assert list(dict.fromkeys(told)) == [Stage.ALIGN, Stage.SCORE]


def test_stopped_keeps_a_state_and_going_on_elsewhere_removes_it(folder, watched, tmp_path, monkeypatch):
    me = load_avatar(folder / "me.avatar")
    body = load_body(me.body_name)
    state_file = checkpoint_path(tmp_path / "out.avatar")
    settings = replace(quick(), any_person=True)
    asked = iter([False] * 3 + [True] * 99)
    with far_device(monkeypatch):
        there = replace(settings, device=FAR)
        stopped = refine_watched(me, body, watched, there, Watcher(stop=lambda: next(asked)), state_file)
    assert not stopped.finished
    assert stopped.steps == 3
    assert state_file.is_file()
    steps = []
    watcher = Watcher(lambda stage, done, total: steps.append(done) if stage is Stage.OPTIMISE else None)
    finished = refine_watched(me, body, watched, settings, watcher, state_file)
    assert finished.finished
    assert steps[0] == 4, "it goes on where it stopped"
    assert not state_file.exists()


def test_clips_that_cannot_be_used(folder, tmp_path):
    one = pictures(load_avatar("ada"))[:1]
    write_video(tmp_path / "empty.mp4", [np.full_like(one[0], 200)] * 3, 15)
    with pytest.raises(BadInputError, match=r"empty\.mp4 shows no person"):
        watch_clip(tmp_path / "empty.mp4", 320)
    write_video(tmp_path / "two.mp4", [np.concatenate([one[0], one[0]], axis=1)] * 2, 15)
    with pytest.raises(BadInputError, match=r"two\.mp4 shows 2 people"):
        watch_clip(tmp_path / "two.mp4", 640)
    write_video(tmp_path / "short.mp4", one * 5, 15)
    ada = load_avatar("ada")
    with pytest.raises(BadInputError, match=r"short\.mp4 shows the person in 5 frames.*at least 24 frames"):
        refine_watched(ada, load_body("female"), watch_clip(tmp_path / "short.mp4", 320), quick(), Watcher())
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(BadInputError, match="broken"):
        watch_clip(tmp_path / "broken.mp4", 320)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": Path("x.mp4")}, "ending in .avatar"),
        ({"steps": 0}, "at least 1"),
        ({"clip": Path("nowhere.mp4")}, "does not exist"),
        ({"avatar": "nobody"}, "not found"),
        ({"body": "male"}, "made for another body"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(folder, options, message):
    given = {"avatar": str(folder / "me.avatar"), "clip": folder / "ada.mp4", "out": folder / "never.avatar"}
    with pytest.raises(BadInputError, match=message):
        Refine(**given | options).run(Console())
    assert not (folder / "never.avatar").exists()


def test_cuda_that_is_not_there_is_said_before_any_work(folder, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refine = Refine(str(folder / "me.avatar"), folder / "ada.mp4", folder / "never.avatar", device="cuda")
    with pytest.raises(DeviceError, match=r"--device cuda: .* a CUDA device and there is none: say --device cpu"):
        refine.run(Console())
    assert not (folder / "never.avatar").exists()


def test_first_interrupt_is_noted_once_somebody_asks():
    with InterruptFlag() as flag:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert not flag.asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_bar_goes_through_all_stages_to_its_end():
    assert set(SHARES) == set(Stage)
    assert sum(SHARES.values()) == pytest.approx(1.0)
    bar = RefineBar(Console(file=io.StringIO()), "me.mp4")
    bar.update(Stage.WATCH, 7, None)
    assert bar._progress.tasks[0].description == "me.mp4: watching the clip, 7 frames"
    bar.update(Stage.OPTIMISE, 450, 900)
    assert bar._progress.tasks[0].completed == pytest.approx(0.6)
    bar.update(Stage.SCORE, 2, 2)
    assert bar._progress.tasks[0].completed == pytest.approx(1.0)
