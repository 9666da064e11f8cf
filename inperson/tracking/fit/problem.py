"""What one fit is asked: plain arrays in named tuples, so the compiled solver can read them.

World frame throughout (CONVENTIONS.md: origin at the camera, y up, the person at negative z). All
`inv_sigma*` are 1 / standard deviation of the residual they scale; 0 switches a residual off.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

NUM_JOINTS = 55


class Skeleton(NamedTuple):
    """A shaped SMPL-X joint tree with landmarks fixed to its joints."""

    parents: Int[np.ndarray, "55"]
    offsets: Float[np.ndarray, "55 3"]
    """From the parent joint in the rest pose; the pelvis' own rest position for joint 0. Metres."""
    chain: Int[np.ndarray, "55 D"]
    """Ancestors of each joint from the pelvis down, the joint itself last; ascending."""
    chain_length: Int[np.ndarray, "55"]
    point_joint: Int[np.ndarray, " P"]
    """The joint that carries each landmark."""
    point_offset: Float[np.ndarray, "P 3"]
    """Landmark relative to its joint in the rest pose, metres."""


class Reprojections(NamedTuple):
    """Landmarks seen at pixels."""

    point: Int[np.ndarray, " N"]
    pixel: Float[np.ndarray, "N 2"]
    inv_sigma: Float[np.ndarray, " N"]
    """Per pixel."""
    camera: Float[np.ndarray, "4"]
    """fx, fy, cx, cy in pixels."""


class Directions(NamedTuple):
    """Vectors between landmarks, normalised by their rest length."""

    tail: Int[np.ndarray, " M"]
    head: Int[np.ndarray, " M"]
    target: Float[np.ndarray, "M 3"]
    """Unit vectors, world axes."""
    inv_length: Float[np.ndarray, " M"]
    inv_sigma: Float[np.ndarray, "M 3"]
    """Per world axis: what lies along the view is known less well."""


class PosePrior(NamedTuple):
    """What bodies do: a mean and limits in anatomical coordinates, and hinges.

    Coordinates of joint j are `frame[j].T @ log(R_j)`, for fingers (twist, spread, flex).
    """

    frame: Float[np.ndarray, "55 3 3"]
    mean: Float[np.ndarray, "55 3"]
    inv_sigma: Float[np.ndarray, "55 3"]
    lower: Float[np.ndarray, "55 3"]
    upper: Float[np.ndarray, "55 3"]
    inv_sigma_limit: float
    hinge_joint: Int[np.ndarray, " H"]
    hinge_bone: Float[np.ndarray, "H 3"]
    """Unit vector along the limb below the hinge, rest pose."""
    hinge_normal: Float[np.ndarray, "H 3"]
    """The hinge's axis: the bent limb stays at right angles to it."""
    hinge_forward: Float[np.ndarray, "H 3"]
    """The side to which it bends; it cannot bend to the other."""
    inv_sigma_hinge: float
    inv_sigma_backwards: float
    """Larger than `inv_sigma_hinge`, so that an elbow on the wrong side is always pulled round."""


class TemporalPrior(NamedTuple):
    """Where everything was in the last frame."""

    rotations: Float[np.ndarray, "55 3 3"]
    inv_sigma: Float[np.ndarray, "55"]
    """Per radian; 0 for a fit without a past."""
    transl: Float[np.ndarray, "3"]
    inv_sigma_transl: Float[np.ndarray, "3"]
    """Per metre."""
    point: Int[np.ndarray, " N"]
    """Landmarks of the arms whose depth is steadied: along the view one camera says little."""
    depth: Float[np.ndarray, " N"]
    """Their world z in the last frame, metres."""
    inv_sigma_depth: float
    """Per metre."""


