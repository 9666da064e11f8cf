"""From raw prepared samples to `TrainBatch`es: decoded, augmented and stacked.

Whatever is random about a sample comes from the run's seed and the sample's number in the stream, so that it is the
same on any number of processes and after a restart.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter
from torch import Tensor

from inperson.avatar.binding import VertexMotion
from inperson.avatar.body import BodyModel
from inperson.reconstruct.network.interface import TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.training.coarser import blocks, coarser_labels, coarser_mean, coarser_texels
from inperson.reconstruct.training.recipe import AugmentRecipe, Recipe
from inperson.reconstruct.training.shards import npz_arrays, view_from_arrays
from inperson.render.views import EyeView

SEEN, CONFIDENCE, FILLED = slice(0, 3), 3, slice(4, 7)
PLACE = slice(TEXEL_CHANNELS.index("x"), TEXEL_CHANNELS.index("z") + 1)
BODY_PRIOR = slice(TEXEL_CHANNELS.index("x"), TEXEL_CHANNELS.index("displacement") + 1)


@dataclass(frozen=True, slots=True, eq=False)
class TargetView:
    """One picture of a person and the true body in it."""

    rgba: UInt8[np.ndarray, "H W 4"]
    """Premultiplied."""
    view: EyeView
    motion: VertexMotion
    betas: Float[np.ndarray, " B"]
    """Of `motion`."""


@dataclass(frozen=True, slots=True, eq=False)
class UvTruth:
    """B people on the uv map."""

    color: Float[Tensor, "B 3 S S"]
    offset: Float[Tensor, "B 3 S S"]
    """From the dressed surface to what is truly seen, metres."""
    part: Int[Tensor, "B S S"]
    """Index into `PARTS`; -1 where unknown."""
    weight: Float[Tensor, "B 1 S S"]
    """0 where nothing was truly seen; larger texels count more (`TargetsRecipe.by_area`)."""
    crop_parts: Int[Tensor, "B 16 16"]
    """Index into `IMAGE_PARTS`."""

    def to(self, device: torch.device | str) -> "UvTruth":
        """The same elsewhere."""
        return UvTruth(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True, eq=False)
class TrainBatch:
    """B samples."""

    inputs: NetInputs
    truth: UvTruth
    surfaces: tuple[DressedSurface, ...]
    views: tuple[tuple[TargetView, ...], ...]
    """For each sample, `RenderRecipe.views` of them."""
    numbers: tuple[int, ...]
    """The samples' numbers in the stream."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    crop: Float[np.ndarray, "4 256 256"]
    texels: Float[np.ndarray, "C S S"]
    where: Float[np.ndarray, "S S 2"]
    color: Float[np.ndarray, "3 S S"]
    offset: Float[np.ndarray, "3 S S"]
    part: Int[np.ndarray, "S S"]
    weight: Float[np.ndarray, "S S"]
    crop_parts: UInt8[np.ndarray, "16 16"]
    surface: DressedSurface
    views: tuple[TargetView, ...]


