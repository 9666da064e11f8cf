"""What is seen is seen rightly, and what is not is not believed."""

import numpy as np
import pytest

from inperson.avatar.body import JOINT_NAMES, SKIN
from inperson.reconstruct.stages import Matte, PhotoFit, SeenSites, Sites
from inperson.reconstruct.surface.places import at_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites
from tests.reconstruct.surface.conftest import HEIGHT, WIDTH, Scene, with_joint


def gradient(scene: Scene) -> np.ndarray:
    """A smooth colour for every vertex, told apart everywhere."""
    rest = dressed_rest(scene.surface)
    return (rest - rest.min(axis=0)) / (rest.max(axis=0) - rest.min(axis=0))


def sites_on(scene: Scene) -> Sites:
    return lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 8000)


def seen_in(scene: Scene, matte: Matte) -> tuple[Sites, SeenSites]:
    sites = sites_on(scene)
    return sites, see(sites, scene.surface, scene.fit, scene.picture, matte)


def joint_of(scene: Scene, sites: Sites) -> np.ndarray:
    return scene.fit.body.weights[scene.fit.body.faces].mean(axis=1)[sites.face_index].argmax(axis=1)


def test_colors_of_what_faces_the_camera(scene: Scene) -> None:
    colors = gradient(scene)
    sites, seen = seen_in(scene, scene.painted(colors))
    truth = at_places(colors, scene.fit.body.faces, sites.face_index, sites.barycentric)
    sure = seen.confidence > 0.6
    assert 0.1 < sure.mean() < 0.5
    assert np.quantile(np.abs(seen.color - truth)[sure], 0.98) < 0.03


def test_backs_and_what_is_outside_are_not_believed(scene: Scene) -> None:
    sites, seen = seen_in(scene, scene.painted(gradient(scene)))
    faces = scene.fit.body.faces[sites.face_index]
    normal = np.cross(
        scene.vertices[faces[:, 1]] - scene.vertices[faces[:, 0]],
        scene.vertices[faces[:, 2]] - scene.vertices[faces[:, 0]],
    )
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    points = at_places(scene.vertices, scene.fit.body.faces, sites.face_index, sites.barycentric)
    facing = -(normal * points).sum(axis=1) / np.linalg.norm(points, axis=1)
    skin = part_of_faces(scene.fit.body)[sites.face_index] == SKIN  # teeth are thin: their backs are in reach
    assert seen.confidence[skin & (facing < -0.3)].max() == 0
    outside = ((seen.pixels < 0) | (seen.pixels >= [WIDTH, HEIGHT])).any(axis=1)
    assert outside.any()
    assert seen.confidence[outside].max() == 0


def test_a_hand_before_the_chest_is_not_painted_on_it(fit: PhotoFit) -> None:
    state = with_joint(fit.state, "left_elbow", (0.0, -2.0, 0.0))
    state = with_joint(state, "left_shoulder", (0.0, -0.9, -0.75))
    scene = Scene.of(PhotoFit(fit.body, state, fit.view, fit.observation))
    torso_joints = [JOINT_NAMES.index(name) for name in ("spine1", "spine2", "spine3", "pelvis")]
    weights = fit.body.weights
    torso = weights[:, torso_joints].sum(axis=1) > 0.5
    colors = np.where(torso[:, None], [0.1, 0.2, 0.9], [0.9, 0.5, 0.3])
    sites, seen = seen_in(scene, scene.painted(colors))
    joint = joint_of(scene, sites)
    on_torso = np.isin(joint, torso_joints) & torso[fit.body.faces].all(axis=1)[sites.face_index]
    hidden = (
        on_torso
        & (scene.picture.face_index >= 0)[
            np.clip(seen.pixels[:, 1].astype(int), 0, HEIGHT - 1),
            np.clip(seen.pixels[:, 0].astype(int), 0, WIDTH - 1),
        ]
    )
    front = at_places(dressed_rest(scene.surface), fit.body.faces, sites.face_index, sites.barycentric)[:, 2] > 0.08
    assert (hidden & front & (seen.confidence == 0)).sum() > 40  # the forearm does hide some of the chest
    believed = on_torso & (seen.confidence > 0.05)
    assert believed.sum() > 100
    assert np.abs(seen.color[believed] - [0.1, 0.2, 0.9]).max() < 0.25


def test_less_sure_towards_the_outline(scene: Scene) -> None:
    sites, seen = seen_in(scene, scene.painted(gradient(scene)))
    cut = scene.painted(gradient(scene))
    alpha = cut.alpha.copy()
    alpha[:, : WIDTH // 2] = 0  # half of the person is not in this matte
    half = see(sites, scene.surface, scene.fit, scene.picture, Matte(alpha, cut.foreground))
    x = seen.pixels[:, 0]
    assert half.confidence[x < WIDTH // 2 - 1].max() == 0
    assert half.confidence[x > WIDTH // 2 + 6] == pytest.approx(seen.confidence[x > WIDTH // 2 + 6])
    near = (x > WIDTH // 2) & (x < WIDTH // 2 + 1) & (seen.confidence > 0.9)
    assert near.any()
    assert (half.confidence[near] < 0.9 * seen.confidence[near]).all()


def test_fine_patterns_are_averaged_over_a_site(scene: Scene) -> None:
    """Stripes of one pixel, seen by sites many pixels apart: grey, not a random stripe."""
    matte = scene.painted(np.zeros((scene.fit.body.num_vertices, 3)))
    stripes = np.broadcast_to((np.arange(WIDTH) % 2)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.float32)
    sites = sites_on(scene)
    wide = Sites(
        sites.face_index, sites.barycentric, sites.uv, sites.base_offsets, np.full(len(sites), 0.1, np.float32)
    )
    seen = see(wide, scene.surface, scene.fit, scene.picture, Matte(matte.alpha, stripes))
    torso = (seen.confidence > 0.9) & (joint_of(scene, sites) == JOINT_NAMES.index("spine3"))
    assert torso.sum() > 20
    assert np.abs(seen.color[torso] - 0.5).max() < 0.15
