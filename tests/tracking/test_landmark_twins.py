"""The body and face landmarkers say what MediaPipe's own tasks say."""

import numpy as np
import pytest

from inperson.conventions import T_GL_FROM_CV, Intrinsics
from inperson.paths import assets_dir
from inperson.tracking.landmarkers_body import BodyLandmarker
from inperson.tracking.landmarkers_chatter import native_chatter_muted
from inperson.tracking.landmarkers_face import FaceLandmarker
from inperson.tracking.landmarkers_face_geometry import CANONICAL_FOV
from inperson.tracking.landmarkers_reference import ReferenceBody, ReferenceFace
from inperson.tracking.models import FACE, POSE, model_path
from inperson.tracking.sources import open_source

SIDE = 480
FRAME_NS = 33_000_000


def pictures(path, count):
    with open_source(path, live=False) as source:
        return [source.read().image for _ in range(count)]


def square_pictures(images):
    """The middle squares: the head's pose is solved for a camera that sees just a square."""
    x = (images[0].shape[1] - SIDE) // 2
    return [np.ascontiguousarray(image[:SIDE, x : x + SIDE]) for image in images]


@pytest.fixture(scope="module")
def performer():
    return pictures(assets_dir() / "performer" / "performer.mp4", 20)


@pytest.fixture
def reference_body(model_cache):
    with native_chatter_muted():
        made = ReferenceBody(model_path(POSE))
    yield made
    made.close()


@pytest.fixture
def reference_face(model_cache):
    with native_chatter_muted():
        made = ReferenceFace(model_path(FACE))
    yield made
    made.close()


def follow(landmarker, images):
    return [landmarker.detect(image, i * FRAME_NS) for i, image in enumerate(images)]


def with_noise(images):
    """The pictures with one grey level of noise, which nobody can see."""
    rng = np.random.default_rng(0)
    return [np.clip(x + rng.integers(-1, 2, x.shape), 0, 255).astype(np.uint8) for x in images]


def apart(ours, theirs, part):
    """Of the visible landmarks, (frames, landmarks): how far they are apart."""
    seen = np.array([body.visibility > 0.5 for body in theirs])
    difference = np.array([getattr(a, part) - getattr(b, part) for a, b in zip(ours, theirs, strict=True)])
    return np.linalg.norm(difference, axis=2)[seen]


def check_body(images, task, second_task):
    """The same in the first two frames. What the network says in one frame decides where it looks in the next, so
    that rounding grows into as much as invisible noise in the pictures does to the task's own landmarks."""
    ours, theirs = follow(BodyLandmarker(model_path(POSE)), images), follow(task, images)
    noisy = follow(second_task, with_noise(images))
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        seen = b.visibility > 0.5
        np.testing.assert_allclose(a.pixels[seen], b.pixels[seen], atol=0.1)
        np.testing.assert_allclose(a.world[seen], b.world[seen], atol=0.0005)
        np.testing.assert_allclose(a.visibility, b.visibility, atol=0.002)
    for part, limit in (("pixels", 1.0), ("world", 0.006)):
        off, task_off = apart(ours, theirs, part), apart(noisy, theirs, part)
        assert np.median(off) < min(limit, 1.5 * np.median(task_off))
        assert np.percentile(off, 95) < 1.5 * np.percentile(task_off, 95)
    visibility = [np.abs(a.visibility - b.visibility).max() for a, b in zip(ours, theirs, strict=True)]
    assert max(visibility) < 0.1


