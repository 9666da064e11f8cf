"""Random fit problems that several tests share."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.tracking.fit.landmarks import JOINT, STEADIED_ARM_POINTS
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.observe import PersonModel, build_problem
from inperson.tracking.fit.problem import Anchors, FitProblem, Rims, TemporalPrior
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.fit.torso import torso_of
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.ideal_observation import LandmarkNoise, observe_state
from inperson.tracking.residuals import project

CAMERA = Intrinsics.from_horizontal_fov(640, 480)
MOVING = np.ones(55, bool)
MOVING[22:25] = False


@cache
def body() -> BodyModel:
    return load_body("neutral")


@cache
def skeleton_model() -> SkeletonModel:
    return SkeletonModel.from_body(body())


@cache
def person() -> PersonModel:
    zero = np.zeros(10)
    return PersonModel(skeleton_model().shaped(zero), torso_of(body(), zero), pose_prior(body()), USUAL_PITCH)


def talking_state(rng: np.random.Generator, spread: float = 0.12, time_ns: int = 0) -> BodyState:
    """Someone 1.6 m from the camera with bent arms, hands before the chest, posed at random about that."""
    prior = person().prior
    pose = rest_pose(prior) + rng.normal(0.0, spread, (55, 3)) / (1.0 + 0.1 * prior.inv_sigma)
    pose[0] = rng.normal(0.0, 0.15, 3)
    pose[22:25] = 0.0
    pose[JOINT["left_shoulder"]] += (0.2, -0.4, 0.1)
    pose[JOINT["right_shoulder"]] += (0.2, 0.4, -0.1)
    pose[JOINT["left_elbow"]] += (0.2, -1.3, 0.0)
    pose[JOINT["right_elbow"]] += (0.2, 1.3, 0.0)
    state = BodyState.rest(body().num_betas, body().num_expression, time_ns)
    transl = np.array([0.0, 0.25, -1.6]) + rng.normal(0.0, 0.1, 3)
    return replace(state, transl=transl.astype(np.float32)).with_full_pose(pose)


@dataclass
class Case:
    """A problem and a state near its solution."""

    state: BodyState
    problem: FitProblem
    rotations: np.ndarray
    transl: np.ndarray


def random_case(seed: int, *, hands: tuple[bool, bool] = (True, True), face: bool = True, off: float = 0.3) -> Case:
    """Noisy observations of a random state, and a starting point `off` radians away from it."""
    rng = np.random.default_rng(seed)
    state = talking_state(rng)
    noise = LandmarkNoise(pixels=2.0, metres=0.01)
    obs = observe_state(skeleton_model(), state, CAMERA, hands=hands, face=face, noise=noise, rng=rng)
    start = exp_all(state.full_pose + rng.normal(0.0, off, (55, 3)))
    start[~MOVING] = np.eye(3)
    transl = state.transl + rng.normal(0.0, 0.05, 3)
    temporal = TemporalPrior(
        rotations=exp_all(state.full_pose + rng.normal(0.0, 0.1, (55, 3))),
        inv_sigma=np.full(55, 4.0),
        transl=transl.copy(),
        inv_sigma_transl=np.full(3, 10.0),
        point=np.concatenate(STEADIED_ARM_POINTS),
        depth=rng.normal(-1.4, 0.05, 8),
        inv_sigma_depth=30.0,
    )
    problem = build_problem(obs, person(), temporal, MOVING, random_anchors(rng, state))
    return Case(state, problem._replace(rims=random_rims(rng, state)), start, transl)


def random_anchors(rng: np.random.Generator, state: BodyState, count: int = 6) -> Anchors:
    """Places carried by up to four joints of trunk and arms, seen a few pixels off; the last is switched off."""
    body_poser = BodyPoser(body(), np.zeros(10))
    carrier = np.array([[9, 6, 13, 16], [12, 15, 9, 14], [16, 18, 13, 9], [17, 14, 9, 6], [3, 0, 6, 1], [9, 6, 3, 0]])
    weight = rng.dirichlet(np.ones(4), count)
    weight[1, 2:], weight[1, :2] = 0.0, (0.4, 0.6)
    offset = rng.normal(0.0, 0.1, (count, 4, 3))
    transforms, joints, _ = body_poser.joint_transforms(state)
    carried = joints[carrier] + np.einsum("nkij,nkj->nki", transforms[carrier][..., :3], offset)
    pixel = project(np.einsum("nk,nki->ni", weight, carried), CAMERA) + rng.normal(0.0, 1.0, (count, 2))
    inv_sigma = np.append(rng.uniform(0.2, 0.6, count - 1), 0.0)
    return Anchors(carrier[:count], weight, offset, pixel, inv_sigma)


def random_rims(rng: np.random.Generator, state: BodyState) -> Rims:
    """Places as `random_anchors` has them, on lines of all directions that pass them by a few pixels."""
    places, angle = random_anchors(rng, state), rng.uniform(0.0, 2 * np.pi, 6)
    return Rims(*places[:4], np.stack([np.cos(angle), np.sin(angle)], axis=1), rng.uniform(0.1, 0.5, 6))
