"""From a `PersonSpec` to a `DressedPerson`: body, clothes in their layers, hair, eyes, teeth, ready to be posed."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.synthetic import textures
from inperson.synthetic.basemesh import EYES, TONGUE, BaseMesh, load_base_mesh
from inperson.synthetic.drawables import Drawable, Part, PosedDrawable, RenderMesh, Texture
from inperson.synthetic.fabrics import dye_garment
from inperson.synthetic.mhassets import NUM_HM08_VERTICES
from inperson.synthetic.people import PersonSpec
from inperson.synthetic.surfaces import BodyPose, BodySurface, BoundSurface, Surface
from inperson.synthetic.wardrobe import Wardrobe, WornMesh, covered_faces

_PELVIS = 0
_TOOTH_SLIMMING = np.array([0.93, 1.0, 0.97], np.float32)
"""The gums of teeth_base poke through stretched lip corners at full width."""
_BITE_SHIFT = np.array([0.0, -0.0035, -0.0025], np.float32)
"""Metres. As they come the upper teeth hide behind the lip and the lower ones stand in the open mouth."""


@dataclass(frozen=True, slots=True, eq=False)
class PosedPerson:
    """A dressed person at one instant."""

    state: BodyState
    pose: BodyPose
    drawables: tuple[PosedDrawable, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DressedPerson:
    """A person whose shape, clothes and textures are fixed. Not to be shared between threads (scratch memory)."""

    name: str
    body: BodyModel
    betas: Float[np.ndarray, " B"]
    poser: BodyPoser
    drawables: tuple[Drawable, ...]

    def posed(self, state: BodyState) -> PosedPerson:
        """The person in `state`; the shape is the person's own, so the result carries their betas."""
        state = replace(state, betas=self.betas)
        pose = BodyPose.of(self.poser, state)
        return PosedPerson(state, pose, tuple(d.posed(pose) for d in self.drawables))

    def rest(self) -> BodyState:
        """T-pose at the origin."""
        return replace(BodyState.rest(len(self.betas), self.body.num_expression), betas=self.betas)


class Dresser:
    """Dresses people from one wardrobe. Bodies and base meshes are loaded once.

    Args:
        wardrobe: where clothes come from.
        hm08: another base-mesh file than the shipped one.
    """

    def __init__(self, wardrobe: Wardrobe, hm08: Path | None = None) -> None:
        self.wardrobe = wardrobe
        self._hm08 = hm08
        self._bodies: dict[str, tuple[BodyModel, BaseMesh]] = {}

    def body_of(self, spec: PersonSpec) -> tuple[BodyModel, BaseMesh]:
        """The body a person stands in, with its base mesh."""
        name = spec.body or spec.gender
        if name not in self._bodies:
            body = load_body(name)
            self._bodies[name] = body, load_base_mesh(body, self._hm08)
        return self._bodies[name]

    def dress(self, spec: PersonSpec) -> DressedPerson:
        """Builds everything; about a second a person."""
        body, base = self.body_of(spec)
        betas = spec.shape.betas(body.name, base.num_betas)
        shaped = body.shaped(betas)
        poser = BodyPoser(body, betas)
        rng = np.random.default_rng(spec.shape.seed)
        hidden = np.zeros(NUM_HM08_VERTICES, bool)
        drawables: list[Drawable] = []

        def add(worn: WornMesh, part: Part, texture: Texture, covered: Bool[np.ndarray, " N"] | None = None) -> None:
            surface = BoundSurface.of(worn.bound, betas, shaped)
            if part is Part.MOUTH and worn.name.startswith("teeth"):
                centre = surface.shaped.mean(axis=0)
                surface = replace(surface, shaped=centre + _BITE_SHIFT + (surface.shaped - centre) * _TOOTH_SLIMMING)
            mesh = worn.mesh if covered is None else worn.mesh.without(covered_faces(worn.mesh, worn.proxy, covered))
            drawables.append(drawable(worn.name, part, surface, mesh, texture, len(surface.shaped)))

        clothes = [self.wardrobe.worn("clothes", name, base) for name in (spec.outfit, spec.shoes)]
        for worn in sorted(clothes, key=lambda w: -w.proxy.layer):
            add(worn, Part.CLOTH, self._cloth_texture(worn, spec, float(poser.rest_joints[_PELVIS, 1])), hidden)
            hidden = hidden | worn.proxy.hides

        mouth = (
            ("teeth", "teeth_base", textures.teeth_texture),
            ("tongue", "tongue01", lambda p: textures.as_texture(textures.read_picture(p))),
        )
        for kind, name, texture_of in mouth:
            worn = self.wardrobe.worn(kind, name, base)
            add(worn, Part.MOUTH, texture_of(_diffuse(worn)))
        strands = (
            ("eyebrows", spec.brows, Part.BROW, 0.7),
            ("eyelashes", spec.lashes, Part.LASH, 0.2),
            ("hair", spec.hair, Part.HAIR, 1.0),
        )
        for kind, name, part, darkening in strands:
            worn = self.wardrobe.worn(kind, name, base)
            add(worn, part, textures.strand_texture(_diffuse(worn), darkening * np.array(spec.hair_tint, np.float32)))

        skin = textures.skin_texture(self.wardrobe.skin(spec.skin), rng, spec.skin_tone)
        eye_color = "brownlight" if spec.eyes == "brown" else spec.eyes
        eyes = textures.eye_texture(self.wardrobe.eyes(eye_color), brown=spec.eyes == "brown")
        return DressedPerson(spec.name, body, betas, poser, (*body_drawables(body, skin, eyes, hidden), *drawables))

    def _cloth_texture(self, worn: WornMesh, spec: PersonSpec, hip_height: float) -> Texture:
        rgba = textures.read_picture(_diffuse(worn))
        if worn.name != spec.outfit:
            return textures.as_texture(rgba)
        return dye_garment(rgba, worn.mesh, worn.bound.template, hip_height, spec.top, spec.bottom)


