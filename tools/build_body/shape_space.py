"""Betas: principal components of random T-posed people, shared by all shipped bodies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from tools.build_body.joint_centering import JointCentering
from tools.build_body.makehuman import MakeHuman
from tools.build_body.people import random_people
from tools.build_body.skeleton import joints_from_bone_heads
from tools.build_body.tpose import TPose

NUM_BETAS = 60
NUM_PEOPLE = 1200
_HEAD_GAIN = 5.0
"""Heads count this much more than their size, so that faces get their own components."""
_BATCH = 50


@dataclass(frozen=True)
class ShapeSpace:
    """All hm08 vertices per unit (one standard deviation) of each beta, with B = 60."""

    dirs: Float[np.ndarray, "n 3 B"]
    """T-pose."""
    joint_dirs: Float[np.ndarray, "55 3 B"]
    rest_dirs: Float[np.ndarray, "n 3 B"]
    """Rest A-pose: what garments are bound in."""
    head_dirs: Float[np.ndarray, "163 3 B"]
    """Bone heads in the rest pose."""
    explained: Float[np.ndarray, " B"]
    """Cumulative share of the people's variance."""


def build_shape_space(
    mh: MakeHuman,
    tpose: TPose,
    centering: JointCentering,
    on_body: Bool[np.ndarray, " n"],
    on_head: Bool[np.ndarray, " n"],
    neutral: Float[np.ndarray, " K"],
    rng: np.random.Generator,
) -> ShapeSpace:
    """PCA over body vertices (relative to the pelvis) and head vertices (relative to the head joint).

    The Gram matrix is built in batches; each direction is then one weighted sum of target coefficients, so
    no (people x vertices) matrix is kept.
    """
    people = random_people(mh, NUM_PEOPLE, rng) - neutral
    people -= people.mean(0)
    features = np.concatenate(
        [_features(mh, tpose, c, on_body, on_head) for c in np.split(people, NUM_PEOPLE // _BATCH)]
    )
    eigenvalues, vectors = np.linalg.eigh((features @ features.T).astype(np.float64))
    top = np.argsort(eigenvalues)[::-1][:NUM_BETAS]
    directions = people.T @ vectors[:, top] / np.sqrt(NUM_PEOPLE)  # (K, B) target coefficients per beta
    rest = np.tensordot(directions.T, mh.vertex_dirs, 1)
    heads = np.tensordot(directions.T, mh.head_dirs, 1)
    posed, posed_heads = tpose.apply(rest, heads)
    joints = centering.apply(joints_from_bone_heads(mh, posed_heads), posed)
    taller = np.where(joints[:, 15, 1] >= joints[:, 7, 1], 1.0, -1.0)[:, None, None]  # + is a taller person
    return ShapeSpace(
        dirs=np.moveaxis(posed * taller, 0, -1),
        joint_dirs=np.moveaxis(joints * taller, 0, -1),
        rest_dirs=np.moveaxis(rest * taller, 0, -1),
        head_dirs=np.moveaxis(heads * taller, 0, -1),
        explained=np.cumsum(eigenvalues[top]) / eigenvalues.sum(),
    )


def _features(
    mh: MakeHuman, tpose: TPose, coefficients: np.ndarray, on_body: np.ndarray, on_head: np.ndarray
) -> Float[np.ndarray, "n f"]:
    coefficients = coefficients.astype(np.float32)
    vertices, heads = tpose.apply(
        np.tensordot(coefficients, mh.vertex_dirs, 1), np.tensordot(coefficients, mh.head_dirs, 1)
    )
    joints = joints_from_bone_heads(mh, heads)
    body = vertices[:, on_body & ~on_head] - joints[:, :1]
    head = _HEAD_GAIN * (vertices[:, on_body & on_head] - joints[:, 15:16])
    return np.concatenate([body, head], axis=1).reshape(len(coefficients), -1).astype(np.float32)
