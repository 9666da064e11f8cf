"""What the network promises whatever its weights are."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor, nn

from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import SampleSeen
from inperson.reconstruct.network.heads import START_OPACITY_LOGIT, VIEW_NORMAL_Z
from inperson.reconstruct.network.interface import CONFIDENCE, FILLED, SEEN, NetInputs, UvAttributes
from inperson.reconstruct.network.model import ReconstructionNet

Batches = Callable[..., NetInputs]
SHIPPED_PARAMETERS = (2_000_000, 4_000_000)


def maps(attributes: UvAttributes) -> dict[str, Tensor]:
    return {field.name: getattr(attributes, field.name) for field in fields(attributes)}


def with_confidence(inputs: NetInputs, confidence: Tensor | float) -> NetInputs:
    texels = inputs.texels.clone()
    texels[:, SEEN] /= texels[:, CONFIDENCE].clamp(min=1e-6)
    texels[:, CONFIDENCE] = confidence
    texels[:, SEEN] *= texels[:, CONFIDENCE]
    return NetInputs(inputs.crop, texels, inputs.where)


def test_the_shapes_are_the_contract(network: ReconstructionNet, make_batch: Batches) -> None:
    with torch.no_grad():
        got = {name: tuple(value.shape) for name, value in maps(network(make_batch(2))).items()}
    channels = {"offset": 3, "log_scale": 3, "rotation": 3, "opacity": 1, "color": 3, "features": 7}
    assert got == {name: (2, count, 64, 64) for name, count in channels.items()} | {"image_parts": (2, 8, 16, 16)}


def test_untrained_it_is_the_plain_completion(untrained: ReconstructionNet, make_batch: Batches) -> None:
    inputs = make_batch(2)
    with torch.no_grad():
        out = untrained(inputs)
    seen, confidence, filled = (inputs.texels[:, which] for which in (SEEN, CONFIDENCE, FILLED))
    assert torch.equal(out.color, seen + (1.0 - confidence) * filled)
    for nothing in (out.offset, out.log_scale, out.rotation, out.features):
        assert not nothing.any()
    assert (torch.sigmoid(out.opacity) > 0.95).all()


def test_what_is_surely_seen_keeps_the_photo(network: ReconstructionNet, make_batch: Batches) -> None:
    inputs = with_confidence(make_batch(1), 1.0)
    with torch.no_grad():
        assert torch.equal(network(inputs).color, inputs.texels[:, SEEN])


def test_discs_stay_where_the_photo_shows_them_and_on_its_outline(
    network: ReconstructionNet, make_batch: Batches
) -> None:
    for parameter in network.head.out.parameters():
        nn.init.normal_(parameter, std=1.0)
    shown, hidden = with_confidence(make_batch(1), 1.0), with_confidence(make_batch(1), 0.0)
    outline = hidden.texels.clone()
    outline[:, VIEW_NORMAL_Z] = 0.0
    with torch.no_grad():
        seen, unseen = network(shown), network(hidden)
        rim = network(NetInputs(hidden.crop, outline, hidden.where))
    for kept in (seen.offset, seen.log_scale, seen.rotation, rim.offset):
        assert not kept.any()
    assert (seen.opacity == START_OPACITY_LOGIT).all()
    for free in (unseen.offset, unseen.log_scale, unseen.rotation):
        assert free.any()


def test_attributes_stay_within_their_bounds(network: ReconstructionNet, make_batch: Batches) -> None:
    config = network.config
    for parameter in network.head.out.parameters():
        nn.init.normal_(parameter, std=100.0)
    with torch.no_grad():
        out = network(make_batch(1))
    assert config.max_offset < out.offset.abs().max() <= 1.5 * config.max_offset + 1e-6
    assert 0.99 * config.max_log_scale < out.log_scale.abs().max() <= config.max_log_scale
    assert 0.99 * config.max_turn < out.rotation.abs().max() <= config.max_turn


def test_a_batch_is_its_photos_one_by_one(network: ReconstructionNet, make_batch: Batches) -> None:
    both = make_batch(2)
    with torch.no_grad():
        together = maps(network(both))
        for i in range(2):
            alone = maps(network(NetInputs(both.crop[i : i + 1], both.texels[i : i + 1], both.where[i : i + 1])))
            for name, value in alone.items():
                torch.testing.assert_close(together[name][i : i + 1], value, rtol=1e-4, atol=1e-5, msg=name)


def test_gradients_reach_every_parameter(network: ReconstructionNet, make_batch: Batches) -> None:
    random = torch.Generator().manual_seed(3)
    terms = [
        (value * torch.rand(value.shape, generator=random)).mean() for value in maps(network(make_batch(1))).values()
    ]
    torch.stack(terms).sum().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]


def test_where_a_hidden_texel_falls_does_not_matter(network: ReconstructionNet, make_batch: Batches) -> None:
    inputs = make_batch(1)
    hidden = (inputs.texels[:, CONFIDENCE] == 0)[:, 0, :, :, None]
    moved = NetInputs(inputs.crop, inputs.texels, torch.where(hidden, 0.9 * inputs.where.flip(2), inputs.where))
    assert not torch.equal(moved.where, inputs.where)
    with torch.no_grad():
        before, after = maps(network(inputs)), maps(network(moved))
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-5, atol=1e-6)


def test_the_crop_and_where_it_is_seen_matter(network: ReconstructionNet, make_batch: Batches) -> None:
    inputs = make_batch(1)
    with torch.no_grad():
        here = network(inputs)
        other_crop = network(NetInputs(make_batch(1, 7).crop, inputs.texels, inputs.where))
        elsewhere = network(NetInputs(inputs.crop, inputs.texels, -inputs.where))
    unseen = (inputs.texels[:, CONFIDENCE] == 0).expand_as(here.color)
    assert (other_crop.color - here.color)[unseen].abs().max() > 1e-3
    assert (elsewhere.color - here.color)[unseen].abs().max() > 1e-3
    assert (other_crop.image_parts - here.image_parts).abs().max() > 1e-3


def test_the_unseen_token_stands_only_where_nothing_is_seen() -> None:
    torch.manual_seed(0)
    sample = SampleSeen(8, 16)
    features, where = torch.randn(1, 8, 10, 10), torch.rand(1, 6, 6, 2) - 0.5
    confidence = torch.zeros(1, 1, 6, 6)
    confidence[..., :3] = torch.rand(1, 1, 6, 3) + 0.01
    with torch.no_grad():
        before = sample(features, where, confidence)
        sample.unseen.add_(1.0)
        after = sample(features, where, confidence)
    assert torch.equal(before[..., :3], after[..., :3])
    torch.testing.assert_close(after[..., 3:] - before[..., 3:], torch.ones(1, 16, 6, 3))
    torch.testing.assert_close(after[0, :, 2, 5], sample.unseen.detach())


def test_a_photo_that_shows_all_never_meets_the_unseen_token(network: ReconstructionNet, make_batch: Batches) -> None:
    full, part = with_confidence(make_batch(1), 0.7), make_batch(1)
    with torch.no_grad():
        before = [network(inputs).offset for inputs in (full, part)]
        for sample in network.uv.sample:
            sample.unseen.add_(1.0)
        after = [network(inputs).offset for inputs in (full, part)]
    assert torch.equal(before[0], after[0])
    assert (before[1] - after[1]).abs().max() > 1e-3


def test_half_precision_gives_float32_of_about_the_same(network: ReconstructionNet, make_batch: Batches) -> None:
    inputs = make_batch(1)
    with torch.no_grad():
        exact = maps(network(inputs))
        with torch.autocast("cpu", torch.bfloat16):
            rough = maps(network(inputs))
    for name, value in exact.items():
        assert rough[name].dtype == torch.float32
        assert (rough[name] - value).abs().mean() < 0.05 * value.abs().mean().clamp(min=0.1), name


def test_an_empty_crop_and_nothing_seen_give_finite_numbers(network: ReconstructionNet, make_batch: Batches) -> None:
    inputs = make_batch(1)
    empty = NetInputs(torch.zeros_like(inputs.crop), torch.zeros_like(inputs.texels), torch.zeros_like(inputs.where))
    with torch.no_grad():
        assert all(value.isfinite().all() for value in maps(network(empty)).values())


def test_the_default_network_is_small() -> None:
    count = sum(parameter.numel() for parameter in ReconstructionNet(NetConfig()).parameters())
    assert SHIPPED_PARAMETERS[0] < count < SHIPPED_PARAMETERS[1]


def test_the_network_of_one_size_also_reads_another_s_weights(config: NetConfig, network: ReconstructionNet) -> None:
    larger = ReconstructionNet(replace(config, size=2 * config.size))
    larger.load_state_dict(network.state_dict())


@pytest.mark.parametrize("semantic", ["trained", "dinov2"])
def test_a_backbone_comes_exactly_when_it_is_asked_for(config: NetConfig, semantic: str) -> None:
    backbone = None if semantic == "dinov2" else _Backbone()
    with pytest.raises(ValueError, match="backbone"):
        ReconstructionNet(replace(config, semantic=semantic), backbone)


class _Backbone:
    width = 24

    def __call__(self, crop: Tensor) -> Tensor:
        return crop.mean(dim=(1, 2, 3), keepdim=True)[..., 0] * torch.linspace(0, 1, 257 * 24).view(1, 257, 24)


def test_a_backbone_is_used_but_neither_trained_nor_saved(config: NetConfig, make_batch: Batches) -> None:
    network = ReconstructionNet(replace(config, semantic="dinov2"), _Backbone())
    out = network(make_batch(2))
    assert out.image_parts is not None
    assert out.image_parts.shape == (2, 8, 16, 16)
    assert {name.split(".")[1] for name in network.state_dict() if name.startswith("tokens.")} == {"project", "norm"}


def test_trust_goes_part_of_the_way_from_the_plain_completion(
    network: ReconstructionNet, make_batch: Batches
) -> None:
    for parameter in network.head.out.parameters():
        nn.init.normal_(parameter, std=0.3)
    inputs = make_batch(1)
    colors = {}
    for trust in (0.0, 0.6, 1.0):
        network.head.config = replace(network.config, trust=trust)
        with torch.no_grad():
            colors[trust] = network(inputs).color
    seen, confidence, filled = (inputs.texels[:, which] for which in (SEEN, CONFIDENCE, FILLED))
    torch.testing.assert_close(colors[0.0], seen + (1.0 - confidence) * filled)
    torch.testing.assert_close(colors[0.6], torch.lerp(colors[0.0], colors[1.0], 0.6))
    assert not torch.allclose(colors[0.6], colors[1.0], atol=1e-3)
