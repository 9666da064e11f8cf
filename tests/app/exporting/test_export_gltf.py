"""GLB and VRMA as somebody else's reader sees them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.app import cli
from inperson.app.exporting.glb import heaviest_joints
from inperson.app.exporting.gltf import GltfFile
from inperson.app.exporting.vertex_colors import vertex_colors
from inperson.app.exporting.vrma import vrm_bone
from inperson.app.outputs.blendshapes import ArkitFace
from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.skinning import BodyPoser
from inperson.conventions import linear_from_srgb
from tests.app.drawing_doubles import tiny_avatar
from tests.app.exporting.gltf_reading import GltfReading, skinned


def degrees(a: Rotation, b: Rotation) -> float:
    return float(np.degrees((a.inv() * b).magnitude()))


def exported(folder, session, name) -> GltfReading:
    assert cli.main(["export", str(session), "-o", str(folder / name)]) == 0
    return GltfReading(folder / name)


@pytest.fixture(scope="module")
def glb(tmp_path_factory, session):
    return exported(tmp_path_factory.mktemp("glb"), session, "o.glb")


@pytest.fixture(scope="module")
def vrma(tmp_path_factory, session):
    return exported(tmp_path_factory.mktemp("vrma"), session, "o.vrma")


def test_joints_turn_and_stand_as_the_avatars_do(glb, body, states):
    """On the avatar's own bones; the session's neck is where the avatar's is."""
    worn, performer = BodyPoser(body, np.zeros(body.num_betas)), BodyPoser(body, states[0].betas)
    assert glb.times() == pytest.approx([0.04 * k for k in range(len(states))], abs=1e-6)
    for frame, state in enumerate(states):
        bare = replace(state, expression=state.expression[:0])
        T, ours, _ = worn.joint_transforms(bare)
        shift = performer.joint_transforms(bare)[1][12] - ours[12]
        worlds = glb.worlds(frame)
        for k, name in enumerate(JOINT_NAMES):
            R, t = worlds[glb.node(name)]
            assert degrees(R, Rotation.from_matrix(T[k, :, :3])) < 0.1
            assert np.abs(t - (ours[k] + shift)).max() < 1e-4


def test_the_skinned_mesh_is_the_body(glb, body, states):
    """But for what glTF lacks: a pose's correctives, a fifth and sixth joint, joints that an expression moves."""
    frame = 5
    state = states[frame]
    worn = BodyPoser(body, np.zeros(body.num_betas))
    shift = BodyPoser(body, states[0].betas).joint_transforms(replace(state, expression=state.expression[:0]))[1][12]
    shift = shift - worn.joint_transforms(replace(state, expression=state.expression[:0]))[1][12]
    T, _, features = worn.joint_transforms(state)
    correctives = body.pose_correctives.dense() @ features.ravel()
    unposed = worn.unposed_vertices(state) - correctives.reshape(-1, 3)
    blended = np.einsum("vj,jrc->vrc", body.weights, T)
    expected = np.einsum("vrc,vc->vr", blended[..., :3], unposed) + blended[..., 3] + shift
    off = np.linalg.norm(skinned(glb, frame) - expected, axis=1)
    assert np.median(off) < 1e-4
    assert np.percentile(off, 99) < 3e-3


def test_arkit_names_its_targets(glb, body, states):
    (mesh,) = glb.model.meshes
    assert tuple(mesh.extras["targetNames"]) == body.expr_names
    (shown,) = [n for n, node in enumerate(glb.model.nodes) if node.mesh is not None]
    weights = glb.channels()[shown, "weights"].reshape(len(states), -1)
    np.testing.assert_array_equal(weights, np.stack([state.expression for state in states]))
    (primitive,) = mesh.primitives
    opened = glb.array(primitive.targets[body.expr_names.index("jawOpen")].POSITION)
    assert np.abs(opened - body.exprdirs[:, :, body.expr_names.index("jawOpen")]).max() <= 1e-5


def test_colours_are_the_avatars(glb, body):
    (mesh,) = glb.model.meshes
    colors = glb.array(mesh.primitives[0].attributes.COLOR_0)
    np.testing.assert_allclose(colors, 1.0, atol=1e-3)


def test_vertex_colours_are_means_of_gaussians(body):
    avatar = tiny_avatar(body, color=0.25)
    np.testing.assert_allclose(vertex_colors(avatar, body), 0.25, atol=1e-5)
    two = replace(avatar, sh=np.where(np.arange(len(avatar.sh))[:, None, None] % 2, avatar.sh, -avatar.sh))
    colors = vertex_colors(two, body)
    assert 0.25 - 1e-5 <= colors.min() < 0.3
    assert 0.7 < colors.max() <= 0.75 + 1e-5
    assert linear_from_srgb(colors).max() < 0.53


def test_four_joints_carry_a_vertex(body):
    joints, weights = heaviest_joints(body.weights)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    dense = np.zeros_like(body.weights)
    np.add.at(dense, (np.arange(len(joints))[:, None], joints), weights)
    few = (body.weights > 0).sum(axis=1) <= 4
    assert few.mean() > 0.9
    np.testing.assert_allclose(dense[few], body.weights[few], atol=1e-6)


def test_the_file_is_as_long_as_it_says(tmp_path, session):
    for name in ("a.glb", "b.glb"):
        assert cli.main(["export", str(session), "-o", str(tmp_path / name)]) == 0
    data = (tmp_path / "a.glb").read_bytes()
    assert data[:4] == b"glTF"
    assert int.from_bytes(data[8:12], "little") == len(data)
    assert len(data) % 4 == 0
    assert (tmp_path / "b.glb").read_bytes() == data


