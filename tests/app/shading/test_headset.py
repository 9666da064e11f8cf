"""The shader in a headset's scenes: pixels and depth of both eyes, levels of detail, switched off and on, split."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import moderngl
import numpy as np
import pytest

from inperson.app.shading.engines import open_engines, sizes_for
from inperson.app.shading.headset import ShadedPictures
from inperson.app.shading.person import PersonShader
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gl import GlRasterizer
from inperson.render.pacing import Rung, always_shaded, ladder
from inperson.render.scene.crop import crop_views
from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import HostPictures
from inperson.render.scene.reflection import reflect
from inperson.render.scene.scenes import MIRROR, SceneName
from inperson.shader_model.conditions.moment import as_posed
from tests.app.shading.weights import LARGER, RED, put_weights
from tests.render.test_scene_painter import Eyes, stereo
from tests.shader_model.conditions.scenes import gesturing

PLAIN, FRAME_NS = ladder([2, 1]), 16_000_000
SHADED = always_shaded(PLAIN)[0]
COARSE = replace(SHADED, level=1)
SCENES: tuple[SceneName, ...] = ("mirror", "face-to-face")


@pytest.fixture(scope="module")
def context() -> Iterator[moderngl.Context]:
    rasterizer = GlRasterizer()
    with rasterizer.context:
        yield rasterizer.context
    rasterizer.close()


@pytest.fixture(scope="module")
def posers(few: GaussianAvatar, body: BodyModel) -> tuple[AvatarPoser, ...]:
    return tuple(AvatarPoser(level, body) for level in levels_of_detail(few, body)[:2])


class Room:
    """A scene with the shader in it, frame after frame."""

    def __init__(self, painter: ScenePainter, eyes: Eyes, posers, shading: ShadedPictures | None) -> None:
        self.painter, self.eyes, self.posers, self.shading = painter, eyes, posers, shading

    def draw(self, state: BodyState, rung: Rung = SHADED) -> tuple[np.ndarray, np.ndarray]:
        """Both eyes' colours and depths."""
        if self.shading is not None:
            self.shading.begin(rung, state, state.time_ns)
        gaussians = self.posers[rung.level].pose(state)
        self.painter.draw(self.painter.prepare(gaussians), stereo(), self.eyes.targets)
        colors = [self.eyes.colors(eye).astype(int) for eye in (0, 1)]
        return np.stack(colors), np.stack([self.eyes.depths(eye) for eye in (0, 1)])


MakeRoom = Callable[..., Room]


@pytest.fixture
def make_room(assets: Path, context, posers, rasterizer: CpuRasterizer) -> Iterator[MakeRoom]:
    """Rooms with the weights that are there, or without a shader."""
    closing: list[Callable[[], None]] = []

    def make(scene: SceneName, asked: str = "off") -> Room:
        plain, shading = HostPictures(context, rasterizer), None
        closing.append(plain.close)
        if asked != "off":
            person = PersonShader(open_engines(sizes_for(asked), 2, 1), rasterizer, threads=1)
            shown = partial(reflect, plane_z=MIRROR.plane_z) if scene == "mirror" else as_posed
            shading = ShadedPictures(context, plain, person, asked, shown)
            shading.posers = posers
            closing.extend((person.close, shading.close))
        painter = ScenePainter(context, shading or plain, scene, cropping=shading or crop_views)
        closing.append(painter.close)
        return Room(painter, Eyes.of(context), posers, shading)

    yield make
    for close in reversed(closing):
        close()
    assert context.error == "GL_NO_ERROR"


def states(body: BodyModel, scene: SceneName, count: int) -> list[BodyState]:
    """Who faces the mirror from before it, or the wearer."""
    place = (0.0, 1.2, -0.9) if scene == "mirror" else (0.0, 1.2, -1.3)
    turn = (0, np.pi, 0) if scene == "mirror" else (0, 0, 0)
    made = []
    for k in range(count):
        state = gesturing(body, 0.016 * k)
        pose = state.full_pose.copy()
        pose[0] = turn
        state = state.with_full_pose(pose)
        made.append(replace(state, transl=np.array(place, np.float32), time_ns=k * FRAME_NS))
    return made


@pytest.mark.parametrize("scene", SCENES)
def test_a_network_that_changes_nothing_leaves_both_eyes_and_their_depth(
    assets: Path, make_room: MakeRoom, body: BodyModel, scene: SceneName
) -> None:
    put_weights(assets)
    plain, shaded = make_room(scene), make_room(scene, "small")
    empty = plain.painter, plain.eyes
    empty[0].draw(empty[0].prepare(None), stereo(), empty[1].targets)
    room = np.stack([plain.eyes.colors(eye).astype(int) for eye in (0, 1)])
    for state in states(body, scene, 3):
        (colors, depths), (own_colors, own_depths) = plain.draw(state), shaded.draw(state)
        assert (np.abs(colors - room).max(axis=-1) > 20).mean() > 0.05, "somebody is there"
        assert np.abs(colors - own_colors).max() <= 2
        assert np.abs(depths - own_depths).max() < 2e-3
    assert shaded.shading is not None
    times = shaded.shading.take_times()
    assert times is not None
    assert times.conditions_ms > 0
    assert times.shade_ms > 0
    assert shaded.shading.take_times() is None


