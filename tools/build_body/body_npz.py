"""Writing a body in SMPL-X's npz layout, small: directions snapped to a grid that float16 holds exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.body_file import EXPRESSION_SPACE_DIM, SHAPE_SPACE_DIM
from tools.build_body.hands import build_hand
from tools.build_body.skeleton import PARENTS

GRID = 2.0**-15
"""30 micrometres: a unit of a coefficient is off by half of that at most. Equal steps also compress twice as well."""


@dataclass(frozen=True)
class BodyArrays:
    """Everything of one body's file, in SMPL-X's names where it has them."""

    v_template: Float[np.ndarray, "V 3"]
    shapedirs: Float[np.ndarray, "V 3 B"]
    exprdirs: Float[np.ndarray, "V 3 E"]
    posedirs: Float[np.ndarray, "V 3 486"]
    J_regressor: Float[np.ndarray, "55 V"]
    weights: Float[np.ndarray, "V 55"]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "U 2"]
    face_uv: Int[np.ndarray, "F 3"]
    expression_names: tuple[str, ...]
    hm08_index: Int[np.ndarray, " V"]
    vertex_part: Int[np.ndarray, " V"]
    landmarks: dict[str, np.ndarray]
    """`lmk_faces_idx` and the other landmark arrays of SMPL-X, and our `mediapipe_*`."""


def snap(directions: np.ndarray) -> np.ndarray:
    """To the grid, as float16."""
    return (np.round(directions / GRID) * GRID).astype(np.float16)


def write_body(path: Path, body: BodyArrays) -> None:
    """One compressed npz that `smplx.create` and `inperson.avatar.body.load_body` both read."""
    num_vertices = len(body.v_template)
    shapedirs = np.zeros((num_vertices, 3, SHAPE_SPACE_DIM + EXPRESSION_SPACE_DIM), np.float16)
    shapedirs[..., : body.shapedirs.shape[-1]] = snap(body.shapedirs)
    shapedirs[..., SHAPE_SPACE_DIM:][..., : body.exprdirs.shape[-1]] = snap(body.exprdirs)
    kintree_table = np.stack([np.array(PARENTS), np.arange(len(PARENTS))])
    kintree_table[0, 0] = 2**32 - 1
    left, right = build_hand(1.0), build_hand(-1.0)
    np.savez_compressed(
        path,
        v_template=body.v_template.astype(np.float32),
        f=body.faces.astype(np.uint32),
        shapedirs=shapedirs,
        posedirs=snap(body.posedirs),
        J_regressor=body.J_regressor.astype(np.float32),
        weights=body.weights.astype(np.float32),
        kintree_table=kintree_table,
        J=(body.J_regressor @ body.v_template).astype(np.float32),
        hands_meanl=left.mean,
        hands_meanr=right.mean,
        hands_componentsl=left.components,
        hands_componentsr=right.components,
        vt=body.uv.astype(np.float32),
        ft=body.face_uv.astype(np.uint32),
        expr_names=np.array(body.expression_names),
        joint_names=np.array(JOINT_NAMES),
        hm08_index=body.hm08_index.astype(np.uint16),
        vertex_part=body.vertex_part.astype(np.uint8),
        **body.landmarks,
    )
