"""The build from MakeHuman's data to the arrays of each body file, one step after the other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES
from tools.build_body.body_npz import BodyArrays, snap
from tools.build_body.corrective_fit import build_posedirs
from tools.build_body.expressions import build_expressions, tpose_expressions
from tools.build_body.face_landmarks import find_face_landmarks
from tools.build_body.joint_centering import JointCentering, find_centering
from tools.build_body.joint_regressor import fit_joint_regressor
from tools.build_body.makehuman import MakeHuman, load_makehuman
from tools.build_body.people import TEMPLATES
from tools.build_body.shape_space import ShapeSpace, build_shape_space
from tools.build_body.skeleton import joint_weights, joints_from_bone_heads
from tools.build_body.topology import Topology, build_topology
from tools.build_body.tpose import TPose, find_tpose
from tools.build_body.vertex_order import find_landmarks, smplx_permutation

PELVIS_AT = np.array([0.0, -0.35, 0.01])
"""Where SMPL-X's mean body has its pelvis: the origin lies near the chest."""
_STILL = 1e-5
"""Metres: vertices that no expression moves farther are fit for the joint regressor."""


@dataclass(frozen=True)
class TemplatePerson:
    """One of neutral, male, female: hm08 in the rest pose and in the T-pose (the latter with its origin set)."""

    rest: Float[np.ndarray, "n 3"]
    bone_heads: Float[np.ndarray, "163 3"]
    posed: Float[np.ndarray, "n 3"]
    joints: Float[np.ndarray, "55 3"]
    origin: Float[np.ndarray, "3"]
    """Subtracted from T-posed positions."""


@dataclass(frozen=True)
class Common:
    """What all bodies share."""

    mh: MakeHuman
    topology: Topology
    order: Int[np.ndarray, " V"]
    """hm08 vertex of each body vertex, in the files' order."""
    faces: Int[np.ndarray, "F 3"]
    tpose: TPose
    shape_space: ShapeSpace
    expression_units: Float[np.ndarray, "n 52 3"]
    """In the rest pose."""
    expressions: Float[np.ndarray, "n 3 52"]
    """In the T-pose."""
    weights: Float[np.ndarray, "n 55"]
    people: dict[str, TemplatePerson]


def build_common(seed: int = 0) -> Common:
    """Everything up to the shape space, for all hm08 vertices."""
    mh = load_makehuman()
    topology = build_topology(mh)
    neutral_coefficients = TEMPLATES["neutral"].coefficients(mh)
    _, heads, tails = mh.person(neutral_coefficients)
    tpose = find_tpose(mh, heads, tails)
    weights = joint_weights(mh)
    on_body = np.zeros(len(weights), bool)
    on_body[topology.hm08_index] = True
    centering = _find_centering(mh, tpose, neutral_coefficients, weights * on_body[:, None])
    people = {name: _pose_person(mh, tpose, centering, p.coefficients(mh)) for name, p in TEMPLATES.items()}
    on_head = weights[:, [JOINT_NAMES.index(j) for j in ("head", "jaw", "left_eye", "right_eye")]].sum(1) > 0.5
    units = build_expressions(mh, topology.hm08_index[topology.faces])
    rng = np.random.default_rng(seed)
    neutral = people["neutral"]
    landmarks = find_landmarks(
        mh, neutral.posed[topology.hm08_index], neutral.joints, weights[topology.hm08_index], topology.hm08_index
    )
    permutation = smplx_permutation(landmarks, len(topology.hm08_index))
    return Common(
        mh=mh,
        topology=topology,
        order=topology.hm08_index[permutation],
        faces=np.argsort(permutation)[topology.faces],
        tpose=tpose,
        shape_space=build_shape_space(mh, tpose, centering, on_body, on_head, neutral_coefficients, rng),
        expression_units=units,
        expressions=tpose_expressions(mh, tpose, units),
        weights=weights,
        people=people,
    )


def build_bodies(common: Common) -> dict[str, BodyArrays]:
    """The arrays of each body: one basis, three templates, so betas mean the same change on each."""
    order, names = common.order, list(common.people)
    templates = np.stack([p.posed[order] for p in common.people.values()])
    joints = np.stack([p.joints for p in common.people.values()])
    shapedirs = snap(common.shape_space.dirs[order]).astype(np.float64)
    exprdirs = snap(common.expressions[order]).astype(np.float64)
    weights = common.weights[order]
    regressor = fit_joint_regressor(
        templates,
        joints,
        shapedirs,
        common.shape_space.joint_dirs,
        weights,
        still=np.abs(exprdirs).max((1, 2)) < _STILL,
    )
    neutral = names.index("neutral")
    posedirs = build_posedirs(templates[neutral], common.faces, weights, joints[neutral])
    part = common.topology.vertex_part[np.searchsorted(common.topology.hm08_index, order)]
    eyes = [JOINT_NAMES.index(f"{side}_eye") for side in ("left", "right")]
    landmarks = find_face_landmarks(templates[neutral], common.faces, part, joints[neutral, eyes].mean(0))
    return {
        name: BodyArrays(
            v_template=templates[i],
            shapedirs=shapedirs,
            exprdirs=exprdirs,
            posedirs=posedirs,
            J_regressor=regressor,
            weights=weights,
            faces=common.faces,
            uv=common.topology.uv,
            face_uv=common.topology.face_uv,
            expression_names=common.mh.expression_names,
            hm08_index=order,
            vertex_part=part,
            landmarks=landmarks,
        )
        for i, name in enumerate(names)
    }


def _find_centering(
    mh: MakeHuman, tpose: TPose, coefficients: np.ndarray, body_weights: np.ndarray
) -> JointCentering:
    rest, heads, _ = mh.person(coefficients)
    posed, posed_heads = tpose.apply(rest[None], heads[None])
    return find_centering(posed[0], joints_from_bone_heads(mh, posed_heads)[0], body_weights)


def _pose_person(mh: MakeHuman, tpose: TPose, centering: JointCentering, coefficients: np.ndarray) -> TemplatePerson:
    rest, heads, _ = mh.person(coefficients)
    posed, posed_heads = tpose.apply(rest[None], heads[None])
    joints = centering.apply(joints_from_bone_heads(mh, posed_heads), posed)[0]
    origin = joints[0] - PELVIS_AT
    return TemplatePerson(rest, heads, posed[0] - origin, joints - origin, origin)
