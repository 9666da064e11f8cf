"""Teeth, gums, tongue and the linings behind lips and lids, which a photo shows badly or not at all.

Usual colours of each under the photo's light: how bright white things are there is read from the brightest of the
face (highlights, the whites of the eyes, teeth). What the photo shows of them face on is believed as far as it is
likely for the part.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import EYE_SOCKET, LOWER_TEETH, MOUTH, TONGUE, UPPER_TEETH, BodyModel
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.places import at_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest
from inperson.reconstruct.surface.regions import INDEX, Regions

ENAMEL = np.array([0.93, 0.90, 0.84])
GUM = np.array([0.68, 0.40, 0.40])
USUAL = {
    TONGUE: np.array([0.70, 0.42, 0.42]),
    MOUTH: np.array([0.34, 0.15, 0.15]),
    EYE_SOCKET: np.array([0.55, 0.33, 0.31]),
}
"""sRGB-encoded under light in which white is 1; linings as dark as they are in there."""
CROWN_METRES = {UPPER_TEETH: 0.0095, LOWER_TEETH: 0.0080}
"""From the biting edge to the gums."""
GUM_BLEND = 0.0012
DIM_METRES = 0.030
"""Every so far behind the front teeth, half the light is left."""
UNLIKELY = 0.25
"""RGB distance at which a seen colour is half as likely a tooth's as the usual one."""
WHITE_RANGE = (0.40, 0.97)


def white_level(sites: Sites, seen: SeenSites, surface: DressedSurface) -> float:
    """The sRGB-encoded level of white things in the photo's light, from the brightest of the face that is seen."""
    regions = Regions.of(surface.body, surface.betas)
    head = at_places(regions.share[:, [INDEX["head"]]], surface.body.faces, sites.face_index, sites.barycentric)
    sure = (head[:, 0] > 0.8) & (seen.confidence > 0.3)
    if not sure.any():
        return float(np.mean(WHITE_RANGE))
    return float(np.clip(np.quantile(seen.color[sure].mean(axis=1), 0.98), *WHITE_RANGE))


def with_mouth(
    colors: Float[np.ndarray, "N 3"], sites: Sites, seen: SeenSites, surface: DressedSurface
) -> Float[np.ndarray, "N 3"]:
    """Colours of all sites with those inside the mouth and behind the lids replaced."""
    body = surface.body
    if body.vertex_part is None:
        return colors
    part = part_of_faces(body)[sites.face_index]
    points = at_places(dressed_rest(surface), body.faces, sites.face_index, sites.barycentric)
    white = white_level(sites, seen, surface)
    out = colors.copy()
    for which, usual in USUAL.items():
        out[part == which] = white * usual
    for which in (UPPER_TEETH, LOWER_TEETH):
        mine = np.flatnonzero(part == which)
        usual = white * _teeth(body, surface, which, points[mine])
        likely = 1.0 / (1.0 + (np.linalg.norm(seen.color[mine] - usual, axis=1) / UNLIKELY) ** 2)
        believed = (seen.confidence[mine] * likely)[:, None]
        out[mine] = believed * seen.color[mine] + (1.0 - believed) * usual
    return out


def _teeth(
    body: BodyModel, surface: DressedSurface, which: int, points: Float[np.ndarray, "M 3"]
) -> Float[np.ndarray, "M 3"]:
    """Enamel from the biting edge up to the gums, dimmer towards the molars."""
    row = dressed_rest(surface)[body.vertex_part == which].astype(np.float64)
    down = -1.0 if which == UPPER_TEETH else 1.0
    back = row[:, 2].min()
    edge = _biting_edge(np.arctan2(row[:, 0], row[:, 2] - back), down * row[:, 1])
    height = edge(np.arctan2(points[:, 0], points[:, 2] - back)) - down * points[:, 1]
    gum = np.clip((height - CROWN_METRES[which]) / GUM_BLEND + 0.5, 0.0, 1.0)[:, None]
    dim = 0.5 ** ((row[:, 2].max() - points[:, 2]) / DIM_METRES)
    return (gum * GUM + (1.0 - gum) * ENAMEL) * dim[:, None]


def _biting_edge(
    angle: Float[np.ndarray, " K"], height: Float[np.ndarray, " K"], bins: int = 15
) -> Callable[[np.ndarray], np.ndarray]:
    """The greatest height of a row's vertices, as a function of the angle around the arch."""
    edges = np.linspace(angle.min(), angle.max() + 1e-9, bins + 1)
    number = np.digitize(angle, edges) - 1
    found = np.unique(number)
    middle = 0.5 * (edges[found] + edges[found + 1])
    top = np.array([height[number == k].max() for k in found])
    return lambda a: np.interp(a, middle, top)
