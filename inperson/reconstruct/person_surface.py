"""All surfaces of a dressed person as one triangle soup, and how much each part of it matters to the captures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.synthetic.captures import Capture
from inperson.synthetic.dressing import DressedPerson, PosedPerson
from inperson.synthetic.surfaces import BoundSurface, Surface

_DEPTH_TOLERANCE = 0.006
"""Metres a vertex may lie behind the depth image and still count as seen: slanted faces, layered cards."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonSurface:
    """Drawables of one person side by side: R vertices, T triangles. Shape and clothes are fixed."""

    person: DressedPerson
    triangles: Int[np.ndarray, "T 3"]
    uvs: Float[np.ndarray, "T 3 2"]
    drawable: Int[np.ndarray, " T"]
    """Index into `person.drawables`."""

    @staticmethod
    def of(person: DressedPerson) -> "PersonSurface":
        """Collect the surfaces."""
        first = 0
        triangles, uvs, drawable = [], [], []
        for index, d in enumerate(person.posed(person.rest()).drawables):
            mesh = d.drawable.mesh
            triangles.append(mesh.faces + first)
            uvs.append(mesh.uvs[mesh.triangles])
            drawable.append(np.full(len(mesh.triangles), index, np.int32))
            first += len(d.vertices)
        return PersonSurface(person, np.concatenate(triangles), np.concatenate(uvs), np.concatenate(drawable))

    @property
    def part(self) -> Int[np.ndarray, " T"]:
        """`Part` of each triangle."""
        return np.array([d.part for d in self.person.drawables], np.int32)[self.drawable]

    @property
    def weights(self) -> Float[np.ndarray, "R 55"]:
        """Skinning weights of each vertex."""
        return np.concatenate([_weights_of(d.surface, self.person.body.weights) for d in self.person.drawables])

    @staticmethod
    def vertices(posed: PosedPerson) -> Float[np.ndarray, "R 3"]:
        """World vertices of a posed person, in this surface's order."""
        return np.concatenate([d.vertices for d in posed.drawables])

    def areas(self, vertices: Float[np.ndarray, "R 3"]) -> Float[np.ndarray, " T"]:
        """Square metres."""
        a, b, c = (vertices[self.triangles[:, k]] for k in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def seen_pixels(surface: PersonSurface, captures: Iterable[Capture]) -> Float[np.ndarray, " T"]:
    """How many capture pixels per square metre each triangle gets, summed over captures with geometry.

    This is what makes faces, eyes and hands dense: captures look at them closely, and what no camera sees
    (the gums' inside, skin beneath hair) gets next to nothing.
    """
    per_vertex = np.zeros(len(surface.weights))
    for capture in captures:
        assert capture.geometry is not None, "visibility needs captures that were rendered with geometry"
        vertices = surface.vertices(surface.person.posed(capture.state))
        K, T = capture.view.intrinsics, capture.view.T_cv_from_world
        p = vertices @ T[:3, :3].T + T[:3, 3]
        z = np.maximum(p[:, 2], 1e-3)
        column = np.floor(K.fx * p[:, 0] / z + K.cx).astype(np.int64)
        row = np.floor(K.fy * p[:, 1] / z + K.cy).astype(np.int64)
        inside = (p[:, 2] > 1e-3) & (column >= 0) & (column < K.width) & (row >= 0) & (row < K.height)
        depth = capture.geometry.depth[row[inside], column[inside]]
        seen = np.zeros(len(p), bool)
        seen[inside] = z[inside] < depth + _DEPTH_TOLERANCE
        per_vertex[seen] += K.fx * K.fy / z[seen] ** 2
    return per_vertex[surface.triangles].mean(axis=1)


def _weights_of(surface: Surface, body_weights: Float[np.ndarray, "V 55"]) -> Float[np.ndarray, "R 55"]:
    if not isinstance(surface, BoundSurface):
        return body_weights
    dense = np.zeros((len(surface.shaped), body_weights.shape[1]), np.float32)
    np.add.at(dense, (np.arange(len(dense))[:, None], surface.joints), surface.joint_weights)
    return dense
