"""Whole sequences: windows, orbits without a seam, seeds."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from inperson.errors import BadInputError
from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.teacher import offline
from inperson.shader_model.teacher.flow import sample
from inperson.shader_model.teacher.guidance import guided, triangular
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.noise import sequence_noise
from inperson.shader_model.teacher.offline import OfflineSettings, TeacherOffline
from inperson.shader_model.teacher.residual import picture_of
from inperson.shader_model.teacher.told import Told

MakeWindow = Callable[..., list[Conditions]]
MakeConditions = Callable[..., Conditions]
HOW = OfflineSettings(steps=2, window=4, overlap=2, temperature=1.0, seed=7)


@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_one_window_is_sampled_as_a_whole(teacher: Teacher, make_window: MakeWindow, solver: str) -> None:
    how = replace(HOW, solver=solver, back=3.0)
    window, angles = make_window(4, eyes=2), [0.0, 1.0, 2.0, 3.0]
    told = Told.of([ConditionsBatch.of([c]) for c in window])
    weights = triangular(torch.tensor(angles), how.front, how.back)
    noise = sequence_noise(7, 4, 2, told.shape[3:], how.shared_noise)[None]
    made = sample(lambda x, t: guided(teacher, x, torch.tensor([t]), told, weights), noise, 2, how.solver)
    shown = TeacherOffline(teacher, how).shade(window, angles)
    torch.testing.assert_close(shown, picture_of(made, told.color)[0], atol=1e-5, rtol=1e-4)
    assert (shown - told.color[0]).abs().mean() > 0.01


def test_a_closed_sequence_has_no_seam(
    teacher: Teacher, make_conditions: MakeConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun elsewhere, with the noise, angles and all begun there, it is the same sequence."""
    ring = [make_conditions(1, 1, seed) for seed in range(6)]
    angles = [math.tau * n / 6 for n in range(6)]
    shade = TeacherOffline(teacher, HOW).shade
    shown = shade(ring, angles, closed=True)
    for by in (2, 4):
        with monkeypatch.context() as patched:
            patched.setattr(offline, "sequence_noise", lambda *a, by=by: sequence_noise(*a).roll(-by, 0))
            elsewhere = shade(ring[by:] + ring[:by], angles[by:] + angles[:by], closed=True)
        torch.testing.assert_close(elsewhere, shown.roll(-by, 0), atol=1e-5, rtol=1e-4)
    opened = shade(ring, angles)
    assert (opened - shown).abs()[0].max() > 1e-3  # across the seam something is seen


def test_a_long_sequence_is_known_to_all_its_windows(teacher: Teacher, make_window: MakeWindow) -> None:
    window = make_window(6, eyes=1)
    shown = TeacherOffline(teacher, HOW).shade(window)
    changed = [*window[:-1], replace(window[-1], color=0.5 * window[-1].color)]
    moved = (TeacherOffline(teacher, HOW).shade(changed) - shown).abs().amax(dim=(1, 2, 3, 4))
    assert (moved > 1e-5).all()  # window by window, step by step


def test_the_seed_decides(teacher: Teacher, make_window: MakeWindow) -> None:
    window = make_window(5)
    first, again, other = (TeacherOffline(teacher, replace(HOW, seed=seed)).shade(window) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def test_a_cold_sample_is_the_same_for_all_seeds(teacher: Teacher, make_window: MakeWindow) -> None:
    window = make_window(4, eyes=1)

    def shown(temperature: float, seed: int) -> torch.Tensor:
        return TeacherOffline(teacher, replace(HOW, temperature=temperature, seed=seed)).shade(window)

    spread = [(shown(t, 7) - shown(t, 8)).abs().mean() for t in (0.0, 0.3, 1.0)]
    assert spread[0] == 0.0
    assert 0.0 < spread[1] < spread[2]
    told = Told.of([ConditionsBatch.of([c]) for c in window])
    nothing = torch.zeros_like(sequence_noise(0, 4, 1, told.shape[3:], 0.5))[None]
    made = sample(lambda x, t: guided(teacher, x, torch.tensor([t]), told, torch.ones(4)), nothing, 2, "euler")
    torch.testing.assert_close(shown(0.0, 7), picture_of(made, told.color)[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("solver", "passes"), [("euler", 2), ("heun", 3)])
def test_every_pass_is_told(teacher: Teacher, make_window: MakeWindow, solver: str, passes: int) -> None:
    told: list[tuple[int, int]] = []
    how = replace(HOW, solver=solver)
    TeacherOffline(teacher, how).shade(make_window(2), on_pass=lambda n, of: told.append((n, of)))
    assert told == [(n + 1, passes) for n in range(passes)]


def test_what_cannot_be_shaded_is_said(teacher: Teacher, make_window: MakeWindow) -> None:
    shade = TeacherOffline(teacher, HOW).shade
    with pytest.raises(ValueError, match="2 angles for 3 frames"):
        shade(make_window(3), [0.0, 1.0])
    with pytest.raises(ValueError, match="0 frames"):
        shade([])
    with pytest.raises(ValueError, match="of 2 sizes"):
        shade([*make_window(1, eyes=1), *make_window(1, eyes=2)])
    for wrong in ({"steps": 0}, {"overlap": 4}, {"shared_noise": 1.5}):
        with pytest.raises(BadInputError, match="cannot sample"):
            replace(HOW, **wrong)
