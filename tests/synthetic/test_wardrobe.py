"""A tiny made-up wardrobe, then (where it is there) the real one: layers, hair, the cast."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inperson.avatar.body import load_body
from inperson.errors import BadInputError
from inperson.synthetic.basemesh import load_base_mesh
from inperson.synthetic.cameras import framed_view
from inperson.synthetic.cast import CAST, PERFORMER, cast_member
from inperson.synthetic.drawables import Part
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.lights import capture_light
from inperson.synthetic.people import HAIR, OUTFITS, sample_person
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import ENVIRONMENT_VARIABLE, Wardrobe, covered_faces


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """One garment: a triangle on three neighbouring vertices of the chest, 1 cm before the skin."""
    folder = tmp_path / "clothes" / "patch"
    folder.mkdir(parents=True)
    (folder / "patch.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n")
    corners = chest_vertices()
    lines = [f"{v} {v} {v} 1 0 0 0 0 1" for v in corners]
    (folder / "patch.mhclo").write_text(
        "name patch\nobj_file patch.obj\nz_scale 962 5320 1.0\nverts 0\n"
        + "\n".join(lines)
        + f"\nmaterial patch.mhmat\ndelete_verts\n{corners[0]} {corners[1]} {corners[2]}\n"
    )
    (folder / "patch.mhmat").write_text("diffuseTexture patch.png\n")
    Image.new("RGBA", (4, 4), (255, 0, 0, 255)).save(folder / "patch.png")
    return tmp_path


def chest_vertices() -> list[int]:
    body = load_body("neutral")
    base = load_base_mesh(body)
    front = body.faces[np.argmin(np.linalg.norm(body.v_template[body.faces].mean(1) - [0.05, 0.05, 0.12], axis=1))]
    assert (base.weights[body.hm08_index[front], 9] > 0.2).all(), "on the chest"
    return [int(v) for v in body.hm08_index[front]]


def test_a_garment_lies_where_it_is_bound(tiny: Path) -> None:
    body = load_body("neutral")
    base = load_base_mesh(body)
    wardrobe = Wardrobe(tiny)
    assert wardrobe.names("clothes") == ("patch",)
    worn = wardrobe.worn("clothes", "patch", base)
    assert wardrobe.worn("clothes", "patch", base) is worn, "read once"
    depth = abs(base.template[962, 2] - base.template[5320, 2])
    skin = base.template[worn.proxy.indices[:, 0]]
    np.testing.assert_allclose(worn.bound.template - skin, np.tile([0, 0, depth], (3, 1)), atol=0.02 * depth + 1e-4)
    assert worn.diffuse_path == (tiny / "clothes" / "patch" / "patch.png").resolve()
    hidden = np.zeros(19158, bool)
    assert not covered_faces(worn.mesh, worn.proxy, hidden).any()
    assert covered_faces(worn.mesh, worn.proxy, worn.proxy.hides).all()


def test_what_is_not_there_is_named(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_base_mesh(load_body("neutral"))
    with pytest.raises(BadInputError, match=r"no 'cape'.*patch"):
        Wardrobe(tiny).worn("clothes", "cape", base)
    with pytest.raises(BadInputError, match="no 'green'"):
        Wardrobe(tiny).eyes("green")
    with pytest.raises(BadInputError, match=ENVIRONMENT_VARIABLE):
        Wardrobe(tmp_path / "nowhere")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tiny))
    assert Wardrobe().folder == tiny


def test_a_mesh_that_does_not_fit_its_binding_is_refused(tiny: Path) -> None:
    path = tiny / "clothes" / "patch" / "patch.obj"
    path.write_text(path.read_text().replace("v 0 1 0\n", "v 0 1 0\nv 0 0 1\n"))
    with pytest.raises(BadInputError, match="does not fit"):
        Wardrobe(tiny).worn("clothes", "patch", load_base_mesh(load_body("neutral")))


def test_the_cast_has_names() -> None:
    assert len({p.name for p in (*CAST.values(), PERFORMER)}) == 4
    assert cast_member("ada") is CAST["ada"]
    with pytest.raises(BadInputError, match=r"'bob'.*ada"):
        cast_member("bob")


def test_random_people_are_seeded_and_various() -> None:
    people = [sample_person(np.random.default_rng(s), "x") for s in range(60)]
    assert people[:5] == [sample_person(np.random.default_rng(s), "x") for s in range(5)]
    assert {p.gender for p in people} == {"female", "male"}
    assert len({p.outfit for p in people}) >= 9
    assert len({p.skin for p in people}) >= 10
    assert sum(p.top is not None for p in people) > 30
    for p in people:
        assert p.hair in HAIR[p.gender]
        assert p.outfit in OUTFITS[p.gender]


@pytest.mark.media
def test_a_dressed_person_hides_skin_under_clothes_and_shows_both_eyes(wardrobe: Wardrobe, stage: Stage) -> None:
    """For every hair style in use: seen from the front, both eyes are visible, and no strand covers them."""
    dresser = Dresser(wardrobe)
    for gender, styles in HAIR.items():
        for style in styles:
            spec = replace(CAST["ada"] if gender == "female" else CAST["kenji"], hair=style)
            person = dresser.dress(spec)
            skin, _eyes = person.drawables[:2]
            bare = (person.body.hm08_index < 13380)[person.body.faces].all(axis=1).sum()
            assert len(skin.mesh.triangles) < 0.8 * bare
            posed = person.posed(person.rest())
            stage.set_scene(posed, capture_light())
            view = framed_view(posed.pose, "head", 0.0, 0.0, 256)
            part = stage.shoot(view).geometry.part
            for joint in (23, 24):
                p = view.T_cv_from_world @ np.append(posed.pose.body.joints[joint], 1.0)
                k = view.intrinsics
                u, v = int(k.cx + k.fx * p[0] / p[2]), int(k.cy + k.fy * p[1] / p[2])
                near = part[v - 6 : v + 7, u - 6 : u + 7]
                assert (near == Part.EYE).sum() > 25, f"{style}: eye"
                assert (near == Part.HAIR).sum() == 0, f"{style}: hair over an eye"


@pytest.mark.media
def test_clothes_stay_before_the_skin_in_the_session_poses(wardrobe: Wardrobe, stage: Stage) -> None:
    """Of the pixels where the clothed torso is seen, hardly any show skin poking through."""
    from inperson.synthetic.avatar_captures import SESSION, session_state

    person = Dresser(wardrobe).dress(CAST["kenji"])
    for pose in (SESSION[0], SESSION[5]):
        posed = person.posed(session_state(person, pose))
        stage.set_scene(posed, capture_light())
        view = framed_view(posed.pose, "upper", 0.0, 0.0, 200)
        part = stage.shoot(view).geometry.part
        chest = part[90:140, 80:120]
        assert (chest == Part.CLOTH).mean() > 0.9
