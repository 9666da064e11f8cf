"""`BodyModel`: the parametric body everyone stands in, in the SMPL-X layout, and how one is loaded.

Three bodies ship (`neutral`, `male`, `female`: CC0, made by `python -m tools.build_body`); a licensed SMPL-X
file drops in by path. Vertex counts, numbers of coefficients and what an expression coefficient means are
read from the file. T-pose, metres, y up, facing +z, +x to the person's left.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from inperson.avatar.body_file import read_body_file
from inperson.avatar.pose_correctives import PoseCorrectives
from inperson.errors import BadInputError
from inperson.paths import assets_dir

NUM_JOINTS = 55
SHIPPED_BODIES = ("neutral", "male", "female")

_FINGERS = tuple(f"{f}{k}" for f in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3))
JOINT_NAMES: tuple[str, ...] = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle"),
    *("spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder"),
    *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye", "right_eye"),
    *(f"left_{f}" for f in _FINGERS),
    *(f"right_{f}" for f in _FINGERS),
)
"""SMPL-X's 55 joints in their order (its own name for the eyes is `left_eye_smplhf`)."""

SKIN, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE, MOUTH, EYE_SOCKET = range(8)
"""Values of `BodyModel.vertex_part`. MOUTH and EYE_SOCKET are linings that are hidden from outside."""


@dataclass(frozen=True, slots=True, eq=False)
class BodyModel:
    """A body in the SMPL-X layout: V vertices, F faces, B shape and E expression coefficients. float32."""

    name: str
    sha256: str
    """Of the file, so that an avatar is never posed with another body unnoticed."""
    v_template: Float[np.ndarray, "V 3"]
    shapedirs: Float[np.ndarray, "V 3 B"]
    exprdirs: Float[np.ndarray, "V 3 E"]
    pose_correctives: PoseCorrectives
    J_regressor: csr_matrix
    """(55, V): joints of the shaped T-pose mesh."""
    weights: Float[np.ndarray, "V 55"]
    parents: Int[np.ndarray, "55"]
    """Parent of each joint, -1 for the pelvis."""
    faces: Int[np.ndarray, "F 3"]
    expr_names: tuple[str, ...] | None = None
    """ARKit's name of each expression coefficient; None where they are principal components (licensed files)."""
    vt: Float[np.ndarray, "U 2"] | None = None
    ft: Int[np.ndarray, "F 3"] | None = None
    hands_mean: Float[np.ndarray, "30 3"] | None = None
    """A relaxed left and right hand, axis-angle from the flat hand (`BodyState` hands are from the flat hand)."""
    hm08_index: Int[np.ndarray, " V"] | None = None
    """Which vertex of MakeHuman's hm08 base mesh each vertex is (shipped bodies only): garments bind to hm08."""
    vertex_part: Int[np.ndarray, " V"] | None = None
    """SKIN, LEFT_EYE, ... of this module (shipped bodies only)."""
    mediapipe_faces: Int[np.ndarray, "478"] | None = None
    """Face under each of MediaPipe's 478 face landmarks, -1 where there is none (shipped bodies only)."""
    mediapipe_barycentric: Float[np.ndarray, "478 3"] | None = None

    @property
    def num_vertices(self) -> int:
        return len(self.v_template)

    @property
    def num_betas(self) -> int:
        return self.shapedirs.shape[-1]

    @property
    def num_expression(self) -> int:
        return self.exprdirs.shape[-1]

    @property
    def joint_names(self) -> tuple[str, ...]:
        return JOINT_NAMES

    @property
    def posedirs(self) -> Float[np.ndarray, "V 3 486"]:
        """The dense array of the file, made on every call; live code uses `pose_correctives`."""
        return self.pose_correctives.dense()

    def shaped(self, betas: Float[np.ndarray, " B"]) -> Float[np.ndarray, "V 3"]:
        """T-pose mesh of a shape. Fewer betas than B leave the rest at zero.

        Raises:
            BadInputError: more betas than the body has.
        """
        betas = np.asarray(betas, np.float32)
        if len(betas) > self.num_betas:
            raise BadInputError(
                f"body '{self.name}' has {self.num_betas} shape coefficients, not {len(betas)}",
                "use the body these betas were made for",
            )
        return self.v_template + self.shapedirs[..., : len(betas)] @ betas


def load_body(spec: str | Path = "neutral") -> BodyModel:
    """A shipped body by name, or any SMPL-X npz by path. Loaded once per file and version of it.

    Raises:
        BadInputError: no such file, or the file is not a body in the SMPL-X layout.
    """
    path = assets_dir() / "body" / f"{spec}.npz" if str(spec) in SHIPPED_BODIES else Path(spec).expanduser()
    if not path.is_file():
        raise BadInputError(
            f"body '{spec}' not found",
            f"name one of {', '.join(SHIPPED_BODIES)}, or give the path of an SMPL-X npz",
        )
    return _load(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _load(path: Path, mtime_ns: int) -> BodyModel:
    raw = read_body_file(path)
    return BodyModel(
        name=path.stem,
        sha256=raw.sha256,
        v_template=raw.v_template,
        shapedirs=raw.shapedirs,
        exprdirs=raw.exprdirs,
        pose_correctives=raw.pose_correctives,
        J_regressor=csr_matrix(raw.J_regressor),
        weights=raw.weights,
        parents=raw.parents,
        faces=raw.faces,
        **raw.optional,
    )
