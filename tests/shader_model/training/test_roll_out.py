"""Groups, augmentation, going through windows, and what windows cost."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from inperson.shader_model.data.shards import encode_window
from inperson.shader_model.interface import DENSE_CHANNELS
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.training.augment import augmented
from inperson.shader_model.training.critic import Critic
from inperson.shader_model.training.groups import GroupMaker, WindowGroup
from inperson.shader_model.training.recipe import AugmentRecipe, LossRecipe, Recipe, RollOutRecipe
from inperson.shader_model.training.roll_out import RollOut, told
from inperson.shader_model.training.window_loss import WindowLoss, along_motion
from tests.shader_model.made_up_windows import made_up_window

CONFIG = ShaderConfig(widths=(16, 16, 16), blocks=(0, 1, 0), trunk=1)
SAMPLES = [(seed, encode_window(made_up_window(seed, eyes=1 + seed % 2, frames=3))) for seed in range(4)]


@pytest.fixture(scope="module")
def shader() -> LiveShader:
    """Not the identity."""
    torch.manual_seed(1)
    shader = LiveShader(CONFIG)
    for parameter in shader.head.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return shader


@pytest.fixture(scope="module")
def groups() -> list[WindowGroup]:
    return GroupMaker(Recipe()).held_out(SAMPLES)


def test_windows_are_grouped_by_their_eyes(groups: list[WindowGroup]) -> None:
    assert [(g.windows, g.truth.shape[2]) for g in groups] == [(2, 1), (2, 2)]
    for group in groups:
        assert group.render.shape == group.truth.shape
        assert [m.before.shape[2] for m in group.moments] == [0, group.truth.shape[2], group.truth.shape[2]]


def test_what_is_drawn_by_lot_depends_on_the_number_alone() -> None:
    maker = GroupMaker(Recipe())
    mono, _ = maker.training(SAMPLES)
    alone, _ = maker.training([SAMPLES[1], SAMPLES[2]])
    for name in ("truth", "render"):
        torch.testing.assert_close(getattr(mono, name)[:, 1:], getattr(alone, name), atol=0, rtol=0)
    for name in ("background", "looked_at"):
        torch.testing.assert_close(getattr(mono, name)[1:], getattr(alone, name), atol=0, rtol=0)
    other = GroupMaker(replace(Recipe(), optimiser=replace(Recipe().optimiser, seed=1))).training(SAMPLES)[0]
    assert not torch.equal(other.background, mono.background)


def test_augmentation_treats_render_photo_and_truth_alike() -> None:
    window = made_up_window(8)
    same = replace(
        window,
        conditions=tuple(replace(c, color=t, photo=t) for c, t in zip(window.conditions, window.truth, strict=True)),
    )
    how = AugmentRecipe(gain=0.3, brightness=0.3, swapped_channels=1.0, no_photo=0.0, mirrored=0.0)
    for seed in range(4):
        varied = augmented(same, how, np.random.default_rng(seed))
        assert not torch.equal(varied.truth[:, :, :3], same.truth[:, :, :3])
        assert torch.equal(varied.truth[:, :, 3], same.truth[:, :, 3])
        assert (varied.truth[:, :, :3] <= varied.truth[:, :, 3:]).all()
        for before, after, truth in zip(window.conditions, varied.conditions, varied.truth, strict=True):
            assert torch.equal(after.color, truth)
            assert torch.equal(after.photo, truth)
            assert after.dense is before.dense
    blind = augmented(same, replace(how, no_photo=1.0), np.random.default_rng(0))
    assert all((c.photo == 0).all() for c in blind.conditions)


def test_rolling_out_is_the_live_step_on_its_own_outputs(shader: LiveShader, groups: list[WindowGroup]) -> None:
    for group in groups:
        shown, verdicts = RollOut(shader, None, RollOutRecipe())(group)
        assert verdicts is None
        torch.testing.assert_close(shown, torch.stack(unroll(shader, group.moments)), atol=0, rtol=0)


def test_without_recurrence_every_frame_stands_alone(shader: LiveShader, groups: list[WindowGroup]) -> None:
    group = groups[0]
    first = [replace(m, before=m.before[:, :, :0], seen_before=m.seen_before[:, :, :0]) for m in group.moments]
    none, _ = RollOut(shader, None, RollOutRecipe(memory="none"))(group)
    own, _ = RollOut(shader, None, RollOutRecipe())(group)
    for t, moment in enumerate(first):
        torch.testing.assert_close(none[t], unroll(shader, [moment])[0], atol=0, rtol=0)
    assert not torch.equal(none[1], own[1])


def test_teacher_forcing_remembers_the_truth(shader: LiveShader, groups: list[WindowGroup]) -> None:
    roll_out, group = RollOut(shader, None, RollOutRecipe(memory="truth")), groups[1]
    shown, _ = roll_out(group)
    changed = group.truth.clone()
    changed[1] = 0.5 * changed[1]
    other, _ = roll_out(replace(group, truth=changed))
    torch.testing.assert_close(other[:2], shown[:2], atol=0, rtol=0)
    assert not torch.equal(other[2], shown[2])
    own = unroll(shader, group.moments)
    torch.testing.assert_close(shown[0], own[0], atol=0, rtol=0)
    forced, _ = roll_out(replace(group, truth=torch.stack(own).detach()))
    torch.testing.assert_close(forced, torch.stack(own), atol=1e-6, rtol=0)


def test_ablations_take_away_what_they_say(groups: list[WindowGroup]) -> None:
    moment = groups[1].moments[1]
    without = told(moment, RollOutRecipe(switch=False))
    assert (without.switch == 0).all()
    assert without.dense is moment.dense
    normals = told(moment, RollOutRecipe(dense="normals"))
    assert (normals.photo == 0).all()
    for i, name in enumerate(DENSE_CHANNELS):
        kept = normals.dense[:, :, i]
        assert torch.equal(kept, moment.dense[:, :, i] if name.startswith("normal") else torch.zeros_like(kept))
    whole = told(moment, RollOutRecipe())
    assert all(getattr(whole, f.name) is getattr(moment, f.name) for f in fields(ConditionsBatch))


def test_the_truth_costs_nothing_and_windows_do_not_depend_on_each_other(groups: list[WindowGroup]) -> None:
    loss = WindowLoss(LossRecipe(), None)
    for group in groups:
        right = loss.of(group, group.truth, None)
        assert set(right) == {"color", "color_squared", "ssim", "edges", "alpha", "hold", "temporal"}
        for name, each in right.items():
            torch.testing.assert_close(each, torch.zeros(group.windows), atol=2e-5, rtol=0, msg=name)
        both = loss.of(group, group.render, None)
        only = _window(group, 1)
        alone = loss.of(only, only.render, None)
        for name, each in both.items():
            torch.testing.assert_close(alone[name], each[1:], atol=1e-6, rtol=1e-5, msg=name)


def test_flicker_and_stillness_cost_but_a_steady_error_does_not(groups: list[WindowGroup]) -> None:
    loss, group = WindowLoss(LossRecipe(), None), groups[0]
    dull = group.truth * torch.tensor([0.8, 0.8, 0.8, 1.0])[:, None, None]
    flicker = group.truth * torch.tensor([1.0, 0.8, 1.0])[:, None, None, None, None, None]
    flicker[:, :, :, 3] = group.truth[:, :, :, 3]
    frozen = group.truth[:1].expand_as(group.truth)
    steady, flickering, still = (loss.of(group, shown, None)["temporal"] for shown in (dull, flicker, frozen))
    assert (steady < 0.3 * flickering).all()
    assert (still > steady).all()


def test_pictures_carried_along_the_motion_meet_themselves(groups: list[WindowGroup]) -> None:
    for group in groups:
        smooth = torch.nn.functional.avg_pool2d(group.truth[..., :3, :, :].flatten(0, 2), 5, 1, 2).view_as(
            group.truth[..., :3, :, :]
        )
        for change in along_motion(group, smooth):
            assert change.seen.max() > 0.9
            moved = change.change.abs().mean()
            assert moved < 0.03
        stood = smooth.diff(dim=0).abs().mean()
        assert moved < stood


def test_an_eye_is_held_to_what_the_other_one_saw(groups: list[WindowGroup]) -> None:
    mono, stereo = groups
    loss = WindowLoss(LossRecipe(eyes=1.0), None)
    assert (loss.of(mono, mono.render, None)["eyes"] == 0.0).all()
    tint = torch.tensor([0.8, 1.0])[None, None, :, None, None, None]  # of the left eye alone
    apart = torch.cat([stereo.truth[..., :3, :, :] * tint, stereo.truth[..., 3:, :, :]], dim=-3)
    parts, right = loss.of(stereo, apart, None), loss.of(stereo, stereo.truth, None)
    torch.testing.assert_close(right["eyes"], torch.zeros(2), atol=1e-5, rtol=0)
    assert (parts["eyes"] > 3.0 * parts["temporal"]).all()


def test_the_critic_pulls_as_hard_as_its_weight_says(shader: LiveShader, groups: list[WindowGroup]) -> None:
    torch.manual_seed(3)
    group = groups[0]
    shown, verdicts = RollOut(shader, Critic(4), RollOutRecipe())(group)
    assert verdicts is not None
    leaf = shown.detach().requires_grad_()
    WindowLoss(LossRecipe(adversarial=0.3), None).of(group, leaf, verdicts)["adversarial"].sum().backward()
    assert leaf.grad is not None
    as_color = 0.3 / leaf[0, 0, 0].numel() ** 0.5 / len(shown)  # a mean absolute difference over all of it
    torch.testing.assert_close(leaf.grad.flatten(-3).norm(dim=-1), torch.full(shown.shape[:3], as_color))


def test_a_critic_and_the_shader_learn_from_one_backward_pass(shader: LiveShader, groups: list[WindowGroup]) -> None:
    torch.manual_seed(2)
    roll_out, group = RollOut(shader, Critic(4), RollOutRecipe()), groups[1]
    for wanted, silent in (("adversarial", "critic"), ("critic", "shader")):
        roll_out.zero_grad(set_to_none=True)
        shown, verdicts = roll_out(group)
        parts = WindowLoss(LossRecipe(adversarial=1.0), None).of(group, shown, verdicts)
        parts[wanted].sum().backward()
        gradients = {
            name: sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None)
            for name, part in roll_out.named_children()
        }
        assert gradients[silent] == 0.0
        assert min(v for k, v in gradients.items() if k != silent) > 0.0


def _window(group: WindowGroup, index: int) -> WindowGroup:
    keep = slice(index, index + 1)
    names = [field.name for field in fields(ConditionsBatch)]
    return WindowGroup(
        tuple(ConditionsBatch(**{n: getattr(m, n)[keep] for n in names}) for m in group.moments),
        group.truth[:, keep],
        group.background[keep],
        group.looked_at[keep],
        group.numbers[keep],
    )
