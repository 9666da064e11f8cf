"""What the network is given of a photo, against plain arithmetic on a made-up one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.reconstruct.network.inputs import CropBox, make_inputs, person_crop
from inperson.reconstruct.network.interface import CONFIDENCE, FILLED, SEEN, TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.stages import DressedSurface, Matte, MeshPicture, PhotoFit
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.render.views import EyeView
from inperson.tracking.observation import Observation

WIDTH, HEIGHT = 200, 260
SIZE = 64
NOTHING_SEEN = Observation(0, 0, Intrinsics.from_horizontal_fov(WIDTH, HEIGHT), *(None,) * 6)


@dataclass(frozen=True)
class Scene:
    """A person whose photo's colours say where they are: red across, green down, both 0 to 1."""

    fit: PhotoFit
    surface: DressedSurface
    picture: MeshPicture
    matte: Matte
    atlas: UvAtlas


def _scene(turn: float, distance: float) -> Scene:
    body = load_body("neutral")
    rest = BodyState.rest(body.num_betas, body.num_expression)
    state = replace(
        rest,
        betas=np.linspace(0.5, -0.5, body.num_betas, dtype=np.float32),
        transl=np.array([0.1, 0.2, -distance], np.float32),
        global_orient=np.array([0.0, turn, 0.0], np.float32),
    )
    view = EyeView.from_intrinsics(NOTHING_SEEN.intrinsics)
    displacement = np.zeros((body.num_vertices, 3), np.float32)
    displacement[:, 1] = 0.01
    surface = DressedSurface(body, state.betas, displacement)
    picture = draw_mesh(posed_vertices(surface, state), body.faces, view)
    x, y = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT)
    foreground = np.stack([x, y, np.full_like(x, 0.5)], axis=2).astype(np.float32)
    matte = Matte((picture.face_index >= 0).astype(np.float32), foreground)
    return Scene(PhotoFit(body, state, view, NOTHING_SEEN), surface, picture, matte, UvAtlas.of(body, SIZE))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return _scene(turn=0.4, distance=1.6)


def _inputs(scene: Scene) -> NetInputs:
    return make_inputs(scene.fit, scene.matte, scene.surface, scene.atlas, scene.picture)


@pytest.fixture(scope="module")
def inputs(scene: Scene) -> NetInputs:
    return _inputs(scene)


def channel(inputs: NetInputs, name: str, count: int = 1) -> np.ndarray:
    first = TEXEL_CHANNELS.index(name)
    return inputs.texels[0, first : first + count].numpy()


def test_shapes_types_and_what_lies_outside(scene: Scene, inputs: NetInputs) -> None:
    assert inputs.crop.shape == (1, 4, 256, 256)
    assert inputs.texels.shape == (1, len(TEXEL_CHANNELS), SIZE, SIZE)
    assert inputs.where.shape == (1, SIZE, SIZE, 2)
    assert {inputs.crop.dtype, inputs.texels.dtype, inputs.where.dtype} == {torch.float32}
    assert np.array_equal(channel(inputs, "inside")[0], scene.atlas.inside)
    assert not inputs.texels[0][:, ~torch.from_numpy(scene.atlas.inside)].any()
    assert all(x.isfinite().all() for x in (inputs.crop, inputs.texels, inputs.where))


def test_geometry_is_the_dressed_body_s_by_plain_arithmetic(scene: Scene, inputs: NetInputs) -> None:
    body, state = scene.fit.body, scene.fit.state
    poser = BodyPoser(body, state.betas)
    posed = poser.pose(state)
    shaped = body.shaped(state.betas).astype(np.float64)
    pelvis = np.asarray(body.J_regressor.todense())[0] @ shaped
    box = CropBox.around(scene.matte)
    K = scene.fit.view.intrinsics
    turn = np.array([[np.cos(0.4), 0, np.sin(0.4)], [0, 1, 0], [-np.sin(0.4), 0, np.cos(0.4)]])
    rng = np.random.default_rng(0)
    texels = rng.choice(np.argwhere(scene.atlas.inside), 40, replace=False)
    for row, column in texels:
        corners = body.faces[scene.atlas.face_index[row, column]]
        weights = scene.atlas.barycentric[row, column].astype(np.float64)
        rest = weights @ shaped[corners] + np.array([0.0, 0.01, 0.0])
        np.testing.assert_allclose(channel(inputs, "x", 3)[:, row, column], rest - pelvis, atol=1e-5)
        normal = channel(inputs, "normal_x", 3)[:, row, column]
        assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-5)
        assert channel(inputs, "displacement")[0, row, column] == pytest.approx(10.0 * 0.01 * normal[1], abs=1e-5)
        np.testing.assert_allclose(channel(inputs, "view_normal_x", 3)[:, row, column], turn @ normal, atol=2e-3)
        point = weights @ posed.vertices[corners] + np.array([0.0, 0.01, 0.0])
        pixel = np.array([K.fx * point[0] / -point[2] + K.cx, K.fy * point[1] / point[2] + K.cy])
        where = inputs.where[0, row, column].numpy()
        np.testing.assert_allclose((where + 1.0) / 2.0 * box.side + [box.left, box.top], pixel, atol=0.02)


