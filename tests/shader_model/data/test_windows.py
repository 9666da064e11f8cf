"""Windows of a bare person whose avatar is right: render and truth lie on each other, and stillness is still."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.gaussians import GaussianAvatar
from inperson.shader_model.data.recipe import FramingRecipe, MotionRecipe, TrackingErrorRecipe, WindowRecipe
from inperson.shader_model.data.shards import own_places
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.data.window import Window
from inperson.shader_model.data.windows import make_windows
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage
from tests.synthetic.people import undressed

STILL = WindowRecipe(
    frames=3,
    size=64,
    motion=MotionRecipe(still_body=1.0, still_camera=1.0),
    framing=FramingRecipe(stereo=0.0, all_round=0.0, least_across=0.9),
    tracking=TrackingErrorRecipe(exact=1.0),
)
PERSON = undressed()


def skin_avatar() -> GaussianAvatar:
    """A flat, opaque Gaussian on every face of the bare body."""
    body = PERSON.body
    a, b, c = np.moveaxis(body.shaped(PERSON.betas)[body.faces], 1, 0)
    side = np.sqrt(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))
    n = len(body.faces)
    return GaussianAvatar(
        face_index=np.arange(n, dtype=np.int32),
        barycentric=np.full((n, 3), 1 / 3, np.float32),
        offsets=np.zeros((n, 3), np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        scales=np.stack([0.7 * side, 0.7 * side, 0.1 * side], axis=1).astype(np.float32),
        opacities=np.full(n, 0.99, np.float32),
        sh=np.zeros((n, 1, 3), np.float32),
        features=np.zeros((n, 0), np.float32),
        betas=PERSON.betas,
        body_name=body.name,
        body_sha256=body.sha256,
        name="bare",
        provenance={},
    )


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(PERSON, capture_light(), skin_avatar())


def window(subject: Subject, stage: Stage, how: WindowRecipe, seed: int = 1) -> Window:
    (made,) = make_windows(subject, PERSON.body, stage, how, 1, np.random.default_rng(seed))
    return made


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    """Intersection over union of two alphas."""
    return float(((a > 0.5) & (b > 0.5)).sum() / ((a > 0.5) | (b > 0.5)).sum())


def centre(alpha: torch.Tensor) -> np.ndarray:
    """Of gravity, pixels."""
    return np.array([float((alpha.sum(dim) * torch.arange(64)).sum() / alpha.sum()) for dim in (0, 1)])


def test_nothing_changes_where_nothing_moves(subject: Subject, stage: Stage) -> None:
    still = window(subject, stage, STILL)
    first, *later = still.conditions
    assert first.before.shape == (1, 0, 2, 16, 16)
    for t, conditions in enumerate(later, 1):
        assert torch.equal(conditions.color, first.color)
        assert torch.equal(still.truth[t], still.truth[0])
        torch.testing.assert_close(conditions.before[0, 0], own_places(16, 16), atol=0.02, rtol=0)
        solid = first.dense[0, 0] > 0.99
        assert conditions.seen_before[0, 0][solid].min() > 0.9
        torch.testing.assert_close(conditions.switch, torch.zeros(1, 2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("eyes", [1, 2])
def test_render_and_truth_lie_on_each_other_while_everything_moves(subject: Subject, stage: Stage, eyes: int) -> None:
    moving = replace(
        STILL,
        motion=MotionRecipe(still_body=0.0, turning=0.0, still_camera=0.0),
        framing=replace(STILL.framing, stereo=eyes - 1.0),
    )
    made = window(subject, stage, moving, seed=4)
    assert made.truth.shape == (3, eyes, 4, 64, 64)
    for conditions, truth in zip(made.conditions, made.truth, strict=True):
        assert overlap(conditions.color[:, 3], truth[:, 3]) > 0.8  # Gaussians reach a pixel beyond the skin
        for drawn, true in zip(conditions.color[:, 3], truth[:, 3], strict=True):
            across, down = np.abs(centre(drawn) - centre(true))
            assert across < 0.3
            assert down < 1.0  # the crop's lower edge cuts the body, its upper edge does not
    assert made.conditions[1].before.shape == (eyes, eyes, 2, 16, 16)
    assert not torch.equal(made.conditions[1].color, made.conditions[0].color)


def test_trackers_err_about_the_avatar_and_not_about_the_truth(subject: Subject, stage: Stage) -> None:
    erring = replace(STILL, tracking=TrackingErrorRecipe(exact=0.0, body_pose=0.05, transl=0.03))
    right, wrong = window(subject, stage, STILL), window(subject, stage, erring)
    assert torch.equal(right.truth, wrong.truth)
    exact, off = (overlap(w.conditions[0].color[:, 3], w.truth[0, :, 3]) for w in (right, wrong))
    assert off < exact - 0.01
    assert not torch.equal(wrong.conditions[1].color, wrong.conditions[0].color)


def test_the_same_seed_gives_the_same_window(subject: Subject, stage: Stage) -> None:
    moving = replace(STILL, frames=2, motion=MotionRecipe(still_body=0.0))
    a, b = (window(subject, stage, moving, seed=9) for _ in range(2))
    assert torch.equal(a.truth, b.truth)
    assert all(torch.equal(x.dense, y.dense) for x, y in zip(a.conditions, b.conditions, strict=True))
