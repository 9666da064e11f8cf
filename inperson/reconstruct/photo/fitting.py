"""`fit_photo`: the body as it stands in a photo, to landmarks, the face mesh and the person's outline together.

In two parts, as landmarks are known before the person is cut out: `fit_landmarks`, then `fit_outline`.
"""

from dataclasses import dataclass

import numpy as np

from inperson.avatar.body import BodyModel
from inperson.reconstruct.photo.differentiable_body import DifferentiableBody, FitPose
from inperson.reconstruct.photo.equations import Term, minimise
from inperson.reconstruct.photo.evidence import LandmarkEvidence, OutlineEvidence
from inperson.reconstruct.photo.start import LandmarkFit, Start
from inperson.reconstruct.photo.terms_shape import ExpressionRange, expression_prior, shape_prior
from inperson.reconstruct.stages import Matte, PhotoFit
from inperson.render.views import EyeView
from inperson.tracking.face_retarget import FaceRetargeter, NeutralFace
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.problem import TemporalPrior, no_past
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.observation import Observation
from inperson.tracking.parts import per_joint

_ROUNDS, _STEPS = 8, 4
"""Times the outline is matched anew, and iterations each."""
_LANDMARK_STEPS = 10
_BETA_SIGMA, _EXPRESSION_SIGMA = 1.0, 0.12
_BEND_SIGMA = per_joint(trunk=0.04, arms=0.15, legs=0.1, fingers=0.2)
"""Radians that joints turn to match the outline, from where the landmarks have them."""
_DEPTH_SIGMA = 0.05
"""Metres nearer or further, likewise."""
_JAW, _EYES = JOINT["jaw"], [JOINT["left_eye"], JOINT["right_eye"]]


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkPose:
    """The body as the landmarks alone have it."""

    observation: Observation
    flexible: DifferentiableBody
    knowledge: list[Term]
    """Of shape and face, whatever the photo shows."""
    evidence: LandmarkEvidence
    pose: FitPose


def fit_photo(body: BodyModel, observation: Observation, matte: Matte) -> PhotoFit:
    """Pose, shape, hands, expression and gaze of the person in a photo.

    Args:
        body: the body to fit.
        observation: whom to fit (`find_person`), with body and face.
        matte: the same person, cut out of the same photo.
    """
    return fit_outline(fit_landmarks(body, observation), matte)


def fit_landmarks(body: BodyModel, observation: Observation) -> LandmarkPose:
    """The first part of `fit_photo`."""
    landmarks = LandmarkFit(body)
    start = landmarks.start(observation)
    moving = start.moving.copy()
    moving[_EYES] = start.observation.face is not None
    flexible = DifferentiableBody(body, moving)
    pose, knowledge = _starting_face(flexible, start)
    evidence = LandmarkEvidence(flexible, landmarks, start)
    nowhere = no_past(pose.rotations, pose.transl)
    pose = minimise(flexible, [*knowledge, *evidence.terms(pose, nowhere)], pose, _LANDMARK_STEPS)
    return LandmarkPose(observation, flexible, knowledge, evidence, pose)


def fit_outline(start: LandmarkPose, matte: Matte) -> PhotoFit:
    """The second part of `fit_photo`."""
    observation, flexible, pose = start.observation, start.flexible, start.pose
    outline, near = OutlineEvidence(flexible, observation, matte), _staying_near(pose)
    for _ in range(_ROUNDS):
        terms = [*start.knowledge, *start.evidence.terms(pose, near), outline.term(pose)]
        pose = minimise(flexible, terms, pose, _STEPS)
    return PhotoFit(flexible.body, flexible.state(pose), EyeView.from_intrinsics(observation.intrinsics), observation)


def _staying_near(pose: FitPose) -> TemporalPrior:
    """An outline can be had by leaning and bending towards the camera or away: depth is the landmarks' say."""
    return no_past(pose.rotations, pose.transl)._replace(
        inv_sigma=1.0 / _BEND_SIGMA, inv_sigma_transl=1.0 / np.array([np.inf, np.inf, _DEPTH_SIGMA])
    )


def _starting_face(body: DifferentiableBody, start: Start) -> tuple[FitPose, list[Term]]:
    """The starting pose with the expression that the face's scores say, and what is known of shape and face."""
    coefficients, rotations = np.zeros(body.num_coefficients), start.rotations.copy()
    knowledge: list[Term] = [shape_prior(body, _BETA_SIGMA)]
    face = start.observation.face
    expected = np.zeros(body.num_coefficients - body.num_betas)
    if face is not None:
        neutral = NeutralFace()
        neutral.add(face.blendshapes)
        shown = FaceRetargeter(body.body)(face.blendshapes, neutral.value)
        expected = shown.expression
        rotations[_EYES] = exp_all(np.stack([shown.leye_pose, shown.reye_pose]))
        rotations[_JAW] = exp_all(shown.jaw_pose[None])[0]
    coefficients[body.num_betas :] = expected
    knowledge.append(expression_prior(body, expected, _EXPRESSION_SIGMA))
    if body.body.expr_names is not None:
        knowledge.append(ExpressionRange(body))
    return FitPose(rotations, start.transl, coefficients), knowledge
