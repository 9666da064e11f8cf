"""docs/exports.md says what the program does: its table of joints is checked against the code."""

import re
from pathlib import Path

from inperson.app.exporting.options import ENDINGS
from inperson.app.exporting.vrma import vrm_bone
from inperson.app.importing.joint_names import smplx_names
from inperson.app.outputs.humanoid import BONES
from inperson.avatar.body import JOINT_NAMES, load_body

DOC = Path(__file__).parents[3] / "docs" / "exports.md"


def rows() -> list[list[str]]:
    lines = [line for line in DOC.read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_joints_is_true():
    parents = load_body("neutral").parents
    table = rows()
    assert [row[1] for row in table] == list(JOINT_NAMES)
    for k, (number, name, parent, bone, mixamo) in enumerate(table):
        assert int(number) == k
        assert parent == (JOINT_NAMES[parents[k]] if k else "")
        assert bone == ("(lookAt)" if "eye" in name else vrm_bone(BONES[k]))
        if mixamo:
            assert smplx_names(["Hips", mixamo])[mixamo] == name


def test_every_ending_is_described():
    text = DOC.read_text()
    assert all(f"`{ending}`" in text for ending in ENDINGS)