def check_face(images, task):
    focal = 0.5 * SIDE / np.tan(0.5 * CANONICAL_FOV)
    camera = Intrinsics(focal, focal, SIDE / 2, SIDE / 2, SIDE, SIDE)
    landmarker, off = FaceLandmarker(model_path(FACE)), []
    for i, image in enumerate(images):
        ours = landmarker.detect(image, camera, i * FRAME_NS, None)
        theirs = task.detect(image, i * FRAME_NS)
        np.testing.assert_allclose(ours.pixels, theirs.mesh[:, :2], atol=0.3)
        np.testing.assert_allclose(ours.depth, theirs.mesh[:, 2], atol=0.3)
        off.append(np.abs(ours.pixels - theirs.mesh[:, :2]))
        np.testing.assert_allclose(ours.blendshapes, theirs.blendshapes, atol=0.05)
        T = T_GL_FROM_CV @ theirs.transformation
        T[:3, 3] *= 0.01
        np.testing.assert_allclose(ours.T_cv_from_head, T, atol=0.005)
    assert np.median(off) < 0.015


@pytest.fixture
def second_task(model_cache):
    with native_chatter_muted():
        made = ReferenceBody(model_path(POSE))
    yield made
    made.close()


def test_the_body_is_as_the_task_sees_it(performer, reference_body, second_task):
    check_body(performer, reference_body, second_task)


def test_the_face_is_as_the_task_sees_it(performer, reference_face):
    check_face(square_pictures(performer), reference_face)


@pytest.mark.media
@pytest.mark.parametrize("clip", ["book", "milk"])
def test_real_people_are_as_the_tasks_see_them(media, clip, reference_body, second_task, reference_face):
    images = pictures(media / "video" / f"intel_{clip}.mkv", 45)
    check_body(images, reference_body, second_task)
    check_face(square_pictures(images), reference_face)


def test_who_left_is_lost_and_found_again_as_by_the_task(performer, reference_body):
    """Seven frames of them, seven of nobody, and them again: of whom the task's filters still remember something,
    which the landmarker forgets, because it may be somebody else."""
    empty = np.zeros_like(performer[0])
    images = [*performer[:7], *[empty] * 7, *performer[7:14]]
    ours, theirs = follow(BodyLandmarker(model_path(POSE)), images), follow(reference_body, images)
    assert [body is None for body in ours] == [body is None for body in theirs]
    assert ours[10] is None
    seen = theirs[14].visibility > 0.5
    np.testing.assert_allclose(ours[14].pixels[seen], theirs[14].pixels[seen], atol=0.1)
    np.testing.assert_allclose(ours[14].world[seen], theirs[14].world[seen], atol=0.02)
    afresh = BodyLandmarker(model_path(POSE)).detect(images[14], 0)
    np.testing.assert_array_equal(ours[14].world, afresh.world)


def test_forgetting_makes_the_landmarkers_start_afresh(performer):
    body, face = BodyLandmarker(model_path(POSE)), FaceLandmarker(model_path(FACE))
    camera = Intrinsics(600, 600, 320, 240, 640, 480)

    def both():
        seen = body.detect(performer[0], 0)
        return seen, face.detect(performer[0], camera, 0, seen.pixels)

    first = both()
    for image in performer[10:14]:
        seen = body.detect(image, FRAME_NS)
        face.detect(image, camera, FRAME_NS, seen.pixels)
    body.forget()
    face.forget()
    again = both()
    np.testing.assert_array_equal(again[0].pixels, first[0].pixels)
    np.testing.assert_array_equal(again[0].visibility, first[0].visibility)
    np.testing.assert_array_equal(again[1].pixels, first[1].pixels)


def test_a_face_that_leaves_the_head_is_let_go(performer):
    """The head square jumps to where no face is, as when the body landmarker takes up somebody else."""
    landmarker, camera = FaceLandmarker(model_path(FACE)), Intrinsics(600, 600, 320, 240, 640, 480)
    body = BodyLandmarker(model_path(POSE)).detect(performer[0], 0).pixels
    assert landmarker.detect(performer[0], camera, 0, body) is not None
    assert landmarker.detect(performer[1], camera, FRAME_NS, np.add(body, (0, 2000))) is None
    assert landmarker.detect(performer[2], camera, 2 * FRAME_NS, body) is not None
