"""What tracking knows of poses: directions between landmarks, and how bodies bend and stay out of themselves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.reconstruct.photo.differentiable_body import CarriedPoints, DifferentiableBody, FitPose, Frames
from inperson.reconstruct.photo.equations import Rows
from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.problem import Directions, FitProblem, Reprojections
from inperson.tracking.fit.rows import HUBER_DIRECTIONS, MAX_ENTRIES, fill_rows, max_rows


@dataclass(frozen=True, slots=True, eq=False)
class DirectionTerm:
    """Directions between landmarks, as the landmarkers' metric output has them. They say nothing about shape."""

    body: DifferentiableBody
    landmarks: CarriedPoints
    """The fit points of `inperson.tracking.fit.landmarks`."""
    directions: Directions

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        d = self.directions
        X = self.body.place(frames, self.landmarks)
        scale = d.inv_sigma * d.inv_length[:, None]
        residual = scale * (X[d.head] - X[d.tail]) - d.inv_sigma * d.target
        huber = np.full(residual.size, HUBER_DIRECTIONS)
        if not want_jacobian:
            return Rows(residual.ravel(), huber)
        axes = np.broadcast_to(np.eye(3), (len(self.landmarks), 3, 3))
        by_point = self.body.jacobian_along(frames, self.landmarks, axes)
        J = scale[..., None] * (by_point[d.head] - by_point[d.tail])
        J[..., self.body.first_coefficient :] = 0.0
        return Rows(residual.ravel(), huber, J.reshape(residual.size, -1))


class PosePriorTerm:
    """Joint limits, hinges, usual poses, and arms outside the trunk: the pose's rows of a tracking fit.

    Args:
        body: whose columns to use.
        problem: a tracking fit; its pixels and directions are left to the other terms.
    """

    def __init__(self, body: DifferentiableBody, problem: FitProblem) -> None:
        nothing = np.zeros(0)
        none = nothing.astype(np.int64)
        self._columns = body.num_columns
        self._problem = problem._replace(
            reprojections=Reprojections(none, np.zeros((0, 2)), nothing, problem.reprojections.camera),
            directions=Directions(none, none, np.zeros((0, 3)), nothing, np.zeros((0, 3))),
            dof=body.dof,
        )

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        most = max_rows(self._problem)
        r, huber, count = np.empty(most), np.empty(most), np.zeros(most, np.int64)
        cols, vals = np.empty((most, MAX_ENTRIES), np.int64), np.empty((most, MAX_ENTRIES))
        rotations = np.ascontiguousarray(pose.rotations)
        contacts = find_contacts(self._problem, rotations, pose.transl)
        m = fill_rows(self._problem, contacts, rotations, pose.transl, want_jacobian, r, count, cols, vals, huber)
        if not want_jacobian:
            return Rows(r[:m], huber[:m])
        J: Float[np.ndarray, "M U"] = np.zeros((m, self._columns))
        filled = np.arange(MAX_ENTRIES) < count[:m, None]
        J[np.nonzero(filled)[0], cols[:m][filled]] = vals[:m][filled]
        return Rows(r[:m], huber[:m], J)
