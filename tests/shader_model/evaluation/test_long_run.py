"""A long run that drifts as told, or not at all."""

import numpy as np
import pytest
import torch

from inperson.reconstruct.perceptual import Perceptual
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.drift import compare_ends, within_noise
from inperson.shader_model.evaluation.long_run import LOOK_EVERY, LongRun, picture_statistics, run_long
from inperson.shader_model.interface import DENSE_CHANNELS, Conditions
from inperson.shader_model.stream import ShaderStream
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.made_up_engines import KnownEngine, brighter

FRAMES = 16


def run(subject: Subject, cpu: CpuRasterizer, perceptual: Perceptual, engine: KnownEngine) -> LongRun:
    with ShaderStream(engine, threads=1) as stream:
        return run_long(subject, PERSON.body, cpu, stream, perceptual, FRAMES, np.random.default_rng(0))


def test_who_changes_nothing_does_not_drift(subject: Subject, cpu: CpuRasterizer, perceptual: Perceptual) -> None:
    engine = KnownEngine(lambda color, step: color)
    done = run(subject, cpu, perceptual, engine)
    assert done.resets == 1
    assert engine.remembered == [False] + [True] * (FRAMES - 1), "nobody jumps"
    assert np.isfinite(done.series["perceptual"]).sum() == -(-FRAMES // LOOK_EVERY)
    for name in ("contrast", "perceptual", "fine"):
        known = done.series[name][np.isfinite(done.series[name])]
        np.testing.assert_allclose(known, 0.0, atol=1e-4)


def test_who_grows_duller_by_the_frame_drifts(subject: Subject, cpu: CpuRasterizer, perceptual: Perceptual) -> None:
    engine = KnownEngine(lambda color, step: torch.cat([color[:, :3] * (1 - 0.02 * step), color[:, 3:]], dim=1))
    done = run(subject, cpu, perceptual, engine)
    contrast = compare_ends(done.series["contrast"])
    assert contrast is not None
    assert contrast.end < contrast.start - 1.0
    assert not within_noise({"contrast": contrast})
    for name, sign in (("perceptual", 1.0), ("fine", -1.0)):
        start, end = done.series[name][[0, LOOK_EVERY]]
        assert start == pytest.approx(0.0, abs=1e-5)
        assert sign * end > 0.01


def test_colours_are_told_part_by_part_in_grey_levels(make_conditions) -> None:
    conditions: Conditions = make_conditions(eyes=1, eyes_before=0)
    conditions.dense[:] = 0.0
    alpha = conditions.color[:, 3:]
    conditions.dense[:, DENSE_CHANNELS.index("skin")] = (torch.nn.functional.avg_pool2d(alpha, 4) > 0.999)[
        :, 0
    ].float()
    found = picture_statistics(brighter(conditions.color, 7.0), conditions)
    for channel in ("red", "green", "blue"):
        assert found[f"{channel}_skin"] == pytest.approx(7.0, abs=0.05)
        assert np.isnan(found[f"{channel}_hair"]), "no hair is seen"
    assert found["contrast"] == pytest.approx(0.0, abs=0.5)