def test_seen_texels_carry_the_photo_and_point_at_it(scene: Scene, inputs: NetInputs) -> None:
    confidence = inputs.texels[:, CONFIDENCE]
    sure = confidence[0, 0] > 0.9
    assert 150 < sure.sum() < 0.5 * scene.atlas.inside.sum()
    seen = inputs.texels[0, SEEN][:, sure] / confidence[0, 0, sure]
    box = CropBox.around(scene.matte)
    pixels = (inputs.where[0, sure].numpy() + 1.0) / 2.0 * box.side + [box.left, box.top]
    np.testing.assert_allclose(seen[0].numpy(), pixels[:, 0] / WIDTH, atol=0.02)
    np.testing.assert_allclose(seen[1].numpy(), pixels[:, 1] / HEIGHT, atol=0.02)
    sampled = F.grid_sample(inputs.crop, inputs.where, align_corners=False)[0][:, sure]
    assert (sampled[3] > 0.9).float().mean() > 0.95
    on_body = sampled[3] > 0.99
    np.testing.assert_allclose(sampled[:2, on_body].numpy(), seen[:2, on_body].numpy(), atol=0.02)


def test_unseen_texels_are_completed_and_face_away(inputs: NetInputs) -> None:
    confidence, inside = channel(inputs, "confidence")[0], channel(inputs, "inside")[0] > 0
    unseen = inside & (confidence == 0)
    assert unseen.sum() > 0.3 * inside.sum()
    assert not inputs.texels[0, SEEN][:, torch.from_numpy(unseen)].any()
    filled = inputs.texels[0, FILLED].numpy()[:, unseen]
    assert filled.min() >= 0.0
    assert filled.max() <= 1.0
    # the photo's blue is one half everywhere; mouth and eyes have colours of their own
    assert (np.abs(filled[2] - 0.5) < 0.02).mean() > 0.9
    assert channel(inputs, "view_normal_z")[0][confidence > 0.5].min() > -0.2  # the line of sight is not the axis


def test_the_picture_of_the_mesh_may_be_left_to_it(scene: Scene, inputs: NetInputs) -> None:
    alone = make_inputs(scene.fit, scene.matte, scene.surface, scene.atlas)
    assert torch.equal(alone.texels, inputs.texels)


def test_a_person_who_leaves_the_photo_gets_an_empty_border() -> None:
    scene = _scene(turn=0.0, distance=0.7)
    box = CropBox.around(scene.matte)
    assert box.top < 0
    crop = _inputs(scene).crop[0].numpy()
    beyond = (np.arange(256) + 0.5) * box.side / 256 + box.left < -box.side / 256
    assert beyond.any()
    assert not crop[:, :, beyond].any()
    assert crop[3].max() == pytest.approx(1.0)


def test_nobody_in_the_matte_is_one_clear_error(scene: Scene) -> None:
    empty = Matte(np.zeros((HEIGHT, WIDTH), np.float32), scene.matte.foreground)
    with pytest.raises(BadInputError, match="nobody is left"):
        make_inputs(scene.fit, empty, scene.surface, scene.atlas)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 14))
def test_cutting_a_box_is_padding_and_slicing(left: int, top: int, side: int) -> None:
    picture = np.random.default_rng(1).random((5, 7, 2))
    padded = np.pad(picture, ((40, 40), (40, 40), (0, 0)))
    want = padded[40 + top : 40 + top + side, 40 + left : 40 + left + side]
    np.testing.assert_array_equal(CropBox(left, top, side).cut(picture), want)


def test_the_crop_is_the_mean_of_premultiplied_pixels() -> None:
    rng = np.random.default_rng(2)
    matte = Matte(rng.random((512, 512), np.float32), rng.random((512, 512, 3), np.float32))
    crop = person_crop(matte, CropBox(0, 0, 512))
    layer = np.concatenate([matte.foreground * matte.alpha[..., None], matte.alpha[..., None]], axis=2)
    want = layer.reshape(256, 2, 256, 2, 4).mean(axis=(1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(crop, want, atol=1e-6)


def test_the_box_holds_the_person_with_room() -> None:
    alpha = np.zeros((100, 80), np.float32)
    alpha[10:90, 30:50] = 1.0
    box = CropBox.around(Matte(alpha, np.zeros((100, 80, 3), np.float32)))
    assert box == CropBox(left=-5, top=5, side=90)
    np.testing.assert_allclose(
        box.normalised(np.array([[-5.0, 5.0], [85.0, 95.0], [40.0, 50.0]])), [[-1, -1], [1, 1], [0, 0]]
    )


def test_a_box_beside_the_picture_is_empty() -> None:
    assert not CropBox(left=3, top=-4, side=2).cut(np.ones((5, 7, 1))).any()


def test_bodies_without_a_uv_map_are_refused(scene: Scene) -> None:
    bare: BodyModel = replace(scene.fit.body, vt=None, ft=None)
    with pytest.raises(BadInputError, match="texture coordinates"):
        UvAtlas.of(bare, SIZE)
