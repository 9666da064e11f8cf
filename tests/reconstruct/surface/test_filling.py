"""Completed colours on a person whose every colour is known."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.body import LEFT_EYE, LOWER_TEETH, MOUTH, RIGHT_EYE, SKIN, UPPER_TEETH
from inperson.reconstruct.stages import Matte, SeenSites, Sites
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.eyes import IRIS_METRES, with_eyes
from inperson.reconstruct.surface.filling import fill_colors
from inperson.reconstruct.surface.fringe import with_fringe
from inperson.reconstruct.surface.gaussians import plain_gaussians
from inperson.reconstruct.surface.mouth import white_level, with_mouth
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.places import at_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.regions import INDEX, Regions
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites
from tests.reconstruct.surface.conftest import Scene

SKIN_COLOR, HAIR_COLOR = np.array([0.80, 0.60, 0.50]), np.array([0.25, 0.15, 0.10])
SHIRT, TROUSERS = np.array([0.20, 0.35, 0.60]), np.array([0.15, 0.15, 0.18])
PRINT = np.array([0.95, 0.95, 0.30])


@pytest.fixture(scope="module")
def regions(scene: Scene) -> Regions:
    return Regions.of(scene.fit.body, scene.fit.state.betas)


@pytest.fixture(scope="module")
def truth(scene: Scene, regions: Regions) -> np.ndarray:
    """Vertex colours: short sleeves, trousers, hair, skin."""
    share = lambda *names: regions.share[:, [INDEX[n] for n in names]].sum(axis=1, keepdims=True)  # noqa: E731
    out = np.broadcast_to(SKIN_COLOR, (scene.fit.body.num_vertices, 3)).copy()
    torso, upper = share("torso"), share("left_upper_arm", "right_upper_arm")
    trousers = (share("left_thigh", "right_thigh", "left_shin", "right_shin") > 0.5) | (
        (torso > 0.4) & (regions.along[:, [INDEX["torso"]]] < 0.02)
    )
    shirt = ((torso + upper) > 0.5) & ~trousers
    out = np.where(shirt, SHIRT, out)
    out = np.where(trousers, TROUSERS, out)
    return out + regions.hair[:, None] * (HAIR_COLOR - out)


@pytest.fixture(scope="module")
def sites(scene: Scene) -> Sites:
    return lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 12_000)


def looked_at(scene: Scene, sites: Sites, matte: Matte) -> SeenSites:
    return see(sites, scene.surface, scene.fit, scene.picture, matte)


@pytest.fixture(scope="module")
def filled(scene: Scene, sites: Sites, truth: np.ndarray) -> np.ndarray:
    return fill_colors(sites, looked_at(scene, sites, scene.painted(truth)), scene.surface)


def at_sites(scene: Scene, sites: Sites, field: np.ndarray) -> np.ndarray:
    return at_places(field, scene.fit.body.faces, sites.face_index, sites.barycentric)


def test_backs_of_shirt_head_and_arms(
    scene: Scene, sites: Sites, truth: np.ndarray, regions: Regions, filled: np.ndarray
) -> None:
    seen = looked_at(scene, sites, scene.painted(truth))
    share, along = at_sites(scene, sites, regions.share), at_sites(scene, sites, regions.along)
    hair = at_sites(scene, sites, regions.hair[:, None])[:, 0]
    normals = at_sites(scene, sites, normals_of(dressed_rest(scene.surface), scene.fit.body.faces))
    unseen = (seen.confidence == 0) & (normals[:, 2] < -0.3)
    torso = INDEX["torso"]
    cases = {
        "shirt": ((share[:, torso] > 0.9) & (along[:, torso] > 0.06) & (along[:, torso] < 0.4), SHIRT),
        "hair": (hair > 0.99, HAIR_COLOR),
        "forearm": (share[:, INDEX["left_forearm"]] > 0.9, SKIN_COLOR),
        "trousers": (share[:, INDEX["left_thigh"]] > 0.95, TROUSERS),
    }
    for name, (where, color) in cases.items():
        chosen = unseen & where
        assert chosen.sum() > 20, name
        assert np.quantile(np.abs(filled[chosen] - color).max(axis=1), 0.95) < 0.08, name


def test_what_is_seen_is_kept(scene: Scene, sites: Sites, truth: np.ndarray, filled: np.ndarray) -> None:
    seen = looked_at(scene, sites, scene.painted(truth))
    sure = (seen.confidence > 0.8) & (part_of_faces(scene.fit.body)[sites.face_index] == SKIN)
    assert np.abs(filled - seen.color)[sure].max() < 0.1
    assert np.abs(filled - seen.color)[sure].mean() < 0.01


def test_a_print_stays_on_the_front(scene: Scene, sites: Sites, truth: np.ndarray, regions: Regions) -> None:
    rest = dressed_rest(scene.surface)
    height = regions.along[:, INDEX["torso"]]
    printed = (np.abs(rest[:, 0]) < 0.09) & (np.abs(height - 0.28) < 0.05) & (regions.share[:, INDEX["torso"]] > 0.9)
    colors = np.where((printed & (rest[:, 2] > 0))[:, None], PRINT, truth)
    seen = looked_at(scene, sites, scene.painted(colors))
    filled = fill_colors(sites, seen, scene.surface)
    share, along = at_sites(scene, sites, regions.share), at_sites(scene, sites, regions.along)
    points = at_sites(scene, sites, rest)
    same_height = (share[:, INDEX["torso"]] > 0.9) & (np.abs(along[:, INDEX["torso"]] - 0.28) < 0.04)
    front = same_height & (seen.confidence > 0.8) & (np.abs(points[:, 0]) < 0.06)
    back = same_height & (points[:, 2] < -0.05)
    assert np.abs(filled[front] - PRINT).max(axis=1).mean() < 0.1
    assert back.sum() > 20
    assert np.abs(filled[back] - SHIRT).max() < 0.1


def test_a_hidden_side_is_mirrored(scene: Scene, sites: Sites, truth: np.ndarray, regions: Regions) -> None:
    """A mole on the left cheek comes to the right cheek when that is not seen."""
    matte = scene.painted(truth)
    seen = looked_at(scene, sites, matte)
    points = at_sites(scene, sites, scene.fit.body.v_template)
    head = at_sites(scene, sites, regions.share)[:, INDEX["head"]] > 0.8
    head &= part_of_faces(scene.fit.body)[sites.face_index] == SKIN
    left = head & (points[:, 0] > 0.03) & (points[:, 0] < 0.06) & (points[:, 1] < 0.33) & (points[:, 2] > 0.09)
    right = head & (points[:, 0] < -0.035) & (points[:, 0] > -0.055) & (points[:, 1] < 0.325) & (points[:, 2] > 0.095)
    color, confidence = seen.color.copy(), seen.confidence.copy()
    mole = SKIN_COLOR - [0.10, 0.12, 0.10]
    color[left] = mole
    confidence[head & (points[:, 0] < 0)] = 0
    filled = fill_colors(sites, SeenSites(seen.pixels, color, confidence), scene.surface)
    assert right.sum() > 5
    assert np.median(np.linalg.norm(filled[right] - mole, axis=1)) < 0.5 * np.linalg.norm(SKIN_COLOR - mole)


@pytest.mark.parametrize("long_hair", [True, False])
def test_long_hair_hangs_behind_too(
    scene: Scene, sites: Sites, truth: np.ndarray, regions: Regions, long_hair: bool
) -> None:
    """Locks seen beside the face go on behind the ear; without them there is skin."""
    colors = truth + long_hair * regions.locks.sum(axis=1, keepdims=True) * (HAIR_COLOR - truth)
    seen = looked_at(scene, sites, scene.painted(colors))
    filled = fill_colors(sites, seen, scene.surface)
    on_head = at_sites(scene, sites, regions.share)[:, INDEX["head"]] > 0.9
    on_head &= part_of_faces(scene.fit.body)[sites.face_index] == SKIN
    behind = on_head & (at_sites(scene, sites, regions.locks).sum(axis=1) > 0.95) & (seen.confidence == 0)
    assert behind.sum() > 20
    expected = HAIR_COLOR if long_hair else SKIN_COLOR
    assert np.median(np.abs(filled[behind] - expected).max(axis=1)) < 0.08


def test_nothing_seen_is_grey_and_everything_is_a_color(scene: Scene, sites: Sites) -> None:
    n = len(sites)
    nothing = SeenSites(np.zeros((n, 2)), np.zeros((n, 3), np.float32), np.zeros(n, np.float32))
    filled = fill_colors(sites, nothing, scene.surface)
    skin = part_of_faces(scene.fit.body)[sites.face_index] == SKIN
    assert np.abs(filled[skin] - 0.5).max() < 1e-6
    assert filled.min() >= 0
    assert filled.max() <= 1


def test_the_uv_map_is_filled_like_the_sites(scene: Scene, truth: np.ndarray, regions: Regions) -> None:
    texels = texel_sites(UvAtlas.of(scene.fit.body, 64), scene.surface)
    filled = fill_colors(texels, looked_at(scene, texels, scene.painted(truth)), scene.surface)
    share = at_sites(scene, texels, regions.share)
    along = at_sites(scene, texels, regions.along)[:, INDEX["torso"]]
    shirt = (share[:, INDEX["torso"]] > 0.9) & (along > 0.08) & (along < 0.35)
    assert np.quantile(np.abs(filled[shirt] - SHIRT).max(axis=1), 0.95) < 0.08


def test_eyes_are_whole_when_half_is_seen(scene: Scene) -> None:
    """Seen: the lower half of the left eye, green in blue-ish white. Filled: rings, on both eyes."""
    body = scene.fit.body
    sites = lay_sites(scene.surface, np.ones(len(body.faces)), 50_000)
    part = part_of_faces(body)[sites.face_index]
    joints = body.J_regressor @ body.shaped(scene.fit.state.betas)
    points = at_sites(scene, sites, body.shaped(scene.fit.state.betas))
    off = points - np.where((part == LEFT_EYE)[:, None], joints[23], joints[24])
    across = np.linalg.norm(off[:, :2], axis=1)
    front = off[:, 2] > 0
    green, white = np.array([0.2, 0.5, 0.25]), np.array([0.80, 0.80, 0.90])
    color = np.where((across < IRIS_METRES)[:, None], green, white)
    shown = (part == LEFT_EYE) & front & (off[:, 1] < 0)
    seen = SeenSites(np.zeros((len(sites), 2)), color.astype(np.float32), shown.astype(np.float32))
    filled = with_eyes(np.zeros((len(sites), 3)), sites, seen, scene.surface, 0.9)
    for eye in (LEFT_EYE, RIGHT_EYE):
        mine = (part == eye) & front
        iris = mine & (across > 0.55 * IRIS_METRES) & (across < 0.75 * IRIS_METRES)
        pupil = mine & (across < 0.30 * IRIS_METRES)
        around = mine & (across > 1.3 * IRIS_METRES)
        assert min(iris.sum(), pupil.sum(), around.sum()) > 0
        assert np.abs(filled[iris] - green).max() < 0.12
        assert np.abs(filled[around] - white).max() < 0.02
        assert filled[pupil].max() < 0.12
    assert (filled[part == SKIN] == 0).all()


def test_mouths_are_lit_by_the_photo(scene: Scene, truth: np.ndarray) -> None:
    body = scene.fit.body
    sites = lay_sites(scene.surface, np.ones(len(body.faces)), 30_000)
    part = part_of_faces(body)[sites.face_index]
    bright = looked_at(scene, sites, scene.painted(truth))
    dark = SeenSites(bright.pixels, 0.6 * bright.color, bright.confidence)
    assert white_level(sites, dark, scene.surface) < 0.7 * white_level(sites, bright, scene.surface)
    blank = np.zeros((len(sites), 3))
    day, night = (with_mouth(blank, sites, seen, scene.surface) for seen in (bright, dark))
    points = at_sites(scene, sites, dressed_rest(scene.surface))
    for row, sign in ((UPPER_TEETH, -1), (LOWER_TEETH, 1)):
        front = (part == row) & (points[:, 2] > points[part == row, 2].max() - 0.012)
        height = sign * points[:, 1]
        tooth = front & (height > np.quantile(height[front], 0.85))
        assert (day[tooth].min(axis=1) > 0.5 * day[tooth].max(axis=1)).all()  # enamel: hardly a hue
        assert day[tooth].mean() > 1.3 * night[tooth].mean() > day[part == MOUTH].mean()
    assert (day[part == SKIN] == 0).all()


def test_a_body_that_does_not_name_its_parts(scene: Scene, truth: np.ndarray) -> None:
    """A licensed file has no part labels: everything is skin, and nothing breaks."""
    fit = replace(scene.fit, body=replace(scene.fit.body, vertex_part=None))
    plain = Scene.of(fit)
    surface = match_outline(fit, plain.painted(truth))
    sites = lay_sites(surface, np.ones(len(fit.body.faces)), 5000)
    seen = looked_at(plain, sites, plain.painted(truth))
    filled = fill_colors(sites, seen, surface)
    assert np.isfinite(filled).all()
    gaussians = plain_gaussians(sites, filled, surface, seen)
    assert len(with_fringe(gaussians, sites, seen, surface, fit, plain.picture, plain.painted(truth))) >= len(sites)
