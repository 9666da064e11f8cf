"""DINOv2 from a tiny random checkpoint in Hugging Face's layout, against the published formulas in numpy."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from scipy.special import erf, softmax
from torch.nn import functional as F

from inperson.errors import BadInputError, MissingModelError
from inperson.reconstruct.network.building import build_network
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.dinov2 import MEAN, REVISIONS, STD, load_dinov2
from inperson.reconstruct.network.interface import NetInputs
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights import load_network, read_header, save_network

REPO = "facebook/dinov2-small"
WIDTH, LAYERS, HEADS, PATCH, SIDE, RATIO = 12, 2, 3, 4, 5, 4
CONFIG = {
    "model_type": "dinov2",
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "patch_size": PATCH,
    "image_size": PATCH * SIDE,
    "mlp_ratio": RATIO,
    "layer_norm_eps": 1e-6,
    "hidden_act": "gelu",
    "use_swiglu_ffn": False,
}


def _checkpoint() -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.cls_token": (1, 1, WIDTH),
        "embeddings.mask_token": (1, WIDTH),
        "embeddings.position_embeddings": (1, 1 + SIDE * SIDE, WIDTH),
        "embeddings.patch_embeddings.projection.weight": (WIDTH, 3, PATCH, PATCH),
        "embeddings.patch_embeddings.projection.bias": (WIDTH,),
        "layernorm.weight": (WIDTH,),
        "layernorm.bias": (WIDTH,),
    }
    for n in range(LAYERS):
        layer = f"encoder.layer.{n}."
        for norm in ("norm1", "norm2"):
            shapes |= {layer + norm + ".weight": (WIDTH,), layer + norm + ".bias": (WIDTH,)}
        linear = [f"attention.attention.{name}" for name in ("query", "key", "value")] + ["attention.output.dense"]
        for name in linear:
            shapes |= {layer + name + ".weight": (WIDTH, WIDTH), layer + name + ".bias": (WIDTH,)}
        shapes |= {layer + "layer_scale1.lambda1": (WIDTH,), layer + "layer_scale2.lambda1": (WIDTH,)}
        shapes |= {layer + "mlp.fc1.weight": (RATIO * WIDTH, WIDTH), layer + "mlp.fc1.bias": (RATIO * WIDTH,)}
        shapes |= {layer + "mlp.fc2.weight": (WIDTH, RATIO * WIDTH), layer + "mlp.fc2.bias": (WIDTH,)}
    rng = np.random.default_rng(0)
    return {name: rng.normal(0.0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A Hugging Face cache that holds the checkpoint at the pinned revision."""
    snapshot = tmp_path / "models--facebook--dinov2-small" / "snapshots" / REVISIONS[REPO]
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps(CONFIG))
    save_file(_checkpoint(), snapshot / "model.safetensors")
    return tmp_path


def _file(cache: Path, name: str) -> Path:
    (found,) = cache.rglob(name)
    return found


def _norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * weight + bias


def reference(image: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    """(3, H, W) of SIDE x SIDE patches to (1 + SIDE * SIDE, WIDTH)."""
    tokens = [p["embeddings.cls_token"][0, 0]]
    for row in range(SIDE):
        for column in range(SIDE):
            patch = image[:, PATCH * row : PATCH * (row + 1), PATCH * column : PATCH * (column + 1)]
            filters = p["embeddings.patch_embeddings.projection.weight"]
            tokens.append((filters * patch).sum(axis=(1, 2, 3)) + p["embeddings.patch_embeddings.projection.bias"])
    x = np.stack(tokens).astype(np.float64) + p["embeddings.position_embeddings"][0]
    for n in range(LAYERS):
        q = {name.removeprefix(f"encoder.layer.{n}."): value for name, value in p.items()}
        line = lambda x, name, q=q: x @ q[name + ".weight"].T + q[name + ".bias"]  # noqa: E731
        normed = _norm(x, q["norm1.weight"], q["norm1.bias"])
        query, key, value = (line(normed, f"attention.attention.{name}") for name in ("query", "key", "value"))
        mixed = []
        for h in range(HEADS):
            part = slice(h * WIDTH // HEADS, (h + 1) * WIDTH // HEADS)
            mixed.append(softmax(query[:, part] @ key[:, part].T / np.sqrt(WIDTH / HEADS), axis=1) @ value[:, part])
        x = x + q["layer_scale1.lambda1"] * line(np.concatenate(mixed, axis=1), "attention.output.dense")
        hidden = line(_norm(x, q["norm2.weight"], q["norm2.bias"]), "mlp.fc1")
        hidden = 0.5 * hidden * (1.0 + erf(hidden / np.sqrt(2.0)))
        x = x + q["layer_scale2.lambda1"] * line(hidden, "mlp.fc2")
    return _norm(x, p["layernorm.weight"], p["layernorm.bias"])


def test_tokens_are_the_published_formulas(cache: Path) -> None:
    model = load_dinov2(cache=cache)
    image = np.random.default_rng(1).normal(size=(3, PATCH * SIDE, PATCH * SIDE)).astype(np.float32)
    got = model.tokens(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(got, reference(image, _checkpoint()), atol=1e-4)


def test_a_crop_becomes_257_tokens_on_a_grey_ground(cache: Path) -> None:
    model = load_dinov2(cache=cache)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model.width == WIDTH
    crop = torch.rand(2, 4, 256, 256)
    crop[:, :3] *= crop[:, 3:]
    got = model(crop)
    assert got.shape == (2, 257, WIDTH)
    mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))
    on_grey = crop[:, :3] + (1.0 - crop[:, 3:]) * mean
    small = F.interpolate(on_grey, size=(16 * PATCH, 16 * PATCH), mode="bilinear", antialias=True)
    torch.testing.assert_close(got, model.tokens((small - mean) / std), atol=1e-4, rtol=1e-4)


def test_positions_are_stretched_over_more_patches(cache: Path) -> None:
    model = load_dinov2(cache=cache)
    learned = model.embeddings.position_embeddings
    stretched = model.embeddings._positions(10, 5)[0, 1:].view(10, 5, WIDTH)
    assert model.embeddings._positions(SIDE, SIDE) is learned
    grid = learned[0, 1:].view(SIDE, SIDE, WIDTH)
    # twice the rows: bicubic at a quarter of a cell, Keys' kernel with a = -0.75
    weights = torch.tensor([-0.03515625, 0.26171875, 0.87890625, -0.10546875])
    torch.testing.assert_close(stretched[4], torch.einsum("k,kcw->cw", weights, grid[0:4]), atol=1e-5, rtol=1e-5)


def test_nothing_cached_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=rf"not in the Hugging Face cache: .*{REVISIONS[REPO]}"):
        load_dinov2(cache=tmp_path)


