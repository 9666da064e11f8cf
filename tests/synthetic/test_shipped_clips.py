"""The shipped clips and their ground truth: whole, small, consistent, the person really where the truth says."""

from pathlib import Path

import av
import numpy as np
import pytest

from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.synthetic.webcam_clips import load_webcam_truth

CLIPS = ("performer/performer", "captures/still", "captures/chest", "captures/gestures")


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", CLIPS)
def test_pictures_and_truth_belong_together(name: str) -> None:
    path = assets_dir() / f"{name}.mp4"
    truth = load_webcam_truth(path)
    frames = frames_of(path)
    assert path.stat().st_size < 1_500_000
    assert path.with_suffix(".npz").stat().st_size < 500_000
    assert len(frames) == len(truth.joints) == len(truth.times_ns)
    assert frames[0].shape == (truth.intrinsics.height, truth.intrinsics.width, 3)
    np.testing.assert_allclose(np.diff(truth.times_ns), 1e9 / 30, atol=2)
    assert (truth.joints[..., 2] < 0).all(), "before the camera"
    pixels = truth.pixels()[:, [15, 16, 17, 20, 21, *range(25, 55)]]
    assert (pixels > 0).all()
    assert (pixels < [truth.intrinsics.width, truth.intrinsics.height]).all()


@pytest.mark.parametrize("name", ["performer/performer", "captures/gestures"])
def test_hands_move_in_the_picture_where_the_truth_moves_them(name: str) -> None:
    """Frame differences gather about the true hands, not elsewhere."""
    path = assets_dir() / f"{name}.mp4"
    truth, frames = load_webcam_truth(path), frames_of(path)
    pixels = truth.pixels()
    moved = np.linalg.norm(np.diff(pixels[:, [28, 43]], axis=0), axis=-1)
    checked = 0
    for i in np.argsort(-moved.max(axis=1))[:12]:
        hand = 28 if moved[i, 0] > moved[i, 1] else 43
        change = np.abs(frames[i + 1].astype(int) - frames[i]).sum(axis=-1)
        u, v = pixels[i : i + 2, hand].mean(axis=0)
        y, x = np.mgrid[0 : change.shape[0], 0 : change.shape[1]]
        near = np.hypot(x - u, y - v) < 60
        assert change[near].mean() > 4 * change[~near].mean()
        checked += 1
    assert checked == 12


def test_the_still_clip_is_still() -> None:
    joints = load_webcam_truth(assets_dir() / "captures" / "still.mp4").joints
    assert np.ptp(joints[:, :22], axis=0).max() < 1e-6


def test_truth_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no ground truth"):
        load_webcam_truth(tmp_path / "clip.mp4")
    np.savez(tmp_path / "clip.npz", poses=np.zeros((3, 165)))
    with pytest.raises(BadInputError, match="not the ground truth"):
        load_webcam_truth(tmp_path / "clip.mp4")
