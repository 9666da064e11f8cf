"""What one training step needs of a person, ready to be used: inputs as the network takes them, uv targets, and
target views with the body's motion in them. Kept in half precision, only texels that a face covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.avatar.binding import VertexMotion
from inperson.avatar.body import BodyModel
from inperson.reconstruct.network.encoder import GRID
from inperson.reconstruct.network.inputs import CropBox, make_inputs
from inperson.reconstruct.network.interface import IMAGE_PARTS
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.posing import SurfacePoser
from inperson.reconstruct.training.people import PersonShots
from inperson.reconstruct.training.recipe import Recipe
from inperson.reconstruct.training.shards import decode_person, npz_arrays, npz_bytes
from inperson.reconstruct.training.snapshot_fit import snapshot
from inperson.reconstruct.training.targets import UvTargets, measure_targets
from inperson.render.views import EyeView
from inperson.tracking.fit.skeleton import SkeletonModel

SMALL_PARTS_COUNT = 10 / 3
"""How many times over an eye, a mouth or a brow counts when a patch of the crop is named."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedInput:
    """One input picture on an S x S uv map of which M texels are covered."""

    crop: UInt8[np.ndarray, "4 256 256"]
    texels: Float[np.ndarray, "C M"]
    """float16."""
    where: Float[np.ndarray, "M 2"]
    """float16."""
    displacement: Float[np.ndarray, "V 3"]
    """Of the dressed surface, float16."""
    betas: Float[np.ndarray, " B"]
    """As fitted."""
    crop_parts: UInt8[np.ndarray, "16 16"]
    """What prevails in each patch of the crop, `IMAGE_PARTS`."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedTargets:
    """The truth about one person."""

    betas: Float[np.ndarray, " B"]
    color: UInt8[np.ndarray, "M 3"]
    position: Float[np.ndarray, "M 3"]
    """T-pose of the true betas, metres, float32."""
    part: UInt8[np.ndarray, " M"]
    weight: Float[np.ndarray, " M"]
    """float16; 0 where nothing was truly seen."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedViews:
    """Target views of one person."""

    motions: tuple[VertexMotion, ...]
    """Of the true body in each distinct state."""
    state: Int[np.ndarray, " T"]
    rgba: UInt8[np.ndarray, "T H W 4"]
    views: tuple[EyeView, ...]


def prepare_person(
    person: PersonShots, body: BodyModel, skeleton: SkeletonModel, atlas: UvAtlas, recipe: Recipe, seed: int
) -> tuple[tuple[PreparedInput, ...], PreparedTargets, PreparedViews]:
    """Take a person's pictures through the create path, and measure what is to come out of the network."""
    inputs = []
    for index in range(min(recipe.inputs.pictures, len(person.input_rgba))):
        rng = np.random.default_rng([seed, index])
        inputs.append(_prepare_input(person, index, body, skeleton, atlas, recipe, rng))
    targets = measure_targets(body, person, atlas, recipe.targets.reach)
    return tuple(inputs), _on_covered(targets, atlas, person), _prepare_views(person, body)


def _prepare_input(
    person: PersonShots,
    index: int,
    body: BodyModel,
    skeleton: SkeletonModel,
    atlas: UvAtlas,
    recipe: Recipe,
    rng: np.random.Generator,
) -> PreparedInput:
    fit, matte = snapshot(body, skeleton, person, index, recipe.inputs.error, rng)
    if recipe.inputs.match_outline:
        surface = match_outline(fit, matte)
    else:
        surface = DressedSurface(body, fit.state.betas, np.zeros((body.num_vertices, 3), np.float32))
    given = make_inputs(fit, matte, surface, atlas)
    return PreparedInput(
        crop=(given.crop[0].numpy() * 255.0 + 0.5).astype(np.uint8),
        texels=given.texels[0].numpy()[:, atlas.inside].astype(np.float16),
        where=given.where[0].numpy()[atlas.inside].astype(np.float16),
        displacement=surface.displacement.astype(np.float16),
        betas=fit.state.betas,
        crop_parts=commonest_parts(CropBox.around(matte).cut(person.input_part[index][..., None])[..., 0]),
    )


def commonest_parts(part: UInt8[np.ndarray, "side side"]) -> UInt8[np.ndarray, "16 16"]:
    """The part that fills most of each patch of a square picture; small ones (eyes, brows) from a quarter on."""
    side = len(part)
    patch = np.arange(side) * GRID // side
    cell = patch[:, None] * GRID + patch[None, :]
    kinds = len(IMAGE_PARTS)
    counts = np.bincount((cell * kinds + part).ravel(), minlength=GRID * GRID * kinds).reshape(GRID, GRID, kinds)
    share = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    small = np.array([name in ("eye", "mouth", "brow", "lash") for name in IMAGE_PARTS])
    share[..., small] *= SMALL_PARTS_COUNT
    return share.argmax(axis=2).astype(np.uint8)


def _on_covered(targets: UvTargets, atlas: UvAtlas, person: PersonShots) -> PreparedTargets:
    inside = atlas.inside
    return PreparedTargets(
        betas=person.states[0].betas,
        color=(targets.color[inside] * 255.0 + 0.5).astype(np.uint8),
        position=targets.position[inside],
        part=targets.part[inside],
        weight=targets.weight[inside].astype(np.float16),
    )


def _prepare_views(person: PersonShots, body: BodyModel) -> PreparedViews:
    bare = DressedSurface(body, person.states[0].betas, np.zeros((body.num_vertices, 3), np.float32))
    poser = SurfacePoser(bare)
    motions = tuple(poser.pose(state).motion for state in person.states)
    return PreparedViews(motions, person.target_state, person.target_rgba, person.target_views)


def encode_prepared(
    raw: dict[str, Any],
    inputs: tuple[PreparedInput, ...],
    targets: PreparedTargets,
    views: PreparedViews,
) -> dict[str, Any]:
    """A sample: what was prepared, and the target views' pictures and cameras as they are in the raw sample."""
    out: dict[str, Any] = {"__key__": raw["__key__"]}
    out |= {name: raw[name] for name in raw if name.startswith("target") and name.endswith(".webp")}
    cameras = {k: v for k, v in npz_arrays(raw["truth.npz"]).items() if k.startswith("target_") and "part" not in k}
    del cameras["target_depth"]
    for i, given in enumerate(inputs):
        out[f"given{i}.npz"] = npz_bytes(_fields(given), compressed=True)
    out["truth.npz"] = npz_bytes(_fields(targets), compressed=True)
    motions = {
        "points": np.stack([m.points for m in views.motions]),
        "quats": np.stack([m.quats for m in views.motions]).astype(np.float16),
        "stretch": np.stack([m.stretch for m in views.motions]).astype(np.float16),
    }
    return out | {"views.npz": npz_bytes({**motions, **cameras}, compressed=True)}


def prepared_samples(
    raw_samples: Iterator[dict[str, Any]], body: BodyModel, recipe: Recipe, first_seed: int
) -> Iterator[dict[str, Any]]:
    """Prepare raw samples one after the other; the n-th gets seed first_seed + n for its fit's errors."""
    atlas, skeleton = UvAtlas.of(body, recipe.targets.texels), SkeletonModel.from_body(body, recipe.inputs.fit_betas)
    for n, raw in enumerate(raw_samples):
        yield encode_prepared(raw, *prepare_person(decode_person(raw), body, skeleton, atlas, recipe, first_seed + n))


def _fields(values: PreparedInput | PreparedTargets) -> dict[str, np.ndarray]:
    return {name: getattr(values, name) for name in values.__dataclass_fields__}