class BatchMaker:
    """Makes batches of one recipe.

    Args:
        body: the neutral body.
        atlas: of the size that shards were prepared for.
        factor: how many of its texels, along a side, become one.
        recipe: what to do.
    """

    def __init__(self, body: BodyModel, atlas: UvAtlas, factor: int, recipe: Recipe) -> None:
        self._body, self._atlas, self._factor, self._recipe = body, atlas, factor, recipe
        importance = texel_areas(atlas, body)[None] ** recipe.targets.by_area
        self._importance = coarser_mean(importance, atlas.inside.astype(np.float32), factor)[0]

    def training(self, samples: Sequence[tuple[int, dict[str, Any]]]) -> TrainBatch:
        """Numbered samples, each with one of its pictures and some of its views, augmented."""
        made = []
        for number, raw in samples:
            rng = np.random.default_rng([self._recipe.optimiser.seed, number])
            pictures = sum(name.startswith("given") for name in raw)
            sample = self._decode(raw, int(rng.integers(pictures)), rng)
            made.append(augmented(sample, self._recipe.augment, rng))
        return self._stacked(made, tuple(number for number, _ in samples))

    def held_out(self, samples: Sequence[tuple[int, dict[str, Any]]]) -> TrainBatch:
        """Numbered samples as they are, each with its first picture; views are the same every time."""
        made = [self._decode(raw, 0, np.random.default_rng(number)) for number, raw in samples]
        return self._stacked(made, tuple(number for number, _ in samples))

    def _decode(self, raw: dict[str, Any], picture: int, rng: np.random.Generator) -> _Sample:
        inside, size = self._atlas.inside, self._atlas.size
        given, truth = npz_arrays(raw[f"given{picture}.npz"]), npz_arrays(raw["truth.npz"])

        def spread(values: np.ndarray, fill: float = 0.0) -> np.ndarray:
            """(M, C) on covered texels to (C, S, S)."""
            out = np.full((values.shape[1], size, size), fill, np.float32)
            out[:, inside] = values.T
            return out

        texels = spread(given["texels"].T)
        surface = DressedSurface(self._body, given["betas"], given["displacement"].astype(np.float32))
        # T-poses of two shapes are compared pelvis on pelvis, as they stand in the picture
        pelvis = self._body.J_regressor[0] @ self._body.shaped(truth["betas"])
        weight = spread(truth["weight"][:, None])[0]
        color, part = spread(truth["color"]) / 255.0, spread(truth["part"][:, None])[0].astype(np.int64) - 1
        offset = (spread(truth["position"] - pelvis) - texels[PLACE]) * (weight > 0)
        if self._recipe.targets.fill_unseen:
            color, offset, part, weight = _filled_in(color, offset, part, weight, inside)
        where = spread(given["where"])
        if self._factor > 1:
            part = coarser_labels(part, weight, self._factor)
            where = coarser_mean(where, inside.astype(np.float32), self._factor)
            texels = coarser_texels(texels, self._factor)
            color, offset = (coarser_mean(values, weight, self._factor) for values in (color, offset))
            weight = blocks(weight, self._factor).mean(axis=(-3, -1))
        weight = weight * self._importance
        return _Sample(
            crop=given["crop"].astype(np.float32) / 255.0,
            texels=texels,
            where=np.ascontiguousarray(where.transpose(1, 2, 0)),
            color=color,
            offset=offset,
            part=part,
            weight=weight,
            crop_parts=given["crop_parts"],
            surface=surface,
            views=self._views(raw, truth["betas"], rng),
        )

    def _views(
        self, raw: dict[str, Any], betas: Float[np.ndarray, " B"], rng: np.random.Generator
    ) -> tuple[TargetView, ...]:
        count = self._recipe.render.views if self._recipe.loss.render > 0 else 0
        if count == 0:
            return ()
        arrays = npz_arrays(raw["views.npz"])
        chosen = rng.choice(len(arrays["target_state"]), count, replace=False)
        return tuple(_target_view(raw, arrays, int(index), betas) for index in chosen)

    def _stacked(self, samples: Sequence[_Sample], numbers: tuple[int, ...]) -> TrainBatch:
        def stack(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(s, name) for s in samples]))

        texels = stack("texels")
        if not self._recipe.inputs.body_prior:
            texels[:, BODY_PRIOR] = 0.0
        return TrainBatch(
            inputs=NetInputs(stack("crop"), texels, stack("where")),
            truth=UvTruth(
                color=stack("color"),
                offset=stack("offset"),
                part=stack("part"),
                weight=stack("weight")[:, None],
                crop_parts=stack("crop_parts").long(),
            ),
            surfaces=tuple(s.surface for s in samples),
            views=tuple(s.views for s in samples),
            numbers=numbers,
        )


