"""The first Gaussians of an avatar from a photo: opaque discs that lie on the dressed surface."""

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.binding import quats_of
from inperson.avatar.body import SKIN
from inperson.reconstruct.canonical import LEARNED, CanonicalGaussians, float_tensor
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.places import at_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest, normals_of

DISC_RADIUS = 0.66
"""Standard deviation of a disc as a share of the distance to its neighbours."""
UNSEEN_WIDENING = 0.25
"""By how much discs are larger where the photo shows nothing: hardly any light gets through between them."""
DISC_THICKNESS = 0.15
"""Thickness of a disc as a share of its radius."""
OPACITY = 0.97


def plain_gaussians(
    sites: Sites, colors: Float[np.ndarray, "N 3"], surface: DressedSurface, seen: SeenSites | None = None
) -> CanonicalGaussians:
    """A disc on every site, of one colour (sRGB-encoded), its third axis the dressed surface's normal in T-pose.

    Args:
        seen: what the photo shows of the sites, where that is known: what it does not show of the skin has no detail
            to blur, so discs are wider there.
    """
    radius = DISC_RADIUS * sites.spacing.astype(np.float64)
    if seen is not None:
        unseen = np.clip(1.0 - 2.0 * seen.confidence, 0.0, 1.0)
        radius *= 1.0 + UNSEEN_WIDENING * unseen * (part_of_faces(surface.body) == SKIN)[sites.face_index]
    scales = np.stack([radius, radius, DISC_THICKNESS * radius], axis=1)
    logit = float(np.log(OPACITY / (1.0 - OPACITY)))
    return CanonicalGaussians(
        face_index=sites.face_index.astype(np.int32),
        barycentric=sites.barycentric.astype(np.float32),
        base_offsets=float_tensor(sites.base_offsets),
        spacing=float_tensor(sites.spacing),
        shift=torch.zeros(len(sites), 3, requires_grad=True),
        quats=float_tensor(site_quats(sites, surface)).requires_grad_(True),
        log_scales=float_tensor(np.log(scales)).requires_grad_(True),
        logits=torch.full((len(sites),), logit, requires_grad=True),
        colors=float_tensor(colors).requires_grad_(True),
        features=torch.zeros(len(sites), 0),
    )


def site_quats(sites: Sites, surface: DressedSurface) -> Float[np.ndarray, "N 4"]:
    """wxyz; turns x, y, z into each site's tangent, bitangent and normal on the dressed T-pose, the tangent as level
    as can be (right-angled to the T-pose's vertical)."""
    normal = site_normals(sites, surface)
    upright = np.abs(normal[:, 1]) < 0.99
    tangent = np.cross(np.where(upright[:, None], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]), normal)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return quats_of(np.stack([tangent, np.cross(normal, tangent), normal], axis=2))


def site_normals(sites: Sites, surface: DressedSurface) -> Float[np.ndarray, "N 3"]:
    """Unit normals of the dressed T-pose, float64."""
    faces = surface.body.faces
    normals = normals_of(dressed_rest(surface), faces)
    normal = at_places(normals, faces, sites.face_index, sites.barycentric).astype(np.float64)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def joined(*groups: CanonicalGaussians) -> CanonicalGaussians:
    """All groups as one, in order, to be learned together."""

    def all_of(name: str, learned: bool) -> torch.Tensor:
        return torch.cat([getattr(group, name).detach() for group in groups]).requires_grad_(learned)

    return CanonicalGaussians(
        face_index=np.concatenate([group.face_index for group in groups]),
        barycentric=np.concatenate([group.barycentric for group in groups]),
        **{name: all_of(name, learned=False) for name in ("base_offsets", "spacing", "features")},
        **{name: all_of(name, learned=True) for name in LEARNED},
    )
