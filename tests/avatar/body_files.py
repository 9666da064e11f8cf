"""Made-up body files in the licensed SMPL-X layout, and random states: what the body's tests share."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.state import BodyState

NUM_LICENSED_VERTICES = 10475


def licensed_arrays(
    num_vertices: int = NUM_LICENSED_VERTICES, *, shape_columns: int = 400, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random numbers in the layout of SMPLX_NEUTRAL.npz, pickled objects and all; no `expr_names`."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    weights = np.zeros((num_vertices, 55), np.float32)
    joints = rng.integers(0, 55, (num_vertices, 4))
    np.put_along_axis(weights, joints, rng.random((num_vertices, 4), np.float32) + 0.1, axis=1)
    regressor = np.zeros((55, num_vertices))
    np.put_along_axis(regressor, rng.integers(0, num_vertices, (55, 12)), 1 / 12, axis=1)
    kintree_table = np.stack([load_body("neutral").parents.astype(np.int64), np.arange(55)])
    kintree_table[0, 0] = 2**32 - 1
    return {
        "v_template": 0.4 * normal(num_vertices, 3),
        "shapedirs": 0.01 * normal(num_vertices, 3, shape_columns),
        "posedirs": 0.002 * normal(num_vertices, 3, 486),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": kintree_table,
        "f": rng.integers(0, num_vertices, (300, 3)).astype(np.uint32),
        "hands_meanl": 0.2 * rng.standard_normal(45),
        "hands_meanr": 0.2 * rng.standard_normal(45),
        "hands_componentsl": np.eye(45),
        "hands_componentsr": np.eye(45),
        "lmk_faces_idx": np.zeros(51, np.int64),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
        "part2num": np.array({"pelvis": 0}, dtype=object),
        "joint2num": np.array({"pelvis": 0}, dtype=object),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


def random_state(body: BodyModel, rng: np.random.Generator, strength: float = 0.5) -> BodyState:
    """Every joint, expression and the place in the room at random."""
    rest = BodyState.rest(body.num_betas, body.num_expression)
    expression = rng.uniform(0, 1, body.num_expression) if body.expr_names else rng.normal(size=body.num_expression)
    return replace(
        rest,
        expression=expression.astype(np.float32),
        transl=rng.normal(size=3).astype(np.float32),
    ).with_full_pose(strength * rng.normal(size=(55, 3)))


def random_betas(body: BodyModel, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=body.num_betas).astype(np.float32)
