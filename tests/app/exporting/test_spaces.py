"""Sessions of headsets: wearers look along -z, and their play space may move under their feet."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from inperson.app import cli
from inperson.app.importing.bvh_file import load_bvh
from inperson.app.motion.placing import T_ABOUT_FACE, moved
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord
from inperson.avatar.skinning import BodyPoser
from tests.app.exporting.gltf_reading import GltfReading
from tests.app.exporting.sessions import START_NS, about, embedded_avatar
from tests.app.recording.made_up import write_session


@pytest.fixture(scope="module")
def pelvis(body, states):
    return BodyPoser(body, states[0].betas).rest_joints[0].astype(float)


def written(path, body, states, world, *more):
    avatar, sha256 = embedded_avatar(body, path.parent)
    papers = about(body, world=world, intrinsics=None, avatar_name="tiny", avatar_sha256=sha256)
    return write_session(path, [avatar, papers, *(BodyRecord("me", state) for state in states), *more])


def test_a_wearer_is_seen_from_before(tmp_path, body, states, pelvis):
    """The same pictures as of who faced a webcam."""
    turned = [moved(state, T_ABOUT_FACE, pelvis) for state in states[:3]]
    written(tmp_path / "webcam.mcap", body, states[:3], "camera")
    written(tmp_path / "headset.mcap", body, turned, "play")
    pictures = {}
    for name in ("webcam", "headset"):
        arguments = ["--backend", "cpu", "--size", "96", "64", "-o", str(tmp_path / name)]
        assert cli.main(["export", str(tmp_path / f"{name}.mcap"), *arguments]) == 0
        pictures[name] = [np.asarray(Image.open(path)).astype(int) for path in sorted((tmp_path / name).iterdir())]
    for a, b in zip(pictures["webcam"], pictures["headset"], strict=True):
        assert np.abs(a - b).max() <= 3


def test_a_recentring_makes_nobody_jump(tmp_path, body, states, pelvis):
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("y", 130, degrees=True).as_matrix()
    T[:3, 3] = 1.5, 0.0, -2.0
    recentred = [moved(state, T, pelvis) if k >= 8 else state for k, state in enumerate(states)]
    event = EventRecord(states[8].time_ns - 1_000_000, EventKind.RECENTER, "me", T_new_from_old=T.astype(np.float32))
    written(tmp_path / "still.mcap", body, states, "play")
    written(tmp_path / "moved.mcap", body, recentred, "play", event)
    clips = []
    for name in ("still", "moved"):
        out = tmp_path / f"{name}.bvh"
        assert cli.main(["export", str(tmp_path / f"{name}.mcap"), "-o", str(out)]) == 0
        clips.append(load_bvh(out))
    still, moved_clip = clips
    np.testing.assert_allclose(moved_clip.root_places(), still.root_places(), atol=1e-3)
    off = moved_clip.rotations(0).inv() * still.rotations(0)
    assert np.degrees(off.magnitude().max()) < 0.01


def test_npz_stays_as_it_was_recorded(tmp_path, body, states, pelvis):
    event = EventRecord(START_NS + 1, EventKind.RECENTER, "me", T_new_from_old=np.eye(4, dtype=np.float32))
    written(tmp_path / "s.mcap", body, [replace(s) for s in states], "play", event)
    assert cli.main(["export", str(tmp_path / "s.mcap"), "-o", str(tmp_path / "o.npz")]) == 0
    with np.load(tmp_path / "o.npz") as file:
        np.testing.assert_array_equal(file["trans"], np.stack([state.transl for state in states]))


def test_vrma_of_a_wearer_faces_forward(tmp_path, body, states, pelvis):
    turned = [moved(state, T_ABOUT_FACE, pelvis) for state in states[:3]]
    written(tmp_path / "s.mcap", body, turned, "play")
    assert cli.main(["export", str(tmp_path / "s.mcap"), "-o", str(tmp_path / "o.vrma")]) == 0
    reading = GltfReading(tmp_path / "o.vrma")
    R, place = reading.worlds(0)[reading.node("Hips")]
    ahead = Rotation.from_rotvec(states[0].global_orient).apply([0.0, 0.0, 1.0])
    assert R.apply([0.0, 0.0, 1.0]) == pytest.approx(ahead, abs=1e-4)
    assert np.abs(place[[0, 2]]).max() < 0.1
