"""Pixels of the mirror and of played motions with networks whose effect is known."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inperson.app.mirror.view import MirrorView
from inperson.app.pictures.playback import Playback
from inperson.app.shading.engines import open_engines, sizes_for
from inperson.app.shading.mirror import MirrorShader
from inperson.app.shading.person import PersonShader
from inperson.app.shading.split import LINE, split_picture
from inperson.app.shading.views import ViewShader
from inperson.app.timing import StageTimes
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.network import weights
from inperson.shader_model.network.weights import load_shader
from inperson.shader_model.personal.adapter import AdaptedShader, personal_of
from inperson.tracking.motion_file import clip_of_states
from tests.app.shading.weights import LARGER, RED, put_weights
from tests.shader_model.conditions.scenes import gesturing

WIDTH, HEIGHT = 150, 110
"""No multiples of 32."""
FRAME_NS = 33_000_000
MakeMirror = Callable[..., MirrorView]


def states(body: BodyModel, count: int, start: int = 0) -> list[BodyState]:
    """Two metres away, moving."""
    return [
        replace(
            gesturing(body, 0.033 * k),
            betas=np.zeros(body.num_betas, np.float32),
            transl=np.array([0.02 * k, 0, -2], np.float32),
            time_ns=k * FRAME_NS,
        )
        for k in range(start, start + count)
    ]


@pytest.fixture
def make_mirror(
    assets: Path, few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer
) -> Iterator[MakeMirror]:
    """Mirrors with the weights that are there, or without a shader."""
    people: list[PersonShader] = []

    def make(asked: str = "small", *, stereo: bool = False) -> MirrorView:
        shader, eyes = None, 1 + stereo
        if asked != "off":
            people.append(PersonShader(open_engines(sizes_for(asked), eyes, 1), rasterizer, threads=1))
            shader = MirrorShader(asked, people[-1])
        return MirrorView(few, body, rasterizer, WIDTH, HEIGHT, stereo=stereo, shader=shader)

    yield make
    for person in people:
        person.close()


def draw(view: MirrorView, moments: list[BodyState], times: StageTimes | None = None) -> list[np.ndarray]:
    return [view.draw(state, times or StageTimes()).astype(int) for state in moments]


@pytest.mark.parametrize("stereo", [False, True])
@pytest.mark.parametrize("reflected", [False, True])
def test_a_network_that_changes_nothing_gives_the_same_pixels(
    assets: Path, make_mirror: MakeMirror, body: BodyModel, stereo: bool, reflected: bool
) -> None:
    put_weights(assets)
    plain, shaded = make_mirror("off", stereo=stereo), make_mirror("small", stereo=stereo)
    plain.reflect = shaded.reflect = reflected
    times, moments = StageTimes(), states(body, 5)
    for a, b in zip(draw(plain, moments), draw(shaded, moments, times), strict=True):
        assert np.abs(a - b).max() <= 1
    assert list(times.table()) == ["pose", "conditions", "shading", "draw"]
    assert {row["count"] for row in times.table().values()} == {5}


def test_a_network_that_adds_red_changes_the_person_and_nothing_else(
    assets: Path, make_mirror: MakeMirror, body: BodyModel
) -> None:
    put_weights(assets, red=RED)
    plain, shaded = make_mirror("off"), make_mirror("small")
    empty = plain.draw_nobody().astype(int)
    for a, b in zip(draw(plain, states(body, 3)), draw(shaded, states(body, 3)), strict=True):
        nobody = (np.abs(a - empty).max(axis=-1) == 0) & (np.abs(b - empty).max(axis=-1) == 0)
        redder = b[..., 0] - a[..., 0]
        assert np.abs(b - a)[..., 1:].max() <= 1
        assert redder.min() >= -1
        assert 0.2 < (redder > 0.9 * 255 * RED).mean() < 0.7
        assert nobody.mean() > 0.25


def test_nobody_in_view_is_the_empty_room(assets: Path, make_mirror: MakeMirror, body: BodyModel) -> None:
    put_weights(assets, red=RED)
    view = make_mirror()
    draw(view, states(body, 70))  # the frame holds still from now on
    away = replace(states(body, 1, start=70)[0], transl=np.array([5, 0, -2], np.float32))
    np.testing.assert_array_equal(draw(view, [away])[0], view.draw_nobody())
    assert (draw(view, states(body, 1, start=71))[0] != view.draw_nobody()).any()


@pytest.mark.parametrize("stereo", [False, True])
def test_the_split_shows_the_left_half_of_each_view_without(
    assets: Path, make_mirror: MakeMirror, body: BodyModel, stereo: bool
) -> None:
    put_weights(assets, red=RED)
    moments = states(body, 2)
    without, shaded = (draw(make_mirror(asked, stereo=stereo), moments)[-1] for asked in ("off", "small"))
    view = make_mirror("small", stereo=stereo)
    assert view.shader is not None
    view.shader.split = True
    picture, middle = draw(view, moments)[-1], WIDTH // 2
    labels = 20
    for left in range(0, (1 + stereo) * WIDTH, WIDTH):
        np.testing.assert_array_equal(picture[:, left + middle], np.broadcast_to(LINE, (HEIGHT, 3)))
        for part, expected in (
            (slice(left, left + middle), without),
            (slice(left + middle + 1, left + WIDTH), shaded),
        ):
            assert np.abs(picture[labels:, part] - expected[labels:, part]).max() <= 1
    assert np.abs(without - shaded).max() > 200 * RED


def test_the_halves_say_what_they_are_where_there_is_room() -> None:
    large = split_picture(np.zeros((520, 512, 3), np.uint8), np.zeros((520, 512, 3), np.uint8), 1)
    left, right = large[:60, :256], large[:60, 257:]
    assert (left > 200).sum() > (right > 200).sum() > 100  # "without" is the longer word
    assert not large[60:, :256].any()
    small = split_picture(np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100, 3), np.uint8), 1)
    assert not np.delete(small, 50, axis=1).any()


def test_it_begins_anew_after_it_was_switched_off(assets: Path, make_mirror: MakeMirror, body: BodyModel) -> None:
    """The conditions of the first picture know nothing of those before."""
    put_weights(assets)
    view = make_mirror()
    assert view.shader is not None
    asked = seen_before(view.shader)
    draw(view, states(body, 2))
    view.shader.keeping_up.on = False
    draw(view, states(body, 1, start=2))
    view.shader.keeping_up.on = True
    draw(view, states(body, 2, start=3))
    assert asked == [0, 1, 0, 1]


def test_it_begins_anew_with_another_size(
    assets: Path, few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer
) -> None:
    put_weights(assets, "small")
    put_weights(assets, "large", red=RED, config=LARGER)
    person = PersonShader(open_engines(sizes_for("auto"), 1, 1), rasterizer, threads=1)
    views, poser = ViewShader(person), AvatarPoser(few, body)
    play = Playback(clip_of_states(states(body, 1), framerate=30.0), None, few, body, rasterizer, camera="mirror")
    drawn = []
    for state, size in zip(states(body, 3), (0, 1, 0), strict=True):
        both = views.draw(poser, state, poser.pose(state), play.eyes(0), size, StageTimes())
        drawn.append(float((both.shaded.rgb - both.plain.rgb)[..., 0].max()))
    person.close()
    assert drawn == pytest.approx([RED, 0.0, RED], abs=0.01)


def seen_before(shader: MirrorShader) -> list[int]:
    """How many earlier eyes each picture's conditions know, from now on."""
    known: list[int] = []
    stream = shader._views._person._stream
    shade = stream.shade

    def watched(conditions):
        known.append(conditions.before.shape[1])
        return shade(conditions)

    stream.shade = watched  # type: ignore[method-assign]
    return known