def test_the_backbone_follows_its_network(cache: Path, config: NetConfig) -> None:
    backbone = load_dinov2(cache=cache)
    ReconstructionNet(replace(config, semantic="dinov2"), backbone).double()
    assert {value.dtype for value in [*backbone.parameters(), backbone.mean]} == {torch.float64}


def test_a_network_looks_for_its_backbone_in_the_cache(
    cache: Path, tmp_path: Path, config: NetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    network = build_network(replace(config, semantic="dinov2"))
    path = tmp_path / "net.safetensors"
    save_network(network, path, {})
    assert load_network(path).config == network.config
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingModelError, match="hf download facebook/dinov2-small"):
        load_network(path)


def test_unknown_repositories_have_no_pinned_revision(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no pinned revision.*facebook/dinov2-base"):
        load_dinov2("somebody/dinov2-large-ish", cache=tmp_path)


def _rewrite_config(**changes: object) -> Callable[[Path], None]:
    return lambda cache: _file(cache, "config.json").write_text(json.dumps(CONFIG | changes)) and None


def _rewrite_arrays(change: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    def damage(cache: Path) -> None:
        arrays = _checkpoint()
        change(arrays)
        save_file(arrays, _file(cache, "model.safetensors"))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda cache: _file(cache, "config.json").write_text("{"), "not a DINOv2 configuration"),
        (lambda cache: _file(cache, "config.json").write_text("[1]"), "not a DINOv2 configuration"),
        (_rewrite_config(hidden_size="wide"), "not a DINOv2 configuration"),
        (_rewrite_config(hidden_size=1 << 20), "variant that is not supported"),
        (_rewrite_config(num_attention_heads=5), "variant that is not supported"),
        (_rewrite_config(use_swiglu_ffn=True), "variant that is not supported"),
        (_rewrite_config(num_hidden_layers=3), "does not hold the DINOv2 of its configuration"),
        (_rewrite_arrays(lambda a: a.pop("layernorm.bias")), "does not hold the DINOv2"),
        (
            _rewrite_arrays(lambda a: a.update({"layernorm.bias": np.zeros(3, np.float32)})),
            "does not hold the DINOv2",
        ),
        (lambda cache: _file(cache, "model.safetensors").write_bytes(b"PK"), "not a complete safetensors file"),
    ],
)
def test_broken_files_are_refused(cache: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(cache)
    with pytest.raises(BadInputError, match=message):
        load_dinov2(cache=cache)


def test_a_network_with_dinov2_s_eyes_is_saved_without_them(
    cache: Path, tmp_path: Path, config: NetConfig, make_batch: Callable[[int], NetInputs]
) -> None:
    network = ReconstructionNet(replace(config, semantic="dinov2", dinov2=REPO), load_dinov2(cache=cache)).eval()
    path = tmp_path / "net.safetensors"
    save_network(network, path, {})
    assert read_header(path).config.dinov2 == REPO
    assert not any("layer_scale" in name for name in network.state_dict())
    loaded = load_network(path, load_dinov2(read_header(path).config.dinov2, cache=cache))
    inputs = make_batch(1)
    with torch.no_grad():
        got, want = loaded(inputs).image_parts, network(inputs).image_parts
    torch.testing.assert_close(got, want, atol=0.02, rtol=0.01)  # weights are rounded to half precision
