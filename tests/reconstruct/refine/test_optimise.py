"""Optimising: a spoilt avatar is mended, what is not seen stays, interruptions cost nothing."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from inperson.avatar.gaussians import GaussianAvatar
from inperson.errors import OutputError
from inperson.reconstruct.canonical import CPU
from inperson.reconstruct.device import choose_device
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.refine.canonical import canonical_from_avatar
from inperson.reconstruct.refine.checkpoint import Checkpoint, checkpoint_path, load_checkpoint, save_checkpoint
from inperson.reconstruct.refine.learner import Learner, Values
from inperson.reconstruct.refine.objective import Objective, ObjectiveWeights
from inperson.reconstruct.refine.optimise import Lesson, Optimiser, Progress
from inperson.reconstruct.refine.residuals import LearnedResiduals, PoseBasis
from inperson.reconstruct.refine.scoring import ClipScores, score_clip
from inperson.reconstruct.refine.settings import OptimiseSettings
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.tracking.models import fetch_models
from tests.reconstruct.far_device import FAR, far_device
from tests.reconstruct.refine.refine_cases import Case, case, spoilt

STEPS = 40
TRAINING, VALIDATION, HELD_OUT = range(0, 30, 3), range(1, 30, 10), range(2, 30, 6)


@pytest.fixture(scope="module")
def perceptual() -> Perceptual:
    fetch_models()
    return Perceptual.load()


def settings(**changes: object) -> OptimiseSettings:
    return replace(OptimiseSettings(steps=STEPS, check_every=20, align_at=(0.5,)), **changes)


def new_run(
    c: Case,
    avatar: GaussianAvatar,
    perceptual: Perceptual,
    chosen: OptimiseSettings,
    device: torch.device = CPU,
    parts: tuple[Sequence[int], Sequence[int]] = (TRAINING, VALIDATION),
) -> tuple[Learner, Optimiser]:
    gaussians = canonical_from_avatar(avatar, c.body).to(device)
    training, validation = (c.clip.part(rows) for rows in parts)
    basis = PoseBasis.of(training.states, c.body.num_expression, most=2)
    residuals = LearnedResiduals.none(gaussians, basis)
    learner = Learner(gaussians, residuals, c.body, avatar.betas, chosen)
    lesson = Lesson(training.cropped(), training.cropped(), validation)
    objective = Objective(copy.deepcopy(perceptual).to(device), chosen.weights)
    return learner, Optimiser(learner, lesson, objective, chosen, 0.7)


@dataclass(frozen=True)
class Mended:
    bad: GaussianAvatar
    good: GaussianAvatar
    frozen: np.ndarray
    before: ClipScores
    after: ClipScores
    losses: tuple[float, float]


@pytest.fixture(scope="module")
def mended(perceptual: Perceptual) -> Mended:
    c = case()
    bad = spoilt(c)
    learner, optimiser = new_run(c, bad, perceptual, settings())
    optimiser.start()
    frozen = learner.snapshot()["frozen"]
    assert optimiser.run(lambda: False, lambda now: None)
    good = learner.to_avatar(bad)
    held_out, rasterizer = c.clip.part(HELD_OUT), CpuRasterizer(1)
    before, after = (score_clip(a, c.body, held_out, rasterizer, perceptual) for a in (bad, good))
    assert optimiser.progress is not None
    return Mended(bad, good, frozen, before, after, (optimiser.progress.first_loss, optimiser.progress.best_loss))


def test_a_spoilt_avatar_gains_several_decibels_on_other_frames(mended):
    assert mended.after.psnr > mended.before.psnr + 3.0
    assert mended.after.ssim > mended.before.ssim
    assert mended.after.perceptual < 0.7 * mended.before.perceptual
    assert mended.after.iou > mended.before.iou - 0.005
    assert mended.losses[1] < 0.6 * mended.losses[0]


def test_what_no_frame_shows_keeps_colour_size_and_opacity(mended):
    hidden = mended.frozen
    assert 0.1 < hidden.mean() < 0.9
    np.testing.assert_allclose(mended.good.sh[hidden, 0], np.maximum(mended.bad.sh[hidden, 0], -1.7725), atol=1e-5)
    np.testing.assert_allclose(mended.good.scales[hidden], mended.bad.scales[hidden], rtol=1e-5)
    np.testing.assert_allclose(mended.good.opacities[hidden], mended.bad.opacities[hidden], atol=1e-5)
    assert np.abs(mended.good.sh[~hidden, 0] - mended.bad.sh[~hidden, 0]).mean() > 0.02


def test_interrupted_and_resumed_is_as_if_never_interrupted(tmp_path, perceptual):
    c = case()
    bad = spoilt(c)
    chosen = settings(steps=12, check_every=4)

    def run_to_the_end() -> dict[str, np.ndarray]:
        learner, optimiser = new_run(c, bad, perceptual, chosen)
        optimiser.start()
        optimiser.run(lambda: False, lambda now: None)
        return learner.values()

    learner, optimiser = new_run(c, bad, perceptual, chosen)
    optimiser.start()
    asked = iter([False] * 7 + [True])
    kept = {}

    def keep(now):
        if now.step == 7:
            save_checkpoint(tmp_path / "x", "key", Checkpoint(bad.betas, now, learner.snapshot()))
            kept["best"] = now.best

    assert not optimiser.run(lambda: next(asked), keep), "it says that it was stopped"
    for name, value in learner.values().items():
        np.testing.assert_array_equal(value, kept["best"][name], err_msg="the best so far is what is left")
    again, resumed = new_run(c, bad, perceptual, chosen)
    checkpoint = load_checkpoint(tmp_path / "x", "key")
    assert checkpoint is not None
    assert checkpoint.progress.step == 7
    again.resume(checkpoint.learner)
    resumed.progress = checkpoint.progress
    assert resumed.run(lambda: False, lambda now: None)
    for name, value in run_to_the_end().items():
        np.testing.assert_array_equal(again.values()[name], value, err_msg=name)


@pytest.fixture(scope="module")
def few_frames() -> Case:
    """The whole lesson in four small pictures, for what is learned on two devices."""
    c = case()
    return replace(c, clip=c.clip.part([0, 1, 3, 6]).scaled(0.5))


def few_steps(c: Case, perceptual: Perceptual, device: torch.device) -> tuple[Learner, Optimiser]:
    chosen = settings(steps=6, check_every=3, residuals_from=0.0, perceptual_every=1)
    return new_run(c, spoilt(c), perceptual, chosen, device, parts=([0, 2, 3], [1]))


def finished(learner: Learner, optimiser: Optimiser, told: Callable[[Progress], None] = lambda now: None) -> Values:
    optimiser.start()
    assert optimiser.run(lambda: False, told)
    return learner.values()


def same_but_for_rounding(a: Values, b: Values, coarser: float = 1.0) -> None:
    """Adam makes a whole step of the smallest gradient, so a few Gaussians may go their own way."""
    assert a.keys() == b.keys()
    for name, value in a.items():
        apart = np.abs(value - b[name])
        assert apart.mean() < 2e-4 * coarser, name
        assert (apart > 1e-3 * coarser).mean() < 0.02, name


def test_learning_off_the_cpu_is_learning_and_goes_on_on_it(tmp_path, monkeypatch, few_frames, perceptual):
    on_cpu = finished(*few_steps(few_frames, perceptual, CPU))
    with far_device(monkeypatch) as operators:
        learner, optimiser = few_steps(few_frames, perceptual, FAR)
        assert all(p.device == FAR for p in learner.parameters().values())

        def keep(now: Progress) -> None:
            if now.step == 4:
                save_checkpoint(tmp_path / "x", "key", Checkpoint(learner.betas, now, learner.snapshot()))

        same_but_for_rounding(on_cpu, finished(learner, optimiser, keep))
        checkpoint = load_checkpoint(tmp_path / "x", "key")
        assert checkpoint is not None
        learner.resume(checkpoint.learner)
        assert learner.to_avatar(few_frames.truth).residuals is not None
    assert "aten.hardtanh.default" in operators, "the perceptual network looks at it there"
    again, resumed = few_steps(few_frames, perceptual, CPU)
    again.resume(checkpoint.learner)
    resumed.progress = checkpoint.progress
    assert resumed.run(lambda: False, lambda now: None)
    same_but_for_rounding(on_cpu, again.values())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_learning_on_cuda_is_learning(few_frames, perceptual):
    on_cpu, on_cuda = (
        finished(*few_steps(few_frames, perceptual, device)) for device in (CPU, choose_device("cuda"))
    )
    same_but_for_rounding(on_cpu, on_cuda, coarser=10.0)  # gsplat is another rasteriser


def test_it_stops_when_nothing_is_gained(perceptual):
    c = case()
    still = dict.fromkeys(OptimiseSettings().rates, 0.0)
    chosen = settings(steps=50, check_every=1, patience=2, align_at=(), rates=still)
    _, optimiser = new_run(c, c.truth, perceptual, chosen)
    optimiser.start()
    steps = []
    assert optimiser.run(lambda: False, lambda now: steps.append(now.step))
    assert len(steps) <= 10


def test_running_before_starting_is_a_mistake(perceptual):
    c = case()
    _, optimiser = new_run(c, c.truth, perceptual, settings())
    with pytest.raises(ValueError, match="start"):
        optimiser.run(lambda: False, lambda now: None)


def test_objective_is_nothing_for_the_frame_itself_and_has_true_slopes(perceptual):
    c = case()
    objective = Objective(perceptual, ObjectiveWeights(perceptual=0.2))
    rgba = c.clip.frames[5].rgba
    planes = torch.zeros(5, *rgba.shape[:2])
    planes[[0, 1, 2, 4]] = torch.from_numpy(rgba.astype(np.float32).transpose(2, 0, 1) / 255)
    assert objective.value(planes, rgba) == pytest.approx(0.0, abs=1e-4)
    torch.manual_seed(0)
    off = (planes + 0.05 * torch.randn_like(planes)).requires_grad_(True)
    background = np.array([0.2, 0.5, 0.9])
    objective(off, rgba, background).backward()
    assert off.grad is not None
    direction = off.grad / off.grad.norm()
    values = [float(objective((off + s * direction).detach(), rgba, background)) for s in (-0.02, 0.02)]
    assert (values[1] - values[0]) / 0.04 == pytest.approx(float((off.grad * direction).sum()), rel=0.1)
    cheap = float(objective(off.detach(), rgba, background, perceptual=False))
    assert cheap < float(objective(off.detach(), rgba, background))


def test_scores_of_the_truth_are_perfect(perceptual):
    c = case()
    scores = score_clip(c.truth, c.body, c.clip.part([0, 9]), CpuRasterizer(1), perceptual)
    assert scores.psnr > 45
    assert scores.ssim > 0.995
    assert scores.iou > 0.995
    assert scores.perceptual < 2e-3


def test_a_checkpoint_of_something_else_or_damaged_is_not_used(tmp_path, perceptual):
    path = checkpoint_path(tmp_path / "me.avatar")
    assert path.parent == tmp_path
    assert load_checkpoint(path, "key") is None
    c = case()
    learner, optimiser = new_run(c, c.truth, perceptual, settings())
    optimiser.start()
    assert optimiser.progress is not None
    save_checkpoint(path, "key", Checkpoint(c.truth.betas, optimiser.progress, learner.snapshot()))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert load_checkpoint(path, "another key") is None
    assert load_checkpoint(path, "key") is not None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert load_checkpoint(path, "key") is None
    checkpoint = Checkpoint(c.truth.betas, optimiser.progress, {})
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(tmp_path / "missing" / "x", "key", checkpoint)
