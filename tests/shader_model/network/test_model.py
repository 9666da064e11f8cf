"""The live model: its laws, its start, its sizes."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from inperson.errors import BadInputError
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.compose import Corrections, compose
from inperson.shader_model.network.config import SIZES, ShaderConfig, config_of
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll

MakeConditions = Callable[..., Conditions]
MakeWindow = Callable[..., list[Conditions]]
MILLIONS = {"small": (0.8, 1.2), "medium": (3.0, 5.0), "large": (10.0, 15.0)}


def first_inputs(model: LiveShader, now: Conditions) -> tuple[Tensor, ...]:
    """The network's arguments with nothing remembered."""
    eyes, _, height, width = now.color.shape
    hidden = torch.zeros(1, model.config.hidden_channels, height // 16, width // 16)
    return now.color, now.photo, now.dense, torch.zeros(eyes, 5, height, width), hidden, now.switch


def windows(people: Sequence[Sequence[Conditions]]) -> list[ConditionsBatch]:
    return [ConditionsBatch.of(moment) for moment in zip(*people, strict=True)]


@pytest.mark.parametrize("size", SIZES)
def test_untrained_it_is_exactly_the_identity_on_the_render(size: str, make_window: MakeWindow):
    torch.manual_seed(0)
    model = LiveShader(config_of(size)).eval()
    frames = windows([make_window(2)])
    with torch.no_grad():
        for shaded, now in zip(unroll(model, frames), frames, strict=True):
            assert torch.equal(shaded, now.color)


@pytest.mark.parametrize("size", SIZES)
def test_the_sizes_are_as_large_as_they_say(size: str):
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in LiveShader(config_of(size)).parameters()) / 1e6
    low, high = MILLIONS[size]
    assert low <= count <= high


def test_every_input_and_every_parameter_counts(network: LiveShader, make_conditions: MakeConditions):
    eyes, side = 2, 64
    given = [x.clone().requires_grad_(True) for x in first_inputs(network, make_conditions(eyes, 0))]
    given[3] = torch.rand(eyes, 5, side, side, requires_grad=True)
    output, hidden = network(*given)
    (output.sum() + hidden.square().sum()).backward()
    for tensor in given:
        assert tensor.grad is not None
        assert (tensor.grad.flatten(2).abs().sum(-1) if tensor.ndim == 4 else tensor.grad.abs()).min() > 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_new_network_learns_from_its_first_step_on(untrained: LiveShader, make_conditions: MakeConditions):
    now = make_conditions(1, 0)
    untrained(*first_inputs(untrained, now))[0].sum().backward()
    for part in (untrained.head.added, untrained.head.photo):
        assert part.weight.grad is not None
        assert part.weight.grad.abs().max() > 0


@given(seed=st.integers(0, 1 << 20), size=st.floats(-3, 3), over=st.booleans())
def test_whatever_the_network_says_the_picture_is_premultiplied(seed: int, size: float, over: bool):
    random = torch.Generator().manual_seed(seed)
    rand = lambda *shape: torch.rand(shape, generator=random)  # noqa: E731
    alpha, trust, known = (rand(2, 1, 8, 8).mul(2).clamp(max=1) for _ in range(3))
    color, photo, previous = (torch.cat([rand(2, 3, 8, 8) * x, x], dim=1) for x in (alpha, trust, known))
    previous = torch.cat([previous, known], dim=1)
    noise = [10**size * torch.randn(2, n, 8, 8, generator=random) for n in (4, 1, 1)]
    shaded = compose(Corrections(*noise), 1.5 * color if over else color, photo, previous)
    assert shaded.isfinite().all()
    assert shaded.min() >= 0.0
    assert shaded[:, 3:].max() <= 1.0
    assert (shaded[:, :3] <= shaded[:, 3:]).all()


def test_composing_goes_the_way_that_it_is_told():
    pixel = lambda *numbers: torch.tensor(numbers)[None, :, None, None]  # noqa: E731
    color, photo = pixel(0.2, 0.2, 0.2, 0.8), pixel(0.3, 0.15, 0.0, 0.5)
    previous = pixel(0.4, 0.4, 0.4, 0.5, 0.5)
    none, whole = pixel(0.0), pixel(50.0)
    added = compose(Corrections(pixel(0.1, -0.3, 0.0, 0.1), none, none), color, photo, previous)
    torch.testing.assert_close(added, pixel(0.3, 0.0, 0.2, 0.9))
    nothing = torch.zeros(1, 4, 1, 1)
    # half trusted: half of the way to the opaque pixel (0.6, 0.3, 0) and to the last picture (0.8, 0.8, 0.8, 1)
    to_photo = compose(Corrections(nothing, whole, none), color, photo, previous)
    torch.testing.assert_close(to_photo, pixel(0.4, 0.25, 0.1, 0.9))
    to_previous = compose(Corrections(nothing, none, whole), color, photo, previous)
    torch.testing.assert_close(to_previous, pixel(0.5, 0.5, 0.5, 0.9))


