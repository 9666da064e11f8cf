"""Motions of other programs as sessions, and back again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app import cli
from inperson.app.exporting.bvh import bvh_text
from inperson.app.exporting.skeleton import Skeleton, SkeletonMotion, skeleton_motion
from inperson.app.importing.bvh_file import load_bvh
from inperson.app.importing.retarget import motion_of_bvh
from inperson.app.recording.reader import SessionReader
from inperson.avatar.body import JOINT_NAMES, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.motion_file import MotionClip, clip_of_states, load_motion, save_motion
from tests.app.exporting.sessions import CAMERA, moving_states


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture(scope="module")
def motion(body) -> MotionClip:
    states = moving_states(body, 10)
    return clip_of_states(
        states,
        framerate=25.0,
        intrinsics=CAMERA,
        expr_names=body.expr_names,
        body_name=body.name,
        body_sha256=body.sha256,
    )


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_npz_to_session_to_npz_is_exact(tmp_path, motion):
    save_motion(motion, tmp_path / "a.npz")
    assert run("session", "import", tmp_path / "a.npz", "-o", tmp_path / "s.mcap", "--name", "ada-2") == 0
    assert run("export", tmp_path / "s.mcap", "-o", tmp_path / "b.npz") == 0
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        assert set(a.files) == set(b.files)
        for name in a.files:
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    with SessionReader(tmp_path / "s.mcap") as session:
        assert session.closed
        assert list(session.participants()) == ["ada-2"]
    assert run("session", "check", tmp_path / "s.mcap") == 0


def amass(tmp_path, motion):
    """SMPL+H: z up, no face, no times, no body."""
    turn = Rotation.from_euler("x", 90, degrees=True)
    poses = np.concatenate([motion.poses[:, :66], motion.poses[:, 75:]], axis=1)
    poses[:, :3] = (turn * Rotation.from_rotvec(motion.poses[:, :3])).as_rotvec()
    path = tmp_path / "amass.npz"
    np.savez(path, poses=poses, trans=turn.apply(motion.trans), betas=np.zeros(16), mocap_framerate=120.0)
    return path


def test_amass_stands_up(tmp_path, motion):
    path = amass(tmp_path, motion)
    assert run("session", "import", path, "-o", tmp_path / "s.mcap") == 0
    with SessionReader(tmp_path / "s.mcap") as session:
        read = session.motion("performer")
        assert session.participants()["performer"].world == "camera"  # they face +z
    off = Rotation.from_rotvec(read.poses[:, :3]).inv() * Rotation.from_rotvec(motion.poses[:, :3])
    assert np.degrees(off.magnitude().max()) < 0.01
    np.testing.assert_array_equal(read.poses[:, 3:66], motion.poses[:, 3:66])
    assert np.diff(read.times_ns) == pytest.approx(1e9 / 120, abs=1)
    assert read.body_name is None


def test_who_it_was_made_for_may_be_said(tmp_path, motion, capsys):
    assert run("session", "import", amass(tmp_path, motion), "-o", tmp_path / "s.mcap", "--body", "male") == 0
    with SessionReader(tmp_path / "s.mcap") as session:
        assert session.participants()["performer"].body_name == "male"
    save_motion(motion, tmp_path / "a.npz")
    assert run("session", "import", tmp_path / "a.npz", "-o", tmp_path / "t.mcap", "--body", "male") == 2
    assert "is of body 'neutral', not 'male'" in capsys.readouterr().err


def test_bvh_to_session_to_bvh_is_within_a_tenth_of_a_degree(tmp_path, motion, body):
    """Angles, bones and places: the shape is found again from the bones."""
    save_motion(motion, tmp_path / "a.npz")
    assert run("session", "import", tmp_path / "a.npz", "-o", tmp_path / "1.mcap") == 0
    assert run("export", tmp_path / "1.mcap", "-o", tmp_path / "1.bvh") == 0
    assert run("session", "import", tmp_path / "1.bvh", "-o", tmp_path / "2.mcap") == 0
    assert run("export", tmp_path / "2.mcap", "-o", tmp_path / "2.bvh") == 0
    first, second = (load_bvh(tmp_path / name) for name in ("1.bvh", "2.bvh"))
    assert first.names == second.names
    assert np.abs(first.frames - second.frames).max() < 1e-3
    assert np.abs(first.rest() - second.rest()).max() < 1e-3
    with SessionReader(tmp_path / "2.mcap") as session:
        read = session.motion("performer")
    assert read.framerate == 25.0
    for frame in (0, 9):
        bare = replace(motion.state(frame), expression=np.zeros(0, np.float32))
        ours = BodyPoser(body, motion.betas).joint_transforms(bare)[1]
        theirs = BodyPoser(body, read.betas).joint_transforms(read.state(frame))[1]
        assert np.abs(ours - theirs).max() < 1e-5


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_any_pose_goes_through_bvh(tmp_path_factory, body, seed):
    """Every joint turned anyhow."""
    rng = np.random.default_rng(seed)
    rotvecs = Rotation.random(2 * 55, random_state=rng).as_rotvec().reshape(2, 55, 3)
    skeleton = Skeleton.of(body, rng.normal(scale=0.7, size=body.num_betas).astype(np.float32))
    places = rng.normal(scale=3.0, size=(2, 3))
    path = tmp_path_factory.mktemp("any") / "a.bvh"
    path.write_text(bvh_text(SkeletonMotion(skeleton, places, rotvecs, np.arange(2)), 30.0))
    read = skeleton_motion(motion_of_bvh(load_bvh(path), body), body)
    off = Rotation.from_rotvec(read.rotvecs.reshape(-1, 3)).inv() * Rotation.from_rotvec(rotvecs.reshape(-1, 3))
    assert np.degrees(off.magnitude().max()) < 0.01
    np.testing.assert_allclose(read.places, places, atol=1e-5)
    np.testing.assert_allclose(read.skeleton.offsets[1:], skeleton.offsets[1:], atol=1e-5)


MIXAMO = {
    "pelvis": "mixamorig:Hips",
    "spine1": "mixamorig:Spine",
    "spine2": "mixamorig:Spine1",
    "spine3": "mixamorig:Spine2",
    "neck": "mixamorig:Neck",
    "head": "mixamorig:Head",
    **{
        f"{side}_{ours}": f"mixamorig:{Side}{theirs}"
        for side, Side in (("left", "Left"), ("right", "Right"))
        for ours, theirs in (
            *(("collar", "Shoulder"), ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand")),
            *(("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot"), ("foot", "ToeBase")),
            *(
                (f"{f}{k}", f"Hand{f.title()}{k}")
                for f in ("thumb", "index", "middle", "ring", "pinky")
                for k in (1, 2, 3)
            ),
        )
    },
}


def foreign(
    motion: SkeletonMotion, names: dict[str, str], *, droop: float, size: float, z_up: bool
) -> SkeletonMotion:
    """The same motion as another program has it: fewer joints, other names, arms that hang by `droop` at rest,
    another unit of length, perhaps another axis up."""
    ours = motion.skeleton
    kept = [k for k, name in enumerate(JOINT_NAMES) if name in names]
    place = {k: n for n, k in enumerate(kept)}

    def parent_of(k: int) -> int:
        k = int(ours.parents[k])
        while k >= 0 and k not in place:
            k = int(ours.parents[k])
        return k

    arms = {}
    for side, angle in (("left", -droop), ("right", droop)):
        down = Rotation.from_euler("z", angle, degrees=True)
        arms |= {k: down for k, n in enumerate(JOINT_NAMES) if n.startswith(side) and _on_arm(n)}
    rest = np.zeros((len(kept), 3))
    for n, k in enumerate(kept):
        parent = parent_of(k)
        if parent >= 0:
            offset = ours.rest[k] - ours.rest[parent]
            rest[n] = rest[place[parent]] + (arms[parent].apply(offset) if parent in arms else offset)
    worlds: list[Rotation] = []
    for k in range(55):
        own = Rotation.from_rotvec(motion.rotvecs[:, k])
        worlds.append(own if k == 0 else worlds[ours.parents[k]] * own)
    turned = [worlds[k] * arms[k].inv() if k in arms else worlds[k] for k in kept]
    axes = Rotation.from_euler("x", 90, degrees=True) if z_up else Rotation.identity()
    local = []
    for n, k in enumerate(kept):
        parent = parent_of(k)
        own = turned[n] if parent < 0 else turned[place[parent]].inv() * turned[n]
        local.append((axes * own * axes.inv()).as_rotvec())
    parents = np.array([-1 if parent_of(k) < 0 else place[parent_of(k)] for k in kept])
    skeleton = Skeleton(size * axes.apply(rest), parents, tuple(names[JOINT_NAMES[k]] for k in kept))
    return SkeletonMotion(skeleton, size * axes.apply(motion.places), np.stack(local, axis=1), motion.times_ns)


def _on_arm(name: str) -> bool:
    return any(part in name for part in ("shoulder", "elbow", "wrist", "thumb", "index", "middle", "ring", "pinky"))


@pytest.mark.parametrize(
    ("droop", "size", "z_up"), [(0.0, 1.0, False), (45.0, 1.0, False), (30.0, 0.4, True), (-10.0, 39.37, False)]
)
def test_mixamo_shows_the_same_pose(tmp_path, motion, body, droop, size, z_up):
    flat = replace(motion, betas=np.zeros(body.num_betas, np.float32))
    poses = flat.poses.reshape(-1, 55, 3).copy()
    poses[:, 22:25] = 0.0  # Mixamo has no jaw; its eyes are rare
    ours = skeleton_motion(replace(flat, poses=poses.reshape(len(poses), -1)), body)
    theirs = foreign(ours, MIXAMO, droop=droop, size=size, z_up=z_up)
    (tmp_path / "m.bvh").write_text(bvh_text(theirs, 25.0))
    read = skeleton_motion(motion_of_bvh(load_bvh(tmp_path / "m.bvh"), body), body)
    off = Rotation.from_rotvec(read.rotvecs.reshape(-1, 3)).inv() * Rotation.from_rotvec(ours.rotvecs.reshape(-1, 3))
    assert np.degrees(off.magnitude().max()) < 0.1
    np.testing.assert_allclose(read.places, ours.places, atol=1e-4)


CMU = {
    "pelvis": "Hips",
    "spine1": "LowerBack",
    "spine2": "Spine",
    "spine3": "Spine1",
    "neck": "Neck",
    "head": "Head",
    **{
        name: MIXAMO[name].removeprefix("mixamorig:")
        for name in MIXAMO
        if name.endswith(("collar", "shoulder", "elbow"))
    },
    **{name: MIXAMO[name].removeprefix("mixamorig:") for name in MIXAMO if name.endswith(("wrist", "hip", "knee"))},
    **{name: MIXAMO[name].removeprefix("mixamorig:") for name in MIXAMO if name.endswith(("ankle", "_foot"))},
}


def test_cmu_names_its_spine_its_own_way(tmp_path, motion, body):
    flat = replace(motion, betas=np.zeros(body.num_betas, np.float32))
    poses = flat.poses.reshape(-1, 55, 3).copy()
    poses[:, 22:] = 0.0
    ours = skeleton_motion(replace(flat, poses=poses.reshape(len(poses), -1)), body)
    (tmp_path / "c.bvh").write_text(bvh_text(foreign(ours, CMU, droop=0.0, size=0.2, z_up=False), 120.0))
    read = motion_of_bvh(load_bvh(tmp_path / "c.bvh"), body)
    off = Rotation.from_rotvec(read.poses.reshape(-1, 3)).inv() * Rotation.from_rotvec(ours.rotvecs.reshape(-1, 3))
    assert np.degrees(off.magnitude().max()) < 0.1
    assert read.framerate == 120.0


def test_unknown_joints_are_named_all_at_once(tmp_path, motion, body, capsys):
    ours = skeleton_motion(motion, body)
    names = MIXAMO | {"left_wrist": "Tentacle", "head": "Cranium"}
    (tmp_path / "x.bvh").write_text(bvh_text(foreign(ours, names, droop=0, size=1, z_up=False), 25.0))
    assert run("session", "import", tmp_path / "x.bvh", "-o", tmp_path / "s.mcap") == 2
    err = capsys.readouterr().err
    assert "joints nobody knows here: Cranium, Tentacle" in err
    assert not (tmp_path / "s.mcap").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["m.fbx", "-o", "s.mcap"], 2, "ending in .npz or .bvh"),
        (["gone.npz", "-o", "s.mcap"], 2, "gone.npz"),
        (["gone.bvh", "-o", "s.mcap"], 2, "gone.bvh"),
        (["a.npz", "-o", "s.mp4"], 2, "ending in .mcap"),
        (["a.npz", "-o", "there.mcap"], 5, "there already"),
        (["a.npz", "-o", "nowhere/s.mcap"], 5, "nowhere"),
        (["a.npz", "-o", "s.mcap", "--name", "Ada Lovelace"], 2, "--name"),
        (["a.npz", "-o", "s.mcap", "--body", "dwarf"], 2, "dwarf"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(tmp_path, motion, monkeypatch, capsys, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    save_motion(motion, tmp_path / "a.npz")
    (tmp_path / "there.mcap").write_bytes(b"mine")
    assert run("session", "import", *arguments) == status
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "there.mcap"]
    assert (tmp_path / "there.mcap").read_bytes() == b"mine"


def test_an_interrupted_import_leaves_nothing(tmp_path, motion, monkeypatch):
    save_motion(motion, tmp_path / "a.npz")

    def interrupted(self, frame):
        raise KeyboardInterrupt

    monkeypatch.setattr(MotionClip, "state", interrupted)
    assert run("session", "import", tmp_path / "a.npz", "-o", tmp_path / "s.mcap") == 130
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_what_is_exported_of_an_import_needs_an_avatar(tmp_path, motion, capsys):
    save_motion(motion, tmp_path / "a.npz")
    assert run("session", "import", tmp_path / "a.npz", "-o", tmp_path / "s.mcap") == 0
    assert run("export", tmp_path / "s.mcap", "-o", tmp_path / "o.mp4") == 2
    assert "--avatar" in capsys.readouterr().err
    assert load_motion(tmp_path / "a.npz").framerate == 25.0
