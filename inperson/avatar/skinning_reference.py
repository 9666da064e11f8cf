"""The body's posing written out plainly in float64 numpy: what `skinning.BodyPoser` must agree with."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import PosedBody
from inperson.avatar.state import BodyState


def pose_reference(body: BodyModel, betas: Float[np.ndarray, " B"], state: BodyState) -> PosedBody:
    """SMPL-X's equations as they stand in the paper, dense, one after the other (slow, allocates 160 MB)."""
    expression = state.expression.astype(np.float64)
    v = body.v_template + body.shapedirs[..., : len(betas)] @ np.asarray(betas, np.float64)
    v = v + body.exprdirs[..., : len(expression)] @ expression
    rest = body.J_regressor @ v

    R = Rotation.from_rotvec(state.full_pose.astype(np.float64)).as_matrix()
    v = v + body.posedirs.astype(np.float64) @ (R[1:] - np.eye(3)).reshape(-1)

    world = np.zeros((len(rest), 4, 4))
    for joint, parent in enumerate(body.parents):
        local = np.eye(4)
        local[:3, :3] = R[joint]
        local[:3, 3] = rest[joint] - (rest[parent] if parent >= 0 else 0.0)
        world[joint] = local if parent < 0 else world[parent] @ local
    T = world[:, :3].copy()
    T[:, :, 3] += state.transl - np.einsum("jrc,jc->jr", world[:, :3, :3], rest)

    blended = np.einsum("vj,jrc->vrc", body.weights.astype(np.float64), T)
    vertices = np.einsum("vrc,vc->vr", blended[..., :3], v) + blended[..., 3]
    joints = world[:, :3, 3] + state.transl
    return PosedBody(*(a.astype(np.float32) for a in (vertices, joints, T)))
