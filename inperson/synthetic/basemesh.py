"""`BaseMesh`: MakeHuman's whole hm08 mesh, helpers included, in the shape space and T-pose of a shipped body.

Garments are bound to hm08, partly to helper vertices that are no part of a body file. `assets/body/hm08.npz`
(made with the bodies by `tools.build_body`) carries all 19,158 of them through the bodies' own betas.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.synthetic.mhassets import NUM_HM08_VERTICES

NUM_JOINTS = 55
TONGUE = slice(13380, 13606)
EYES = slice(14598, 14742)


@dataclass(frozen=True, slots=True, eq=False)
class BaseMesh:
    """hm08 in T-pose; metres, y up, facing +z, float32. B betas, E expressions."""

    template: Float[np.ndarray, "19158 3"]
    shapedirs: Float[np.ndarray, "19158 3 B"]
    exprdirs: Float[np.ndarray, "19158 3 E"]
    weights: Float[np.ndarray, "19158 55"]
    R_tpose_from_rest: Float[np.ndarray, "19158 3 3"]
    """Turns MakeHuman's rest-pose (arms down) directions at each vertex into the T-pose."""

    @property
    def num_betas(self) -> int:
        """B."""
        return self.shapedirs.shape[-1]


def load_base_mesh(body: BodyModel, path: Path | None = None) -> BaseMesh:
    """The base mesh in the shape space of a shipped body.

    Args:
        path: another `hm08.npz` than the shipped one.

    Raises:
        BadInputError: no such file, or a body that is not in it.
    """
    return _load(path or assets_dir() / "body" / "hm08.npz", body.name)


@lru_cache(maxsize=4)
def _load(path: Path, body_name: str) -> BaseMesh:
    if not path.is_file():
        raise BadInputError(f"no base mesh at {path}", "make it with `python -m tools.build_body`")
    with np.load(path) as file:
        names = [str(n) for n in file["body_names"]]
        if body_name not in names:
            raise BadInputError(f"body '{body_name}' is not in {path.name}", f"use one of {', '.join(names)}")
        return _tpose({key: file[key] for key in file.files}, names.index(body_name))


def _tpose(a: dict[str, np.ndarray], who: int) -> BaseMesh:
    """Takes rest-pose vertices and directions to the T-pose: skinning with fixed rotations, so linear in all."""
    parents = a["bone_parents"].astype(int)
    rotations = a["bone_rotations"].astype(np.float32)
    weights = np.zeros((NUM_HM08_VERTICES, len(parents)), np.float32)
    weights[a["weight_vertices"], a["weight_bones"]] = a["weight_values"]
    R = np.einsum("nb,bij->nij", weights, rotations)

    def pose(vertices: np.ndarray, heads: np.ndarray) -> np.ndarray:
        """(n, 3, k) and (163, 3, k) at rest to (n, 3, k) in T-pose."""
        posed = np.empty_like(heads)
        for bone, parent in enumerate(parents):
            moved = heads[bone] - heads[parent] if parent >= 0 else heads[bone]
            posed[bone] = posed[parent] + rotations[parent] @ moved if parent >= 0 else moved
        offsets = posed - np.einsum("bij,bjk->bik", rotations, heads)
        return np.einsum("nij,njk->nik", R, vertices) + np.einsum("nb,bik->nik", weights, offsets)

    template = pose(
        a["rest_templates"][who][..., None].astype(np.float32), a["bone_heads"][who][..., None].astype(np.float32)
    )
    shapedirs = pose(a["rest_shapedirs"].astype(np.float32), a["bone_heads_shapedirs"].astype(np.float32))
    joint_weights = np.zeros((NUM_HM08_VERTICES, NUM_JOINTS), np.float32)
    np.add.at(joint_weights.T, a["bone_joints"].astype(int), weights.T)
    return BaseMesh(
        template=template[..., 0] - a["origins"][who].astype(np.float32),
        shapedirs=shapedirs,
        exprdirs=np.einsum("nij,njk->nik", R, a["rest_exprdirs"].astype(np.float32)),
        weights=joint_weights,
        R_tpose_from_rest=R,
    )
