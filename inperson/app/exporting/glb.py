"""GLB: an avatar's body on its bones, moving. What glTF has no words for stays behind.

The mesh is the body in the avatar's shape, coloured by its Gaussians; skinned by the four heaviest joints of each
vertex; the expression's coefficients are morph targets. The body's pose correctives are not in it.
"""

import numpy as np
from jaxtyping import Float, Int

from inperson.app.exporting.gltf import (
    ARRAY_BUFFER,
    ELEMENT_ARRAY_BUFFER,
    Animation,
    GltfFile,
    add_skeleton,
    animate_skeleton,
)
from inperson.app.exporting.skeleton import SkeletonMotion
from inperson.app.exporting.vertex_colors import vertex_colors
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.skinning import BodyPoser
from inperson.conventions import linear_from_srgb

MOST_JOINTS = 4
"""Of a vertex: what every program that reads glTF must take."""
_LEAST_MOVE = 1e-5
"""Metres that a morph target moves a vertex for it to be worth a number."""


def glb_bytes(
    motion: SkeletonMotion, expression: Float[np.ndarray, "T E"], avatar: GaussianAvatar, body: BodyModel
) -> bytes:
    """The file. World axes and metres as recorded: y up, the person faces +z at rest.

    Args:
        motion: on the avatar's own bones.
        expression: coefficients of the avatar's body.
    """
    file = GltfFile()
    nodes = add_skeleton(file, motion.skeleton)
    skin = file.add(
        "skins",
        {
            "joints": [nodes[joint] for joint in sorted(nodes)],
            "inverseBindMatrices": file.add_accessor(_inverse_binds(motion.skeleton.rest)),
            "skeleton": nodes[0],
        },
    )
    mesh = file.add("meshes", _mesh(file, avatar, body))
    shown = file.add_node({"name": avatar.name or "body", "mesh": mesh, "skin": skin}, root=True)
    animation = Animation(file, "session", motion.seconds)
    animate_skeleton(animation, motion, nodes)
    animation.add(shown, "weights", expression.reshape(-1))
    return file.to_bytes()


def _mesh(file: GltfFile, avatar: GaussianAvatar, body: BodyModel) -> dict:
    shaped = BodyPoser(body, avatar.betas).shaped_vertices
    joints, weights = heaviest_joints(body.weights)
    colors = linear_from_srgb(vertex_colors(avatar, body)).astype(np.float32)
    material = {
        "name": "skin and clothes",
        "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9},
        "doubleSided": False,
    }
    attributes = {
        "POSITION": file.add_accessor(shaped, target=ARRAY_BUFFER, bounds=True),
        "NORMAL": file.add_accessor(_normals(shaped, body.faces), target=ARRAY_BUFFER),
        "COLOR_0": file.add_accessor(colors, target=ARRAY_BUFFER),
        "JOINTS_0": file.add_accessor(joints, target=ARRAY_BUFFER),
        "WEIGHTS_0": file.add_accessor(weights, target=ARRAY_BUFFER),
    }
    targets = []
    for k in range(body.num_expression):
        moves = body.exprdirs[:, :, k].astype(np.float32)
        moves = np.where(np.abs(moves).max(axis=1, keepdims=True) < _LEAST_MOVE, np.float32(0.0), moves)
        targets.append({"POSITION": file.add_sparse_accessor(moves)})
    primitive = {
        "attributes": attributes,
        "indices": file.add_accessor(body.faces.astype(np.uint32).ravel(), target=ELEMENT_ARRAY_BUFFER),
        "material": file.add("materials", material),
        "targets": targets,
    }
    names = body.expr_names or tuple(f"expression{k:02d}" for k in range(body.num_expression))
    return {
        "name": body.name,
        "primitives": [primitive],
        "weights": [0.0] * len(targets),
        "extras": {"targetNames": list(names)},
    }


def heaviest_joints(weights: Float[np.ndarray, "V 55"]) -> tuple[Int[np.ndarray, "V 4"], Float[np.ndarray, "V 4"]]:
    """Four joints of each vertex and their weights, which sum to 1; joints without weight are 0."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :MOST_JOINTS]
    kept = np.take_along_axis(weights, order, axis=1).astype(np.float64)
    kept /= kept.sum(axis=1, keepdims=True)
    return np.where(kept > 0.0, order, 0).astype(np.uint8), kept.astype(np.float32)


def _inverse_binds(rest: Float[np.ndarray, "55 3"]) -> Float[np.ndarray, "55 4 4"]:
    """From the mesh to each joint, which is not turned at rest; transposed, as glTF stores columns."""
    out = np.tile(np.eye(4, dtype=np.float32), (len(rest), 1, 1))
    out[:, 3, :3] = -rest
    return out


def _normals(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "V 3"]:
    """Of unit length: the mean over a vertex's faces, by their area."""
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    of_faces = np.cross(b - a, c - a)
    out = np.zeros((len(vertices), 3))
    for corner in range(3):
        np.add.at(out, faces[:, corner], of_faces)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(length > 0.0, out / np.maximum(length, 1e-30), [0.0, 1.0, 0.0]).astype(np.float32)
