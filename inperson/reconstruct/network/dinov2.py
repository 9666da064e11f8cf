"""DINOv2 (Oquab et al. 2023) as the source of semantic tokens, for those who have its weights.

The vision transformer in plain torch, loading Hugging Face's layout and names (`facebook/dinov2-small`, Apache-2.0)
from safetensors at pinned revisions. Nothing is fetched unless `load_dinov2` is called.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.errors import BadInputError, MissingModelError
from inperson.reconstruct.network.encoder import GRID

REVISIONS = {
    "facebook/dinov2-small": "ed25f3a31f01632728cabb09d1542f84ab7b0056",
    "facebook/dinov2-base": "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
    "facebook/dinov2-large": "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c",
}
"""Commits on the hub, so that the weights are always the same."""
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet's, which DINOv2 was trained with."""
_MAX_LAYERS, _MAX_WIDTH, _MAX_SIDE = 24, 1024, 2048
"""DINOv2-large's; the giant's feed-forward layers are of another kind."""


@dataclass(frozen=True, slots=True)
class DinoConfig:
    """The fields of Hugging Face's `config.json` that shape the network."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    patch_size: int
    image_size: int
    """Of training: the position embeddings are for (image_size / patch_size) squared patches."""
    mlp_ratio: int
    layer_norm_eps: float

    @staticmethod
    def read(path: Path) -> "DinoConfig":
        """Parse and check.

        Raises:
            BadInputError: not a DINOv2 configuration, or one of a variant that is not supported.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            config = DinoConfig(
                **{name: int(values[name]) for name in DinoConfig.__slots__[:-1]},
                layer_norm_eps=float(values["layer_norm_eps"]),
            )
            gelu = values.get("hidden_act", "gelu") == "gelu" and not values.get("use_swiglu_ffn", False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadInputError(
                f"{path} is not a DINOv2 configuration ({error!r})", "fetch the model again"
            ) from error
        in_range = (
            0 < config.num_hidden_layers <= _MAX_LAYERS
            and 0 < config.num_attention_heads <= config.hidden_size <= _MAX_WIDTH
            and 0 < config.patch_size <= config.image_size <= _MAX_SIDE
            and 0 < config.mlp_ratio <= 16
            and config.hidden_size % config.num_attention_heads == 0
        )
        if not (gelu and in_range):
            raise BadInputError(f"{path} is of a DINOv2 variant that is not supported", f"use one of {_known()}")
        return config


class DinoV2(nn.Module):
    """Frozen; see `load_dinov2`. Parameters are named as Hugging Face names them."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        self.config, self.width = config, config.hidden_size
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, crop: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B 257 W"]:
        """Tokens of a crop as `NetInputs` has it: the global one, then GRID x GRID local ones row by row.

        The background is filled with ImageNet's mean colour, which the network sees as zero.
        """
        image = (crop[:, :3] - crop[:, 3:] * self.mean) / self.std
        side = GRID * self.config.patch_size
        return self.tokens(F.interpolate(image, size=(side, side), mode="bilinear", antialias=True))

    def tokens(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B N W"]:
        """Tokens after the last norm, of a normalised picture whose sides are multiples of the patch."""
        tokens = self.embeddings(image)
        for layer in self.encoder.layer:
            tokens = layer(tokens)
        return self.layernorm(tokens)


class _Embeddings(nn.Module):
    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        self.side = config.image_size // patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + self.side**2, width))
        self.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(3, width, patch, patch)})

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B N W"]:
        patches = self.patch_embeddings["projection"](image)
        positions = self._positions(*patches.shape[2:])
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        return tokens + positions

    def _positions(self, rows: int, columns: int) -> Float[Tensor, "1 N W"]:
        """Position embeddings for another number of patches, bicubic as in the original."""
        learned = self.position_embeddings
        if (rows, columns) == (self.side, self.side):
            return learned
        grid = learned[:, 1:].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([learned[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


class _Encoder(nn.Module):
    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))


class _Layer(nn.Module):
    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)
        self.attention = _Attention(width, config.num_attention_heads)
        self.layer_scale1, self.layer_scale2 = _LayerScale(width), _LayerScale(width)
        inner = config.mlp_ratio * width
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, inner), "fc2": nn.Linear(inner, width)})

    def forward(self, tokens: Float[Tensor, "B N W"]) -> Float[Tensor, "B N W"]:
        tokens = tokens + self.layer_scale1(self.attention(self.norm1(tokens)))
        hidden = F.gelu(self.mlp["fc1"](self.norm2(tokens)))
        return tokens + self.layer_scale2(self.mlp["fc2"](hidden))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, x: Float[Tensor, "B N W"]) -> Float[Tensor, "B N W"]:
        query, key, value = (
            self.attention[name](x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.output["dense"](mixed.transpose(1, 2).flatten(2))


class _LayerScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.lambda1


def load_dinov2(repo: str = "facebook/dinov2-small", *, download: bool = False, cache: Path | None = None) -> DinoV2:
    """A frozen DINOv2 at the pinned revision, from the Hugging Face cache or, when asked, from the hub.

    Args:
        repo: one of `REVISIONS`.
        download: whether the hub may be asked for files that are not cached.
        cache: where the cache is, if not where Hugging Face's settings say.

    Raises:
        MissingModelError: `huggingface_hub` is not installed, or the files are neither cached nor to be had.
        BadInputError: no revision of this repository is pinned, or the files are not a DINOv2.
    """
    if repo not in REVISIONS:
        raise BadInputError(f"DINOv2 '{repo}' has no pinned revision", f"use one of {_known()}")
    config = DinoConfig.read(_hub_file(repo, "config.json", download, cache))
    weights = _hub_file(repo, "model.safetensors", download, cache)
    model = DinoV2(config)
    try:
        with safe_open(weights, framework="pt") as stored:
            names = set(stored.keys()) - {"embeddings.mask_token"}  # of its own training
            wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
            if names != set(wanted) or any(tuple(stored.get_slice(n).get_shape()) != wanted[n] for n in names):
                raise BadInputError(
                    f"{weights} does not hold the DINOv2 of its configuration", "fetch the model again"
                )
            state = {name: stored.get_tensor(name).float() for name in names}
    except SafetensorError as error:
        raise BadInputError(f"{weights} is not a complete safetensors file ({error})", "fetch it again") from error
    model.load_state_dict(state, assign=True)
    return model.requires_grad_(False).eval()


def _hub_file(repo: str, name: str, download: bool, cache: Path | None) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingModelError("DINOv2 needs huggingface_hub", "pip install 'inperson[train]'") from error
    try:
        return Path(
            hf_hub_download(repo, name, revision=REVISIONS[repo], cache_dir=cache, local_files_only=not download)
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        mend = f"with a network connection, run `hf download {repo} --revision {REVISIONS[repo]}` once"
        raise MissingModelError(f"DINOv2 '{repo}' is not in the Hugging Face cache", mend) from error


def _known() -> str:
    return ", ".join(REVISIONS)
