"""MOTION.npz: what is written comes back; what is not a motion is refused by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.avatar.state import BodyState, Source
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError, OutputError
from inperson.tracking.motion_file import MotionClip, clip_of_states, load_motion, save_motion
from inperson.tracking.residuals import Residuals

NAMES = ("jawOpen", "mouthSmileLeft")


def some_states(count: int = 5) -> list[BodyState]:
    rng = np.random.default_rng(0)
    states = []
    for t in range(count):
        rest = BodyState.rest(10, len(NAMES), t * 33_000_000)
        state = rest.with_full_pose(rng.normal(0, 0.5, (55, 3)))
        states.append(
            replace(
                state,
                betas=rng.normal(size=10).astype(np.float32) if t == 0 else states[0].betas,
                transl=rng.normal(size=3).astype(np.float32),
                expression=rng.random(len(NAMES)).astype(np.float32),
                confidence=rng.random(5).astype(np.float32),
                source=(Source.CAMERA, Source.HELD, Source.CAMERA, Source.CAMERA, Source.HELD),
            )
        )
    return states


def some_clip() -> MotionClip:
    residuals = tuple(Residuals(1.0 + t, float("nan"), 2.0, 3.0, 150.0) for t in range(5))
    return clip_of_states(
        some_states(),
        framerate=30.0,
        intrinsics=Intrinsics(500.0, 501.0, 320.0, 240.0, 640, 480),
        residuals=residuals,
        expr_names=NAMES,
        body_name="neutral",
        body_sha256="ab" * 32,
    )


def test_everything_comes_back(tmp_path: Path):
    clip, path = some_clip(), tmp_path / "m.npz"
    save_motion(clip, path)
    back = load_motion(path)
    for t, state in enumerate(some_states()):
        got = back.state(t)
        for name in BodyState.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(got, name), getattr(state, name), err_msg=name)
    assert (back.intrinsics, back.expr_names, back.framerate) == (clip.intrinsics, NAMES, 30.0)
    assert (back.body_name, back.body_sha256, back.up_axis) == ("neutral", "ab" * 32, "y")
    assert [r.body_px for r in back.residuals] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert np.isnan(back.residuals[0].left_hand_px)
    assert list(tmp_path.iterdir()) == [path], "no temporary file may stay"


def test_the_arrays_have_amass_names_and_shapes(tmp_path: Path):
    save_motion(some_clip(), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert file["poses"].shape == (5, 165)
        assert file["trans"].shape == (5, 3)
        assert str(file["gender"]) == "neutral"
        assert float(file["mocap_framerate"]) == 30.0
        np.testing.assert_array_equal(file["poses"][2, 75:120], some_states()[2].left_hand_pose.ravel())


@pytest.mark.parametrize(("width", "first_hand"), [(165, 75), (156, 66), (66, None), (72, None)])
def test_amass_files_load(tmp_path: Path, width: int, first_hand: int | None):
    rng = np.random.default_rng(1)
    poses = rng.normal(0, 0.3, (4, width))
    poses[:, :3] = (np.pi / 2, 0.0, 0.0)  # standing along z
    np.savez(tmp_path / "a.npz", poses=poses, trans=np.zeros((4, 3)), betas=np.zeros(16), mocap_frame_rate=120.0)
    clip = load_motion(tmp_path / "a.npz")
    np.testing.assert_allclose(clip.poses[:, :66], poses[:, :66], atol=1e-6)
    hands = poses[:, first_hand : first_hand + 90] if first_hand else np.zeros((4, 90))
    np.testing.assert_allclose(clip.poses[:, 75:], hands, atol=1e-6)
    assert clip.times_ns[3] == pytest.approx(3 / 120 * 1e9, abs=1)
    assert clip.up_axis == "z"


def test_parts_in_arrays_of_their_own_load(tmp_path: Path):
    """AMASS's other naming, and a motion that stands along y without saying so."""
    rng = np.random.default_rng(3)
    parts = {"root_orient": 3, "pose_body": 63, "pose_jaw": 3, "pose_eye": 6, "pose_hand": 90}
    arrays = {name: rng.normal(0, 0.2, (4, width)) for name, width in parts.items()}
    np.savez(tmp_path / "a.npz", **arrays, trans=np.zeros((4, 3)), mocap_frame_rate=30.0)
    clip = load_motion(tmp_path / "a.npz")
    np.testing.assert_allclose(clip.poses, np.concatenate([arrays[name] for name in parts], axis=1), atol=1e-6)
    assert clip.up_axis == "y"


def test_z_up_turns_about_the_pelvis(tmp_path: Path):
    """A point of the body turned by hand goes where `y_up` puts it."""
    rng = np.random.default_rng(2)
    poses, trans = rng.normal(0, 0.4, (2, 66)), rng.normal(0, 1, (2, 3))
    poses[:, 0] += np.pi / 2
    np.savez(tmp_path / "a.npz", poses=poses, trans=trans, mocap_framerate=30)
    clip = load_motion(tmp_path / "a.npz")
    pelvis, point = np.array([0.0, -0.35, 0.01]), np.array([0.1, 0.5, 0.2])

    def place(c: MotionClip) -> np.ndarray:
        return Rotation.from_rotvec(c.poses[0, :3]).apply(point - pelvis) + pelvis + c.trans[0]

    x, y, z = place(clip)
    np.testing.assert_allclose(place(clip.y_up(pelvis)), [x, z, -y], atol=1e-5)
    assert clip.y_up(pelvis).up_axis == "y"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": None}, "missing array poses"),
        ({"poses": None, "trans": None}, "missing arrays poses, trans"),
        ({"trans": None}, "missing array trans"),
        ({"mocap_framerate": None}, "missing array mocap_framerate"),
        ({"poses": np.zeros((5, 99))}, "poses has shape (5, 99)"),
        ({"poses": np.full((5, 165), np.nan)}, "not finite"),
        ({"poses": np.array([["a"] * 165] * 5)}, "expected numbers"),
        ({"trans": np.zeros((4, 3))}, "trans"),
        ({"times_ns": np.zeros(5, np.int64)}, "times_ns does not rise"),
        ({"mocap_framerate": np.array(0.0)}, "mocap_framerate is 0.0"),
        ({"source": np.full((5, 5), 77)}, "source"),
        ({"up_axis": np.array("q")}, "up_axis"),
        ({"camera": np.zeros(4)}, "camera"),
        ({"gender": np.array({"a": 1}, dtype=object)}, "not a readable npz"),
    ],
)
def test_what_is_not_a_motion_is_refused(tmp_path: Path, change: dict, words: str):
    save_motion(some_clip(), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = {**file, **change}
    np.savez(tmp_path / "bad.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(BadInputError) as caught:
        load_motion(tmp_path / "bad.npz")
    assert words in str(caught.value)
    assert "bad.npz" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(BadInputError, match=r"x\.npz"):
        load_motion(tmp_path / "x.npz")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(BadInputError, match="not found"):
        load_motion(tmp_path / "none.npz")


def test_an_unwritable_place_is_named_and_nothing_is_left(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot be written"):
        save_motion(some_clip(), tmp_path / "nowhere" / "m.npz")
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        save_motion(some_clip(), tmp_path / "taken.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["taken.npz"]
