"""Where the Gaussians of an avatar from a photo sit: evenly spread over the dressed surface, dense where it matters.

Dart throwing (`darts.py`): candidates in a fixed random order are kept when no kept one is nearer than the distance
that is wanted there. Nearly maximal, so that discs of a fixed share of the spacing leave no holes.
"""

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar import body as bodies
from inperson.avatar.body import BodyModel
from inperson.reconstruct.stages import DressedSurface, MeshPicture, Sites
from inperson.reconstruct.surface.darts import throw_darts
from inperson.reconstruct.surface.places import at_places, part_of_faces, uv_at
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.smoothing import vertex_areas

CANDIDATES = 14
"""Candidates per site that is wanted."""
SITES_PER_AREA = 0.62
"""Sites that dart throwing with that many candidates keeps in a square of the wanted distance."""
SPACING_PER_DISTANCE = 1.0 / np.sqrt(SITES_PER_AREA)
SEEN_GAIN = 5.0
"""How much denser sites are where the photo sees the surface face on."""
_SEED = 20_000

_HEAD, _NECK, _JAW, _LEFT_EYE, _RIGHT_EYE = 15, 12, 22, 23, 24
_HANDS = (20, 21, *range(25, 55))
_LEGS = (1, 2, 4, 5, 7, 8, 10, 11)


def lay_sites(surface: DressedSurface, seen: Float[np.ndarray, " F"], count: int = 50_000) -> Sites:
    """About `count` sites, the same for the same surface; sorted by face.

    Args:
        seen: share of each face that the photo sees face on, 0 to 1 (`seen_share`).
    """
    body = surface.body
    rest = dressed_rest(surface).astype(np.float64)
    corners = rest[body.faces]
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    density = _importance(body) * (1.0 + (SEEN_GAIN - 1.0) * np.clip(seen, 0.0, 1.0))
    density *= count / float((density * areas).sum())

    rng = np.random.default_rng(_SEED)
    face = _stratified(CANDIDATES * density * areas, rng)
    order = rng.permutation(len(face))
    face = face[order]
    barycentric = _uniform_on_triangle(rng.random((len(face), 2)))
    distance = np.sqrt(SITES_PER_AREA / density)
    kept = throw_darts(rest, normals_of(rest, body.faces), body.faces, face, barycentric, distance[face])
    kept = kept[np.argsort(face[kept], kind="stable")]
    face, barycentric = face[kept].astype(np.int32), barycentric[kept].astype(np.float32)
    return Sites(
        face_index=face,
        barycentric=barycentric,
        uv=uv_at(body, face, barycentric),
        base_offsets=at_places(surface.displacement, body.faces, face, barycentric),
        spacing=(SPACING_PER_DISTANCE * distance[face]).astype(np.float32),
    )


def seen_share(
    picture: MeshPicture, vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], focal: float
) -> Float[np.ndarray, " F"]:
    """How much of each face a picture sees: its area in pixels over what it would have face on, 0 to 1.

    Averaged over the faces around each vertex, as a face may be smaller than a pixel.
    """
    drawn = picture.face_index >= 0
    index = picture.face_index[drawn]
    seen = np.bincount(index, (picture.depth[drawn].astype(np.float64) / focal) ** 2, len(faces))
    around = np.bincount(faces.ravel(), np.repeat(seen / 3.0, 3), len(vertices))
    share = np.clip(around / np.maximum(vertex_areas(vertices, faces), 1e-12), 0.0, 1.0)
    return share[faces].mean(axis=1)


def _importance(body: BodyModel) -> Float[np.ndarray, " F"]:
    """Relative density of sites on each face, before the photo is asked."""
    share = body.weights[body.faces].mean(axis=1)
    head = share[:, [_HEAD, _JAW, _LEFT_EYE, _RIGHT_EYE]].sum(axis=1)
    facing = np.clip(2.0 * normals_of(body.v_template, body.faces)[body.faces].mean(axis=1)[:, 2], 0.0, 1.0)
    out = (
        1.0
        + head * (1.0 + 2.5 * facing)
        + 1.0 * share[:, _NECK]
        + 3.5 * share[:, _HANDS].sum(axis=1)
        - 0.6 * share[:, _LEGS].sum(axis=1)
    )
    part = part_of_faces(body)
    for which, importance in _INNER_PARTS.items():
        out[part == which] = importance
    return out


_INNER_PARTS = {
    bodies.LEFT_EYE: 20.0,
    bodies.RIGHT_EYE: 20.0,
    bodies.UPPER_TEETH: 10.0,
    bodies.LOWER_TEETH: 10.0,
    bodies.TONGUE: 5.0,
    bodies.MOUTH: 4.0,
    bodies.EYE_SOCKET: 1.0,
}


def _stratified(expected: Float[np.ndarray, " F"], rng: np.random.Generator) -> Int[np.ndarray, " M"]:
    """Face of each candidate: every face gets its expected number, rounded up or down."""
    edges = np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + rng.random())
    return np.repeat(np.arange(len(expected)), np.diff(edges).astype(np.int64))


def _uniform_on_triangle(unit: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 3"]:
    """Barycentric coordinates, uniform over the triangle (Osada et al. 2002)."""
    root = np.sqrt(unit[:, 0])
    return np.stack([1.0 - root, root * (1.0 - unit[:, 1]), root * unit[:, 1]], axis=1)