@pytest.mark.parametrize("camera", ["mirror", "orbit"])
def test_played_motions_are_shaded_alike(
    assets: Path, few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer, camera: str
) -> None:
    put_weights(assets, red=RED)
    person = PersonShader(open_engines(sizes_for("small"), 2, 1), rasterizer, threads=1)
    motion = clip_of_states(states(body, 3), framerate=30.0)
    made = {}
    for name, settings in {
        "plain": {},
        "shaded": {"shader": ViewShader(person)},
        "split": {"shader": ViewShader(person), "split": True},
    }.items():
        play = Playback(
            *(motion, None, few, body, rasterizer),
            camera=camera,
            size=(WIDTH, HEIGHT),
            stereo=True,
            **settings,  # type: ignore[arg-type]
        )
        made[name] = [picture.astype(int) for picture, _ in play.pictures()]
    person.close()
    for plain, shaded, split in zip(*made.values(), strict=True):
        assert np.abs(shaded - plain)[..., 1:].max() <= 1
        assert (shaded - plain)[..., 0].max() > 200 * RED
        left, right = np.s_[20:, : WIDTH // 2], np.s_[20:, WIDTH // 2 + 1 : WIDTH]
        assert np.abs(split[left] - plain[left]).max() <= 1
        np.testing.assert_array_equal(split[right], shaded[right])


def test_an_avatar_brings_its_own_change_of_the_weights(
    assets: Path, few: GaussianAvatar, body: BodyModel, rasterizer: CpuRasterizer
) -> None:
    """It reddens its own person; another avatar, and one that learned from other weights, are shaded plainly."""
    put_weights(assets)
    base = load_shader(weights.shipped_shader("small"))
    adapted = AdaptedShader(base)
    values = adapted.values()
    adapted.fill(np.zeros_like(values))
    with torch.no_grad():
        list(adapted.changes)[-3].bias[0] += RED  # of the head's convolution for what is added, its red
    known = personal_of(adapted, base)
    strange = replace(known, weights_sha256="00" * 32)
    person = PersonShader(open_engines(sizes_for("small"), 1, 1), rasterizer, threads=1)
    reds = []
    for personal in (None, known, strange, known):
        mirror = MirrorView(
            *(replace(few, personal=personal), body, rasterizer, WIDTH, HEIGHT),
            shader=MirrorShader("small", person),
        )
        reds.append(draw(mirror, states(body, 2))[-1])
    person.close()
    plain, own, other, again = reds
    assert np.abs(other - plain).max() <= 1
    assert (own[..., 0] - plain[..., 0]).max() > 0.9 * 255 * RED
    assert np.abs(own - plain)[..., 1:].max() <= 1
    np.testing.assert_array_equal(own, again)
