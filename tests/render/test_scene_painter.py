"""What the painter leaves in framebuffers, byte by byte: no headset needed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import moderngl
import numpy as np
import pytest

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene import look
from inperson.render.scene.painter import FRAMEBUFFER_SRGB, ScenePainter
from inperson.render.scene.panel import CENTRE, text_picture
from inperson.render.scene.pictures import HostPictures
from inperson.render.scene.room import Shadow
from inperson.render.scene.scenes import MIRROR, SceneName
from inperson.render.views import EyeView, look_at
from tests.render.room_reference import room_reference
from tests.render.scenes import reordered, single

SRGB8_ALPHA8 = 0x8C43
WIDTH, HEIGHT = 120, 136
EYE_DISTANCE = 0.064


@dataclass(frozen=True)
class Eyes:
    """Two framebuffers like a headset's."""

    targets: tuple[moderngl.Framebuffer, moderngl.Framebuffer]

    @staticmethod
    def of(context: moderngl.Context, width: int = WIDTH, height: int = HEIGHT) -> "Eyes":
        def target() -> moderngl.Framebuffer:
            color = context.texture((width, height), 4, internal_format=SRGB8_ALPHA8)
            made = context.framebuffer([color], context.depth_texture((width, height)))
            made.clear(1.0, 0.0, 1.0, 1.0, depth=0.5)
            return made

        return Eyes((target(), target()))

    def colors(self, eye: int = 0) -> np.ndarray:
        """(H, W, 4) bytes as stored, rows from the top."""
        texture = self.targets[eye].color_attachments[0]
        width, height = texture.size
        return np.frombuffer(texture.read(), np.uint8).reshape(height, width, 4)[::-1]

    def depths(self, eye: int = 0) -> np.ndarray:
        """(H, W) window depth, rows from the top."""
        texture = self.targets[eye].depth_attachment
        width, height = texture.size
        return np.frombuffer(texture.read(), np.float32).reshape(height, width)[::-1]


def stereo(
    position=(0.0, 1.6, 0.0), target=(0.05, 1.1, -1.5), width: int = WIDTH, height: int = HEIGHT
) -> tuple[EyeView, EyeView]:
    """Two eyes with outer angles wider than inner ones, like a headset's."""
    head = look_at(np.array(position), np.array(target))
    left, right = head.copy(), head.copy()
    left[:3, 3] -= EYE_DISTANCE / 2 * head[:3, 0]
    right[:3, 3] += EYE_DISTANCE / 2 * head[:3, 0]
    up_down = 0.7, -0.75, width, height
    return EyeView(left, -0.8, 0.6, *up_down), EyeView(right, -0.6, 0.8, *up_down)


@pytest.fixture
def painters(context, cpu) -> Iterator:
    """Makes painters of any scene, with the CPU's pictures."""
    pictures = HostPictures(context, cpu)
    made: list[ScenePainter] = []

    def make(scene: SceneName, **options) -> ScenePainter:
        made.append(ScenePainter(context, pictures, scene, **options))
        return made[-1]

    yield make
    for painter in made:
        painter.close()
    pictures.close()
    assert context.error == "GL_NO_ERROR"


@pytest.fixture
def eyes(context) -> Eyes:
    return Eyes.of(context)


def expected_depth(view: EyeView, distance: np.ndarray) -> np.ndarray:
    """Window depth by the projection matrix."""
    z = -np.clip(distance, view.near, view.far)
    clip_z, clip_w = view.projection[2, 2] * z + view.projection[2, 3], -z
    return 0.5 + 0.5 * clip_z / clip_w


def assert_same_room(drawn: np.ndarray, truth: np.ndarray) -> None:
    """The reference averages a pixel's lines with a few samples: there they differ by a part of the contrast."""
    off = np.abs(drawn[..., :3] / 255.0 - truth).max(axis=-1)
    assert np.median(off) < 0.5 / 255 + 1e-4
    assert np.mean(off > 2 / 255) < 0.06
    assert off.max() < 0.08


@pytest.mark.parametrize("scene", ["mirror", "face-to-face"])
@pytest.mark.parametrize(
    ("position", "target"),
    [
        ((0, 1.6, 0), (0.05, 1.1, -1.5)),
        ((0.7, 1.1, -0.6), (-0.2, 0.9, -1.5)),
        ((-0.3, 1.7, -0.9), (0.1, 0.3, -1.6)),
        ((0.2, 1.5, -0.2), (0.1, 1.7, 1.0)),
        ((0.4, 1.5, -2.6), (0.1, 1.0, -1.0)),
    ],
    ids=["ahead", "from the side", "close and down", "away", "from behind"],
)
def test_the_room_agrees_with_the_reference(painters, eyes, scene, position, target):
    views = stereo(position, target)
    painter = painters(scene)
    painter.draw(painter.prepare(None), views, eyes.targets)
    for number, view in enumerate(views):
        truth, distance = room_reference(view, None, mirror=scene == "mirror")
        assert_same_room(eyes.colors(number), truth)
        assert (eyes.colors(number)[..., 3] == 255).all()
        off = np.abs(eyes.depths(number) - expected_depth(view, distance))
        assert np.mean(off > 1e-5) < 0.03  # pixels that both the frame and what is beside it touch


