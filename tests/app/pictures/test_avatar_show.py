"""`inperson avatar show`: an avatar from all sides, drawn by the real CPU backend."""

from dataclasses import replace
from datetime import date

import av
import numpy as np
import pytest
from PIL import Image

from inperson.app import cli
from inperson.app.pictures.turntable import Turntable, at_ease
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from inperson.avatar.provenance import ClipEntry, Consent, Provenance
from inperson.avatar.skinning import BodyPoser
from tests.app.drawing_doubles import PointRasterizer, tiny_avatar
from tests.avatar.made_up import made_up_photo


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture(scope="module")
def avatar_file(body, tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "tiny.avatar"
    save_avatar(tiny_avatar(body), path)
    return str(path)


def somebody(picture: np.ndarray) -> np.ndarray:
    """Where an (all white) avatar is seen before the grey wall."""
    return picture.min(axis=-1) > 215


def test_at_ease_the_hands_hang_beside_the_hips(body):
    joints = BodyPoser(body, np.zeros(body.num_betas)).pose(at_ease(body.num_betas, body.num_expression)).joints
    pelvis, left_wrist, right_wrist = joints[0], joints[20], joints[21]
    assert left_wrist[0] > 0.15 > -0.15 > right_wrist[0]
    for wrist in (left_wrist, right_wrist):
        assert abs(wrist[1] - pelvis[1]) < 0.3
        assert wrist[1] < joints[16][1] - 0.3


def test_the_whole_body_is_in_the_picture_from_every_side(body):
    table = Turntable(tiny_avatar(body), body, PointRasterizer(), 120, 160)
    for picture in table.turn(5):
        seen = somebody(picture)
        assert seen.sum() > 300
        assert not seen[0].any()
        assert not seen[-1].any()
        assert not seen[:, 0].any()
        assert not seen[:, -1].any()
        rows = np.flatnonzero(seen.any(axis=1))
        assert rows[-1] - rows[0] > 100


def test_front_and_back_are_each_others_outline_mirrored(body):
    table = Turntable(tiny_avatar(body), body, PointRasterizer(), 120, 160)
    front, back = somebody(table.draw(0.0)), somebody(table.draw(np.pi))
    front_columns, back_columns = np.flatnonzero(front.any(axis=0)), np.flatnonzero(back.any(axis=0))
    assert front_columns[0] == pytest.approx(119 - back_columns[-1], abs=2)


def test_png_has_four_sides_and_closeup_shows_the_head_larger(tmp_path, avatar_file):
    seen = {}
    for name, extra in {"body": [], "head": ["--closeup"]}.items():
        out = tmp_path / f"{name}.png"
        assert cli.main(["avatar", "show", avatar_file, "-o", str(out), "--size", "96", "128", *extra]) == 0
        sheet = np.asarray(Image.open(out))
        assert sheet.shape == (128, 4 * 96, 3)
        seen[name] = somebody(sheet[:, :96])
    assert seen["head"][100:].sum() > 2 * seen["body"][100:].sum()  # shoulders instead of feet


def test_mp4_is_one_turn(tmp_path, avatar_file, capsys):
    out = tmp_path / "turn.mp4"
    assert cli.main(["avatar", "show", avatar_file, "-o", str(out), "--size", "32", "48"]) == 0
    with av.open(str(out)) as container:
        frames = [frame.time for frame in container.decode(video=0)]
    assert len(frames) == 180
    assert frames[-1] == pytest.approx(179 / 30, abs=1e-3)
    assert f"wrote {out}" in capsys.readouterr().out


def test_without_out_the_papers_are_printed_one_a_line(tmp_path, body, capsys):
    about = Provenance(
        tool="InPerson 9",
        created=date(2026, 1, 2),
        photo_name="me.jpg",
        photo_sha256="ab" * 32,
        scores={"iou": 0.97, "psnr": 30.5},
        clips=(ClipEntry("a.mp4", "cd" * 32, date(2026, 1, 3), 4.0, {"psnr": 22.0}),) * 2,
        consent=Consent(True, "the person in the photo", "the maker said --consent", date(2026, 1, 2)),
        others={"zeal": "[bold]much"},
    )
    photo = made_up_photo(len(tiny_avatar(body).face_index), width=40, height=60)
    save_avatar(replace(tiny_avatar(body), provenance=about.to_strings(), photo=photo), tmp_path / "me.avatar")
    assert cli.main(["avatar", "show", str(tmp_path / "me.avatar")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name: tiny",
        "body: neutral",
        f"body_sha256: {body.sha256}",
        f"gaussians: {len(tiny_avatar(body).face_index)}",
        "tool: InPerson 9",
        "created: 2026-01-02",
        "photo: me.jpg",
        f"photo_sha256: {'ab' * 32}",
        "reference_photo: 40 x 60 pixels",
        "scores: iou 0.97, psnr 30.5",
        "refined on: a.mp4 (4.0 s) on 2026-01-03: psnr 22",
        "refined on: a.mp4 (4.0 s) on 2026-01-03: psnr 22",
        "zeal: [bold]much",
        "consent: given by the person in the photo on 2026-01-02 (the maker said --consent)",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["me.avatar"]


def test_an_avatar_that_states_no_consent_says_so(avatar_file, tmp_path, capsys):
    assert cli.main(["avatar", "show", avatar_file, "-o", str(tmp_path / "a.png"), "--size", "32", "48"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["consent: not stated", f"wrote {tmp_path / 'a.png'}"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nobody-like-that", "-o", "a.png"], 2, "nobody-like-that"),
        (["AVATAR", "-o", "a.gif"], 2, "a.gif"),
        (["AVATAR", "-o", "nowhere/a.png"], 5, "nowhere/a.png"),
        (["AVATAR", "-o", "nowhere/a.mp4"], 5, "nowhere/a.mp4"),
    ],
)
def test_errors_are_one_line(tmp_path, avatar_file, monkeypatch, capsys, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    arguments = [avatar_file if a == "AVATAR" else a for a in arguments]
    assert cli.main(["avatar", "show", *arguments]) == status
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
