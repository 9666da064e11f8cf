"""The palette and the pieces of the network against plain references."""

import math

import pytest
import torch

from inperson.reconstruct.network.blocks import AskTokens, Attention, mean_of_blocks
from inperson.reconstruct.network.palette import LEAST_WEIGHT, Keys, Palette


def test_attention_is_the_textbook_s() -> None:
    torch.manual_seed(0)
    attention = Attention(width=12, context_width=20, heads=2)
    x, context = torch.randn(1, 3, 12), torch.randn(1, 5, 20)
    query, (key, value) = attention.query(x)[0], attention.key_value(context)[0].chunk(2, dim=1)
    heads = []
    for h in range(2):
        part = slice(32 * h, 32 * (h + 1))
        scores = torch.softmax(query[:, part] @ key[:, part].T / math.sqrt(32), dim=1)
        heads.append(scores @ value[:, part])
    torch.testing.assert_close(attention(x, context)[0], attention.out(torch.cat(heads, dim=1)))


@pytest.mark.parametrize("among_themselves", [False, True])
def test_places_answer_each_for_itself_unless_they_talk(among_themselves: bool) -> None:
    torch.manual_seed(0)
    ask = AskTokens(8, 16, heads=2, among_themselves=among_themselves).eval()
    x, tokens = torch.randn(1, 8, 4, 4), torch.randn(1, 7, 16)
    order = torch.randperm(7)
    torch.testing.assert_close(ask(x, tokens), ask(x, tokens[:, order]))  # tokens are a set
    changed = ask(x, tokens + 1.0) - ask(x, tokens)
    assert changed.abs().max() > 1e-3
    turned = ask(x.transpose(2, 3), tokens).transpose(2, 3)  # places are a set, too
    torch.testing.assert_close(turned, ask(x, tokens))


def test_means_of_blocks_weigh_their_pixels() -> None:
    values = torch.tensor([[1.0, 5.0, 7.0, 7.0], [3.0, 9.0, 7.0, 7.0]])[None, None]
    weight = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])[None, None]
    mean, mean_weight = mean_of_blocks(values * weight, weight, 2)
    torch.testing.assert_close(mean, torch.tensor([[[[3.5, 0.0]]]]))  # (1 + 1.5 + 4.5) / 2
    torch.testing.assert_close(mean_weight, torch.tensor([[[[0.5, 0.0]]]]))


def _keys(channels: int, side: int) -> Keys:
    weight = torch.rand(2, 1, side, side)
    weight[..., 0, :] = 0.0
    return Keys(torch.randn(2, channels, side, side), torch.rand(2, 3, side, side), weight)


def test_the_palette_is_a_softmax_of_likeness_times_weight() -> None:
    torch.manual_seed(0)
    palette = Palette(query_channels=6, crop_channels=5, uv_channels=7)
    queries, crop, uv = torch.randn(2, 6, 3, 3), _keys(5, 4), _keys(7, 2)
    got = palette(queries, crop, uv)
    for b in range(2):
        keys = torch.cat(
            [palette.crop_key(crop.features)[b].flatten(1), palette.uv_key(uv.features)[b].flatten(1)], 1
        )
        colors = torch.cat([crop.color[b].flatten(1), uv.color[b].flatten(1)], 1)
        weight = torch.cat([crop.weight[b].flatten(1), uv.weight[b].flatten(1)], 1)[0].clamp(min=LEAST_WEIGHT)
        for row in range(3):
            for column in range(3):
                likeness = palette.query(queries)[b, :, row, column] @ keys / math.sqrt(len(keys))
                share = weight * likeness.exp()
                torch.testing.assert_close(got[b, :, row, column], (colors @ share) / share.sum())


def test_the_palette_only_mixes_colours_that_are_there() -> None:
    torch.manual_seed(0)
    palette = Palette(6, 5, 7)
    crop, uv = _keys(5, 4), _keys(7, 2)
    red = torch.tensor([0.8, 0.2, 0.1])[:, None, None]
    for keys in (crop, uv):
        keys.color[:] = torch.where(keys.weight > 0, red, torch.tensor(0.0))
    got = palette(torch.randn(2, 6, 3, 3), crop, uv)
    torch.testing.assert_close(got, red.expand_as(got), atol=2e-3, rtol=0.0)
