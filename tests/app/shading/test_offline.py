"""Sequences shaded by a teacher that nobody trained: its residual is nothing, so its pictures are the render's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from inperson import workers
from inperson.app.commands.render import Render
from inperson.app.pictures.playback import Playback, comes_back
from inperson.app.shading import offline
from inperson.app.shading.offline import Frame, OfflineShader, open_offline_shader
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.errors import BadInputError
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.teacher import weights as teacher_weights
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.offline import OfflineSettings, TeacherOffline
from inperson.shader_model.teacher.weights import save_teacher
from inperson.tracking.motion_file import clip_of_states, save_motion
from tests.app.shading.test_pictures import HEIGHT, WIDTH, states

TINY = TeacherConfig(widths=(32, 32, 32), blocks=(1, 1, 1), embedding=32)
QUICK = OfflineSettings(steps=2, window=3, overlap=1)


@pytest.fixture
def reddening(monkeypatch: pytest.MonkeyPatch) -> TeacherOffline:
    """A teacher whose answer is the render, a quarter redder."""

    class Redder(TeacherOffline):
        def shade(self, conditions, angles=None, closed=False, on_pass=None):
            self.asked = (len(conditions), angles, closed, conditions[0].before.shape[1])
            plain = torch.stack([c.color for c in conditions])
            plain[:, :, 0] += 0.25 * plain[:, :, 3]
            return plain

    return Redder(Teacher(TINY), QUICK)


def playback(
    avatar: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer, count: int = 4, **more: object
) -> Playback:
    motion = clip_of_states(states(body, count), framerate=30.0)
    return Playback(motion, body, avatar, body, rasterizer, size=(WIDTH, HEIGHT), **{"camera": "orbit", **more})


def test_its_pictures_are_shown_and_split(
    few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer, reddening: TeacherOffline
) -> None:
    teacher = OfflineShader(reddening, rasterizer, threads=1)
    plain = [p.astype(int) for p, _ in playback(few, body, rasterizer).pictures()]
    shaded = [p.astype(int) for p, _ in playback(few, body, rasterizer, teacher=teacher).pictures()]
    split = [p.astype(int) for p, _ in playback(few, body, rasterizer, teacher=teacher, split=True).pictures()]
    teacher.close()
    middle, labels = WIDTH // 2, 20
    for a, b, c in zip(plain, shaded, split, strict=True):
        assert np.abs(b - a)[..., 1:].max() <= 1
        assert (b - a)[..., 0].max() > 40
        np.testing.assert_array_equal(c[labels:, :middle], a[labels:, :middle])
        np.testing.assert_array_equal(c[labels:, middle + 1 :], b[labels:, middle + 1 :])


def test_an_orbit_of_a_motion_that_comes_back_is_closed(
    few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer, reddening: TeacherOffline
) -> None:
    teacher = OfflineShader(reddening, rasterizer, threads=1)
    still = [replace(states(body, 1)[0], time_ns=n * 33_000_000) for n in range(4)]
    poser = AvatarPoser(few, body)
    shown = playback(few, body, rasterizer, teacher=teacher)
    list(shown.pictures())
    count, angles, closed, remembered = reddening.asked
    assert (count, remembered) == (4, 0)
    assert not closed
    assert angles == pytest.approx([0.0, np.pi / 2, np.pi, 3 * np.pi / 2])
    frames = [Frame(state, shown.eyes(0), 0.0) for state in still]  # eyes that jump would forget
    list(teacher.draw(poser, frames, closed=True, on_pass=lambda done, total: None))
    teacher.close()
    poser.close()
    assert reddening.asked[2:] == (True, 1)
    assert comes_back(still)
    assert not comes_back(states(body, 9))


def test_the_command_says_what_it_does_not_have(
    few: GaussianAvatar,
    body: BodyModel,
    avatar_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    motion, weights = tmp_path / "motion.npz", tmp_path / "teacher.safetensors"
    save_motion(clip_of_states(states(body, 3), framerate=30.0), motion)
    torch.manual_seed(0)
    save_teacher(Teacher(TINY), weights, {"recipe": "none"})
    monkeypatch.setattr(workers, "available_cores", lambda: 1)  # tests share the cores
    ask = Render(motion, avatar_file, tmp_path / "out", camera="orbit", size=(64, 64), backend="cpu")
    with pytest.raises(BadInputError, match="--teacher is for --quality teacher"):
        replace(ask, teacher=weights).run(Console())
    with pytest.raises(BadInputError, match="in place of --shader"):
        replace(ask, quality="teacher", shader="small").run(Console())
    monkeypatch.setattr(teacher_weights, "shipped_teacher", lambda size: tmp_path / f"no_{size}.safetensors")
    with pytest.raises(BadInputError, match=r"no_small\.safetensors.*teacher/README"):
        replace(ask, quality="teacher").run(Console())
    replace(ask, quality="teacher", teacher=weights).run(Console(width=100))
    passes = OfflineSettings().steps
    assert f"the teacher's pass {passes} of {passes}" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*.png"))) == 3


def test_what_would_fill_the_memory_is_refused(
    few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MOST_BYTES", 3 * WIDTH * HEIGHT * offline.BYTES_A_PIXEL)
    teacher = OfflineShader(TeacherOffline(Teacher(TINY), QUICK), rasterizer, threads=1)
    with pytest.raises(BadInputError, match="draw 3 of them at a time"):
        list(playback(few, body, rasterizer, teacher=teacher).pictures())
    teacher.close()


def test_a_file_that_is_no_teacher_is_named(tmp_path: Path, rasterizer: CpuRasterizer) -> None:
    (tmp_path / "t.safetensors").write_bytes(b"no")
    with pytest.raises(BadInputError, match=r"t\.safetensors"):
        open_offline_shader(tmp_path / "t.safetensors", rasterizer, 1)
