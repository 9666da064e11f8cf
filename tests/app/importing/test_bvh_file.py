"""Reading BVH: what others write, and what nobody should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.app.importing.bvh_file import load_bvh
from inperson.app.importing.joint_names import smplx_names
from inperson.errors import BadInputError

GOOD = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Chest Bone
  {
    OFFSET 0 10 0
    CHANNELS 3 Yrotation Xrotation Zrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
1 2 3 90 0 0 0 0 0
4 5 6 0 0 90 90 0 90
"""


def written(tmp_path, text: str):
    (tmp_path / "a.bvh").write_bytes(text.encode())
    return tmp_path / "a.bvh"


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("Xposition", "XPOSITION") + "\n\n"])
def test_joints_channels_and_frames(tmp_path, text):
    clip = load_bvh(written(tmp_path, text))
    assert clip.names == ("Hips", "Chest Bone")
    assert clip.joints[1].parent == 0
    assert clip.frame_time == 0.0333333
    np.testing.assert_array_equal(clip.root_places(), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(clip.rest(), [[0, 0, 0], [0, 10, 0]])
    assert clip.rotations(0).apply([1, 0, 0]) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0]]), abs=1e-12)
    # Y then X then Z, the first the outermost: z goes x to y, then y turns x to -z
    assert clip.rotations(1)[1].apply([1, 0, 0]) == pytest.approx([0, 1, 0], abs=1e-12)
    assert clip.rotations(1)[1].apply([0, 1, 0]) == pytest.approx([0, 0, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("HIERARCHY", "HIERARCHIE", "does not begin"),
        ("MOTION", "", "no MOTION"),
        ("OFFSET 1 2 3", "OFFSET 1 2", "line 4: an OFFSET is three numbers"),
        ("OFFSET 1 2 3", "OFFSET 1 2 inf", "line 4"),
        ("OFFSET 1 2 3", "OFFSET 1 2 x", "line 4"),
        ("CHANNELS 6", "CHANNELS 5", "line 5: CHANNELS"),
        ("Zrotation Yrotation Xrotation\n  JOINT", "Zrotation Yrotation Wrotation\n  JOINT", "line 5"),
        ("JOINT Chest Bone", "JOINT", "line 6: a joint without a name"),
        ("JOINT Chest Bone", "ROOT Chest", "line 6: a second ROOT"),
        ("JOINT Chest Bone", "BONE Chest", "line 6: 'BONE' is not a word"),
        ("    }\n  }\n}", "    }\n  }", "not closed"),
        ("    }\n  }\n}", "    }\n  }\n}\n}", "a bracket too many"),
        ("Frames: 2", "Frames: 3", "2 frames of 9 numbers, not 3 of 9"),
        ("Frames: 2", "Frames: 0", "0 frames"),
        ("Frames: 2", "Frames: many", "many"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "0 seconds"),
        ("Frame Time: 0.0333333", "Frame Time: nan", "nan seconds"),
        ("4 5 6 0 0 90 90 0 90", "4 5 6 0 0 90 90 0", "rows"),
        ("4 5 6 0 0 90 90 0 90", "4 5 6 0 0 90 90 0 nan", "not finite"),
        ("1 2 3 90 0 0 0 0 0\n4 5 6 0 0 90 90 0 90\n", "", "0 frames"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, said):
    with pytest.raises(BadInputError, match=r"a\.bvh") as caught:
        load_bvh(written(tmp_path, GOOD.replace(old, new, 1)))
    assert said in str(caught.value)


def test_what_is_no_text(tmp_path):
    (tmp_path / "a.bvh").write_bytes(b"\xff\xfe\x00HIERARCHY")
    with pytest.raises(BadInputError, match="is not text"):
        load_bvh(tmp_path / "a.bvh")


def test_a_skeleton_deeper_than_anybodys(tmp_path):
    deep = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + "JOINT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" * 5000
    with pytest.raises(BadInputError, match="more than 1000 joints"):
        load_bvh(written(tmp_path, f"{deep}{'}' * 5001}\nMOTION\nFrames: 1\nFrame Time: 1\n\n"))


@settings(max_examples=80)
@given(st.data())
def test_a_damaged_file_is_an_error_and_nothing_else(tmp_path_factory, data):
    text = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=6))
        if not text:
            text = bytearray(b" ")
    path = tmp_path_factory.getbasetemp() / "damaged.bvh"
    path.write_bytes(text)
    try:
        clip = load_bvh(path)
    except BadInputError:
        return
    assert np.isfinite(clip.frames).all()


def test_two_people_in_one_skeleton(tmp_path):
    with pytest.raises(BadInputError, match="two of pelvis"):
        smplx_names(["Hips", "b:Hips"])
    with pytest.raises(BadInputError, match="no hips"):
        smplx_names(["Neck"])