def test_eyes_share_what_they_remember(network: LiveShader, make_conditions: MakeConditions):
    """One eye's picture changes the other's; people beside each other change nothing."""
    now, other = make_conditions(2, 0, seed=1), make_conditions(2, 0, seed=2)
    changed = replace(now, color=torch.cat([now.color[:1], other.color[1:]]))
    with torch.no_grad():
        before, after = (network(*first_inputs(network, x)) for x in (now, changed))
        assert (before[0][0] - after[0][0]).abs().max() > 1e-4
        assert before[1].shape == (1, 32, 4, 4)
        (together,) = unroll(network, windows([[now], [other]]))
        for alone, conditions in zip(together, (now, other), strict=True):
            (expected,) = unroll(network, windows([[conditions]]))
            torch.testing.assert_close(alone, expected[0], rtol=0, atol=1e-5)


def test_the_order_of_the_eyes_does_not_matter(network: LiveShader, make_conditions: MakeConditions):
    now = make_conditions(2, 0)
    swapped = Conditions(**{field.name: getattr(now, field.name).flip(0) for field in fields(now)})
    with torch.no_grad():
        (output, hidden), (flipped, same) = (network(*first_inputs(network, x)) for x in (now, swapped))
    torch.testing.assert_close(flipped, output.flip(0), rtol=0, atol=1e-5)
    torch.testing.assert_close(same, hidden, rtol=0, atol=1e-5)


def test_nothing_after_a_frame_changes_it(network: LiveShader, make_window: MakeWindow):
    frames, others = make_window(5), make_window(5, seed=1)
    with torch.no_grad():
        whole = unroll(network, windows([frames]))
        for t in range(4):
            changed = unroll(network, windows([frames[: t + 1] + others[t + 1 :]]))
            for then in range(t + 1):
                assert torch.equal(changed[then], whole[then])
            assert not torch.equal(changed[t + 1], whole[t + 1])


def test_what_was_before_is_remembered_until_a_reset(network: LiveShader, make_window: MakeWindow):
    frames, others = make_window(4), make_window(4, seed=1)
    with torch.no_grad():
        whole = unroll(network, windows([frames]))
        changed = unroll(network, windows([others[:1] + frames[1:]]))
        assert (whole[3] - changed[3]).abs().max() > 1e-5
        cut = replace(frames[2], before=frames[2].before[:, :0], seen_before=frames[2].seen_before[:, :0])
        after_cuts = [
            unroll(network, windows([[first, frames[1], cut, frames[3]]])) for first in (frames[0], others[0])
        ]
        assert torch.equal(after_cuts[0][2], after_cuts[1][2])
        assert torch.equal(after_cuts[0][3], after_cuts[1][3])


def test_a_window_trains_through_time(network: LiveShader, make_window: MakeWindow):
    """The last picture's gradient reaches the first frame's input, through pictures and hidden state."""
    frames = windows([make_window(3, eyes=1)])
    first = replace(frames[0], color=frames[0].color.clone().requires_grad_(True))
    unroll(network, [first, *frames[1:]])[2].square().sum().backward()
    assert first.color.grad is not None
    assert first.color.grad.abs().max() > 0


def test_the_hidden_state_never_grows(network: LiveShader, make_conditions: MakeConditions):
    given = list(first_inputs(network, make_conditions(1, 0)))
    given[0] = 100.0 * given[0]
    with torch.no_grad():
        for _ in range(20):
            given[4] = network(*given)[1]
            assert given[4].abs().max() <= 1.0


def test_pictures_stay_float32_in_a_bfloat16_network(network: LiveShader, make_conditions: MakeConditions):
    given = first_inputs(network, make_conditions(2, 0))
    with torch.no_grad():
        exact, _ = network(*given)
        rounded, hidden = network.bfloat16()(*given)
    assert rounded.dtype == hidden.dtype == torch.float32
    assert (rounded - exact).abs().max() < 0.05
    assert 0 < (rounded - exact).abs().mean() < 0.004


def test_it_takes_any_multiple_of_its_coarsest_cell(network: LiveShader, make_conditions: MakeConditions):
    now = make_conditions(1, 0, height=32, width=96)
    assert now.dense.shape == (1, len(DENSE_CHANNELS), 32 // INNER, 96 // INNER)
    with torch.no_grad():
        output, hidden = network(*first_inputs(network, now))
    assert output.shape == (1, 4, 32, 96)
    assert hidden.shape == (1, 32, 2, 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": (16, 16)}, "lengths"),
        ({"widths": (16, 16, 24)}, "widths"),
        ({"widths": (16, 16, 1 << 20)}, "widths"),
        ({"blocks": (1, 1, -1)}, "blocks"),
        ({"trunk": 99}, "blocks"),
        ({"expansion": 0}, "expansion"),
    ],
)
def test_configurations_out_of_range_are_refused(tiny_config: ShaderConfig, change: dict, message: str):
    with pytest.raises(BadInputError, match=message):
        replace(tiny_config, **change)


def test_a_size_that_is_none_is_refused():
    with pytest.raises(BadInputError, match="'huge' is unknown"):
        config_of("huge")
