"""The plainest completion: the mirror image, and beyond it what is nearest. What learning is measured against."""

import numpy as np
from jaxtyping import Float

from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.filling import HALF_TRUST, MIRROR_TRUST, NO_COLOR, spread_difference
from inperson.reconstruct.surface.places import at_places, mirrored_places

REACH_METRES = 2.0
"""How far colours spread before they fade to the mean of what is known: over all of a body."""


def mirror_colors(sites: Sites, seen: SeenSites, surface: DressedSurface) -> Float[np.ndarray, "N 3"]:
    """Colours for every site, sRGB-encoded, 0 to 1: what is seen, its mirror image, and between them the smoothest
    field over the surface. Nothing is known of hair, clothes or eyes."""
    faces = sites.face_index, sites.barycentric
    own = seen.confidence / (seen.confidence + HALF_TRUST)
    mirror = mirrored_places(surface.body, *faces)
    mirrored = (1.0 - own) * MIRROR_TRUST * own[mirror]
    known = own + mirrored
    color = (own[:, None] * seen.color + mirrored[:, None] * seen.color[mirror]) / np.maximum(known, 1e-6)[:, None]
    weight = known * sites.spacing.astype(np.float64) ** 2
    mean = weight @ color / weight.sum() if weight.sum() > 0 else np.full(3, NO_COLOR)
    guide = np.tile(mean, (surface.body.num_vertices, 1))
    spread = guide + spread_difference(surface, sites, color, known, guide, REACH_METRES)
    out = known[:, None] * color + (1.0 - known)[:, None] * at_places(spread, surface.body.faces, *faces)
    return np.clip(out, 0.0, 1.0).astype(np.float32)
