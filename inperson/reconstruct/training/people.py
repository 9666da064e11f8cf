"""One synthetic person as training sees them: a few input pictures, and target views from all round."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.avatar.state import BodyState
from inperson.reconstruct.training.recipe import PeopleRecipe
from inperson.render.views import EyeView
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.snapshots import sample_light_on_snapshot, sample_state, snapshot_view, turns_around
from inperson.synthetic.stage import Stage
from inperson.synthetic.variety import HELD_OUT, TRAINING, sample_from


@dataclass(frozen=True, slots=True, eq=False)
class PersonShots:
    """Pictures of one person in one light, with their exact truth.

    I inputs and T target views share the list of states. World as in `synthetic`: the person faces +z.
    """

    name: str
    states: tuple[BodyState, ...]
    """All with the person's betas, of the neutral body."""
    input_rgba: tuple[UInt8[np.ndarray, "H W 4"], ...]
    """Colour premultiplied by alpha, sRGB-encoded."""
    input_part: tuple[UInt8[np.ndarray, "H W"], ...]
    """`drawables.Part`; 0 where nothing is."""
    input_views: tuple[EyeView, ...]
    input_state: Int[np.ndarray, " I"]
    target_rgba: UInt8[np.ndarray, "T S S 4"]
    target_part: UInt8[np.ndarray, "T S S"]
    target_depth: Float[np.ndarray, "T S S"]
    """Metres along the view axis; 0 where nothing is."""
    target_views: tuple[EyeView, ...]
    target_state: Int[np.ndarray, " T"]


@dataclass(frozen=True, slots=True)
class PersonSeed:
    """Who a person is."""

    name: str
    seed: int
    held_out: bool


def all_people(recipe: PeopleRecipe, held_out: bool) -> list[PersonSeed]:
    """Everybody of one split."""
    count, first = (recipe.held_out, recipe.held_out_seed) if held_out else (recipe.train, recipe.first_seed)
    return [PersonSeed(f"{'held' if held_out else 'person'}{n:05d}", first + n, held_out) for n in range(count)]


_FRAMES = ((512, 512), (640, 480), (480, 640))
"""Widths and heights of input pictures at a short side of 512 and 480; scaled to the recipe's short side."""
_HELD_APART = ("level", "wide")
_TARGETS: tuple[tuple[Framing, int], ...] = (("body", 4), ("upper", 2), ("head", 4))
"""Framings round the person in the state with its arms apart."""
_TARGETS_ELSEWHERE: tuple[tuple[Framing, int], ...] = (("body", 1), ("upper", 1))
"""And in each of the input's states."""


def shoot_person(who: PersonSeed, dresser: Dresser, stage: Stage, recipe: PeopleRecipe) -> PersonShots:
    """Dress and draw one person. The same seed and recipe give the same pixels."""
    rng = np.random.default_rng(who.seed)
    spec = sample_from(HELD_OUT if who.held_out else TRAINING, rng, who.name)
    person = bake_occlusion(dresser.dress(spec), stage, directions=24)
    light = sample_light_on_snapshot(rng)
    states = [sample_state(person, rng) for _ in range(recipe.inputs)]
    states.append(sample_state(person, rng, arms=_HELD_APART, alike=1.0))
    inputs, targets = _Shots(), _Shots()
    for index, state in enumerate(states):
        posed = person.posed(state)
        stage.set_scene(posed, light)
        if index < recipe.inputs:
            framing: Literal["upper", "body"] = "upper" if rng.random() < 0.7 else "body"
            width, height = _FRAMES[rng.integers(len(_FRAMES))]
            scale = recipe.input_size / min(width, height)
            view = snapshot_view(posed.pose, framing, rng, round(width * scale), round(height * scale))
            inputs.shoot(stage, view, index, supersample=2)
        for target, azimuth, elevation in _around(rng, index == recipe.inputs):
            view = framed_view(posed.pose, target, azimuth, elevation, recipe.target_size)
            targets.shoot(stage, view, index, supersample=2)
    return PersonShots(
        name=who.name,
        states=tuple(person.posed(state).state for state in states),
        input_rgba=tuple(inputs.rgba),
        input_part=tuple(inputs.part),
        input_views=tuple(inputs.views),
        input_state=np.array(inputs.state, np.int32),
        target_rgba=np.stack(targets.rgba),
        target_part=np.stack(targets.part),
        target_depth=np.stack(targets.depth),
        target_views=tuple(targets.views),
        target_state=np.array(targets.state, np.int32),
    )


def _around(rng: np.random.Generator, arms_apart: bool) -> Iterator[tuple[Framing, float, float]]:
    for framing, count in _TARGETS if arms_apart else _TARGETS_ELSEWHERE:
        for azimuth in turns_around(count, rng):
            low, high = (-0.15, 0.35) if framing == "head" else (-0.2, 0.4)
            yield framing, float(azimuth), float(rng.uniform(low, high))
    if arms_apart:
        for hand in ("left_hand", "right_hand"):
            yield hand, float(rng.uniform(-0.5, 0.5)) + float(rng.integers(2)) * np.pi, float(rng.uniform(-0.4, 0.6))


class _Shots:
    """Pictures as they are taken."""

    def __init__(self) -> None:
        self.rgba: list[UInt8[np.ndarray, "H W 4"]] = []
        self.part: list[UInt8[np.ndarray, "H W"]] = []
        self.depth: list[Float[np.ndarray, "H W"]] = []
        self.views: list[EyeView] = []
        self.state: list[int] = []

    def shoot(self, stage: Stage, view: EyeView, state: int, supersample: int) -> None:
        """Draw the scene once more."""
        capture = stage.shoot(view, supersample=supersample)
        assert capture.geometry is not None
        self.rgba.append(np.concatenate([capture.rgb, capture.mask[..., None]], axis=-1))
        self.part.append(capture.geometry.part)
        self.depth.append(capture.geometry.depth)
        self.views.append(view)
        self.state.append(state)
