"""The rendered part of the loss: the network's Gaussians on the true body, in target views."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.canonical import CanonicalGaussians
from inperson.reconstruct.image_loss import LossWeights, capture_loss
from inperson.reconstruct.network.apply import gaussians_from
from inperson.reconstruct.network.interface import UvAttributes
from inperson.reconstruct.stages import DressedSurface, Sites
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.training.batches import TargetView, TrainBatch
from inperson.reconstruct.training.motion import motion_at
from inperson.render.differentiable import rasterize


def some_sites(atlas: UvAtlas, surface: DressedSurface, count: int, rng: np.random.Generator) -> Sites:
    """About `count` of the atlas' texels, drawn anew each time, spaced accordingly."""
    every = texel_sites(atlas, surface)
    if count >= len(every):
        return every
    chosen = np.sort(rng.choice(len(every), count, replace=False))
    return Sites(
        face_index=every.face_index[chosen],
        barycentric=every.barycentric[chosen],
        uv=every.uv[chosen],
        base_offsets=every.base_offsets[chosen],
        spacing=(every.spacing[chosen] * np.sqrt(len(every) / count)).astype(np.float32),
    )


def on_true_body(
    gaussians: CanonicalGaussians, sites: Sites, surface: DressedSurface, betas: Float[np.ndarray, " B"]
) -> CanonicalGaussians:
    """The same Gaussians hung on a body in another shape, T-poses laid pelvis on pelvis."""
    body = surface.body
    fitted, true = body.shaped(surface.betas), body.shaped(betas)
    moved = (fitted - body.J_regressor[0] @ fitted) - (true - body.J_regressor[0] @ true)
    more = at_places(moved, body.faces, sites.face_index, sites.barycentric)
    return replace(gaussians, base_offsets=gaussians.base_offsets + torch.from_numpy(more))


def draw(
    attributes: UvAttributes,
    index: int,
    sites: Sites,
    surface: DressedSurface,
    atlas: UvAtlas,
    view: TargetView,
) -> Float[Tensor, "5 H W"]:
    """What sample `index` of the batch looks like in a target view: premultiplied colour, depth, alpha.

    Args:
        attributes: on the CPU.
    """
    gaussians = on_true_body(
        gaussians_from(attributes, sites, surface, atlas, index=index), sites, surface, view.betas
    )
    motion = motion_at(view.motion, surface.body.faces, sites.face_index, sites.barycentric)
    posed = gaussians.posed(motion)
    return rasterize(posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, [view.view])[0]


def render_loss(
    attributes: UvAttributes, batch: TrainBatch, atlas: UvAtlas, sites: int, seed: int
) -> Float[Tensor, ""]:
    """Mean over the batch's views of L1, SSIM and mask, over random backgrounds.

    Args:
        sites: how many Gaussians to draw.
        seed: of the run; what is random depends on it and the samples' numbers alone.
    """
    losses = []
    for index, (number, surface, views) in enumerate(zip(batch.numbers, batch.surfaces, batch.views, strict=True)):
        rng = np.random.default_rng([seed, number, 1])
        chosen = some_sites(atlas, surface, sites, rng)
        for view in views:
            planes = draw(attributes, index, chosen, surface, atlas, view)
            losses.append(capture_loss(planes, torch.from_numpy(view.rgba), rng.uniform(0, 1, 3), LossWeights()))
    return torch.stack(losses).mean()