def test_a_rolled_head_sees_no_seam_at_the_horizon(painters, eyes):
    roll = np.eye(4)
    roll[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    views = tuple(replace(view, T_world_from_eye=view.T_world_from_eye @ roll) for view in stereo())
    painter = painters("mirror")
    painter.draw(painter.prepare(None), views, eyes.targets)
    for number, view in enumerate(views):
        assert_same_room(eyes.colors(number), room_reference(view, None, mirror=True)[0])


def test_bytes_are_encoded_colours_and_nothing_converts_them(painters, eyes, context):
    """Straight up is the zenith's colour in the texture's bytes, even where somebody left conversion enabled."""
    context.enable_direct(FRAMEBUFFER_SRGB)
    views = stereo(target=(0.0, 9.0, -1e-3))
    painter = painters("embodied")
    painter.draw(painter.prepare(None), views, eyes.targets)
    middle = eyes.colors()[HEIGHT // 2, WIDTH // 2]
    np.testing.assert_array_equal(middle[:3], np.round(255 * np.array(look.ZENITH)))


def test_the_avatar_is_blended_in_the_encoded_space(painters, eyes):
    """A half transparent Gaussian so large that it is flat: half its bytes and half the room's."""
    gaussians = single((0.0, 9.0, -1e-3), scale=60.0, opacity=0.5, color=(1.0, 0.2, 0.6))
    views = stereo(target=(0.0, 9.0, -1e-3))
    painter = painters("embodied")
    painter.draw(painter.prepare(gaussians), views, eyes.targets)
    blended = 255 * (0.5 * np.array([1.0, 0.2, 0.6]) + 0.5 * np.array(look.ZENITH))
    drawn = eyes.colors()[HEIGHT // 2, WIDTH // 2].astype(float)
    np.testing.assert_allclose(drawn[:3], blended, atol=1.0)
    assert drawn[3] == 255


def ball(position, scale: float = 0.02, color=(1.0, 1.0, 1.0)) -> PosedGaussians:
    """One bright, nearly opaque Gaussian."""
    return single(position, scale=scale, opacity=0.99, color=color)


def projected(view: EyeView, point) -> np.ndarray:
    K, p = view.intrinsics, view.T_cv_from_world @ np.array([*point, 1.0])
    return np.array([K.fx * p[0] / p[2] + K.cx, K.fy * p[1] / p[2] + K.cy])


def centroid(colors: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """x and y of what is brighter than the empty room, pixels; the avatar's shadow is darker."""
    weight = np.maximum(colors[..., :3].astype(float) - empty[..., :3], 0).sum(axis=-1)
    rows, columns = np.indices(weight.shape) + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("scene", ["face-to-face", "mirror"])
@pytest.mark.parametrize("point", [(0.0, 1.5, -0.9), (0.3, 1.45, -0.5), (-0.2, 1.7, -1.2)])
def test_a_point_is_where_geometry_puts_it_in_both_eyes(painters, eyes, scene, point):
    views, painter = stereo(), painters(scene)
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = [eyes.colors(number).copy() for number in range(2)]
    painter.draw(painter.prepare(ball(point)), views, eyes.targets)
    seen_at = (point[0], point[1], 2 * MIRROR.plane_z - point[2]) if scene == "mirror" else point
    for number, view in enumerate(views):
        off = centroid(eyes.colors(number), empty[number]) - projected(view, seen_at)
        assert np.abs(off).max() < 0.2


@pytest.mark.parametrize("scene", ["face-to-face", "mirror"])
def test_depth_is_the_avatars_where_it_is_opaque(painters, eyes, scene):
    """In a mirror, that of its image behind the glass."""
    wall = (0.0, 1.4, -1.0)
    views, painter = stereo((0, 1.4, 0), (0, 1.4, -1)), painters(scene)
    opaque = reordered(single(wall, scale=0.12, opacity=0.9), np.zeros(5, int))
    painter.draw(painter.prepare(opaque), views, eyes.targets)
    distance = 1.0 if scene == "face-to-face" else 2.0
    x, y = projected(views[0], (0.0, 1.4, -distance)).astype(int)
    assert eyes.depths()[y, x] == pytest.approx(expected_depth(views[0], np.array(distance)), abs=1e-5)


def test_depth_is_weighted_by_alpha(painters, eyes):
    views, painter = stereo((0, 1.4, 0), (0, 1.4, -1)), painters("embodied")
    painter.draw(painter.prepare(single((0.0, 1.4, -1.0), scale=0.12, opacity=0.4)), views, eyes.targets)
    x, y = projected(views[0], (0.0, 1.4, -1.0)).astype(int)
    near, far = expected_depth(views[0], np.array([1.0, np.inf]))
    assert 1 - (eyes.depths()[y - 1, x] - near) / (far - near) == pytest.approx(0.4, abs=0.02)


def test_the_mirror_shows_the_right_hand_on_the_right(painters, eyes):
    views, painter = stereo(), painters("mirror")
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = eyes.colors().copy()
    painter.draw(painter.prepare(ball((0.35, 1.5, -0.1))), views, eyes.targets)
    right = centroid(eyes.colors(), empty)[0]
    painter.draw(painter.prepare(ball((-0.35, 1.5, -0.1))), views, eyes.targets)
    assert right > centroid(eyes.colors(), empty)[0] + 5


def test_a_reflection_ends_with_the_glass(painters, eyes):
    """A Gaussian that reaches beyond the mirror is cut off at its frame, and tinted."""
    views, painter = stereo((0, 1.2, 0), (0, 1.2, -1)), painters("mirror")
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = eyes.colors().copy()
    painter.draw(painter.prepare(single((0, 1.2, 0), scale=5.0, opacity=1.0)), views, eyes.targets)
    changed = np.abs(eyes.colors().astype(int) - empty).max(axis=-1) > 12
    rows, columns = np.nonzero(changed)
    corners = np.array([projected(views[0], corner) for corner in MIRROR.corners])
    assert columns.min() == pytest.approx(corners[:, 0].min(), abs=1.01)
    assert columns.max() + 1 == pytest.approx(corners[:, 0].max(), abs=1.01)
    assert rows.max() + 1 == pytest.approx(corners[:, 1].max(), abs=1.01)
    tinted = eyes.colors()[HEIGHT // 2, WIDTH // 2, :3]
    np.testing.assert_allclose(tinted, 255 * np.array([1, 0.5, 0.25]) * look.GLASS_TINT, atol=1.01)


def test_nobody_is_in_a_mirror_seen_from_behind(painters, eyes):
    views, painter = stereo((0.1, 1.5, -2.5), (0, 1.2, -1)), painters("mirror")
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = eyes.colors().copy()
    painter.draw(painter.prepare(ball((0, 1.3, -4.0), scale=0.2)), views, eyes.targets)
    assert np.abs(eyes.colors().astype(int) - empty).max() <= 1


def test_the_shadow_lies_under_the_avatar(painters, eyes):
    views, painter = stereo(target=(0, 0.2, -1.5)), painters("face-to-face")
    painter.draw(painter.prepare(ball((0.1, 3.5, -1.3))), views, eyes.targets)  # itself out of sight
    shadow = Shadow(0.1, -1.3, look.SHADOW_RADIUS)
    assert_same_room(eyes.colors(), room_reference(views[0], shadow, mirror=False)[0])


def test_passthrough_leaves_the_room_out(painters, eyes):
    views, painter = stereo(target=(0, 0.9, -1.5)), painters("embodied", passthrough=True)
    painter.draw(painter.prepare(None), views, eyes.targets)
    assert not eyes.colors().any()
    painter.draw(painter.prepare(ball((0.0, 1.3, -1.0), scale=0.05, color=(0.5, 0.5, 0.5))), views, eyes.targets)
    colors = eyes.colors()
    x, y = projected(views[0], (0, 1.3, -1.0)).astype(int)
    np.testing.assert_allclose(colors[y, x], [126, 126, 126, 252], atol=2)
    assert (colors[..., :3].max(axis=-1) <= colors[..., 3]).all()  # premultiplied
    x, y = projected(views[0], (0, 0, -1.0)).astype(int)
    np.testing.assert_allclose(colors[y, x], [0, 0, 0, 255 * look.SHADOW], atol=2)
    assert not colors[0, 0].any()


def test_passthrough_keeps_the_mirror(painters, eyes):
    views, painter = stereo(), painters("mirror", passthrough=True)
    painter.draw(painter.prepare(None), views, eyes.targets)
    colors = eyes.colors()
    x, y = projected(views[0], (0, 1.2, -1.5)).astype(int)
    assert colors[y, x, 3] == 255
    assert not colors[0, 0].any()


def test_only_the_lower_left_pixels_are_drawn(painters, eyes, context):
    small = stereo(width=70, height=80)
    painter = painters("mirror")
    painter.draw(painter.prepare(ball((0, 1.4, 0))), small, eyes.targets)
    colors = eyes.colors()
    assert (colors[:-80] == (255, 0, 255, 255)).all()
    assert (colors[:, 70:] == (255, 0, 255, 255)).all()
    np.testing.assert_allclose(eyes.depths()[:-80], 0.5, atol=1e-6)
    fitting = Eyes.of(context, 70, 80)
    painter.draw(painter.prepare(ball((0, 1.4, 0))), small, fitting.targets)
    np.testing.assert_array_equal(colors[-80:, :70], fitting.colors())


@dataclass(frozen=True)
class LowerLeft:
    """A triangle over the picture's lower left corner."""

    vertices = np.array([[-3, -3], [1.8, -3], [-3, 1.8]], np.float32)
    triangles = np.array([[0, 1, 2]], np.uint32)


def test_hidden_areas_are_not_drawn(painters, eyes):
    views, painter = stereo(), painters("face-to-face")
    painter.set_hidden_areas((LowerLeft(), None))
    everywhere = single((0, 1.2, -1), scale=3.0, opacity=1.0)
    painter.draw(painter.prepare(everywhere), views, eyes.targets)
    assert not eyes.colors()[-1, 0].any()
    assert eyes.depths()[-1, 0] == 0
    assert eyes.colors()[0, -1, 3] == 255
    assert eyes.colors(1)[-1, 0, 3] == 255
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    K = views[0].intrinsics
    x, y = (columns - K.cx) / K.fx, (K.cy - rows) / K.fy
    np.testing.assert_array_equal(eyes.colors()[..., 3] == 0, x + y < -1.2)
    painter.set_hidden_areas((None, None))
    painter.draw(painter.prepare(None), views, eyes.targets)
    assert (eyes.colors()[..., 3] == 255).all()


def test_an_empty_avatar_is_nobody(painters, eyes):
    views, painter = stereo(), painters("mirror")
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = eyes.colors().copy()
    painter.draw(painter.prepare(reordered(single(), np.array([], int))), views, eyes.targets)
    np.testing.assert_array_equal(eyes.colors(), empty)


def test_targets_need_no_depth(painters, context):
    color = [context.texture((WIDTH, HEIGHT), 4, internal_format=SRGB8_ALPHA8) for _ in range(2)]
    flat = Eyes(tuple(context.framebuffer([texture]) for texture in color))  # type: ignore[arg-type]
    views, painter = stereo(), painters("mirror")
    painter.draw(painter.prepare(None), views, flat.targets)
    assert_same_room(flat.colors(), room_reference(views[0], None, mirror=True)[0])


def test_a_panel_hangs_in_the_room_until_it_is_taken_down(painters, context):
    eyes, views = Eyes.of(context, 480, 544), stereo(target=(0, 1.2, -1.1), width=480, height=544)
    painter = painters("embodied")
    painter.draw(painter.prepare(None), views, eyes.targets)
    empty = [eyes.colors(number).copy() for number in range(2)]
    painter.show_panel("Stand up straight\nand look ahead")
    painter.draw(painter.prepare(None), views, eyes.targets)
    for number, view in enumerate(views):
        changed = np.abs(eyes.colors(number).astype(int) - empty[number]).max(axis=-1) > 12
        rows, columns = np.nonzero(changed)
        middle = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
        np.testing.assert_allclose(middle, projected(view, CENTRE), atol=2.5)
        assert eyes.colors(number)[changed][:, :3].max() > 180  # letters
        nearest = eyes.depths(number)[changed].min()
        assert 0 < nearest < expected_depth(view, np.array(1.5))
    painter.show_panel(None)
    painter.draw(painter.prepare(None), views, eyes.targets)
    np.testing.assert_array_equal(eyes.colors(), empty[0])


def test_text_is_on_a_rounded_board():
    one, two = text_picture("Look ahead"), text_picture("Look ahead\nand stand still")
    assert two.shape[0] > one.shape[0]
    assert two.shape[1] > one.shape[1]
    assert not two[0, 0].any()
    assert (two[..., :3] <= two[..., 3:]).all()
    height, width, _ = two.shape
    ink = two[..., 0] > 128
    rows, columns = np.nonzero(ink)
    assert abs(columns.min() + columns.max() + 1 - width) <= 6  # centred
    assert 0.03 < ink.mean() < 0.4
    assert abs(rows.min() + rows.max() + 1 - height) <= 12
