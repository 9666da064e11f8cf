"""The personal change: nothing at first, the same merged as beside, and of one set of weights alone."""

import dataclasses

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError
from inperson.shader_model.interface import INNER
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.personal.adapter import AdaptedShader, fingerprint, personal_of, personalised
from tests.shader_model.conftest import MakeConditions


@pytest.fixture
def changed(network: LiveShader) -> AdaptedShader:
    adapted = AdaptedShader(network)
    generator = np.random.default_rng(3)
    adapted.fill(generator.normal(scale=0.1, size=len(adapted.values())).astype(np.float32))
    return adapted


@pytest.fixture
def moments(make_conditions: MakeConditions) -> list[ConditionsBatch]:
    return [ConditionsBatch.of([make_conditions(eyes_before=2 if t else 0, seed=t)]) for t in range(3)]


def test_untrained_it_is_the_model(network: LiveShader, moments: list[ConditionsBatch]) -> None:
    with torch.no_grad():
        for plain, adapted in zip(unroll(network, moments), unroll(AdaptedShader(network), moments), strict=True):
            torch.testing.assert_close(adapted, plain)


def test_merged_it_shows_the_same_and_the_model_stays_as_it_was(
    network: LiveShader, changed: AdaptedShader, moments: list[ConditionsBatch]
) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        plain, beside, merged = (unroll(m, moments) for m in (network, changed, changed.merged()))
    for a, b, c in zip(plain, beside, merged, strict=True):
        torch.testing.assert_close(b, c, atol=1e-5, rtol=1e-4)
        assert (a - b).abs().max() > 0.01
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_it_draws_no_pattern_within_a_square(network: LiveShader, changed: AdaptedShader) -> None:
    """What it adds to the pixels of one inner pixel is the same, or it would show as a grid."""
    added, plain = (m.head.added for m in (changed.merged(), network))
    for name in ("weight", "bias"):
        change = (getattr(added, name) - getattr(plain, name)).unflatten(0, (4, INNER**2))
        torch.testing.assert_close(change, change[:, :1].expand_as(change), atol=1e-6, rtol=0.0)
        assert change.abs().max() > 0.01


def test_only_the_change_learns(network: LiveShader, changed: AdaptedShader, moments: list[ConditionsBatch]) -> None:
    network.requires_grad_(False)
    unroll(changed, moments)[-1].square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in changed.changes.parameters())
    assert {name.split(".")[0] for name, _ in changed.named_parameters()} == {"changes"}
    assert all(p.grad is None for p in network.parameters())


def test_an_avatar_carries_it(network: LiveShader, changed: AdaptedShader, moments: list[ConditionsBatch]) -> None:
    personal = personal_of(changed, network)
    with torch.no_grad():
        there, here = unroll(personalised(network, personal), moments), unroll(changed.merged(), moments)
    for a, b in zip(there, here, strict=True):
        torch.testing.assert_close(a, b)


def test_other_weights_are_refused(network: LiveShader, changed: AdaptedShader) -> None:
    personal = personal_of(changed, network)
    with torch.no_grad():
        network.head.added.bias += 1.0
    with pytest.raises(BadInputError, match=r"belongs to other weights.*refine"):
        personalised(network, personal)
    short = dataclasses.replace(personal, weights_sha256=fingerprint(network), values=personal.values[:-1])
    with pytest.raises(BadInputError, match="numbers where"):
        personalised(network, short)


def test_the_fingerprint_is_of_what_is_stored(network: LiveShader) -> None:
    stored = LiveShader(network.config)
    stored.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    assert fingerprint(stored) == fingerprint(network)
    with torch.no_grad():
        stored.head.photo.bias[0] += 0.01
    assert fingerprint(stored) != fingerprint(network)
