"""Motions on avatars: where the cameras stand, whose neck goes where, and the files that come out."""

from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from inperson.app import cli
from inperson.app.motion.played import expression_for
from inperson.app.pictures.playback import Playback, source_eyes
from inperson.app.pictures.turntable import at_ease
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from inperson.avatar.skinning import BodyPoser
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip, clip_of_states, save_motion
from tests.app.drawing_doubles import PointRasterizer, tiny_avatar

CAMERA = Intrinsics(200.0, 210.0, 78.0, 60.0, 160, 120)
FRAMES = 6


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


def motion_of(body, **changes) -> MotionClip:
    """Somebody at ease two metres from the camera who turns a little."""
    state = at_ease(body.num_betas, body.num_expression)
    states = [
        replace(
            state,
            betas=np.full(body.num_betas, 0.4, np.float32),
            global_orient=np.array([0.0, 0.1 * k, 0.0], np.float32),
            transl=np.array([0.1, -0.2, -2.0], np.float32),
            expression=np.linspace(0, 0.2, body.num_expression, dtype=np.float32),
            time_ns=k * 40_000_000,
        )
        for k in range(FRAMES)
    ]
    clip = clip_of_states(
        states,
        framerate=25.0,
        intrinsics=CAMERA,
        expr_names=body.expr_names,
        body_name=body.name,
        body_sha256=body.sha256,
    )
    return replace(clip, **changes)


def playback(body, motion=None, **changes) -> tuple[Playback, PointRasterizer]:
    rasterizer = PointRasterizer()
    settings = {"camera": "source"} | changes
    return Playback(motion or motion_of(body), body, tiny_avatar(body), body, rasterizer, **settings), rasterizer


def project(view, point) -> np.ndarray:
    p = view.T_cv_from_world @ np.append(point, 1.0)
    K = view.intrinsics
    return np.array([K.fx * p[0] / p[2] + K.cx, K.fy * p[1] / p[2] + K.cy])


def test_the_source_camera_is_the_clips_own(body):
    play, _ = playback(body)
    (view,) = play.eyes(3)
    assert play.picture_size == (160, 120)
    point = np.array([0.2, 0.1, -1.7])
    expected = [CAMERA.fx * 0.2 / 1.7 + CAMERA.cx, CAMERA.fy * -0.1 / 1.7 + CAMERA.cy]
    assert project(view, point) == pytest.approx(expected)


def test_another_size_stretches_the_source_picture(body):
    (view,) = source_eyes(CAMERA, 320, 480)
    (own,) = source_eyes(CAMERA, 160, 120)
    point = np.array([0.2, 0.1, -1.7])
    assert project(view, point) == pytest.approx(project(own, point) * [2, 4])


def test_the_avatars_neck_is_where_the_performers_is(body):
    play, _ = playback(body)
    theirs = BodyPoser(body, np.full(body.num_betas, 0.4, np.float32))
    ours = BodyPoser(body, np.zeros(body.num_betas))
    for frame in range(FRAMES):
        neck_theirs = theirs.joint_transforms(motion_of(body).state(frame))[1][12]
        state = replace(play.state(frame), expression=np.zeros(0, np.float32))
        assert ours.joint_transforms(state)[1][12] == pytest.approx(neck_theirs, abs=1e-5)


def test_the_mirror_shows_the_right_hand_on_the_right(body):
    """A raised right hand, on the left in the camera's picture, is on the right in a mirror."""
    pose = motion_of(body).poses.copy()
    pose[:, 3 * 17 : 3 * 18] = Rotation.from_rotvec([0.0, 0.0, -1.2]).as_rotvec()
    raised = motion_of(body, poses=pose)
    sides = {}
    for camera in ("source", "mirror"):
        play, _ = playback(body, raised, camera=camera, size=(160, 120))
        picture, _ = next(play.pictures())
        upper = picture[:60].min(axis=-1) > 215
        sides[camera] = np.flatnonzero(upper.any(axis=0)).mean() - 80
    assert sides["source"] < -2
    assert sides["mirror"] > 2


