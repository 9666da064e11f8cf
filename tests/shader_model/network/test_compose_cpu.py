"""The fast composition against `compose`, and a step in two parts against the whole."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inperson.shader_model.interface import INNER, Conditions
from inperson.shader_model.network.compose import compose
from inperson.shader_model.network.compose_cpu import compose_folded_cpu
from inperson.shader_model.network.model import Head, LiveShader
from inperson.workers import Workers


@given(
    seed=st.integers(0, 1 << 20),
    eyes=st.integers(1, 2),
    height=st.integers(1, 5),
    width=st.integers(1, 9),
    loud=st.floats(0.0, 30.0),
    threads=st.integers(1, 2),
)
def test_it_composes_as_the_plain_form_does(seed: int, eyes: int, height: int, width: int, loud: float, threads: int):
    random = torch.Generator().manual_seed(seed)
    head = Head(3)
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=loud, generator=random)
    features = torch.rand(eyes, 3, height, width, generator=random)
    pictures = [torch.rand(eyes, n, INNER * height, INNER * width, generator=random) for n in (4, 4, 5)]
    with torch.no_grad():
        expected = compose(head(features), *pictures)
        folded = head.folded(features)
    workers = Workers(threads)
    result = compose_folded_cpu(folded.numpy(), *(picture.numpy() for picture in pictures), workers)
    workers.close()
    # what is rounded is as large as what was said
    np.testing.assert_allclose(result, expected.numpy(), rtol=0, atol=1e-6 * (1.0 + loud))
    assert result.dtype == np.float32
    assert (result[:, :3] <= result[:, 3:]).all()


def test_shares_are_hyperbolic_tangents_to_the_last_digits():
    x = np.concatenate([np.linspace(-12.0, 12.0, 4093), [-1e30, 1e30, 0.0]]).astype(np.float32)
    folded = np.zeros((1, 6 * INNER**2, 1, len(x)), np.float32)
    share_of_photo = slice(4 * INNER**2, 5 * INNER**2)
    folded[:, share_of_photo] = x
    height, width = INNER, INNER * len(x)
    nothing, photo = np.zeros((1, 4, height, width), np.float32), np.ones((1, 4, height, width), np.float32)
    previous = np.zeros((1, 5, height, width), np.float32)
    result = compose_folded_cpu(folded, nothing, photo, previous, Workers(1))
    expected = np.maximum(np.tanh(x.astype(np.float64)), 0.0).repeat(INNER)
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), rtol=3e-7, atol=0)


@pytest.mark.parametrize("eyes", [1, 2])
def test_a_step_in_two_parts_is_the_step(network: LiveShader, make_conditions: Callable[..., Conditions], eyes: int):
    now = make_conditions(eyes, 0)
    random = torch.Generator().manual_seed(3)
    previous = torch.rand(eyes, 5, *now.color.shape[2:], generator=random)
    hidden = torch.rand(1, 32, now.color.shape[2] // 16, now.color.shape[3] // 16, generator=random)
    step = (now.color, now.photo, now.dense, previous, hidden, now.switch)
    with torch.no_grad():
        output, next_hidden = network(*step)
        folded, same_hidden = network.folded(*step)
    pictures = (x.numpy() for x in (folded, now.color, now.photo, previous))
    np.testing.assert_allclose(compose_folded_cpu(*pictures, Workers(1)), output.numpy(), rtol=0, atol=2e-6)
    assert torch.equal(same_hidden, next_hidden)
