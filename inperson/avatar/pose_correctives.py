"""SMPL-X's pose correctives (`posedirs`) as a sparse list of (vertex, joint) blocks.

SMPL-X adds `posedirs @ (R(theta) - I)` to the shaped template before skinning (Pavlakos et al. 2019, eq. 5):
486 = 54 joints x 9 entries of `R_j - I`, row-major, the root left out. A corrective of one joint only matters
near that joint, so most of the (V, 3, 486) array of a shipped body is zero; keeping the 3x9 blocks that are
not makes it as cheap as skinning itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

NUM_POSE_FEATURES = 486


@dataclass(frozen=True, slots=True)
class PoseCorrectives:
    """Blocks `pointer[v] : pointer[v + 1]` belong to vertex v, sorted by joint (CSR over vertices)."""

    pointer: Int[np.ndarray, " V_plus_1"]
    joint: Int[np.ndarray, " P"]
    """Joint 1..54 whose rotation drives the block."""
    blocks: Float[np.ndarray, "P 3 9"]
    """Metres per unit of (R - I), float32."""

    @staticmethod
    def from_dense(posedirs: Float[np.ndarray, "V 3 486"]) -> "PoseCorrectives":
        """Keep every block with a non-zero entry: nothing is rounded away."""
        by_joint = posedirs.reshape(len(posedirs), 3, -1, 9)
        vertex, joint = np.nonzero(by_joint.any(axis=(1, 3)))
        pointer = np.zeros(len(posedirs) + 1, np.int32)
        pointer[1:] = np.cumsum(np.bincount(vertex, minlength=len(posedirs)))
        blocks = np.ascontiguousarray(by_joint[vertex, :, joint], dtype=np.float32)
        return PoseCorrectives(pointer, (joint + 1).astype(np.int32), blocks)

    def dense(self) -> Float[np.ndarray, "V 3 486"]:
        """The array of the file, float32 (80 MB for a shipped body: for exporting and tests)."""
        num_vertices = len(self.pointer) - 1
        vertex = np.repeat(np.arange(num_vertices), np.diff(self.pointer))
        out = np.zeros((num_vertices, NUM_POSE_FEATURES // 9, 3, 9), np.float32)
        out[vertex, self.joint - 1] = self.blocks
        return out.transpose(0, 2, 1, 3).reshape(num_vertices, 3, NUM_POSE_FEATURES)
