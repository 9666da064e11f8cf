"""Places on a body's faces (face index and barycentric coordinates): values there, and their mirror images."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from inperson.avatar.body import LEFT_EYE, RIGHT_EYE, SKIN, BodyModel
from inperson.errors import BadInputError
from inperson.reconstruct.surface.posing import normals_of

NORMAL_METRES = 0.02
"""How many metres of distance a normal turned by 60 degrees counts for: lips and lids are thinner than that."""
PART_METRES = 1.0
"""The same for another part of the body: an eye's mirror image is on the other eye."""


def at_places(
    values: Float[np.ndarray, "V C"],
    faces: Int[np.ndarray, "F 3"],
    face_index: Int[np.ndarray, " N"],
    barycentric: Float[np.ndarray, "N 3"],
) -> Float[np.ndarray, "N C"]:
    """What a field on the vertices is at places on the faces, float32."""
    return np.einsum("nk,nkc->nc", barycentric, values[faces[face_index]]).astype(np.float32)


def uv_at(
    body: BodyModel, face_index: Int[np.ndarray, " N"], barycentric: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "N 2"]:
    """Texture coordinates, v up.

    Raises:
        BadInputError: the body has none.
    """
    vt, ft = texture_of(body)
    return at_places(vt, ft, face_index, barycentric)


def texture_of(body: BodyModel) -> tuple[Float[np.ndarray, "U 2"], Int[np.ndarray, "F 3"]]:
    """Texture coordinates and each face's three.

    Raises:
        BadInputError: the body has none.
    """
    if body.vt is None or body.ft is None:
        raise BadInputError(f"body '{body.name}' has no texture coordinates", "use one of the shipped bodies")
    return body.vt, body.ft


def mirrored_places(
    body: BodyModel, face_index: Int[np.ndarray, " N"], barycentric: Float[np.ndarray, "N 3"]
) -> Int[np.ndarray, " N"]:
    """For each place, which of the places is nearest to its mirror image (left for right) on the template."""
    part = part_of_faces(body)
    part = np.where(part == RIGHT_EYE, LEFT_EYE, part)
    key = np.hstack(
        [
            at_places(body.v_template, body.faces, face_index, barycentric),
            NORMAL_METRES * at_places(normals_of(body.v_template, body.faces), body.faces, face_index, barycentric),
            PART_METRES * part[face_index][:, None].astype(np.float32),
        ]
    )
    mirrored = key * np.array([-1, 1, 1, -1, 1, 1, 1], np.float32)
    return cKDTree(key).query(mirrored)[1]


def part_of_faces(body: BodyModel) -> Int[np.ndarray, " F"]:
    """`BodyModel.vertex_part` of each face (of two kinds the inner one); SKIN for a body that does not know."""
    if body.vertex_part is None:
        return np.full(len(body.faces), SKIN)
    return body.vertex_part[body.faces].max(axis=1)
