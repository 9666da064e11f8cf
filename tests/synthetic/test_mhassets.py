"""MakeHuman's text formats, read from files written here."""

from pathlib import Path

import numpy as np
import pytest

from inperson.errors import BadInputError
from inperson.synthetic.mhassets import read_material, read_obj, read_proxy

OBJ = """# a quad and a triangle
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
f 1/1 2/2 3/3 4/4
f 1/1/9 3/3/9 4/4/9
"""
MHCLO = """# proxy
name shawl
obj_file shawl.obj
x_scale 10 20 2.0
z_scale 11 21 0.5
z_depth 42
verts 0
material shawl.mhmat
7
1 2 3 0.5 0.75 -0.25 0.1 -0.2 0.3
delete_verts
5 8 - 10 12
100 - 101
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shawl.obj").write_text(OBJ)
    (tmp_path / "shawl.mhclo").write_text(MHCLO)
    (tmp_path / "shawl.mhmat").write_text("name x\ndiffuseColor 0.5 0.25 1\ntransparent True\ndiffuseTexture a.png\n")
    return tmp_path


def test_polygons_become_fans_and_keep_their_uvs(folder: Path) -> None:
    mesh = read_obj(folder / "shawl.obj")
    assert mesh.vertices.shape == (4, 3)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 2, 3]]
    assert mesh.face_uvs.tolist() == mesh.faces.tolist()
    assert mesh.uvs[2].tolist() == [1.0, 1.0]


def test_a_proxy_binds_single_vertices_and_triangles(folder: Path) -> None:
    proxy = read_proxy(folder / "shawl.mhclo")
    assert (proxy.name, proxy.layer) == ("shawl", 42)
    assert proxy.indices.tolist() == [[7, 7, 7], [1, 2, 3]]
    assert proxy.weights.tolist() == [[1, 0, 0], [0.5, 0.75, -0.25]]
    assert proxy.offsets.tolist() == [[0, 0, 0], [0.1, -0.2, 0.3]]
    assert [(s.axis, s.vertex_a, s.vertex_b, s.denominator) for s in proxy.scales] == [
        (0, 10, 20, 2.0),
        (2, 11, 21, 0.5),
    ]
    assert np.flatnonzero(proxy.hides).tolist() == [5, 8, 9, 10, 12, 100, 101]
    assert proxy.obj_path == folder / "shawl.obj"
    assert proxy.material_path == (folder / "shawl.mhmat").resolve(), "material may follow `verts`"


def test_a_material_names_its_texture(folder: Path) -> None:
    material = read_material(folder / "shawl.mhmat")
    assert material.diffuse_path == (folder / "a.png").resolve()
    assert material.color == (0.5, 0.25, 1.0)
    assert material.transparent


@pytest.mark.parametrize(
    ("name", "text", "reader"),
    [
        ("x.obj", "v 0 0 zero\n", read_obj),
        ("x.obj", "v 0 0 0\n", read_obj),
        ("x.mhclo", "obj_file x.obj\nverts 0\n1 2 three 4 5 6 7 8 9\n", read_proxy),
        ("x.mhclo", "obj_file x.obj\n", read_proxy),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, text: str, reader) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BadInputError, match=name):
        reader(path)
    with pytest.raises(BadInputError, match=r"missing\.obj"):
        read_obj(tmp_path / "missing.obj")
