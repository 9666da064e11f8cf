"""Do arms enter the torso? Depth of forearm and hand vertices behind the torso's surface."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.synthetic.drawables import vertex_normals

_TORSO = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")


def forearm_vertices(body: BodyModel) -> Bool[np.ndarray, " V"]:
    """Vertices that mostly follow an elbow, a wrist or a finger."""
    arm = [i for i, name in enumerate(JOINT_NAMES) if "elbow" in name or "wrist" in name or i >= 25]
    return body.weights[:, arm].sum(axis=1) > 0.7


def torso_vertices(body: BodyModel) -> Bool[np.ndarray, " V"]:
    """Vertices that mostly follow the spine, neck or head."""
    return body.weights[:, [JOINT_NAMES.index(name) for name in _TORSO]].sum(axis=1) > 0.7


def deepest_forearm(body: BodyModel, poser: BodyPoser, states: Sequence[BodyState], step: int = 3) -> float:
    """The worst `forearm_depth` over every `step`-th state, metres."""
    return max(forearm_depth(body, poser.pose(state).vertices) for state in states[::step])


def forearm_depth(body: BodyModel, vertices: Float[np.ndarray, "V 3"]) -> float:
    """How deep forearms and hands lie inside the torso of a posed body, metres; 0 or less is outside.

    Signed distance to the plane of the nearest torso vertex; nothing farther than 15 cm from it counts.
    """
    torso, arm = torso_vertices(body), forearm_vertices(body)
    normals = vertex_normals(np.ascontiguousarray(vertices, np.float32), body.faces)
    surface = vertices[torso]
    distance, nearest = cKDTree(surface).query(vertices[arm])
    inward = np.einsum("ij,ij->i", surface[nearest] - vertices[arm], normals[torso][nearest])
    return float(np.max(np.where(distance < 0.15, inward, -0.15)))