def test_sparse_targets_are_the_dense_ones(tmp_path):
    rng = np.random.default_rng(0)
    values = np.zeros((100, 3), np.float32)
    values[[3, 50, 99]] = rng.normal(size=(3, 3))
    file = GltfFile()
    indices = [
        file.add_sparse_accessor(v) for v in (values, np.zeros_like(values), rng.normal(size=(100, 3)).astype("f4"))
    ]
    (tmp_path / "x.glb").write_bytes(file.to_bytes())
    reading = GltfReading(tmp_path / "x.glb")
    np.testing.assert_array_equal(reading.array(indices[0]), values)
    assert not reading.array(indices[1]).any()
    assert reading.array(indices[2]).all()
    assert reading.model.accessors[indices[0]].min == values.min(axis=0).tolist()


def test_vrm_names_thumbs_its_own_way():
    assert vrm_bone("LeftThumbProximal") == "leftThumbMetacarpal"
    assert vrm_bone("RightThumbIntermediate") == "rightThumbProximal"
    assert vrm_bone("LeftThumbDistal") == "leftThumbDistal"
    assert vrm_bone("LeftIndexProximal") == "leftIndexProximal"


REQUIRED = [
    *("hips", "spine", "head"),
    *(f"{s}{b}" for s in ("left", "right") for b in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")),
]


def extension(vrma: GltfReading) -> dict:
    assert vrma.model.extensionsUsed == ["VRMC_vrm_animation"]
    return vrma.model.extensions["VRMC_vrm_animation"]


def test_vrma_keeps_to_its_specification(vrma):
    said = extension(vrma)
    assert said["specVersion"] == "1.0"
    bones = {name: bone["node"] for name, bone in said["humanoid"]["humanBones"].items()}
    assert set(REQUIRED) <= set(bones)
    assert not {"leftEye", "rightEye"} & set(bones)
    of_node = {node: name for name, node in bones.items()}
    for node, path in vrma.channels():
        if node in of_node:
            assert path == "rotation" or of_node[node] == "hips"
    assert not {"lookUp", "lookDown", "lookLeft", "lookRight"} & set(said["expressions"]["preset"])
    assert not set(said["expressions"]["preset"]) & set(said["expressions"]["custom"])


def test_vrma_rests_in_vrms_t_pose_on_the_floor(vrma):
    bones = {name: bone["node"] for name, bone in extension(vrma)["humanoid"]["humanBones"].items()}
    rest = vrma.worlds(None)
    place = {name: rest[node][1] for name, node in bones.items()}
    for side, x in (("left", 1.0), ("right", -1.0)):
        arm = place[f"{side}LowerArm"] - place[f"{side}UpperArm"]
        finger = place[f"{side}IndexDistal"] - place[f"{side}IndexProximal"]
        for bone in (arm, finger):
            assert bone / np.linalg.norm(bone) == pytest.approx([x, 0, 0], abs=0.015)  # it is the mean shape's
    assert 0.0 < min(place["leftToes"][1], place["rightToes"][1]) < 0.05
    assert 0.75 < place["hips"][1] < 1.15


def test_vrma_poses_are_the_bodys(vrma, body, states):
    """Bones point where the body's do; hands and fingers too, though both skeletons rest differently."""
    bones = {name: bone["node"] for name, bone in extension(vrma)["humanoid"]["humanBones"].items()}
    pairs = {
        ("leftUpperArm", "leftLowerArm"): ("left_shoulder", "left_elbow"),
        ("rightLowerArm", "rightHand"): ("right_elbow", "right_wrist"),
        ("leftIndexProximal", "leftIndexIntermediate"): ("left_index1", "left_index2"),
        ("rightThumbProximal", "rightThumbDistal"): ("right_thumb2", "right_thumb3"),
        ("leftUpperLeg", "leftLowerLeg"): ("left_hip", "left_knee"),
        ("neck", "head"): ("neck", "head"),
    }
    poser = BodyPoser(body, states[0].betas)
    for frame in (0, 5, 11):
        worlds = vrma.worlds(frame)
        state = replace(states[frame], expression=states[frame].expression[:0])
        joints = dict(zip(JOINT_NAMES, poser.joint_transforms(state)[1], strict=True))
        for (begin, end), (a, b) in pairs.items():
            theirs, ours = worlds[bones[end]][1] - worlds[bones[begin]][1], joints[b] - joints[a]
            cosine = theirs @ ours / np.linalg.norm(theirs) / np.linalg.norm(ours)
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.1


def test_vrma_faces_and_gaze(vrma, body, states):
    said, channels = extension(vrma), vrma.channels()
    face = ArkitFace(body)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        moves = channels[said["expressions"]["custom"][name]["node"], "translation"]
        assert moves[:, 0] == pytest.approx([face.values(state)[name] for state in states], abs=1e-6)
        assert not moves[:, 1:].any()
    blink = channels[said["expressions"]["preset"]["blinkRight"]["node"], "translation"][:, 0]
    assert blink == pytest.approx([face.values(state)["eyeBlinkRight"] for state in states], abs=1e-6)
    gaze = Rotation.from_quat(channels[said["lookAt"]["node"], "rotation"]).apply([0, 0, 1])
    eyes = [
        Rotation.from_rotvec(state.leye_pose).apply([0, 0, 1])
        + Rotation.from_rotvec(state.reye_pose).apply([0, 0, 1])
        for state in states
    ]
    assert gaze == pytest.approx(eyes / np.linalg.norm(eyes, axis=1, keepdims=True), abs=1e-6)
