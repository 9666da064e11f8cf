"""People without a wardrobe, and meshes with known answers, for tests of the stage."""

from dataclasses import dataclass

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.synthetic.drawables import Drawable, Part, RenderMesh
from inperson.synthetic.dressing import DressedPerson, body_drawables
from inperson.synthetic.surfaces import BodyPose
from inperson.synthetic.textures import plain_texture


def undressed(body: BodyModel | None = None, betas: np.ndarray | None = None) -> DressedPerson:
    """A bare, evenly coloured person."""
    body = body or load_body("neutral")
    betas = np.zeros(body.num_betas, np.float32) if betas is None else betas
    skin, eyes = plain_texture((0.8, 0.6, 0.5)), plain_texture((0.9, 0.9, 0.9))
    return DressedPerson("bare", body, betas, BodyPoser(body, betas), body_drawables(body, skin, eyes))


@dataclass(frozen=True, eq=False)
class FixedSurface:
    """Vertices that do not follow anything."""

    points: np.ndarray

    def vertices(self, pose: BodyPose) -> np.ndarray:
        return self.points


def sphere(radius: float, centre: np.ndarray, rings: int = 48) -> Drawable:
    """A closed ball of cloth, orange."""
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=-1)
    columns = 2 * rings
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(columns - 1), indexing="ij")
    a = (i * columns + j).ravel()
    faces = np.concatenate([np.stack([a, a + columns + 1, a + columns], 1), np.stack([a, a + 1, a + columns + 1], 1)])
    points = (centre + radius * points.reshape(-1, 3)).astype(np.float32)
    mesh = RenderMesh(
        np.arange(len(points), dtype=np.int32), np.zeros((len(points), 2), np.float32), faces.astype(np.int32)
    )
    texture = plain_texture((0.9, 0.5, 0.2))
    return Drawable("ball", Part.CLOTH, FixedSurface(points), mesh, texture, np.ones(len(points), np.float32))


def person_of(*drawables: Drawable) -> DressedPerson:
    """A person made of nothing but these."""
    body = load_body("neutral")
    betas = np.zeros(body.num_betas, np.float32)
    return DressedPerson("thing", body, betas, BodyPoser(body, betas), drawables)
