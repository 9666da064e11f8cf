"""The three shipped bodies: what every file promises, and what a face, a jaw and an eye must do."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar import body as b
from inperson.avatar.body import JOINT_NAMES, SHIPPED_BODIES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.paths import assets_dir

ARKIT_SAMPLE = {"jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "browInnerUp", "tongueOut"}


def _state(body: BodyModel, pose: dict[str, tuple[float, float, float]] | None = None, **units: float) -> BodyState:
    rotations = np.zeros((55, 3), np.float32)
    for joint, rotvec in (pose or {}).items():
        rotations[JOINT_NAMES.index(joint)] = rotvec
    expression = np.zeros(body.num_expression, np.float32)
    for name, value in units.items():
        expression[(body.expr_names or ()).index(name)] = value
    rest = BodyState.rest(body.num_betas, body.num_expression)
    return replace(rest, expression=expression).with_full_pose(rotations)


def _moved(body: BodyModel, state: BodyState) -> np.ndarray:
    poser = BodyPoser(body, np.zeros(0, np.float32))
    return poser.pose(state).vertices - poser.shaped_vertices


def _part(body: BodyModel, value: int) -> np.ndarray:
    assert body.vertex_part is not None
    return body.vertex_part == value


def _landmark(body: BodyModel, mediapipe: int) -> np.ndarray:
    assert body.mediapipe_faces is not None
    assert body.mediapipe_barycentric is not None
    return body.mediapipe_barycentric[mediapipe] @ body.v_template[body.faces[body.mediapipe_faces[mediapipe]]]


@pytest.fixture(params=SHIPPED_BODIES)
def body(request: pytest.FixtureRequest) -> BodyModel:
    return load_body(request.param)


def test_a_shipped_body_is_sound(body: BodyModel) -> None:
    assert (body.num_betas, body.num_expression) == (60, 52)
    assert body.expr_names is not None
    assert set(body.expr_names) >= ARKIT_SAMPLE
    np.testing.assert_allclose(body.weights.sum(1), 1.0, atol=1e-6)
    np.testing.assert_allclose(body.J_regressor.sum(1), 1.0, atol=1e-5)
    assert body.hm08_index is not None
    assert len(np.unique(body.hm08_index)) == body.num_vertices
    assert np.unique(body.faces).size == body.num_vertices, "a vertex no face uses"
    assert body.ft is not None
    assert body.vt is not None
    assert body.ft.max() < len(body.vt)
    assert np.bincount(body.vertex_part).min() > 60, "a part is missing"


def test_bodies_share_everything_but_their_template() -> None:
    neutral, *others = (load_body(name) for name in SHIPPED_BODIES)
    for other in others:
        np.testing.assert_array_equal(other.faces, neutral.faces)
        np.testing.assert_array_equal(other.shapedirs, neutral.shapedirs)
        np.testing.assert_array_equal(other.exprdirs, neutral.exprdirs)
        assert np.abs(other.v_template - neutral.v_template).max() > 0.02


def test_heights_and_sizes_are_human() -> None:
    heights = {name: np.ptp(load_body(name).v_template[:, 1]) for name in SHIPPED_BODIES}
    assert 1.60 < heights["female"] < heights["neutral"] < heights["male"] < 1.85
    total = sum((assets_dir() / "body" / f"{name}.npz").stat().st_size for name in SHIPPED_BODIES)
    assert total < 15e6


def test_no_expression_moves_a_joint(body: BodyModel) -> None:
    by_unit = body.J_regressor @ body.exprdirs.reshape(body.num_vertices, -1)
    assert np.abs(by_unit).max() < 1e-6


def test_smplx_finds_its_landmarks_at_its_vertex_ids(body: BodyModel) -> None:
    v, joints = body.v_template, BodyPoser(body, np.zeros(0, np.float32)).rest_joints
    nose, left_heel, left_big_toe, right_ear = v[9120], v[8846], v[5770], v[616]
    wrist, tips = joints[JOINT_NAMES.index("left_wrist")], v[[5361, 4933, 5058, 5169, 5286]]
    assert abs(nose[0]) < 2e-3
    assert nose[2] > joints[JOINT_NAMES.index("left_eye")][2]
    assert left_heel[1] < v[:, 1].min() + 0.03
    assert left_heel[2] < joints[JOINT_NAMES.index("left_ankle")][2] < left_big_toe[2]
    assert right_ear[0] < -0.06
    assert (np.linalg.norm(tips - wrist, axis=1) > [0.1, 0.15, 0.16, 0.15, 0.13]).all()
    assert tips[2, 0] == pytest.approx(v[:, 0].max(), abs=2e-3)


def test_jaw_pose_and_jaw_open_move_the_same_parts_the_same_way(body: BodyModel) -> None:
    by_joint, by_unit = _moved(body, _state(body, {"jaw": (0.25, 0, 0)})), _moved(body, _state(body, jawOpen=0.7))
    for part in (b.LOWER_TEETH, b.TONGUE):
        one, other = by_joint[_part(body, part)].mean(0), by_unit[_part(body, part)].mean(0)
        assert one[1] < -4e-3
        assert other[1] < -4e-3
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.85
    for moved in (by_joint, by_unit):
        for part in (b.UPPER_TEETH, b.LEFT_EYE, b.RIGHT_EYE):
            assert np.abs(moved[_part(body, part)]).max() < 1e-4


def test_an_eye_turns_in_place_with_its_own_joint_only(body: BodyModel) -> None:
    poser = BodyPoser(body, np.zeros(0, np.float32))
    eye, center = _part(body, b.LEFT_EYE), poser.rest_joints[JOINT_NAMES.index("left_eye")]
    turned = poser.pose(_state(body, {"left_eye": (0, 0.4, 0)})).vertices
    before, after = poser.shaped_vertices[eye] - center, turned[eye] - center
    pupil = before[:, 2].argmax()
    assert after[pupil, 0] - before[pupil, 0] == pytest.approx(before[pupil, 2] * np.sin(0.4), rel=0.15)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), atol=4e-4)
    rest = ~eye & ~_part(body, b.SKIN) & ~_part(body, b.EYE_SOCKET)
    assert np.abs((turned - poser.shaped_vertices)[rest]).max() < 1e-6


def test_gaze_units_move_lids_not_eyeballs(body: BodyModel) -> None:
    assert body.expr_names is not None
    eyeballs = _part(body, b.LEFT_EYE) | _part(body, b.RIGHT_EYE)
    assert np.abs(body.exprdirs[eyeballs]).max() == 0.0
    look = np.abs(body.exprdirs[..., body.expr_names.index("eyeLookDownLeft")])
    assert look.max() > 2e-3


@pytest.mark.parametrize("unit", ["mouthSmileLeft", "mouthStretchLeft", "mouthDimpleLeft", "cheekPuff"])
def test_a_smile_does_not_crease_the_cheek(body: BodyModel, unit: str) -> None:
    """Beside the mouth's corner no two neighbours part by half their distance (MakeHuman's smile: 0.9)."""
    assert body.expr_names is not None
    edges = np.unique(np.sort(body.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    left_corner_x = _landmark(body, 291)[0]
    on_cheek = (body.v_template[edges, 0] > left_corner_x + 0.002).all(1)
    edges = edges[on_cheek & _part(body, b.SKIN)[edges].all(1)]
    d = body.exprdirs[..., body.expr_names.index(unit)]
    length = np.linalg.norm(np.diff(body.v_template[edges], axis=1)[:, 0], axis=1)
    strain = np.linalg.norm(np.diff(d[edges], axis=1)[:, 0], axis=1) / length
    assert strain.max() < 0.5
    assert np.linalg.norm(d, axis=1).max() > 4e-3, "smoothed away"


def test_face_landmarks_lie_where_their_names_say(body: BodyModel) -> None:
    nose_tip, chin, upper_lip, lower_lip = (_landmark(body, i) for i in (1, 152, 13, 14))
    right_eye_outer, left_eye_outer = _landmark(body, 33), _landmark(body, 263)
    assert np.abs([nose_tip[0], chin[0], upper_lip[0]]).max() < 3e-3, "MediaPipe's midline is the body's"
    assert chin[1] < lower_lip[1] <= upper_lip[1] < nose_tip[1] < right_eye_outer[1]
    assert right_eye_outer[0] < -0.03 < 0.03 < left_eye_outer[0]
    assert abs(right_eye_outer[1] - left_eye_outer[1]) < 3e-3
    assert body.mediapipe_faces is not None
    assert body.mediapipe_barycentric is not None
    seen = body.mediapipe_faces >= 0
    assert seen.sum() >= 470
    np.testing.assert_allclose(body.mediapipe_barycentric[seen].sum(1), 1.0, atol=1e-5)
    assert (body.mediapipe_barycentric > -1e-5).all()


def test_hm08_space_ends_in_the_body(body: BodyModel) -> None:
    """Binding garments to hm08 and skinning the body start from the same T-posed surface."""
    with np.load(assets_dir() / "body" / "hm08.npz") as f:
        hm08 = dict(f)
    i = hm08["body_names"].tolist().index(body.name)
    betas = np.random.default_rng(2).normal(size=60)
    vertices = hm08["rest_templates"][i] + hm08["rest_shapedirs"].astype(float) @ betas
    heads = hm08["bone_heads"][i] + hm08["bone_heads_shapedirs"].astype(float) @ betas
    R, parents = hm08["bone_rotations"].astype(float), hm08["bone_parents"]
    posed = heads.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            posed[bone] = posed[parent] + R[parent] @ (heads[bone] - heads[parent])
    weights = np.zeros((len(vertices), len(parents)))
    weights[hm08["weight_vertices"], hm08["weight_bones"]] = hm08["weight_values"]
    order = hm08["body_order"]
    w = weights[order]
    local = np.einsum("bij,vbj->vbi", R, vertices[order, None] - heads[None], optimize=True) + posed
    tposed = np.einsum("vb,vbi->vi", w, local) - hm08["origins"][i]
    np.testing.assert_allclose(tposed, body.shaped(betas.astype(np.float32)), rtol=0, atol=4e-4)