@pytest.mark.parametrize("scene", SCENES)
def test_a_network_that_adds_red_changes_the_person_alone(
    assets: Path, make_room: MakeRoom, body: BodyModel, scene: SceneName
) -> None:
    put_weights(assets, red=RED)
    plain, shaded = make_room(scene), make_room(scene, "small")
    for state in states(body, scene, 2):
        (colors, depths), (own_colors, own_depths) = plain.draw(state), shaded.draw(state)
        redder = (own_colors - colors)[..., 0]
        assert np.abs(own_colors - colors)[..., 1:].max() <= 2
        assert (redder > 200 * RED).mean() > 0.03
        assert (redder == 0).mean() > 0.5
        assert np.abs(depths - own_depths).max() < 2e-3


@pytest.mark.parametrize("scene", SCENES)
def test_another_level_of_detail_is_no_new_beginning(
    assets: Path, make_room: MakeRoom, body: BodyModel, scene: SceneName
) -> None:
    put_weights(assets)
    room = make_room(scene, "small")
    known = seen_before(room)
    for state, rung in zip(states(body, scene, 4), (SHADED, COARSE, COARSE, SHADED), strict=True):
        room.draw(state, rung)
    assert known == [0, 2, 2, 2]


def test_without_the_shader_it_draws_plainly_and_begins_anew_with_it(
    assets: Path, make_room: MakeRoom, body: BodyModel
) -> None:
    put_weights(assets, red=RED)
    plain, room = make_room("face-to-face"), make_room("face-to-face", "small")
    assert room.shading is not None
    known = seen_before(room)
    moments = states(body, "face-to-face", 4)
    room.draw(moments[0])
    assert room.shading.line == "small on torch-fp32"
    np.testing.assert_array_equal(room.draw(moments[1], PLAIN[0])[0], plain.draw(moments[1])[0])
    assert room.shading.line == "off"
    assert room.shading.take_times() is None
    room.draw(moments[2])
    room.draw(moments[3])
    assert known == [0, 0, 2]
    figures = room.shading.figures()
    assert (figures.asked, figures.pictures) == ("small", {"small": 3, "off": 1})


def test_the_split_hangs_at_the_person_in_both_eyes(assets: Path, make_room: MakeRoom, body: BodyModel) -> None:
    put_weights(assets, red=RED)
    plain, room = make_room("face-to-face"), make_room("face-to-face", "small")
    assert room.shading is not None
    room.shading.split = True
    (state,) = states(body, "face-to-face", 1)
    (colors, _), (own_colors, _) = plain.draw(state), room.draw(state)
    redder = (own_colors - colors)[..., 0] > 200 * RED
    line = (own_colors[..., :3] == 255).all(axis=-1).sum(axis=1).argmax(axis=1)
    for eye in (0, 1):
        assert not redder[eye, :, : line[eye]].any()
        assert redder[eye, :, line[eye] + 1 :].any()
    views = stereo()
    middle = np.append(plain.posers[0].pose(state).means.mean(axis=0), 1.0)
    for eye, view in enumerate(views):
        x, _, z, _ = view.T_cv_from_world @ middle
        assert line[eye] == pytest.approx(view.intrinsics.fx * x / z + view.intrinsics.cx, abs=1.5)


def test_auto_goes_through_the_sizes_before_it_draws_less(assets: Path, make_room: MakeRoom) -> None:
    put_weights(assets, "small")
    put_weights(assets, "large", config=LARGER)
    for asked, sizes in (("small", [0] * len(PLAIN)), ("auto", None)):
        shading = make_room("mirror", asked).shading
        assert shading is not None
        rungs = shading.rungs(PLAIN)
        assert [(rung.scale, rung.level) for rung in rungs[-len(PLAIN) :]] == [(r.scale, r.level) for r in PLAIN]
        if sizes is None:
            assert rungs[0].shader == 0
            assert rungs[-len(PLAIN) :] == PLAIN
        else:
            assert [rung.shader for rung in rungs] == sizes


def seen_before(room: Room) -> list[int]:
    """How many earlier eyes each frame's conditions know, from now on."""
    assert room.shading is not None
    known: list[int] = []
    stream = room.shading._person._stream
    shade = stream.shade

    def watched(conditions):
        known.append(conditions.before.shape[1])
        return shade(conditions)

    stream.shade = watched  # type: ignore[method-assign]
    return known
