"""The stage against analytic answers: a ball, a projected body, the same bytes twice."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.conventions import Intrinsics
from inperson.render.views import EyeView, look_at
from inperson.synthetic.cameras import framed_view, webcam_view
from inperson.synthetic.drawables import Part
from inperson.synthetic.lights import capture_light, room_light
from inperson.synthetic.stage import Stage
from tests.synthetic.people import person_of, sphere, undressed

CENTRE, RADIUS = np.array([0.1, -0.05, 0.0]), 0.3
EYE = np.array([0.3, 0.2, 2.0])


def ball_view(width: int = 200, height: int = 120) -> EyeView:
    return EyeView.from_intrinsics(
        Intrinsics(150.0, 160.0, 90.0, 65.0, width, height), look_at(EYE, np.array([0.0, 0.0, 0.0]))
    )


@pytest.fixture(scope="module")
def ball():
    return person_of(sphere(RADIUS, CENTRE))


def rays(view: EyeView) -> np.ndarray:
    """(H, W, 3) unit directions in the world through pixel centres."""
    k = view.intrinsics
    v, u = np.mgrid[0 : view.height, 0 : view.width] + 0.5
    d = np.stack([(u - k.cx) / k.fx, -(v - k.cy) / k.fy, -np.ones_like(u)], axis=-1) @ view.T_world_from_eye[:3, :3].T
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def test_depth_and_normals_of_a_ball(stage: Stage, ball) -> None:
    """An off-centre, non-square view, against ray and sphere."""
    view = ball_view()
    stage.set_scene(ball.posed(ball.rest()), capture_light())
    geometry = stage.shoot(view).geometry
    assert geometry is not None
    direction = rays(view)
    b = direction @ (EYE - CENTRE)
    inside = b**2 - ((EYE - CENTRE) @ (EYE - CENTRE) - RADIUS**2)
    t = -b - np.sqrt(np.maximum(inside, 0.0))
    forward = -view.T_world_from_eye[:3, 2]
    depth = np.where(inside > 0, t * (direction @ forward), 0.0)
    sure = np.abs(np.sqrt(np.abs(inside))) > 0.08
    assert (inside[sure] > 0).sum() > 1500
    np.testing.assert_array_equal(geometry.depth[sure] > 0, inside[sure] > 0)
    np.testing.assert_allclose(geometry.depth[sure], depth[sure], atol=1.5e-3)
    hit = sure & (inside > 0)
    normal = (EYE + t[..., None] * direction - CENTRE) / RADIUS
    np.testing.assert_allclose(geometry.normal[hit], normal[hit], atol=0.02)
    assert set(np.unique(geometry.part)) == {0, Part.CLOTH}


def test_a_joint_is_where_the_view_projects_it(stage: Stage) -> None:
    """The eyes' part ids surround the projected eye joints."""
    person = undressed()
    posed = person.posed(person.rest())
    stage.set_scene(posed, capture_light())
    view = framed_view(posed.pose, "head", 0.1, -0.1, 192)
    geometry = stage.shoot(view).geometry
    assert geometry is not None
    for joint in (23, 24):
        p = view.T_cv_from_world @ np.append(posed.pose.body.joints[joint], 1.0)
        k = view.intrinsics
        u, v = k.cx + k.fx * p[0] / p[2], k.cy + k.fy * p[1] / p[2]
        assert geometry.part[int(v), int(u)] == Part.EYE
        assert geometry.depth[int(v), int(u)] == pytest.approx(p[2], abs=0.02)


def test_mask_antialiases_and_colour_is_premultiplied(stage: Stage, ball) -> None:
    stage.set_scene(ball.posed(ball.rest()), capture_light())
    bare = stage.shoot(ball_view(), supersample=2)
    assert bare.geometry is not None
    covered = bare.geometry.depth > 0
    assert (bare.mask[covered] > 100).all()
    soft = (bare.mask > 0) & (bare.mask < 255)
    assert 50 < soft.sum() < 400
    assert (bare.rgb[bare.mask == 0] == 0).all()
    assert (bare.rgb <= bare.mask[..., None].astype(int) + 1).all(), "no colour exceeds its alpha"


def test_background_shows_where_nothing_is(stage: Stage, ball) -> None:
    view = ball_view()
    background = np.random.default_rng(0).integers(0, 150, (view.height, view.width, 3)).astype(np.uint8)
    stage.set_scene(ball.posed(ball.rest()), capture_light())
    capture = stage.shoot(view, background, geometry=False)
    assert capture.geometry is None
    empty = capture.mask == 0
    assert np.abs(capture.rgb[empty].astype(int) - background[empty]).max() <= 1
    full = capture.mask == 255
    plain = stage.shoot(view, geometry=False)
    np.testing.assert_array_equal(capture.rgb[full], plain.rgb[full])


def test_rows_run_from_the_top_and_left_is_left(stage: Stage, ball) -> None:
    low = person_of(sphere(0.1, np.array([0.4, -0.3, -2.0])))
    stage.set_scene(low.posed(low.rest()), capture_light())
    mask = stage.shoot(webcam_view(160, 120), geometry=False).mask
    rows, columns = np.nonzero(mask)
    assert rows.mean() > 60, "below the optical axis is in the lower rows"
    assert columns.mean() > 80, "+x is to the right of a camera that looks along -z"


def test_the_same_scene_gives_the_same_bytes(stage: Stage) -> None:
    person = undressed()
    view = webcam_view(160, 120)

    def shot() -> bytes:
        posed = person.posed(replace(person.rest(), transl=np.array([0, 0, -2.0], np.float32)))
        stage.set_scene(posed, room_light())
        capture = stage.shoot(view)
        assert capture.geometry is not None
        return capture.rgb.tobytes() + capture.mask.tobytes() + capture.geometry.depth.tobytes()

    assert shot() == shot()


def test_what_stands_in_the_light_casts_a_shadow(stage: Stage) -> None:
    light = room_light()
    blocker = sphere(0.1, 0.5 * light.directions[0])
    floor = sphere(0.2, np.zeros(3))
    view = EyeView.from_intrinsics(
        Intrinsics(200.0, 200.0, 50.0, 50.0, 100, 100), look_at(np.array([0, 0.0, 2]), np.zeros(3))
    )
    bright, dark = [], []
    for store, drawables in ((bright, (floor,)), (dark, (floor, blocker))):
        person = person_of(*drawables)
        stage.set_scene(person.posed(person.rest()), light)
        store.append(stage.shoot(view, geometry=False).rgb.astype(int))
    lit = 0.2 * light.directions[0]
    u, v = int(50 + 200 * lit[0] / (2 - lit[2])), int(50 - 200 * lit[1] / (2 - lit[2]))
    assert dark[0][v, u].sum() < 0.75 * bright[0][v, u].sum()


def test_shoot_before_set_scene_is_a_mistake() -> None:
    with Stage() as fresh, pytest.raises(RuntimeError, match="set_scene"):
        fresh.shoot(webcam_view(32, 32))


def test_stages_side_by_side_do_not_disturb_each_other(stage: Stage, ball) -> None:
    """A stage that dies, or draws in between, leaves another one's picture as it was."""
    view = ball_view()
    posed = ball.posed(ball.rest())
    stage.set_scene(posed, capture_light())
    before = stage.shoot(view)
    with Stage() as other:
        other.set_scene(posed, room_light())
        other.shoot(view)
        between = stage.shoot(view)
    after = stage.shoot(view)
    for capture in (between, after):
        np.testing.assert_array_equal(capture.rgb, before.rgb)
    assert before.mask.max() == 255