class Torso(NamedTuple):
    """Ellipsoids in place of the trunk and head, and the arm's sample points that must stay outside."""

    joint: Int[np.ndarray, " E"]
    centre: Float[np.ndarray, "E 3"]
    """In the joint's frame, metres."""
    radii: Float[np.ndarray, "E 3"]
    sample_joint: Int[np.ndarray, " S"]
    sample_offset: Float[np.ndarray, "S 3"]
    sample_radius: Float[np.ndarray, " S"]
    """Thickness of the limb there, metres."""
    inv_sigma: float
    """Per metre of penetration."""


class Anchors(NamedTuple):
    """Places on the skinned surface seen at pixels (of the reprojections' camera).

    An anchor carried by K joints stands at the weighted mean of where each of them takes it (linear blend skinning).
    """

    carrier: Int[np.ndarray, "N K"]
    """Joints."""
    weight: Float[np.ndarray, "N K"]
    """Add up to 1; 0 for carriers that are not used."""
    offset: Float[np.ndarray, "N K 3"]
    """Relative to each carrier in the rest pose, metres."""
    pixel: Float[np.ndarray, "N 2"]
    inv_sigma: Float[np.ndarray, " N"]
    """Per pixel."""


class Rims(NamedTuple):
    """Places on the skinned surface at the edge of the person's picture, each asked to lie on a line: the outline
    that was seen there (pixels of the reprojections' camera). Along the line it is free."""

    carrier: Int[np.ndarray, "N K"]
    """Joints, as in `Anchors`."""
    weight: Float[np.ndarray, "N K"]
    offset: Float[np.ndarray, "N K 3"]
    pixel: Float[np.ndarray, "N 2"]
    """A point of the line."""
    normal: Float[np.ndarray, "N 2"]
    """Of the line, unit length."""
    inv_sigma: Float[np.ndarray, " N"]
    """Per pixel across the line."""


class FitProblem(NamedTuple):
    """Everything one fit needs besides its starting point."""

    skeleton: Skeleton
    reprojections: Reprojections
    directions: Directions
    prior: PosePrior
    temporal: TemporalPrior
    torso: Torso
    sample_in_front: Bool[np.ndarray, " S"]
    """Sample points the camera sees: they lie between the camera and the trunk."""
    dof: Int[np.ndarray, "55"]
    """First column of each joint in the unknowns (translation is columns 0 to 2); -1 where it is held."""
    anchors: Anchors
    rims: Rims


class Contacts(NamedTuple):
    """Sample points close enough to an ellipsoid to matter, found once per linearisation."""

    sample: Int[np.ndarray, " K"]
    ellipsoid: Int[np.ndarray, " K"]
    towards_camera: Float[np.ndarray, "K 3"]
    """Unit vector along which the point has to leave; zero: straight out of the ellipsoid."""
    weight: Float[np.ndarray, " K"]


def unknown_columns(active: Bool[np.ndarray, "55"]) -> Int[np.ndarray, "55"]:
    """`FitProblem.dof` for a choice of joints that may move."""
    dof = np.full(NUM_JOINTS, -1, np.int64)
    dof[active] = 3 + 3 * np.arange(int(active.sum()))
    return dof


def num_unknowns(dof: Int[np.ndarray, "55"]) -> int:
    """Length of the tangent vector: translation and three per moving joint."""
    return 3 + 3 * int((dof >= 0).sum())


def no_anchors() -> Anchors:
    """For a person of whom no reference picture is known."""
    return Anchors(np.zeros((0, 1), np.int64), *(np.zeros(shape) for shape in ((0, 1), (0, 1, 3), (0, 2), (0,))))


def no_rims() -> Rims:
    """For a person whose outline is not known, or not to be fitted."""
    nothing = no_anchors()
    return Rims(*nothing[:4], np.zeros((0, 2)), nothing.inv_sigma)


def no_past(rotations: Float[np.ndarray, "55 3 3"], transl: Float[np.ndarray, "3"]) -> TemporalPrior:
    """A temporal prior that says nothing; the state is only there for its shapes."""
    nothing = np.zeros(0)
    return TemporalPrior(rotations, np.zeros(NUM_JOINTS), transl, np.zeros(3), nothing.astype(np.int64), nothing, 0.0)
