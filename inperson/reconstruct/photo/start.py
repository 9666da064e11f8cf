"""Where the fit of a photo starts: the tracker's own fit of one frame, by landmarks alone."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import BodyModel
from inperson.tracking.fit.initialise import starting_pose
from inperson.tracking.fit.landmarks import joint_basis, landmark_basis
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.observe import PersonModel, build_problem
from inperson.tracking.fit.problem import FitProblem, PosePrior, TemporalPrior, no_past
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.fit.solver import fit
from inperson.tracking.fit.torso import torso_of
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.observation import Observation
from inperson.tracking.parts import Part, moving_joints
from inperson.tracking.plausible import with_doubts
from inperson.tracking.seen import HAND_APPEARS, SeenParts

_ITERATIONS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A pose by landmarks, and what it was asked."""

    observation: Observation
    """Without hands that cannot be."""
    seen: frozenset[Part]
    moving: Bool[np.ndarray, "55"]
    rotations: Float[np.ndarray, "55 3 3"]
    transl: Float[np.ndarray, "3"]


class LandmarkFit:
    """The tracking fit of one body, in all its betas."""

    def __init__(self, body: BodyModel) -> None:
        self.body = body
        self.prior: PosePrior = pose_prior(body)
        n = body.num_betas
        joints, joint_dirs = joint_basis(body, n)
        carrier, points, point_dirs = landmark_basis(body, n)
        self.skeleton: SkeletonModel = replace(
            SkeletonModel.from_body(body),
            joints=joints,
            joint_dirs=joint_dirs,
            point_joint=carrier,
            points=points,
            point_dirs=point_dirs,
        )

    def problem(
        self,
        observation: Observation,
        betas: Float[np.ndarray, " B"],
        moving: Bool[np.ndarray, "55"],
        near: TemporalPrior,
    ) -> FitProblem:
        """What a tracking fit of this shape is asked.

        Args:
            near: a pose to stay near, where its weights are not zero.
        """
        person = PersonModel(self.skeleton.shaped(betas), torso_of(self.body, betas), self.prior, USUAL_PITCH)
        return build_problem(observation, person, near, moving)

    def start(self, observation: Observation) -> Start:
        """The pose of the plain body that fits the landmarks."""
        observation = _believed(with_doubts(observation))
        seen = SeenParts().update(observation) | {Part.TRUNK}
        moving = moving_joints(frozenset(seen))
        betas = np.zeros(self.body.num_betas)
        rest = exp_all(rest_pose(self.prior))
        rotations, transl = starting_pose(observation, self.skeleton.shaped(betas), rest)
        rotations = np.where(moving[:, None, None], rotations, rest)
        problem = self.problem(observation, betas, moving, no_past(rotations, transl))
        found = fit(problem, rotations, transl, _ITERATIONS)
        return Start(observation, frozenset(seen), moving, found.rotations, found.transl)


def _believed(observation: Observation) -> Observation:
    """Without hands that are too doubtful to count as seen."""
    left, right = (
        hand if hand is not None and hand.confidence > HAND_APPEARS else None
        for hand in (observation.left_hand, observation.right_hand)
    )
    return replace(observation, left_hand=left, right_hand=right)
