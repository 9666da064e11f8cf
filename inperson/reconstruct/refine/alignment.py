"""Small corrections of a tracked state, so that what is drawn lies on the frame it is compared with.

A tracker's state is a few pixels off, another way in every frame: colours learned through it come out as the mean of
shifted pictures. Here the optical flow from the drawn picture to the frame says how far each Gaussian in sight is
off, and a Gauss-Newton step over a few joints and the body's place explains it (iteratively reweighted, with a prior
that keeps corrections small). They belong to the training frames alone and are forgotten afterwards.

What the corrections have in common over the frames is no error of a frame but the avatar's own shape: seen from
each Gaussian it is a constant displacement, which can be added to the avatar (`common_displacement`) before the
corrections are measured again; what little of it comes later is left for the Gaussians to learn
(`without_common_part`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.avatar.binding import SurfaceMotion
from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.reconstruct.refine.flow import FlowSample
from inperson.render.views import EyeView

JOINTS = tuple(
    JOINT_NAMES.index(name)
    for name in (
        *("pelvis", "spine2", "neck", "head", "left_collar", "right_collar", "left_shoulder", "right_shoulder"),
        *("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    )
)
"""The joints that are corrected."""
_TURN_SIGMA = 0.04
"""Radians: how far a tracked joint may well be off."""
_MOVE_SIGMA = np.array([0.02, 0.02, 0.04])
"""Metres, the same for the pelvis (its own axes: sideways, up, forward)."""
_PIXEL_SIGMA = 1.0
"""Of the flow in a picture 320 pixels wide; scaled with the width."""
_INDEPENDENT = 150.0
"""Neighbouring flow vectors share their errors: all together count as this many."""
_OUTLIER = 2.0
"""Scale of the Cauchy weights, in standard deviations."""
ROUNDS = 4
"""Of reweighting."""
INFORMATION = np.concatenate([np.full(3 * len(JOINTS), _TURN_SIGMA**-2.0), _MOVE_SIGMA**-2.0])
"""Of the prior on a correction's parameters: the turns, then the move."""


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What is added to a state."""

    turns: Float[np.ndarray, "J 3"]
    """Rotation vectors of `JOINTS`, each in its joint's own frame, radians."""
    move: Float[np.ndarray, "3"]
    """In the pelvis' frame, metres."""

    @staticmethod
    def none() -> "Correction":
        """Nothing."""
        return Correction(np.zeros((len(JOINTS), 3)), np.zeros(3))

    def applied_to(self, state: BodyState) -> BodyState:
        """The corrected state."""
        pose = state.full_pose.astype(np.float64)
        root = Rotation.from_rotvec(pose[0])
        pose[list(JOINTS)] = (Rotation.from_rotvec(pose[list(JOINTS)]) * Rotation.from_rotvec(self.turns)).as_rotvec()
        moved = state.transl + root.apply(self.move)
        return replace(state.with_full_pose(pose.astype(np.float32)), transl=moved.astype(np.float32))

    def then(self, later: "Correction") -> "Correction":
        """This and, small as it is, a later one."""
        turns = (Rotation.from_rotvec(self.turns) * Rotation.from_rotvec(later.turns)).as_rotvec()
        return Correction(turns, self.move + later.move)


def without_common_part(corrections: Sequence[Correction]) -> list[Correction]:
    """Corrections less their mean over the frames."""
    turns = np.mean([c.turns for c in corrections], axis=0)
    move = np.mean([c.move for c in corrections], axis=0)
    return [Correction(c.turns - turns, c.move - move) for c in corrections]