def test_orbit_walks_once_around(body):
    play, rasterizer = playback(body, camera="orbit", size=(64, 64))
    assert len(list(play.pictures())) == FRAMES
    places = np.array([views[0].T_world_from_eye[:3, 3] for views in rasterizer.views])
    centre = places.mean(axis=0)
    turned = np.unwrap(np.arctan2(places[:, 0] - centre[0], places[:, 2] - centre[2]))
    assert np.diff(turned) == pytest.approx(np.full(FRAMES - 1, 2 * np.pi / FRAMES))


def test_stereo_pairs_have_two_eyes(body):
    for camera in ("source", "mirror", "orbit"):
        play, _ = playback(body, camera=camera, stereo=True, size=(64, 48))
        assert play.picture_size == (128, 48)
        left, right = play.eyes(2)
        apart = right.T_world_from_eye[:3, 3] - left.T_world_from_eye[:3, 3]
        assert np.linalg.norm(apart) == pytest.approx(0.063)
        assert apart @ left.T_world_from_eye[:3, 0] > 0


def test_expressions_go_by_name(body):
    motion = motion_of(body)
    names = tuple(reversed(motion.expr_names))
    backwards = replace(motion, expr_names=names, expression=motion.expression[:, ::-1])
    np.testing.assert_array_equal(expression_for(backwards, body), motion.expression)


def test_unnamed_expressions_of_another_body_stay_at_rest(body):
    stranger = motion_of(body, expr_names=None, body_sha256="another")
    assert not expression_for(stranger, body).any()
    known = motion_of(body, expr_names=None)
    np.testing.assert_array_equal(expression_for(known, body), known.expression)


def test_a_motion_without_a_camera_says_so(body):
    with pytest.raises(BadInputError, match="does not know its camera: use --camera mirror"):
        playback(body, motion_of(body, intrinsics=None))


@pytest.fixture(scope="module")
def files(body, tmp_path_factory):
    folder = tmp_path_factory.mktemp("motion")
    save_avatar(tiny_avatar(body), folder / "tiny.avatar")
    save_motion(motion_of(body), folder / "m.npz")
    return folder


def test_mp4_has_the_clips_times(tmp_path, files):
    out = tmp_path / "x.mp4"
    assert cli.main(["render", str(files / "m.npz"), "--avatar", str(files / "tiny.avatar"), "-o", str(out)]) == 0
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [f.time for f in frames] == pytest.approx([0.04 * k for k in range(FRAMES)], abs=1e-4)
    assert (frames[0].width, frames[0].height) == (160, 120)


def test_a_folder_of_stereo_pngs(tmp_path, files):
    out = tmp_path / "frames"
    arguments = ["--avatar", str(files / "tiny.avatar"), "--camera", "mirror", "--stereo", "--size", "40", "30"]
    assert cli.main(["render", str(files / "m.npz"), *arguments, "-o", str(out)]) == 0
    pictures = sorted(out.iterdir())
    assert len(pictures) == FRAMES
    assert np.asarray(Image.open(pictures[0])).shape == (30, 80, 3)


@pytest.mark.parametrize(
    ("motion", "avatar", "out", "status", "said"),
    [
        ("missing.npz", "tiny.avatar", "x.mp4", 2, "missing.npz"),
        ("tiny.avatar", "tiny.avatar", "x.mp4", 2, "tiny.avatar"),
        ("m.npz", "m.npz", "x.mp4", 2, "m.npz"),
        ("m.npz", "tiny.avatar", "nowhere/x.mp4", 5, "nowhere"),
        ("m.npz", "tiny.avatar", "x.avi", 2, "x.avi"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    tmp_path, files, monkeypatch, capsys, motion, avatar, out, status, said
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["render", str(files / motion), "--avatar", str(files / avatar), "-o", out]) == status
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
