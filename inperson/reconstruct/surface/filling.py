"""The plain completion of colours: what a photo does not show, from what it shows. No learning.

First the mirror image, left for right. Then a guide: on body and limbs the colour that is usual at that height along
the segment (`regions`), on the head the hair's or the skin's. What was seen is joined to its guide without a seam:
the difference between them spreads over the surface and fades within a few centimetres (a screened Poisson
equation on the mesh; Bhat et al. 2008).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import diags

from inperson.avatar.body import SKIN, BodyModel
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.eyes import with_eyes
from inperson.reconstruct.surface.mouth import white_level, with_mouth
from inperson.reconstruct.surface.places import at_places, mirrored_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.regions import INDEX, SEGMENTS, SKIN_SEGMENTS, Regions
from inperson.reconstruct.surface.smoothing import edge_laplacian, symmetric_factor, vertex_areas

BIN_METRES = 0.012
MIN_BIN_AREA = 1.5e-4
"""Square metres of seen surface that a height needs to say what colour is there."""
BAND_METRES = 0.16
"""Bands of another colour narrower than half of this, a print or a belt, do not go around the body."""
SHADING_METRES, SHADING_COLOR = 0.08, 0.12
"""What changes by less than that colour over less than that height is light, not cloth."""
FRONT_SHARE = 0.1
"""How much of the torso what faces forwards says about the back, against what faces sideways: prints are in the
middle of it."""
MIN_LOCKS_AREA = 2e-4
"""Square metres seen beside the face before hair is believed to hang there."""
MUCH_LIKER = 0.75
"""Distance to the hair's colour over that to the skin's."""
MIN_CONTRAST = 0.25
"""RGB distance between skin and hair below which one cannot be told from the other."""
MIRROR_TRUST = 0.6
UNLIKE = 0.25
"""RGB distance to what the surroundings suggest at which a mirrored colour is half as likely: hair on one side."""
FADE_METRES = 0.05
"""How far a difference between what is seen and the guide spreads into the unseen."""
PULL = 20.0
"""How strongly a seen place keeps its colour while differences spread from it."""
HALF_TRUST = 0.06
"""Confidence at which a seen colour and the completion weigh the same."""
NO_COLOR = 0.5
"""Grey, where nothing of the person was seen at all."""


def fill_colors(sites: Sites, seen: SeenSites, surface: DressedSurface) -> Float[np.ndarray, "N 3"]:
    """Colours for every site: the seen ones where they are sure, completed elsewhere; sRGB-encoded, 0 to 1."""
    body = surface.body
    faces = sites.face_index, sites.barycentric
    regions = Regions.of(body, surface.betas)
    guide = _guide(regions, body, sites, seen)
    own = seen.confidence / (seen.confidence + HALF_TRUST)
    spread = spread_difference(surface, sites, seen.color, own, guide)
    completed = at_places(guide + spread, body.faces, *faces)

    mirror = mirrored_places(body, *faces)
    unlike = np.linalg.norm(seen.color[mirror] - completed, axis=1) / UNLIKE
    trust = MIRROR_TRUST * own[mirror] / (1.0 + unlike**4)
    known = own + (1.0 - own) * trust
    color = own[:, None] * seen.color + ((1.0 - own) * trust)[:, None] * seen.color[mirror]
    color = color / np.maximum(known, 1e-6)[:, None]
    completed = at_places(guide + spread_difference(surface, sites, color, known, guide), body.faces, *faces)
    out = known[:, None] * color + (1.0 - known)[:, None] * completed
    out = with_mouth(out, sites, seen, surface)
    out = with_eyes(out, sites, seen, surface, white_level(sites, seen, surface))
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def _guide(regions: Regions, body: BodyModel, sites: Sites, seen: SeenSites) -> Float[np.ndarray, "V 3"]:
    """The colour that is usual at each vertex' place."""
    at = lambda field: at_places(field, body.faces, sites.face_index, sites.barycentric)  # noqa: E731
    share, along, hair = at(regions.share), at(regions.along), at(regions.hair[:, None])[:, 0]
    weight = seen.confidence * sites.spacing.astype(np.float64) ** 2
    weight *= (part_of_faces(body) == SKIN)[sites.face_index]
    head = share[:, INDEX["head"]] > 0.8
    skin = _median(seen.color, weight * head * (1.0 - hair) ** 4)
    grown = _median(seen.color, np.sqrt(weight) * head * hair**4)

    long = _hanging(seen.color, weight, at(regions.locks), skin, grown)
    front = share[:, INDEX["torso"]] * (1.0 - FRONT_SHARE) * (1.0 - _sideways(body, sites))
    shown = weight * (1.0 - front) * (hair < 0.5)
    profiles = [_Profile.of(along[:, k], seen.color, shown * share[:, k] ** 2) for k in range(len(SEGMENTS))]
    profiles = [_completed(k, profiles, skin) for k in range(len(SEGMENTS))]
    out = sum(regions.share[:, k, None] * profile.at(regions.along[:, k]) for k, profile in enumerate(profiles))
    on_head = regions.share[:, INDEX["head"], None]
    out = out + on_head * (skin - profiles[INDEX["head"]].at(regions.along[:, INDEX["head"]]))
    return out + (regions.hair + regions.locks @ long)[:, None] * (grown - out)


