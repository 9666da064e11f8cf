"""Pixels of a bare person in a stage's picture."""

import numpy as np
import pytest

from inperson.avatar.body import JOINT_NAMES
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.frames import frames_of
from inperson.shader_model.evaluation.regions import EDGE, Region, regions_of
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.captures import Capture
from inperson.synthetic.stage import Stage
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.conftest import SMALL

POSED = PERSON.posed(PERSON.rest())
JOINTS = POSED.pose.body.joints


@pytest.fixture(scope="module")
def shot(stage: Stage, subject: Subject) -> Capture:
    stage.set_scene(POSED, subject.light)
    return stage.shoot(framed_view(POSED.pose, "body", 0.0, 0.0, 256))


def labels(shot: Capture, drawn: np.ndarray) -> np.ndarray:
    assert shot.geometry is not None
    return regions_of(shot.geometry, shot.view, JOINTS, shot.mask > 127, drawn)


def pixel_of(joint: str, shot: Capture) -> tuple[int, int]:
    K, T = shot.view.intrinsics, shot.view.T_cv_from_world
    x, y, z = T[:3, :3] @ JOINTS[JOINT_NAMES.index(joint)] + T[:3, 3]
    return int(K.fy * y / z + K.cy), int(K.fx * x / z + K.cx)


@pytest.mark.parametrize(
    ("joint", "framing", "region"),
    [
        ("left_middle1", "left_hand", Region.HANDS),
        ("right_index1", "right_hand", Region.HANDS),
        ("jaw", "head", Region.FACE),
        ("left_elbow", "upper", Region.OTHER_SKIN),
        ("spine2", "upper", Region.OTHER_SKIN),
    ],
)
def test_skin_is_told_apart_by_the_nearest_joint(
    stage: Stage, subject: Subject, joint: str, framing: Framing, region: Region
) -> None:
    stage.set_scene(POSED, subject.light)
    shot = stage.shoot(framed_view(POSED.pose, framing, 0.0, 0.0, 256))
    found = labels(shot, shot.mask > 127)
    row, column = pixel_of(joint, shot)
    assert set(np.unique(found[row - 1 : row + 2, column - 1 : column + 2])) == {region}


def test_the_outline_is_a_band_where_both_agree_and_all_that_one_alone_shows(shot: Capture) -> None:
    solid = shot.mask > 127
    agreed = labels(shot, solid)
    assert (agreed[~solid] == Region.NONE).all()
    row, column = pixel_of("spine2", shot)
    inside = np.flatnonzero(solid[row])
    edge = inside[inside > column]
    right = edge[: np.flatnonzero(np.diff(edge, append=10**6) > 1)[0] + 1][-1]
    assert (agreed[row, right - EDGE + 1 : right + 1] == Region.OUTLINE).all()
    assert agreed[row, right - EDGE - 2] != Region.OUTLINE
    larger = solid.copy()
    larger[:10] = True  # the avatar shows something where nobody is
    assert (labels(shot, larger)[:9] == Region.OUTLINE).all()
    half = solid.copy()
    half[:, : column + 1] = False  # and nothing where the person is
    assert (labels(shot, half)[:, :column][solid[:, :column]] == Region.OUTLINE).all()


def test_frames_hold_what_the_eyes_see(subject: Subject, stage: Stage, cpu: CpuRasterizer) -> None:
    frames = list(frames_of(subject, PERSON.body, stage, cpu, SMALL, np.random.default_rng(1)))
    assert [(f.window, f.number, len(f.truth)) for f in frames] == [(w, n, 2 - w) for w in (0, 1) for n in range(3)]
    for frame in frames:
        assert frame.conditions.before.shape[1] == (0 if frame.number == 0 else len(frame.truth))
        shown = (frame.conditions.color[:, 3] > 0.5) | (frame.truth[:, 3] > 0.5)
        labelled = frame.regions != Region.NONE
        assert (shown.numpy() == labelled).mean() > 0.999
        solid = [(x[:, 3] > 0.5).float() for x in (frame.conditions.color, frame.truth)]
        assert (solid[0] * solid[1]).sum() > 0.75 * solid[1].sum(), "the avatar is drawn where the person is"