def texel_areas(atlas: UvAtlas, body: BodyModel) -> Float[np.ndarray, "S S"]:
    """What each texel covers of the mean body, 1 in the mean over covered texels; 0 on all others."""
    bare = DressedSurface(body, np.zeros(body.num_betas, np.float32), np.zeros((body.num_vertices, 3), np.float32))
    area = texel_sites(atlas, bare).spacing.astype(np.float32) ** 2
    out = np.zeros((atlas.size, atlas.size), np.float32)
    out[atlas.inside] = area / area.mean()
    return out


def _target_view(
    raw: dict[str, Any], arrays: dict[str, np.ndarray], index: int, betas: Float[np.ndarray, " B"]
) -> TargetView:
    with Image.open(io.BytesIO(raw[f"target{index:02d}.webp"])) as image:
        rgba = np.array(image.convert("RGBA"))
    state = int(arrays["target_state"][index])
    motion = VertexMotion(*(arrays[name][state].astype(np.float32) for name in ("points", "quats", "stretch")))
    view = view_from_arrays("target", arrays, index)
    return TargetView(rgba, view, motion, betas)


def _filled_in(
    color: np.ndarray, offset: np.ndarray, part: np.ndarray, weight: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The ablation's targets: unseen texels take what the nearest seen one has, at full weight."""
    rows, columns = distance_transform_edt(weight == 0, return_distances=False, return_indices=True)
    return color[:, rows, columns], offset[:, rows, columns], part[rows, columns], inside.astype(np.float32)


def augmented(sample: _Sample, how: AugmentRecipe, rng: np.random.Generator) -> _Sample:
    """The same person in other colours, and with some of what is seen forgotten."""
    gain = np.exp(rng.normal(0.0, how.gain, 3) + rng.normal(0.0, how.brightness)).astype(np.float32)
    order = rng.permutation(3) if rng.random() < how.swapped_channels else np.arange(3)

    def recolor(rgb: Float[np.ndarray, "3 ..."], most: float | np.ndarray = 1.0) -> Float[np.ndarray, "3 ..."]:
        return np.minimum(rgb[order] * gain.reshape(-1, *[1] * (rgb.ndim - 1)), most)

    texels, crop = sample.texels.copy(), sample.crop.copy()
    keep = _kept(rng, how, texels.shape[1])
    texels[SEEN] = recolor(texels[SEEN], texels[CONFIDENCE]) * keep
    texels[CONFIDENCE] *= keep
    texels[FILLED] = recolor(texels[FILLED])
    crop[:3] = recolor(crop[:3], crop[3])
    return _Sample(
        crop=crop,
        texels=texels,
        where=sample.where,
        color=recolor(sample.color),
        offset=sample.offset,
        part=sample.part,
        weight=sample.weight,
        crop_parts=sample.crop_parts,
        surface=sample.surface,
        views=tuple(_recolored(view, order, gain) for view in sample.views),
    )


def _kept(rng: np.random.Generator, how: AugmentRecipe, size: int) -> Float[np.ndarray, "S S"]:
    """1 where the picture's colours stay known, 0 in a few soft-edged blots, or everywhere 1."""
    if rng.random() >= how.forgetful:
        return np.ones((size, size), np.float32)
    noise = gaussian_filter(rng.normal(size=(size // 8, size // 8)), 2.0).repeat(8, 0).repeat(8, 1)
    share = rng.uniform(0.0, how.most_forgotten)
    return (noise > np.quantile(noise, share)).astype(np.float32)


def _recolored(view: TargetView, order: np.ndarray, gain: Float[np.ndarray, "3"]) -> TargetView:
    rgba = view.rgba.copy()
    color = rgba[..., :3][..., order] * gain
    rgba[..., :3] = np.minimum(color, rgba[..., 3:]).astype(np.uint8)
    return TargetView(rgba, view.view, view.motion, view.betas)
