"""The whole of perception on real networks: nobody in view, the shipped performer, and outside clips."""

from pathlib import Path

import numpy as np
import pytest

from inperson.errors import MissingModelError
from inperson.paths import assets_dir
from inperson.tracking import landmarkers, models
from inperson.tracking.landmarkers import Perception
from inperson.tracking.observation import CameraFrame
from inperson.tracking.sources import open_source
from inperson.tracking.sources_base import assumed_intrinsics, letterbox


@pytest.fixture(scope="module")
def perception(model_cache):
    with Perception(silhouette_every=1) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(request):
    if "perception" in request.fixturenames:
        request.getfixturevalue("perception").forget()


def frame_of(image, sequence=0):
    return CameraFrame(image, sequence * 33_000_000, sequence, assumed_intrinsics(image.shape[1], image.shape[0]))


def clip_frames(path: Path, start: int, count: int) -> list[CameraFrame]:
    frames = []
    with open_source(path, live=False) as source:
        for i in range(start + count):
            frame = source.read()
            assert frame is not None
            if i >= start:
                frames.append(frame)
    return frames


@pytest.mark.parametrize("shape", [(480, 640), (120, 90)])
@pytest.mark.parametrize("fill", ["black", "noise"])
def test_nobody_in_view_is_an_observation_without_parts(perception, shape, fill):
    image = np.zeros((*shape, 3), np.uint8)
    if fill == "noise":
        image = np.random.default_rng(0).integers(0, 255, image.shape, dtype=np.uint8)
    for i in range(2):
        seen = perception.observe(frame_of(image, i))
        parts = (seen.body_pixels, seen.body_world, seen.body_visibility, seen.left_hand, seen.right_hand, seen.face)
        assert parts == (None,) * 6
        assert seen.sequence == i
        assert seen.silhouette.dtype == np.uint8
        assert (seen.silhouette > 127).mean() < 0.5


def test_a_missing_model_is_named_with_its_mend(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarkers, "model_path", lambda spec: models.model_path(spec, tmp_path))
    with pytest.raises(MissingModelError, match=r"hand_landmarker\.task is missing: run `inperson models fetch`"):
        Perception()


@pytest.fixture(scope="module")
def performer() -> Path:
    """The shipped clip of a rendered person talking with their hands."""
    return assets_dir() / "performer" / "performer.mp4"


def check_whole_person(seen):
    assert seen.body_pixels.shape == (33, 2)
    assert seen.body_world.shape == (33, 3)
    assert seen.body_visibility.shape == (33,)
    width, height = seen.intrinsics.width, seen.intrinsics.height
    nose = seen.body_pixels[0]
    assert 0 < nose[0] < width
    assert 0 < nose[1] < height
    assert seen.body_world[0, 1] < seen.body_world[11, 1] < seen.body_world[23, 1], "y is down: nose above hips"
    assert seen.body_pixels[11, 0] > seen.body_pixels[12, 0], "un-mirrored, facing us: their left is on the right"
    face = seen.face
    assert face.pixels.shape == (478, 2)
    assert face.blendshapes.shape == (52,)
    assert np.linalg.norm(face.pixels[1] - nose) < 0.5 * np.ptp(face.pixels[:, 0])
    T = face.T_cv_from_head
    assert 0.2 < T[2, 3] < 5, "metres before the camera"
    assert T[1, 1] < -0.5, "the head's y is up, the camera's down"
    projected = seen.intrinsics.matrix @ T[:3, 3]
    assert np.linalg.norm(projected[:2] / projected[2] - nose) < np.ptp(face.pixels[:, 0])


def check_hand(hand, body, wrist):
    assert hand.pixels.shape == (21, 2)
    assert hand.world.shape == (21, 3)
    assert 0 < hand.confidence <= 1
    assert np.linalg.norm(hand.pixels[0] - body[wrist]) < 0.5 * np.linalg.norm(body[11] - body[12])
    assert 0.05 < np.linalg.norm(hand.world[0] - hand.world[12]) < 0.25, "a hand is a hand's length in metres"


def test_performer_is_seen_whole_and_with_both_hands(perception, performer):
    seen = [perception.observe(frame) for frame in clip_frames(performer, 60, 12)]
    for one in seen[1:]:
        check_whole_person(one)
        assert 0.05 < (one.silhouette > 127).mean() < 0.95
    hands = [hand for one in seen[2:] for hand in (one.left_hand, one.right_hand)]
    assert sum(hand is not None for hand in hands) >= 0.9 * len(hands)
    for one in seen:
        for hand, wrist in ((one.left_hand, 15), (one.right_hand, 16)):
            if hand is not None and not hand.carried:
                check_hand(hand, one.body_pixels, wrist)


def test_of_two_people_the_larger_is_tracked_and_kept(perception, performer):
    frames = clip_frames(performer, 60, 8)
    for large_side in (0, 1):
        perception.forget()
        for i, frame in enumerate(frames):
            image = np.zeros((480, 960, 3), np.uint8)
            large, small = letterbox(frame.image, 640, 480), letterbox(frame.image, 320, 240)
            small_x, large_x = (640, 0) if large_side == 0 else (0, 320)
            if i < 6:  # then the larger one leaves the picture for two frames
                image[:, large_x : large_x + 640] = large
            image[120:360, small_x : small_x + 320] = small
            seen = perception.observe(frame_of(image, i))
            if 1 <= i < 6:
                assert large_x < seen.body_pixels[0, 0] < large_x + 640
            elif i >= 6:
                assert seen.body_pixels is None, "the smaller one is not taken for the one who just left"


@pytest.mark.media
@pytest.mark.parametrize(
    ("clip", "least"),
    [("night", 0.8), ("book", 0.85), ("milk", 0.9), ("student", 0.9)],
)
def test_signers_hands_are_tracked(perception, media, clip, least):
    """Hands whose body landmarks lie inside the picture; some of them are motion blur or hidden behind the other."""
    visible = tracked = 0
    for frame in clip_frames(media / "video" / f"intel_{clip}.mkv", 12, 30):
        seen = perception.observe(frame)
        check_whole_person(seen)
        for hand, wrist in ((seen.left_hand, 15), (seen.right_hand, 16)):
            if (seen.body_pixels[wrist : wrist + 5 : 2, 1] < frame.image.shape[0]).all():
                visible += 1
                tracked += hand is not None
    assert tracked >= least * visible > 0
