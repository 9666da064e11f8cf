"""Corrections: their derivative, finding a known one again, and what they have in common."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.reconstruct.refine.aligner import Aligner
from inperson.reconstruct.refine.alignment import (
    JOINTS,
    CarriedPoints,
    Correction,
    common_displacement,
    pixels_by_correction,
    without_common_part,
)
from inperson.reconstruct.refine.canonical import canonical_from_avatar
from inperson.reconstruct.refine.flow import FlowMeter, FlowSample
from inperson.reconstruct.refine.learner import Learner
from inperson.reconstruct.refine.residuals import LearnedResiduals, PoseBasis
from inperson.reconstruct.refine.settings import OptimiseSettings
from inperson.reconstruct.refine.shape import betas_from_clip
from tests.reconstruct.refine.refine_cases import Case, case


def learner_of(c: Case, betas: np.ndarray | None = None) -> Learner:
    gaussians = canonical_from_avatar(c.truth, c.body)
    basis = PoseBasis.of(c.clip.states[:1], c.body.num_expression)
    none = LearnedResiduals.none(gaussians, basis)
    return Learner(gaussians, none, c.body, c.truth.betas if betas is None else betas, OptimiseSettings())


def random_corrections(count: int, turn: float, move: float, seed: int = 0) -> list[Correction]:
    rng = np.random.default_rng(seed)
    return [Correction(rng.normal(0, turn, (len(JOINTS), 3)), rng.normal(0, move, 3)) for _ in range(count)]


def falls_at(c: Case, points: np.ndarray) -> np.ndarray:
    k, to_eye = c.clip.view.intrinsics, c.clip.view.T_cv_from_world
    x, y, z = (points @ to_eye[:3, :3].T + to_eye[:3, 3]).T
    return np.stack([k.fx * x / z + k.cx, k.fy * y / z + k.cy], axis=1)


def test_derivative_is_that_of_posing():
    c = case()
    state, poser = c.clip.states[9], AvatarPoser(c.truth, c.body)
    points = poser.pose(state).means.astype(np.float64)
    some = np.arange(0, len(points), 97)
    carried = CarriedPoints.on(c.body, c.truth.face_index, c.truth.barycentric)
    flow = FlowSample(some, np.zeros((len(some), 2)), np.ones(len(some)), c.clip.view)
    rows = pixels_by_correction(BodyPoser(c.body, c.truth.betas), carried.share[some], state, points[some], flow)
    rng, step = np.random.default_rng(3), 2e-3
    for _ in range(3):
        direction = rng.normal(size=rows.shape[1])
        direction[-3:] *= 0.3

        def moved(amount: float, direction: np.ndarray = direction) -> np.ndarray:
            change = Correction(amount * direction[:-3].reshape(-1, 3), amount * direction[-3:])
            return falls_at(c, poser.pose(change.applied_to(state)).means[some].astype(np.float64))

        truth = (moved(step) - moved(-step)) / (2 * step)
        ours = (rows @ direction).reshape(-1, 2)
        size = np.linalg.norm(truth, axis=1)
        away = np.linalg.norm(ours - truth, axis=1)
        assert np.median(away / size) < 0.05, "skinning's pose correctives and blending are left out, no more"


def test_flow_measures_a_known_shift():
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 1, (20, 26, 3)).astype(np.float32)
    picture = np.kron(noise, np.ones((8, 8, 1), np.float32))
    shifted = np.roll(picture, (2, 3), axis=(0, 1))
    c = case()
    depth, alpha = np.full((160, 208), 1.0, np.float32), np.ones((160, 208), np.float32)
    k = c.clip.view.intrinsics
    u, v = rng.uniform(30, 178, 400), rng.uniform(30, 130, 400)
    points = np.stack([(u - k.cx) / k.fx, -(v - k.cy) / k.fy, np.full(400, -1.0)], axis=1)
    sample = FlowMeter().sample(picture, shifted, depth, alpha, points, c.clip.view)
    trusted = sample.trust > 0.5
    assert trusted.sum() > 50
    np.testing.assert_allclose(np.median(sample.pixels[trusted], axis=0), [3.0, 2.0], atol=0.25)
    behind = FlowMeter().sample(picture, shifted, 0.5 * depth, alpha, points, c.clip.view)
    assert len(behind.point) == 0, "what lies behind the drawn surface is not in sight"


def test_frames_that_are_off_are_found_again():
    c = case()
    clip = c.clip.part(range(0, 30, 6))
    wrong = random_corrections(len(clip), turn=0.03, move=0.012)
    off = clip.with_states([w.applied_to(f.state) for w, f in zip(wrong, clip.frames, strict=True)])
    aligner = Aligner(learner_of(c), off)
    found = aligner.measured(aligner.measured([Correction.none()] * len(clip)))
    poser = BodyPoser(c.body, c.truth.betas)
    upper = [12, 15, 16, 17, 18, 19]

    def away(states: list) -> float:
        pairs = zip(states, clip.states, strict=True)
        joints = [poser.pose(a).joints[upper] - poser.pose(b).joints[upper] for a, b in pairs]
        return float(np.linalg.norm(joints, axis=-1).mean())

    corrected = [f.applied_to(s) for f, s in zip(found, off.states, strict=True)]
    assert away(off.states) > 0.02
    assert away(corrected) < 0.4 * away(off.states)


def test_frames_that_fit_are_left_alone():
    c = case()
    clip = c.clip.part([4, 20])
    for correction in Aligner(learner_of(c), clip).measured([Correction.none()] * 2):
        assert np.abs(correction.turns).max() < 5e-3
        assert np.abs(correction.move).max() < 3e-3


def test_what_all_frames_share_becomes_the_avatar_s():
    c = case()
    learner = learner_of(c)
    same = random_corrections(1, turn=0.0, move=0.01)[0]
    aligner = Aligner(learner, c.clip.part(range(4)))
    state = c.clip.states[2]
    before = learner.posed(learner.binding.motion(state), state).means.detach().numpy()
    wanted = learner.posed(learner.binding.motion(same.applied_to(state)), state).means.detach().numpy()
    aligner.settle([same] * 4)
    after = learner.posed(learner.binding.motion(state), state).means.detach().numpy()
    assert np.abs(wanted - before).max() > 4e-3
    torso = aligner.carried.share[:, 2] < 1e-3
    torso &= (aligner.carried.share[:, 4:] < 1e-3).all(axis=1)
    assert np.abs(after - wanted)[torso].mean() < 0.25 * np.abs(before - wanted)[torso].mean()


def test_corrections_without_their_common_part_sum_to_nothing():
    left = without_common_part(random_corrections(7, 0.02, 0.01))
    np.testing.assert_allclose(np.sum([x.turns for x in left], axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.sum([x.move for x in left], axis=0), 0.0, atol=1e-12)
    motion = learner_of(case()).binding.motion(case().clip.states[0])
    assert not common_displacement([motion] * 3, [motion] * 3).any()


def test_no_flow_says_nothing():
    c = case()
    learner = learner_of(c)
    blank = c.clip.part([0])
    blank = replace(blank, frames=tuple(replace(f, rgba=np.zeros_like(f.rgba)) for f in blank.frames))
    before = random_corrections(1, 0.01, 0.005)
    far = [replace(s, transl=s.transl + np.array([50.0, 0, 0], np.float32)) for s in blank.states]
    (after,) = Aligner(learner, blank.with_states(far)).measured(before)
    assert after is before[0]


def test_betas_are_found_from_flow():
    c = case()
    wrong = np.array(c.truth.betas, np.float32)
    wrong[0] += 0.5
    clip = c.clip.part(range(0, 30, 5))
    learner = learner_of(c, wrong)
    betas = betas_from_clip(learner, Aligner(learner, clip), clip)
    error = np.linalg.norm(c.body.shaped(betas) - c.body.shaped(c.truth.betas), axis=1).mean()
    error_before = np.linalg.norm(c.body.shaped(wrong) - c.body.shaped(c.truth.betas), axis=1).mean()
    assert error < 0.9 * error_before
    assert betas.shape == wrong.shape
    assert betas.dtype == np.float32
    assert pytest.approx(betas[10:]) == wrong[10:]
