"""From attributes on the uv map to Gaussians on sites, differentiably: training and `create` use the same."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from inperson.avatar.body import BodyModel
from inperson.reconstruct.canonical import CanonicalGaussians, float_tensor
from inperson.reconstruct.network.interface import UvAttributes
from inperson.reconstruct.network.seams import seam_texels
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.filling import HALF_TRUST
from inperson.reconstruct.surface.gaussians import plain_gaussians

_CHANNELS = {"offset": 3, "log_scale": 3, "rotation": 3, "opacity": 1, "color": 3, "features": 7}


def gaussians_from(
    attributes: UvAttributes,
    sites: Sites,
    surface: DressedSurface,
    atlas: UvAtlas,
    seen: SeenSites | None = None,
    index: int = 0,
) -> CanonicalGaussians:
    """A Gaussian on every site: the plain disc (`plain_gaussians`), moved, turned, sized and coloured by the map.

    Gradients reach the attributes through `shift`, `quats`, `log_scales`, `logits` and `colors`. The network's
    offset is in `shift` (units of spacing); `features` are probabilities of `PARTS` without gradient.

    Args:
        attributes: a batch of maps of the atlas' size.
        sites: where the Gaussians go.
        surface: what the sites lie on.
        atlas: which texels hold values.
        seen: what the photo shows of the sites at its full resolution; replaces the map's colour as far as the
            plain completion would trust it. None leaves all colours to the map.
        index: which of the batch.
    """
    at = _at_sites(attributes, sites, surface.body, atlas, index)
    color = at["color"]
    if seen is not None:
        confidence = float_tensor(seen.confidence)[:, None]
        trusted = torch.lerp(color, float_tensor(seen.color), confidence / (confidence + HALF_TRUST))
        color = torch.where(confidence > 0, trusted, color)  # what is not seen has no colour, not even a number
    plain = plain_gaussians(sites, np.zeros((len(sites), 3), np.float32), surface)
    return replace(
        plain,
        shift=at["offset"] / plain.spacing[:, None],
        quats=_turned(at["rotation"], plain.quats.detach()),
        log_scales=plain.log_scales.detach() + at["log_scale"],
        logits=at["opacity"][:, 0],
        colors=color.clamp(0.0, 1.0),
        features=at["features"].softmax(dim=1).detach(),
    )


def settled(gaussians: CanonicalGaussians) -> CanonicalGaussians:
    """The same Gaussians as a start for optimisation: what they are moved by becomes their base, `shift` is zero,
    and every learned tensor is a leaf."""
    base = (gaussians.base_offsets + gaussians.spacing[:, None] * gaussians.shift).detach()
    return replace(
        gaussians,
        base_offsets=base,
        shift=torch.zeros_like(base, requires_grad=True),
        quats=_leaf(gaussians.quats),
        log_scales=_leaf(gaussians.log_scales),
        logits=_leaf(gaussians.logits),
        colors=_leaf(gaussians.colors),
    )


def _leaf(x: Tensor) -> Tensor:
    return x.detach().clone().requires_grad_(True)


def _at_sites(
    attributes: UvAttributes, sites: Sites, body: BodyModel, atlas: UvAtlas, index: int
) -> dict[str, Float[Tensor, "N C"]]:
    """All maps at the sites' uv, bilinear. Texels that no face covers count as what lies across the cut beside them,
    so that both sides of a cut meet in one value; away from cuts as the nearest that a face covers."""
    maps = torch.cat([getattr(attributes, name)[index] for name in _CHANNELS]).cpu()
    source = atlas.nearest.flatten()
    outside, across = seam_texels(body, atlas.size)
    source[outside] = across
    padded = maps.flatten(1)[:, _long(source)].view_as(maps)
    uv = float_tensor(sites.uv)
    places = torch.stack([2.0 * uv[:, 0] - 1.0, 1.0 - 2.0 * uv[:, 1]], dim=1)
    sampled = F.grid_sample(padded[None], places[None, None], padding_mode="border", align_corners=False)[0, :, 0].T
    return dict(zip(_CHANNELS, sampled.split(list(_CHANNELS.values()), dim=1), strict=True))


def _turned(rotvec: Float[Tensor, "N 3"], quats_wxyz: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """Quaternions turned further by axis-angles about the T-pose's axes.

    The exponential map and the Hamilton product by hand: roma would load torch's compiler, a second of every start.
    """
    half = 0.5 * rotvec
    turns = (half * half).sum(dim=1, keepdim=True).clamp(min=1e-24).sqrt() / torch.pi
    w, u = torch.cos(torch.pi * turns), torch.sinc(turns) * half
    real, imaginary = quats_wxyz[:, :1], quats_wxyz[:, 1:]
    product_w = w * real - (u * imaginary).sum(dim=1, keepdim=True)
    return torch.cat([product_w, w * imaginary + real * u + torch.cross(u, imaginary, dim=1)], dim=1)


def _long(x: np.ndarray) -> Int[Tensor, " N"]:
    return torch.from_numpy(np.ascontiguousarray(x, np.int64))