def common_displacement(
    tracked: Sequence[SurfaceMotion], corrected: Sequence[SurfaceMotion]
) -> Float[np.ndarray, "N 3"]:
    """Mean over the frames of how far corrections move each Gaussian, in T-pose axes, metres.

    Args:
        tracked, corrected: of the same frames and Gaussians.
    """
    total = np.zeros_like(tracked[0].points, np.float64)
    for before, after in zip(tracked, corrected, strict=True):
        turns = Rotation.from_quat(quat_xyzw_from_wxyz(before.quats))
        total += turns.apply(after.points - before.points, inverse=True)
    return (total / len(tracked)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class CarriedPoints:
    """What moves points that hang on a body: how much of each joint's turn reaches each of them."""

    share: Float[np.ndarray, "N J"]
    """Summed skinning weights of the joint and everything beyond it, for each of `JOINTS`."""

    @staticmethod
    def on(
        body: BodyModel, face_index: Int[np.ndarray, " N"], barycentric: Float[np.ndarray, "N 3"]
    ) -> "CarriedPoints":
        """Points bound to a body's faces."""
        beyond = np.zeros((len(body.parents), len(JOINTS)), np.float32)
        for joint in range(len(body.parents)):
            ancestor = joint
            while ancestor >= 0:
                if ancestor in JOINTS:
                    beyond[joint, JOINTS.index(ancestor)] = 1.0
                ancestor = int(body.parents[ancestor])
        carried = body.weights @ beyond
        return CarriedPoints(np.einsum("nk,nkj->nj", barycentric, carried[body.faces[face_index]]))


def corrected_by_flow(
    before: Correction,
    poser: BodyPoser,
    carried: CarriedPoints,
    state: BodyState,
    points: Float[np.ndarray, "N 3"],
    flow: FlowSample,
) -> Correction:
    """The correction, near none at all, that best explains the flow of the points in sight.

    Args:
        before: the correction that is part of `state` already.
        poser: of the body in the avatar's shape.
        carried: of all N points.
        state: in which the picture was drawn.
        points: where it put them, world, metres.
        flow: how far some of them are off.
    """
    if len(flow.point) == 0:
        return before
    rows = pixels_by_correction(poser, carried.share[flow.point], state, points[flow.point], flow)
    off = flow.pixels.reshape(-1)
    so_far = np.concatenate([before.turns.reshape(-1), before.move])
    solution = np.zeros(len(INFORMATION))
    for _ in range(ROUNDS):
        weighted = rows * np.repeat(robust_weights(flow, off - rows @ solution), 2)[:, None]
        solution = np.linalg.solve(weighted.T @ rows + np.diag(INFORMATION), weighted.T @ off - INFORMATION * so_far)
    return before.then(Correction(solution[:-3].reshape(-1, 3), solution[-3:]))


def robust_weights(flow: FlowSample, left: Float[np.ndarray, " 2M"]) -> Float[np.ndarray, " M"]:
    """Inverse variance of each flow vector, less where the model leaves much of it unexplained (Cauchy's weights).

    Args:
        left: pixels of each vector that are not explained yet, x and y in turns.
    """
    sigma = _PIXEL_SIGMA * flow.view.width / 320
    weight = flow.trust * min(_INDEPENDENT / flow.trust.sum(), 1.0) / sigma**2
    return weight / (1.0 + (left.reshape(-1, 2) ** 2).sum(axis=1) / (_OUTLIER * sigma) ** 2)


def pixels_by_points(points: Float[np.ndarray, "M 3"], view: EyeView) -> Float[np.ndarray, "M 2 3"]:
    """Derivative of where points fall in a picture (pixels) by where they are in the world (metres)."""
    k, to_eye = view.intrinsics, view.T_cv_from_world
    x, y, z = (points @ to_eye[:3, :3].T + to_eye[:3, 3]).T
    zero = np.zeros_like(z)
    by_eye = np.stack([k.fx / z, zero, -k.fx * x / z**2, zero, k.fy / z, -k.fy * y / z**2], axis=1).reshape(-1, 2, 3)
    return by_eye @ to_eye[:3, :3]


def pixels_by_correction(
    poser: BodyPoser,
    share: Float[np.ndarray, "M J"],
    state: BodyState,
    points: Float[np.ndarray, "M 3"],
    flow: FlowSample,
) -> Float[np.ndarray, "2M P"]:
    """Pixels by turns of `JOINTS` (own frames) and the move: a skinned point goes round each joint by its share."""
    transforms, joints, _ = poser.joint_transforms(state)
    axes = transforms[list(JOINTS), :, :3].astype(np.float64)
    arms = points[:, None] - joints[None, list(JOINTS)]
    # R e_a x arm = R (e_a x (R^T arm)): the cross product with a unit vector is a permutation
    own = np.einsum("jcd,mjc->mjd", axes, arms) * share[:, :, None]
    x, y, z, zero = own[..., 0], own[..., 1], own[..., 2], np.zeros_like(own[..., 0])
    crossed = np.stack([np.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], axis=2)
    by_point = pixels_by_points(points, flow.view)
    by_turn = np.einsum("mrc,jcd,mjad->mrja", by_point, axes, crossed, optimize=True)
    by_move = by_point @ axes[0]
    return np.concatenate([by_turn.reshape(len(points), 2, -1), by_move], axis=2).reshape(2 * len(points), -1)
