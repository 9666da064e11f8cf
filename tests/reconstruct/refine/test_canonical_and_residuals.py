"""An avatar survives becoming learnable; learned residuals pose as the avatar that is saved with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.refine.canonical import avatar_from_canonical, canonical_from_avatar, spacing_of
from inperson.reconstruct.refine.learner import Learner
from inperson.reconstruct.refine.residuals import LearnedResiduals, PoseBasis
from inperson.reconstruct.refine.settings import OptimiseSettings
from tests.reconstruct.refine.refine_cases import case, spoilt


def test_there_and_back_changes_nothing():
    c = case()
    back = avatar_from_canonical(canonical_from_avatar(c.truth, c.body), c.truth, c.body, c.truth.betas)
    np.testing.assert_allclose(back.offsets, c.truth.offsets, atol=1e-6)
    np.testing.assert_allclose(back.scales, c.truth.scales, rtol=1e-5)
    np.testing.assert_allclose(back.opacities, np.clip(c.truth.opacities, 1e-3, 0.98), atol=1e-5)
    np.testing.assert_allclose(np.abs((back.quats * c.truth.quats).sum(axis=1)), 1.0, atol=1e-5)
    assert (back.face_index == c.truth.face_index).all()
    assert back.provenance == c.truth.provenance


def test_learnable_gaussians_stand_where_the_avatar_stands():
    c = case()
    gaussians = canonical_from_avatar(c.truth, c.body)
    state = c.clip.states[7]
    live = AvatarPoser(c.truth, c.body).pose(state)
    ours = gaussians.posed(gaussians.binding(c.body, c.truth.betas).motion(state))
    np.testing.assert_allclose(ours.means.detach().numpy(), live.means, atol=2e-6)
    np.testing.assert_allclose(ours.scales.detach().numpy(), live.scales, rtol=1e-4)
    np.testing.assert_allclose(ours.colors.detach().numpy(), live.colors, atol=1e-5)


def test_view_dependent_colour_and_features_are_kept():
    c = case()
    count = len(c.truth.face_index)
    rng = np.random.default_rng(0)
    sh = np.concatenate([c.truth.sh, rng.normal(0, 0.1, (count, 3, 3)).astype(np.float32)], axis=1)
    rich = replace(c.truth, sh=sh, features=rng.normal(size=(count, 2)).astype(np.float32))
    back = avatar_from_canonical(canonical_from_avatar(rich, c.body), rich, c.body, rich.betas)
    assert (back.sh[:, 1:] == sh[:, 1:]).all()
    assert (back.features == rich.features).all()


def test_spacing_is_the_distance_to_neighbours():
    grid = np.stack(np.meshgrid(*[np.arange(6) * 0.003] * 3), axis=-1).reshape(-1, 3)
    np.testing.assert_allclose(spacing_of(grid), 0.003, rtol=1e-6)
    assert (spacing_of(np.zeros((5, 3))) > 0).all()


def test_basis_tells_the_clip_s_poses_apart_and_keeps_their_limits():
    c = case()
    basis = PoseBasis.of(c.clip.states, c.body.num_expression)
    assert 2 <= len(basis) <= 16
    factors = np.array([basis.coefficients(state) for state in c.clip.states])
    np.testing.assert_allclose(factors.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(factors.std(axis=0), 1.0, atol=1e-4)
    wild = BodyState.rest(0, c.body.num_expression).with_full_pose(np.full((55, 3), 2.0))
    assert (basis.coefficients(wild) <= basis.high).all()
    assert (basis.coefficients(wild) >= basis.low).all()


def test_somebody_who_stands_still_has_no_basis():
    c = case()
    basis = PoseBasis.of([c.clip.states[0]] * 5, c.body.num_expression)
    assert len(basis) == 0
    gaussians = canonical_from_avatar(c.truth, c.body)
    residuals = LearnedResiduals.none(gaussians, basis)
    learner = Learner(gaussians, residuals, c.body, c.truth.betas, OptimiseSettings())
    assert "residual_shift" not in learner.parameters()
    assert learner.to_avatar(c.truth).residuals is None


def test_saved_residuals_pose_as_learned_ones():
    c = case()
    bad = spoilt(c)
    gaussians = canonical_from_avatar(bad, c.body)
    basis = PoseBasis.of(c.clip.states, c.body.num_expression, most=3)
    residuals = LearnedResiduals.none(gaussians, basis)
    torch.manual_seed(0)
    with torch.no_grad():
        residuals.shift.normal_(0, 0.3)
        residuals.colors.normal_(0, 0.02)
    learner = Learner(gaussians, residuals, c.body, bad.betas, OptimiseSettings())
    avatar = learner.to_avatar(bad)
    assert avatar.residuals is not None
    assert avatar.residuals.offsets.shape == (3, len(gaussians), 3)
    state = c.clip.states[11]
    ours = learner.posed(learner.binding.motion(state), state)
    live = AvatarPoser(avatar, c.body).pose(state)
    np.testing.assert_allclose(ours.means.detach().numpy(), live.means, atol=5e-6)
    np.testing.assert_allclose(ours.colors.detach().numpy(), live.colors, atol=1e-4)
    base = learner.posed(learner.binding.motion(state), state, with_residuals=False)
    assert float((base.means - ours.means).detach().abs().max()) > 1e-4


def test_gradient_reaches_residuals_by_their_coefficients():
    c = case()
    gaussians = canonical_from_avatar(c.truth, c.body)
    basis = PoseBasis.of(c.clip.states, c.body.num_expression, most=2)
    residuals = LearnedResiduals.none(gaussians, basis)
    state = c.clip.states[3]
    learner = Learner(gaussians, residuals, c.body, c.truth.betas, OptimiseSettings())
    learner.posed(learner.binding.motion(state), state).colors.sum().backward()
    assert residuals.colors.grad is not None
    first, second = basis.coefficients(state)
    np.testing.assert_allclose(residuals.colors.grad[:, :3].numpy(), first, rtol=1e-4)
    np.testing.assert_allclose(residuals.colors.grad[:, 3:].numpy(), second, rtol=1e-4)
    with pytest.raises(KeyError):
        learner.restore({})
