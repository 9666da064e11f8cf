"""The whole of a person's measures, with shaders whose answer is known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from inperson.reconstruct.perceptual import Perceptual
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.evaluate import Evaluation
from inperson.shader_model.evaluation.numbers import mean_gain
from inperson.shader_model.evaluation.pictures import PictureScores
from inperson.shader_model.evaluation.report import About, as_json
from inperson.shader_model.evaluation.sheet import DETAIL, GAP, Sheet
from inperson.shader_model.evaluation.stillness import SETTLING
from inperson.shader_model.evaluation.synthetic import PersonScores, SyntheticEvaluation
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.torch_engine import TorchEngine
from inperson.synthetic.stage import Stage
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.conftest import SMALL
from tests.shader_model.evaluation.made_up_engines import KnownEngine, brighter

STILL_FRAMES = SETTLING + 2
ABOUT = About(
    "inperson evaluate shader", "known", "x.safetensors", "0", {"data": "made up"}, "InPerson", "cpu", 1, 2.0
)


def identity(color: Tensor, step: int) -> Tensor:
    return color


def blurred(color: Tensor, step: int) -> Tensor:
    soft = F.avg_pool2d(color, 5, 1, 2, count_include_pad=False)
    return torch.cat([torch.minimum(soft[:, :3], color[:, 3:]), color[:, 3:]], dim=1)


def tinted(color: Tensor, step: int) -> Tensor:
    return brighter(color, 20.0)


def one_eye(color: Tensor, step: int) -> Tensor:
    return torch.cat([brighter(color[:1], 20.0), color[1:]])


def blinking(color: Tensor, step: int) -> Tensor:
    return brighter(color, 30.0 * (step % 2))


@pytest.fixture(scope="module")
def measure(subject: Subject, stage: Stage, cpu: CpuRasterizer, perceptual: Perceptual):
    """Measures the bare person with an engine, on the same windows each time."""

    def run(engine: Engine, sheet: Sheet | None = None) -> SyntheticEvaluation:
        whole = SyntheticEvaluation(PERSON.body, stage, cpu, engine, perceptual)
        whole.add(subject, SMALL, STILL_FRAMES, np.random.default_rng(1), sheet)
        return whole

    return run


@pytest.fixture(scope="module")
def evaluated(measure):
    """What a known change of every render scores; each is measured once."""

    @cache
    def run(change) -> dict:
        return scores_of(measure(KnownEngine(change)))

    return run


def scores_of(whole: SyntheticEvaluation) -> dict:
    return as_json(Evaluation(whole, None, {}), ABOUT)


def test_a_network_that_changes_nothing_equals_the_plain_render_in_every_score(measure, untrained: LiveShader):
    out = scores_of(measure(TorchEngine(untrained, torch.float32, torch.device("cpu"))))
    for name in ("psnr", "ssim", "perceptual", "sharpness", "first_psnr"):
        assert out["synthetic"]["shaded"][name] == pytest.approx(out["synthetic"]["plain"][name], rel=1e-4)
    assert out["synthetic"]["gain"]["psnr"] == pytest.approx(0.0, abs=1e-4)
    assert out["synthetic"]["gain"]["perceptual"] == pytest.approx(0.0, abs=1e-4)
    assert out["warping"]["shaded"] == pytest.approx(out["warping"]["plain"], rel=1e-4)
    assert out["warping"]["still_flicker"] == pytest.approx(0.0, abs=1e-3)
    assert out["eyes"]["shaded_to_plain"] == pytest.approx(1.0, abs=1e-4)
    assert out["eyes"]["shaded_to_separate"] == pytest.approx(1.0, abs=1e-4)


def test_blur_is_seen_as_blur(evaluated):
    out = evaluated(blurred)
    plain, shaded = (out["synthetic"][name] for name in ("plain", "shaded"))
    assert shaded["sharpness"] < 0.3 * plain["sharpness"]
    assert shaded["psnr"] != plain["psnr"]
    assert out["warping"]["shaded"] < out["warping"]["plain"], "there is less to move"


def test_a_shift_of_colour_costs_and_is_no_sharpness(evaluated):
    out = evaluated(tinted)
    assert abs(out["synthetic"]["gain"]["psnr"]) > 0.5
    assert out["synthetic"]["shaded"]["sharpness"] == pytest.approx(out["synthetic"]["plain"]["sharpness"], rel=0.1)
    assert out["eyes"]["corrections"]["shaded"] < 1.0, "both eyes are shifted alike"


def test_a_shader_that_tells_the_eyes_apart_makes_them_disagree(evaluated):
    apart, alike = evaluated(one_eye)["eyes"], evaluated(tinted)["eyes"]
    assert apart["corrections"]["shaded"] > 6.0, "20 where the person is, nothing on the ring around them"
    assert apart["corrections"]["shaded"] > 5.0 * alike["corrections"]["shaded"]
    assert apart["corrections"]["separate"] < 1.0, "each is a first eye alone: they are shifted alike"
    assert apart["corrections"]["shaded_to_separate"] > 5.0
    assert apart["plain"] == alike["plain"]


def test_one_that_blinks_is_unsteady(evaluated):
    unsteady, steady = evaluated(blinking)["warping"], evaluated(identity)["warping"]
    assert unsteady["shaded_to_truth"] > steady["shaded_to_truth"] + 1.0
    assert unsteady["still_flicker"] > 10.0
    assert unsteady["plain"] == steady["plain"]


def test_regions_hold_all_of_the_error(evaluated):
    out = evaluated(identity)["synthetic"]
    regions = out["plain"]["regions"]
    assert sum(r["share_of_error"] for r in regions.values()) == pytest.approx(1.0, abs=1e-4)
    assert sum(r["share_of_pixels"] for r in regions.values()) == pytest.approx(1.0, abs=1e-4)
    assert regions["cloth"]["share_of_pixels"] == 0.0
    assert regions["cloth"]["psnr"] is None, "there is none"
    assert out["frames"] == 6
    assert out["pictures"] == 9


def test_the_gains_error_is_that_of_their_mean():
    plain = PictureScores(psnr=18.0, ssim=0.7, perceptual=0.1, sharpness=0.5, first_psnr=18.0)
    better = [
        PersonScores("x", {"plain": plain, "shaded": replace(plain, psnr=18.0 + gain)}, 0.0, 1, 1)
        for gain in (1.0, 2.0, 3.0)
    ]
    mean, error = mean_gain(better, "psnr", "shaded", "plain")
    assert mean == pytest.approx(2.0)
    assert error == pytest.approx(1.0 / np.sqrt(3))
    assert np.isnan(mean_gain(better[:1], "psnr", "shaded", "plain")[1])


def test_the_sheet_shows_plain_shaded_and_true(measure, tmp_path):
    sheet = Sheet(rows=1)
    measure(KnownEngine(lambda color, step: torch.cat([0 * color[:, :3], color[:, 3:]], dim=1)), sheet)
    picture, side = sheet.picture(), min(DETAIL, SMALL.size)
    assert picture.shape == (side, 3 * side + 2 * GAP, 3)
    plain, shaded, truth = (picture[:, k * (side + GAP) :][:, :side].astype(int) for k in range(3))
    assert shaded.min() == 0, "the shader paints black"
    assert shaded.max() <= 128, "before grey"
    assert min(plain.max(), truth.max()) > 150
    assert not np.array_equal(plain, truth)
    sheet.save(tmp_path / "sheet.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "sheet.png")), picture)


def test_an_empty_sheet_is_told():
    with pytest.raises(ValueError, match="nothing to show"):
        Sheet().picture()