def drawable(name: str, part: Part, surface: Surface, mesh: RenderMesh, texture: Texture, vertices: int) -> Drawable:
    """A drawable that all ambient light reaches."""
    return Drawable(name, part, surface, mesh, texture, np.ones(vertices, np.float32))


def body_drawables(
    body: BodyModel, skin: Texture, eyes: Texture, hidden: Bool[np.ndarray, "19158"] | None = None
) -> tuple[Drawable, Drawable]:
    """The skin (less what clothes hide) and the eyeballs of a body that knows its hm08 vertices."""
    if body.hm08_index is None or body.ft is None or body.vt is None:
        raise BadInputError(f"body '{body.name}' is not made from hm08", "use neutral, male or female")
    hm08 = body.hm08_index
    hidden = np.zeros(NUM_HM08_VERTICES, bool) if hidden is None else hidden
    is_eye = (hm08 >= EYES.start) & (hm08 < EYES.stop)
    eye_faces = is_eye[body.faces].all(axis=1)
    skin_faces = (hm08 < TONGUE.start)[body.faces].all(axis=1) & ~hidden[hm08][body.faces].all(axis=1)
    skin_mesh = RenderMesh.from_faces(body.faces[skin_faces], body.ft[skin_faces], body.vt)
    vertex = np.flatnonzero(is_eye)
    to_render = np.zeros(body.num_vertices, np.int32)
    to_render[vertex] = np.arange(len(vertex))
    eye_mesh = RenderMesh(
        vertex.astype(np.int32), _eye_uvs(body.v_template[vertex]), to_render[body.faces[eye_faces]]
    )
    surface = BodySurface()
    return (
        drawable("skin", Part.SKIN, surface, skin_mesh, skin, body.num_vertices),
        drawable("eyes", Part.EYE, surface, eye_mesh, eyes, body.num_vertices),
    )


def _eye_uvs(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 2"]:
    """Texture coordinates of both eyeballs: MakeHuman's eye pictures are orthographic front views."""
    uvs = np.zeros((len(points), 2), np.float32)
    for side in (points[:, 0] > 0, points[:, 0] <= 0):
        p = points[side]
        d = p - 0.5 * (p.max(axis=0) + p.min(axis=0))
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        xy = d[:, :2].copy()
        behind = d[:, 2] < 0
        xy[behind] /= np.linalg.norm(xy[behind], axis=1, keepdims=True) + 1e-9
        uvs[side] = np.array(textures.IRIS_CENTRES[0]) + textures.EYE_DISC_RADIUS * xy
    return uvs


def _diffuse(worn: WornMesh) -> Path:
    if worn.diffuse_path is None:
        raise BadInputError(f"'{worn.name}' has no texture", "choose another from the wardrobe")
    return worn.diffuse_path
