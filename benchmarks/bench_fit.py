"""The fit beside the landmarkers it follows: how much of a frame's time it takes, and where that goes.

`fit_vs_landmarkers` says how many times faster a whole tracker update is than the landmarkers side by side: at
4 the fit costs a quarter of their time. `one_iteration_vs_reference_residuals` compares one iteration of
Levenberg-Marquardt (residuals, Jacobian, step, trial) with one plain evaluation of the residuals alone.
"""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks import BenchReport, side_by_side
from benchmarks.bench_landmarks import CLIP, read_frames
from inperson.avatar.body import BodyModel, load_body
from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.initialise import starting_pose
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.observe import PersonModel, build_problem
from inperson.tracking.fit.problem import FitProblem, no_past
from inperson.tracking.fit.reference import residuals_reference
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.fit.solver import FitResult, fit
from inperson.tracking.fit.torso import torso_of
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.landmarkers import Perception
from inperson.tracking.observation import Observation
from inperson.tracking.tracker import Tracker

ITERATIONS = 4
"""Linearisations a frame gets when the last one is known."""
FRAME_NS = 33_333_333


def run(seconds: float = 20.0, clip: Path = CLIP) -> BenchReport:
    """Times the landmarkers, the parts of the fit and a whole update in turns on one clip."""
    frames = read_frames(clip)
    body = load_body("neutral")
    with Perception() as perception:
        observations = [perception.observe(frame) for frame in frames]
        learner = Tracker(body)
        for obs in observations:
            learner.update(obs)
        known = Tracker(body, learner.finish_profile())
        problems = {
            "fit_body": _solved(body, observations[-1], hands=False),
            "fit_body_and_hands": _solved(body, observations[-1], hands=True),
        }
        step, look = count(), count()

        def update() -> object:
            """The clip over and over, time running on."""
            n = next(step)
            obs = observations[n % len(observations)]
            return known.update(replace(obs, time_ns=n * FRAME_NS))

        whole, solved = problems["fit_body_and_hands"]
        contacts = find_contacts(whole, solved.rotations, solved.transl)
        start = {name: _nudged(answer) for name, (_, answer) in problems.items()}
        report = side_by_side(
            "fit",
            {
                "landmarkers": lambda: perception.observe(frames[next(look) % len(frames)]),
                "tracker_update": update,
                **{
                    name: (lambda problem=problem, name=name: fit(problem, start[name], solved.transl, ITERATIONS))
                    for name, (problem, _) in problems.items()
                },
                "one_iteration": lambda: fit(whole, start["fit_body_and_hands"], solved.transl, 1),
                "reference_residuals": lambda: residuals_reference(whole, contacts, solved.rotations, solved.transl),
            },
            compare=[("tracker_update", "landmarkers"), ("one_iteration", "reference_residuals")],
            seconds=seconds,
        )
    report["ratios"]["fit_vs_landmarkers"] = report["ratios"].pop("tracker_update_vs_landmarkers")
    return report


def _solved(body: BodyModel, obs: Observation, *, hands: bool) -> tuple[FitProblem, FitResult]:
    """A problem of one observation and its solution; without hands only the body's joints move."""
    model, prior = SkeletonModel.from_body(body), pose_prior(body)
    betas = np.zeros(model.num_betas)
    person = PersonModel(model.shaped(betas), torso_of(body, betas), prior, USUAL_PITCH)
    rotations, transl = starting_pose(obs, person.skeleton, exp_all(rest_pose(prior)))
    moving = np.arange(55) < 22
    if hands:
        moving |= np.arange(55) >= 25
    problem = build_problem(obs, person, no_past(rotations, transl), moving)
    return problem, fit(problem, rotations, transl, 30)


def _nudged(answer: FitResult) -> np.ndarray:
    """The solution a frame's worth of motion away."""
    rng = np.random.default_rng(0)
    return answer.rotations @ exp_all(rng.normal(0.0, 0.03, (55, 3)))
