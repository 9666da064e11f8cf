"""First Gaussians of an avatar: discs on the surfaces of a dressed person in T-pose, dense where it matters."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.reconstruct.person_surface import PersonSurface
from inperson.synthetic.drawables import Part

DENSITY_EXPONENT = 0.7
"""Gaussians per area grow with seen pixels to this power: 1 would starve the body, 0 the face."""
FLOOR = 0.01
"""Share of the median importance that unseen triangles get, so that no pose opens a hole."""
PART_BOOST = {
    Part.SKIN: 1.0,
    Part.EYE: 5.0,
    Part.MOUTH: 5.0,
    Part.CLOTH: 0.7,
    Part.HAIR: 0.8,
    Part.BROW: 5.0,
    Part.LASH: 4.0,
}
MIN_TEXTURE_ALPHA = 0.35
"""Strands are cards with transparent texels; a Gaussian starts only where the card is opaque."""
DISC_RADIUS = 0.55
"""Standard deviation of a disc as a share of the distance to its neighbours."""
DISC_THICKNESS = 0.15
"""Thickness of a disc as a share of its radius."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceSamples:
    """N points of a `PersonSurface` in T-pose, world frame, metres."""

    triangle: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    points: Float[np.ndarray, "N 3"]
    normals: Float[np.ndarray, "N 3"]
    colors: Float[np.ndarray, "N 3"]
    """sRGB-encoded, from the texture."""
    spacing: Float[np.ndarray, " N"]
    """Expected distance to neighbours, metres."""
    part: Int[np.ndarray, " N"]


def sample_surface(
    surface: PersonSurface, seen: Float[np.ndarray, " T"], count: int, rng: np.random.Generator
) -> SurfaceSamples:
    """Draw `count` samples, stratified over the triangles.

    Args:
        surface: the person.
        seen: importance of each triangle (`seen_pixels`).
        count: how many samples.
    """
    vertices = surface.vertices(surface.person.posed(surface.person.rest()))
    areas, part = surface.areas(vertices), surface.part
    importance = np.maximum(seen, FLOOR * np.median(seen[seen > 0])) ** DENSITY_EXPONENT
    importance *= np.array([PART_BOOST[Part(p)] for p in range(1, max(Part) + 1)])[part - 1]
    opaque_share = _opaque_share(surface, rng)
    density = importance * (opaque_share > 0)
    density *= count / (density * areas * opaque_share).sum()

    drawn = _stratified(density * areas, rng)
    barycentric = rng.dirichlet([1.0, 1.0, 1.0], len(drawn))
    rgba = texture_at(surface, drawn, barycentric)
    kept = _fill(np.flatnonzero(rgba[:, 3] >= MIN_TEXTURE_ALPHA), count, rng)
    drawn, barycentric, rgba = drawn[kept], barycentric[kept], rgba[kept]

    corners = vertices[surface.triangles[drawn]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return SurfaceSamples(
        triangle=drawn,
        barycentric=barycentric,
        points=np.einsum("nk,nkc->nc", barycentric, corners),
        normals=normals,
        colors=rgba[:, :3],
        spacing=1.0 / np.sqrt(density[drawn]),
        part=part[drawn],
    )


def texture_at(
    surface: PersonSurface, triangle: Int[np.ndarray, " N"], barycentric: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "N 4"]:
    """RGBA of the nearest texels, 0..1, sRGB-encoded."""
    uv = np.einsum("nk,nkc->nc", barycentric, surface.uvs[triangle])
    out = np.empty((len(triangle), 4), np.float32)
    for index, drawable in enumerate(surface.person.drawables):
        mine = np.flatnonzero(surface.drawable[triangle] == index)
        picture = drawable.texture.rgba
        height, width = picture.shape[:2]
        column = np.floor(uv[mine, 0] % 1.0 * width).astype(np.int64) % width
        row = np.floor((1.0 - uv[mine, 1]) % 1.0 * height).astype(np.int64) % height
        out[mine] = picture[row, column] / 255.0
        if not drawable.part.is_strands and drawable.part is not Part.CLOTH:
            out[mine, 3] = 1.0  # alpha of skins, eyes and teeth carries no shape
    return out


def _opaque_share(surface: PersonSurface, rng: np.random.Generator, tries: int = 12) -> Float[np.ndarray, " T"]:
    """Share of each triangle whose texture is opaque, from a few random texels."""
    share = np.zeros(len(surface.triangles))
    every = np.arange(len(share))
    for _ in range(tries):
        share += texture_at(surface, every, rng.dirichlet([1.0, 1.0, 1.0], len(share)))[:, 3] >= MIN_TEXTURE_ALPHA
    return share / tries


def _stratified(expected: Float[np.ndarray, " T"], rng: np.random.Generator) -> Int[np.ndarray, " M"]:
    """Triangle of each draw: every triangle gets its expected number, rounded up or down at random."""
    edges = np.concatenate([[0.0], np.cumsum(expected)]) + rng.random()
    return np.repeat(np.arange(len(expected)), np.diff(np.floor(edges)).astype(np.int64))


def _fill(kept: Int[np.ndarray, " M"], count: int, rng: np.random.Generator) -> Int[np.ndarray, " N"]:
    """Exactly `count` of the kept draws; a few twice when chance left too few."""
    if len(kept) >= count:
        return np.sort(rng.choice(kept, count, replace=False))
    return np.sort(np.concatenate([kept, rng.choice(kept, count - len(kept))]))