def _hanging(
    colors: Float[np.ndarray, "N 3"],
    weight: Float[np.ndarray, " N"],
    locks: Float[np.ndarray, "N 2"],
    skin: Float[np.ndarray, "3"],
    hair: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "2"]:
    """Whether hair hangs over the left and the right side of the head, 0 to 1: what is seen there is liker hair."""
    is_hair = np.linalg.norm(colors - hair, axis=1) < MUCH_LIKER * np.linalg.norm(colors - skin, axis=1)
    seen = weight @ locks
    share = (weight * is_hair) @ locks / np.maximum(seen, 1e-12)
    told_apart = np.linalg.norm(hair - skin) > MIN_CONTRAST
    return np.where(told_apart & (seen > MIN_LOCKS_AREA), np.clip(2.0 * share - 0.5, 0.0, 1.0), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """Usual colours along a segment's axis; empty where nothing was seen."""

    along: Float[np.ndarray, " K"]
    colors: Float[np.ndarray, "K 3"]

    @staticmethod
    def of(
        along: Float[np.ndarray, " N"], colors: Float[np.ndarray, "N 3"], weight: Float[np.ndarray, " N"]
    ) -> "_Profile":
        used = np.flatnonzero(weight > 0)
        number = np.floor(along[used] / BIN_METRES).astype(np.int64)
        heights: list[float] = []
        medians: list[np.ndarray] = []
        for k in np.unique(number):
            near = used[np.abs(number - k) <= 1]
            if weight[used[number == k]].sum() >= MIN_BIN_AREA:
                heights.append((k + 0.5) * BIN_METRES)
                medians.append(_median(colors[near], weight[near]))
        return _Profile(np.array(heights), np.array(medians).reshape(-1, 3)).calmed()

    def calmed(self) -> "_Profile":
        """A running median along the axis (edges stay, bands go), then shading smoothed away but not edges
        (a bilateral filter; Tomasi and Manduchi 1998)."""
        apart = np.abs(self.along[:, None] - self.along)
        medians = np.array([_median(self.colors, (row <= 0.5 * BAND_METRES).astype(float)) for row in apart])
        medians = medians.reshape(-1, 3)
        unlike = np.linalg.norm(medians[:, None] - medians, axis=2)
        weight = np.exp(-0.5 * ((apart / SHADING_METRES) ** 2 + (unlike / SHADING_COLOR) ** 2))
        return _Profile(self.along, weight @ medians / weight.sum(axis=1, keepdims=True))

    def at(self, along: Float[np.ndarray, " M"]) -> Float[np.ndarray, "M 3"]:
        """Interpolated; the ends continue."""
        return np.stack([np.interp(along, self.along, self.colors[:, c]) for c in range(3)], axis=1)


def _completed(k: int, profiles: list[_Profile], skin: Float[np.ndarray, "3"]) -> _Profile:
    """The profile of a segment, with its twin's heights added, or its neighbours' nearest end, or skin."""
    segment, own = SEGMENTS[k], profiles[k]
    if segment.mirror is not None:
        twin = profiles[INDEX[segment.mirror]]
        new = [i for i, t in enumerate(twin.along) if not len(own.along) or np.abs(own.along - t).min() > BIN_METRES]
        along, colors = np.concatenate([own.along, twin.along[new]]), np.vstack([own.colors, twin.colors[new]])
        order = np.argsort(along)
        own = _Profile(along[order], colors[order])
    if len(own.along):
        return own
    if segment.name in SKIN_SEGMENTS:
        return _Profile(np.zeros(1), skin[None])
    return _continued(segment.neighbour, {segment.name}, profiles, skin)


def _continued(name: str, visited: set[str], profiles: list[_Profile], skin: Float[np.ndarray, "3"]) -> _Profile:
    """One colour: of the end of the nearest seen neighbour."""
    segment, profile = SEGMENTS[INDEX[name]], profiles[INDEX[name]]
    if len(profile.along):
        downwards = 0 if name == "torso" else -1
        return _Profile(np.zeros(1), profile.colors[[downwards]])
    if name in visited or segment.name in SKIN_SEGMENTS:
        return _Profile(np.zeros(1), skin[None])
    return _continued(segment.neighbour, visited | {name}, profiles, skin)


def _median(colors: Float[np.ndarray, "N 3"], weight: Float[np.ndarray, " N"]) -> Float[np.ndarray, "3"]:
    """The weighted median of each channel; grey where there is no weight."""
    used = np.flatnonzero(weight > 0)
    if not len(used):
        return np.full(3, NO_COLOR)
    out = np.empty(3)
    for c in range(3):
        order = used[np.argsort(colors[used, c])]
        total = np.cumsum(weight[order])
        out[c] = colors[order[np.searchsorted(total, 0.5 * total[-1])], c]
    return out


def _sideways(body: BodyModel, sites: Sites) -> Float[np.ndarray, " N"]:
    """How far each site faces sideways in the T-pose, 0 to 1."""
    normals = normals_of(body.v_template, body.faces)
    return 1.0 - at_places(normals, body.faces, sites.face_index, sites.barycentric)[:, 2].astype(np.float64) ** 2


def spread_difference(
    surface: DressedSurface,
    sites: Sites,
    color: Float[np.ndarray, "N 3"],
    known: Float[np.ndarray, " N"],
    guide: Float[np.ndarray, "V 3"],
    fade_metres: float = FADE_METRES,
) -> Float[np.ndarray, "V 3"]:
    """What was seen less the guide, spread over the mesh until it fades."""
    faces, rest = surface.body.faces, dressed_rest(surface)
    area = vertex_areas(rest, faces)
    corner = faces[sites.face_index]
    weight = sites.barycentric * (known * sites.spacing.astype(np.float64) ** 2)[:, None]
    seen = np.bincount(corner.ravel(), weight.ravel(), len(rest))
    difference = np.stack(
        [np.bincount(corner.ravel(), (weight * color[:, c, None]).ravel(), len(rest)) for c in range(3)], axis=1
    )
    difference -= seen[:, None] * guide
    pull = PULL * (fade_metres / FADE_METRES) ** 2
    system = pull * diags(seen) + diags(area) + fade_metres**2 * edge_laplacian(rest, faces)
    return symmetric_factor(system).solve(pull * difference)
