"""The whole way in small: a textured body is captured on the stage, Gaussians start on it, fitting improves them."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.canonical import CanonicalGaussians
from inperson.reconstruct.close_ups import CLOSE_UPS, add_close_ups
from inperson.reconstruct.evaluation.captures import evaluate
from inperson.reconstruct.fit_captures import FitReport, FitSettings, fit_captures
from inperson.reconstruct.initial import initial_gaussians, probe_states
from inperson.reconstruct.person_surface import PersonSurface, seen_pixels
from inperson.render.backends import make_rasterizer
from inperson.synthetic.cameras import framed_view
from inperson.synthetic.captures import Capture, CaptureSet, load_captures, picture_path, write_index, write_picture
from inperson.synthetic.drawables import Texture
from inperson.synthetic.dressing import DressedPerson, body_drawables
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage

COUNT = 3000


@dataclass(frozen=True)
class Scene:
    person: DressedPerson
    captures: CaptureSet
    held_out: list[Capture]
    seen: np.ndarray


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A body with blotchy skin, two poses, nine small views to fit to and two to judge by."""
    body = load_body("neutral")
    rng = np.random.default_rng(0)
    blotches = np.kron(rng.integers(60, 230, (12, 12, 4)), np.ones((16, 16, 1))).astype(np.uint8)
    skin, eyes = Texture(blotches), Texture(np.full((8, 8, 4), 200, np.uint8))
    person = DressedPerson(
        "blotchy", body, np.zeros(4, np.float32), BodyPoser(body, np.zeros(4)), body_drawables(body, skin, eyes)
    )
    folder = tmp_path_factory.mktemp("captures")
    raised = np.zeros((55, 3))
    raised[16], raised[17] = (0, 0, 0.6), (0.3, 0, 0.6)
    states = [replace(s, betas=person.betas) for s in (person.rest(), person.rest().with_full_pose(raised))]
    views, state_of_view, depths, held_out = [], [], [], []
    with Stage() as stage:
        for index, state in enumerate(states):
            posed = person.posed(state)
            stage.set_scene(posed, capture_light())
            for turn in range(5):
                view = framed_view(posed.pose, "upper", 1.2566 * turn + 0.5 * index, 0.1, 96)
                shot = stage.shoot(view)
                if index == 1 and turn in (1, 3):
                    held_out.append(shot)
                    continue
                write_picture(folder, len(views), shot)
                depths.append(shot)
                views.append(view)
                state_of_view.append(index)
    captures = CaptureSet(
        folder,
        "blotchy",
        body.name,
        body.sha256,
        tuple(states),
        np.array(state_of_view),
        tuple(views),
        ("upper",) * 8,
    )
    write_index(captures)
    return Scene(person, captures, held_out, seen_pixels(PersonSurface.of(person), depths))


def start_of(scene: Scene) -> CanonicalGaussians:
    surface = PersonSurface.of(scene.person)
    probes = probe_states(scene.person, scene.captures.states)
    return initial_gaussians(surface, scene.seen, probes, COUNT, np.random.default_rng(0))


def test_gaussians_start_on_the_surface_and_dense_where_cameras_look(scene: Scene) -> None:
    start = start_of(scene)
    assert len(start) == COUNT
    assert start.base_offsets.norm(dim=1).quantile(0.99) < 1e-3
    height = start.binding(scene.person.body, scene.person.betas).rest_points[:, 1]
    knees = scene.person.poser.rest_joints[4, 1]
    assert (height > knees).mean() > 0.9  # the upper-body framing never shows the shins


def test_fitting_improves_held_out_views_and_the_file_keeps_it(scene: Scene, tmp_path: Path) -> None:
    body, betas = scene.person.body, scene.person.betas
    rasterizer = make_rasterizer("cpu")
    start = start_of(scene)
    before = evaluate(start.to_avatar(body, betas, "start", {}), body, rasterizer, scene.held_out)
    reports: list[FitReport] = []
    settings = FitSettings(steps=120, count=COUNT + 500)
    fitted = fit_captures(start, body, scene.captures, settings, lambda r, _: reports.append(r), report_every=40)
    avatar = fitted.to_avatar(body, betas, "blotchy", {"licence": "CC0-1.0"})
    after = evaluate(avatar, body, rasterizer, scene.held_out)
    assert after.person_psnr > before.person_psnr + 3
    assert after.ssim > before.ssim
    assert reports[-1].loss < 0.7 * reports[0].loss
    assert COUNT < len(fitted) <= COUNT + 500

    save_avatar(avatar, tmp_path / "blotchy.avatar")
    stored = evaluate(load_avatar(tmp_path / "blotchy.avatar"), body, rasterizer, scene.held_out)
    assert stored.psnr > after.psnr - 0.1
    rasterizer.close()


def test_the_same_seed_gives_the_same_avatar(scene: Scene) -> None:
    settings = FitSettings(steps=6, count=COUNT, split_at=(0.5,))
    results = [fit_captures(start_of(scene), scene.person.body, scene.captures, settings) for _ in range(2)]
    assert results[0].colors.equal(results[1].colors)
    assert results[0].shift.equal(results[1].shift)


def test_close_ups_join_the_session_on_disk(scene: Scene, tmp_path: Path) -> None:
    for index in range(len(scene.captures)):
        shutil.copy(picture_path(scene.captures.folder, index), tmp_path)
    with Stage() as stage:
        together = add_close_ups(scene.person, stage, replace(scene.captures, folder=tmp_path), size=40, seed=3)
    stored = load_captures(tmp_path)
    assert len(stored) == len(together) == len(scene.captures) + sum(len(c.framings) for c in CLOSE_UPS)
    assert len(stored.states) == len(scene.captures.states) + len(CLOSE_UPS)
    assert all(stored.rgba(i)[..., 3].max() > 200 for i in range(len(stored)))
    assert set(stored.kinds) == {"upper", "head", "mouth", "left_hand", "right_hand", "body"}


def test_at_rest_nothing_moves(scene: Scene) -> None:
    start = start_of(scene)
    body = scene.person.body
    binding = start.binding(body, scene.person.betas)
    motion = binding.motion(BodyState.rest(4, body.num_expression))
    np.testing.assert_allclose(motion.points, binding.rest_points, atol=1e-6)
    np.testing.assert_allclose(motion.stretch, 1, atol=1e-4)
