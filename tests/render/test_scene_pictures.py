"""Avatars in textures: uploaded, or drawn there."""

from collections.abc import Iterator

import numpy as np
import pytest

from inperson.render.gl import GlRasterizer
from inperson.render.scene.crop import Crop, PixelRectangle
from inperson.render.scene.pictures import EyePicture, GlPictures, HostPictures, texels_from_planes
from tests.render.scenes import cloud, eye, psnr, single, straight_view


def whole(*views) -> Crop:
    """A crop that is all of its views."""
    rectangles = tuple(PixelRectangle(0, 0, view.width, view.height) for view in views)
    return Crop(rectangles, tuple(views))


def texels(picture: EyePicture, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour (0 to 1) and depth of the picture's rectangle, read back."""
    left, top = picture.origin
    kinds = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}
    images = []
    for texture in (picture.color, picture.depth):
        data = np.frombuffer(texture.read(alignment=1), kinds[texture.dtype])
        image = data.reshape(texture.size[1], texture.size[0], -1).astype(np.float32)
        images.append(image[top : top + height, left : left + width] / (255 if texture.dtype == "f1" else 1))
    return images[0], images[1][..., 0]


@pytest.fixture
def lent(context) -> Iterator[GlRasterizer]:
    """A GL rasteriser in the context that is current."""
    rasterizer = GlRasterizer(context)
    yield rasterizer
    rasterizer.close()


def test_texels_are_rounded_planes():
    rng = np.random.default_rng(0)
    alpha = rng.uniform(size=(2, 5, 7)).astype(np.float32)
    alpha[0, :2] = 0
    planes = np.empty((2, 5, 5, 7), np.float32)
    planes[:, :3] = rng.uniform(-0.1, 1.2, (2, 3, 5, 7)) * alpha[:, None]
    planes[:, 3], planes[:, 4] = rng.uniform(0.3, 4, alpha.shape) * alpha, alpha
    colors, depths = np.empty((2, 5, 7), np.uint32), np.empty((2, 5, 7), np.float32)
    texels_from_planes(planes, colors, depths)
    got = colors.view(np.uint8).reshape(2, 5, 7, 4)
    wanted = np.floor(np.clip(planes[:, [0, 1, 2, 4]], 0, 1) * 255 + 0.5)
    np.testing.assert_array_equal(got, np.moveaxis(wanted, 1, -1))
    seen = got[..., 3] > 0
    distance = depths[seen] / (got[..., 3][seen] / 255)
    np.testing.assert_allclose(distance, planes[:, 3][seen] / alpha[seen], rtol=1e-5)
    assert not depths[~seen].any()


def test_uploaded_pictures_are_what_the_rasteriser_drew(context, cpu):
    gaussians, views = cloud(300), (eye(-0.03), eye(0.03))
    pictures, truth = HostPictures(context, cpu), cpu.render_color(gaussians, views)
    drawn = pictures.draw(gaussians, whole(*views))
    assert len(drawn) == 2
    for number, picture in enumerate(drawn):
        color, depth = texels(picture, 97, 61)
        np.testing.assert_allclose(color[..., :3], truth.rgb[number], atol=0.51 / 255)
        np.testing.assert_allclose(color[..., 3], truth.alpha[number], atol=0.51 / 255)
        solid = truth.alpha[number] > 0.05
        true_distance = truth.planes[number, 3][solid] / truth.alpha[number][solid]
        np.testing.assert_allclose(depth[solid] / color[..., 3][solid], true_distance, rtol=1e-4)
    pictures.close()


def test_pictures_drawn_by_gl_stay_there_and_are_the_same(context, lent, cpu):
    gaussians, views = cloud(300), (eye(-0.03), eye(0.03))
    drawn_there, uploaded = GlPictures(lent), HostPictures(context, cpu)
    pairs = zip(drawn_there.draw(gaussians, whole(*views)), uploaded.draw(gaussians, whole(*views)), strict=True)
    for one, other in pairs:
        (color, depth), (true_color, true_depth) = texels(one, 97, 61), texels(other, 97, 61)
        assert psnr(color, true_color) > 40
        assert psnr(depth / 1.5, true_depth / 1.5) > 40
        assert true_color[..., 3].max() > 0.95
    drawn_there.close()
    uploaded.close()


@pytest.fixture(params=["host", "gl"])
def pictures(request, context, cpu, lent):
    made = HostPictures(context, cpu) if request.param == "host" else GlPictures(lent)
    yield made
    made.close()


def test_textures_grow_and_are_kept(pictures):
    first = pictures.draw(single(), whole(straight_view(33), straight_view(33)))[0]
    smaller = pictures.draw(single(), whole(straight_view(17), straight_view(17)))[0]
    assert smaller.color is first.color
    larger = pictures.draw(single(), whole(straight_view(201), straight_view(201)))
    for picture in larger:
        assert picture.color.size[0] >= 201
        color, depth = texels(picture, 201, 201)
        assert color[100, 100, 3] == pytest.approx(0.8, abs=3e-3)
        assert depth[100, 100] == pytest.approx(0.8, rel=1e-2)
        assert not color[:20].any()


def test_no_trace_of_the_last_picture(pictures):
    views = straight_view(33), straight_view(33)
    pictures.draw(single((0, 0.2, -1), scale=0.1), whole(*views))
    color, depth = texels(pictures.draw(single((0, -0.2, -1)), whole(*views))[0], 33, 33)
    assert not color[:16].any()
    assert not depth[:16].any()


def test_rows_run_downwards(pictures):
    color, _ = texels(pictures.draw(single((0, 0.2, -1)), whole(straight_view(33), straight_view(33)))[1], 33, 33)
    assert color[:16, :, 3].sum() > 0.99 * color[..., 3].sum()


def test_gl_draws_into_the_first_rows_and_columns(context, lent):
    """And leaves the rest of a larger target alone."""
    target = context.framebuffer([context.texture((40, 40), 4, dtype="f4") for _ in range(2)])
    target.clear(0.25, 0.25, 0.25, 0.25)
    lent.draw_color(single(), [straight_view(33)], [target])
    color = np.frombuffer(target.color_attachments[0].read(), np.float32).reshape(40, 40, 4)
    assert (color[33:] == 0.25).all()
    assert (color[:, 33:] == 0.25).all()
    assert color[16, 16, 3] == pytest.approx(0.8, abs=3e-3)
    assert color[0, 0, 3] == 0
