"""BVH: a two-frame file written here, and the walk of the outside media."""

from pathlib import Path

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError
from inperson.synthetic.motion.bvh import motion_from_bvh, read_bvh

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Knee
  {
    OFFSET 0 -4 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 -3 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
1 2 3 0 0 0 0 0 0
1 2 3 90 0 0 0 90 0
"""


def test_channels_hierarchy_and_order(tmp_path: Path) -> None:
    path = tmp_path / "small.bvh"
    path.write_text(SMALL)
    bvh = read_bvh(path)
    assert bvh.names == ("Hips", "Knee")
    assert bvh.parents.tolist() == [-1, 0]
    assert bvh.offsets.tolist() == [[0, 0, 0], [0, -4, 0]]
    assert bvh.frame_time == 0.05
    np.testing.assert_allclose(bvh.root, [[1, 2, 3], [1, 2, 3]])
    np.testing.assert_allclose(bvh.rotations[0][1].apply([1, 0, 0]), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(bvh.rotations[1][1].apply([1, 0, 0]), [0, 0, -1], atol=1e-12)


def test_wrong_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.bvh"
    for text in ("hello", SMALL.replace("0 0 0 0 0 0\n1", "0 0 0\n1")):
        path.write_text(text)
        with pytest.raises(BadInputError, match=r"bad\.bvh"):
            read_bvh(path)
    path.write_text(SMALL)
    with pytest.raises(BadInputError, match="LeftUpLeg"):
        motion_from_bvh(read_bvh(path), load_body("neutral"))


@pytest.mark.media
def test_a_captured_walk_walks(media: Path) -> None:
    body = load_body("neutral")
    clip = motion_from_bvh(read_bvh(media / "motion" / "cmu_12_01_walk.bvh"), body)
    assert clip.fps == pytest.approx(30.0, rel=0.02)
    poser = BodyPoser(body, np.zeros(body.num_betas, np.float32))
    joints = np.stack([poser.joint_transforms(s)[1] for s in clip.states])
    assert np.ptp(joints[:, 0, [0, 2]], axis=0).max() > 1.0, "goes somewhere"
    assert (joints[:, 15, 1] - joints[:, [7, 8], 1].min(axis=1) > 1.2).all(), "upright"
    feet = joints[:, [7, 8], 1]
    assert np.ptp(feet.min(axis=1)) < 0.15, "one foot stays near the ground"
    apart = joints[:, 7] - joints[:, 8]
    assert np.linalg.norm(apart, axis=1).max() > 0.4, "steps"
