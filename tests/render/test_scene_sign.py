"""The recording sign inside a headset: at the edge of the view, over everything, wherever the head turns."""

import numpy as np
import pytest

from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import HostPictures
from inperson.render.scene.sign import AT, head_of, sign_picture
from tests.render.test_scene_painter import Eyes, stereo


@pytest.fixture
def painter(context, cpu):
    pictures = HostPictures(context, cpu)
    painter = ScenePainter(context, pictures, "embodied")
    yield painter
    painter.close()
    pictures.close()


def drawn(painter, eyes, views) -> list[np.ndarray]:
    painter.draw(painter.prepare(None), views, eyes.targets)
    return [eyes.colors(eye).astype(int) for eye in range(2)]


def projected(view, point) -> np.ndarray:
    """Pixel from the top left."""
    clip = view.projection @ np.linalg.inv(view.T_world_from_eye) @ np.append(point, 1.0)
    x, y = clip[:2] / clip[3]
    return np.array([(x + 1) / 2 * view.width, (1 - y) / 2 * view.height])


@pytest.mark.parametrize("target", [(0.05, 1.1, -1.5), (2.0, 1.9, 0.3)])
def test_it_goes_along_with_the_head(context, painter, target):
    eyes, views = Eyes.of(context, 300, 320), stereo(target=target, width=300, height=320)
    empty = drawn(painter, eyes, views)
    painter.show_sign("REC 00:12")
    signed = drawn(painter, eyes, views)
    T_world_from_head = head_of(views)
    place = T_world_from_head[:3, 3] + T_world_from_head[:3, :3] @ AT
    for view, before, after in zip(views, empty, signed, strict=True):
        changed = np.abs(after - before).max(axis=-1) > 12
        rows, columns = np.nonzero(changed)
        middle = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
        np.testing.assert_allclose(middle, projected(view, place), atol=2.5)
        assert rows.max() < 0.4 * view.height  # not where one looks
        assert changed.mean() < 0.04  # small
        is_red = changed & (after[..., 0] > 180) & (after[..., 1] < 110)
        assert is_red.sum() > 4
        assert np.nonzero(is_red)[1].mean() < middle[0]  # the dot comes first
    painter.show_sign("")
    for before, after in zip(empty, drawn(painter, eyes, views), strict=True):
        np.testing.assert_array_equal(after, before)


def test_nothing_hides_it(context, painter):
    eyes, views = Eyes.of(context, 300, 320), stereo(width=300, height=320)
    painter.show_panel("X" * 40 + "\n" * 12 + "X")  # a board as large as the view, between eyes and sign's height
    painter.show_sign("REC 00:12")
    for colors in drawn(painter, eyes, views):
        assert ((colors[..., 0] > 180) & (colors[..., 1] < 110)).sum() > 4


def test_a_longer_line_is_a_wider_board():
    short, long = sign_picture("REC 00:12"), sign_picture("REC 00:12  + SOUND  + CAMERA")
    assert long.shape[0] == short.shape[0]
    assert long.shape[1] > 2 * short.shape[1]
    assert (long[..., :3] <= long[..., 3:]).all()  # premultiplied
    assert not long[0, 0].any()
