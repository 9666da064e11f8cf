"""Teachers whose answer is known, scored around the bare person and in motion."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from inperson.reconstruct.perceptual import Perceptual
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.orbit.moving import MovingEvaluation
from inperson.shader_model.evaluation.orbit.scores import OrbitEvaluation
from inperson.shader_model.evaluation.orbit.shading import METHODS, Taught
from inperson.shader_model.evaluation.orbit.sheet import OrbitSheet
from inperson.shader_model.evaluation.orbit.views import Orbit, Side
from inperson.shader_model.evaluation.pictures import PictureSums
from inperson.shader_model.evaluation.sheet import GAP
from inperson.shader_model.stream import ShaderStream
from inperson.shader_model.teacher.model import Teacher
from inperson.synthetic.stage import Stage
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.conftest import SMALL
from tests.shader_model.evaluation.made_up_engines import KnownEngine, brighter
from tests.shader_model.evaluation.orbit.conftest import QUICK, SIDE, KnownTeacher

SCORES = ("psnr", "ssim", "perceptual", "sharpness")


def tinted(color: Tensor) -> Tensor:
    """Premultiplied as pictures are: no brighter than alpha."""
    bright = brighter(color, 20.0)
    return torch.cat([torch.minimum(bright[..., :3, :, :], bright[..., 3:, :, :]), bright[..., 3:, :, :]], dim=-3)


def tint_of_sequences(color: Tensor) -> Tensor:
    return tinted(color.flatten(0, -4)).view(color.shape)


@pytest.fixture
def around(perceptual: Perceptual) -> Callable[[Taught], OrbitEvaluation]:
    """Beside a live model that tints."""

    def make(taught: Taught) -> OrbitEvaluation:
        return OrbitEvaluation(ShaderStream(KnownEngine(lambda c, _: tinted(c)), threads=1), taught, perceptual)

    return make


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_an_untrained_teacher_shows_the_render(around, orbit: Orbit, untrained: Teacher, precision) -> None:
    evaluation = around(Taught(untrained, replace(QUICK, back=2.5), precision))
    evaluation.add("bare", orbit)
    (person,) = evaluation.people
    for scores in (person.scores, *person.sides.values()):
        for name in SCORES:
            plain = getattr(scores["plain"], name)
            assert getattr(scores["teacher"], name) == pytest.approx(plain, rel=1e-4)
    assert person.scores["live"].psnr != pytest.approx(person.scores["plain"].psnr, abs=0.1)
    assert np.isnan(person.scores["plain"].first_psnr)


def test_the_same_change_scores_the_same_whoever_makes_it(around, orbit: Orbit) -> None:
    evaluation = around(Taught(KnownTeacher(tint_of_sequences), QUICK, "fp32"))
    shown = evaluation.add("bare", orbit)
    torch.testing.assert_close(shown["teacher"], shown["live"], atol=1e-5, rtol=0)
    (person,) = evaluation.people
    for name in SCORES:
        assert getattr(person.scores["teacher"], name) == pytest.approx(
            getattr(person.scores["live"], name), rel=1e-3
        )


def test_the_whole_is_all_of_its_sides(around, orbit: Orbit, perceptual: Perceptual) -> None:
    evaluation = around(Taught(KnownTeacher(tint_of_sequences), QUICK))
    shown = evaluation.add("bare", orbit)
    (person,) = evaluation.people
    sums = PictureSums(perceptual)
    for number, view in enumerate(orbit.views):
        sums.add(shown["plain"][number], view.truth, view.regions, first=False, look=number % 2 == 0)
    for name in SCORES:
        assert getattr(person.scores["plain"], name) == pytest.approx(getattr(sums.scores(), name), rel=1e-9)
    each = [person.sides[side]["plain"].psnr for side in Side]
    assert min(each) < person.scores["plain"].psnr < max(each)


def test_in_motion_windows_are_shaded_whole(
    subject: Subject, stage: Stage, cpu: CpuRasterizer, perceptual: Perceptual
) -> None:
    taught = Taught(KnownTeacher(tint_of_sequences), QUICK, "fp32")
    passes: list[tuple[int, int]] = []
    with ShaderStream(KnownEngine(lambda c, _: tinted(c)), threads=1) as stream:
        moving = MovingEvaluation(PERSON.body, stage, cpu, stream, taught, perceptual)
        person = moving.add(subject, SMALL, np.random.default_rng(1), lambda *done: passes.append(done))
    assert passes == [(1, 1)] * SMALL.windows
    assert (person.frames, person.pictures) == (6, 9)
    for name in (*SCORES, "first_psnr"):
        teacher, live = (getattr(person.scores[method], name) for method in ("teacher", "live"))
        assert teacher == pytest.approx(live, rel=1e-3)
    assert person.scores["plain"].psnr != pytest.approx(person.scores["live"].psnr, abs=0.1)
    assert moving.warping["teacher"].value == pytest.approx(moving.warping["live"].value, rel=1e-3)
    assert set(moving.warping) == {"truth", *METHODS}


def test_the_sheet_has_a_row_for_each_person(around, orbit: Orbit) -> None:
    black = KnownTeacher(lambda color: torch.cat([0.0 * color[..., :3, :, :], color[..., 3:, :, :]], dim=-3))
    shown = around(Taught(black, QUICK, "fp32")).add("bare", orbit)
    sheet = OrbitSheet(rows=2, angles=(0.0, np.pi))
    for _ in range(3):
        sheet.offer(orbit, shown)
    picture = sheet.picture()
    assert picture.shape == (2 * SIDE + GAP, 8 * SIDE + 7 * GAP, 3)
    cells = [picture[:SIDE, k * (SIDE + GAP) :][:, :SIDE].astype(int) for k in range(8)]
    for plain, live, teacher, truth in (cells[:4], cells[4:]):
        assert live.sum() > plain.sum()
        assert teacher.max() <= 128, "before grey"
        assert teacher.min() == 0
        assert truth.max() > 150
    assert not np.array_equal(cells[3], cells[7]), "front and back"
