"""`inperson avatar create` from the picture file to the avatar, on the shipped performer's first frame."""

import io
import os
import resource
import sys
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from inperson.app import cli, person_search
from inperson.app.create_report import SHARES, CreateBar
from inperson.app.person_search import PersonSearch
from inperson.avatar.file import load_avatar
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.provenance import Provenance
from inperson.avatar.selection import without_head
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct import create
from inperson.reconstruct.create import Created, CreateSettings
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights import save_network
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.photo.picture import read_photo
from inperson.reconstruct.polish import PolishSettings
from inperson.reconstruct.stages import Matte, Photo
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import look_at
from inperson.tracking.observation import Observation


@dataclass(frozen=True)
class Studio:
    """A photo, weights, and what came of them once."""

    photo: Path
    network: Path
    created: Created


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """The performer's first frame, a small network nobody trained, and the avatar that the stages make of them."""
    folder = tmp_path_factory.mktemp("studio")
    with av.open(str(assets_dir() / "performer" / "performer.mp4")) as clip:
        picture = next(clip.decode(video=0)).to_ndarray(format="rgb24")
    photo, network = folder / "me.png", folder / "small.safetensors"
    Image.fromarray(picture).save(photo)
    torch.manual_seed(0)
    config = NetConfig(
        size=64, widths=(8, 8, 8, 16, 16), token_width=16, token_blocks=1, heads=2, appearance=(8, 8, 8)
    )
    save_network(ReconstructionNet(config), network, {"recipe": "none"})
    settings = CreateSettings(network=network, count=15_000, polish=PolishSettings(steps=30))
    created = create.create_avatar(read_photo(photo), settings)
    return Studio(photo, network, created)


class SearchHere:
    """`PersonSearch` without a process, when it is asked."""

    def __init__(self, photo: Photo, number: int | None) -> None:
        self._asked = photo, number

    def found(self) -> Observation:
        return find_person(*self._asked)

    def cut_out(self) -> Matte:
        return Matter().cut_out(self._asked[0].image, self.found())

    def __enter__(self) -> "SearchHere":
        return self

    def __exit__(self, *error: object) -> None:
        """There is no process to end."""


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_search, "PersonSearch", SearchHere)


@pytest.fixture
def once(studio: Studio, one_process: None, monkeypatch: pytest.MonkeyPatch) -> list[CreateSettings]:
    """The command makes the studio's avatar, without doing it all again; the settings it asked for."""
    asked: list[CreateSettings] = []

    def made_before(photo, settings, progress, search):
        asked.append(settings)
        for stage in create.Stage:
            progress(stage, 0.0)
            progress(stage, 1.0)
        return studio.created

    monkeypatch.setattr(create, "create_avatar", made_before)
    return asked


def run(*arguments: object) -> int:
    return cli.main(["avatar", "create", *map(str, arguments)])


def test_the_avatar_looks_like_the_photo(studio):
    scores = studio.created.scores
    assert scores.iou > 0.96
    assert scores.psnr > 27
    assert scores.ssim > 0.85
    assert list(studio.created.seconds) == list(create.Stage)


def test_it_stands_where_the_photo_says(studio):
    created = studio.created
    joints = AvatarPoser(created.avatar, created.fit.body).pose(created.fit.state).means
    inside = created.target.view.T_cv_from_world[:3, :3] @ joints.T + created.target.view.T_cv_from_world[:3, 3:]
    assert (inside[2] > 0.3).all()  # all of it before the camera
    assert len(created.avatar.face_index) > 12_000


def test_the_stages_repeat_bit_for_bit_and_the_seed_counts(studio):
    created = studio.created
    settings = CreateSettings(network=studio.network, count=4000, polish=PolishSettings(steps=4))
    first, second, other = (
        create.create_from_fit(created.fit, created.matte, replace(settings, seed=seed)).avatar for seed in (0, 0, 1)
    )
    for name in ("offsets", "quats", "scales", "opacities", "sh"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert not np.array_equal(first.sh, other.sh)


def test_fast_is_the_answer_before_polishing(studio):
    created = studio.created
    settings = CreateSettings(network=studio.network, count=4000, polish=PolishSettings(steps=20))
    fast, slow = (
        create.create_from_fit(created.fit, created.matte, replace(settings, fast=fast)) for fast in (True, False)
    )
    assert create.Stage.POLISH not in fast.seconds
    assert slow.scores.psnr > fast.scores.psnr + 1.0
    assert Provenance.from_strings(fast.avatar.provenance).others["polished"] == "no"


def test_the_front_does_not_shine_through_the_back(studio):
    """From behind, a red front must not tint a grey back, whatever the network thinks of opacity."""
    created = studio.created
    settings = CreateSettings(fast=True, network=studio.network, count=30_000)
    avatar = create.create_from_fit(created.fit, created.matte, settings).avatar
    body = created.fit.body
    rest = BodyState.rest(body.num_betas, body.num_expression)
    posed = AvatarPoser(avatar, body).pose(rest)
    front = posed.normals[:, 2] > 0.3
    colors = np.where(front[:, None], [[1.0, 0.0, 0.0]], [[0.5, 0.5, 0.5]]).astype(np.float32)
    behind = replace(
        created.target.view, T_world_from_eye=look_at(np.array([0.0, 0.2, -1.5]), np.array([0.0, 0.2, 0.0]))
    )
    drawn = CpuRasterizer().render_color(replace(posed, colors=colors), [behind])
    covered = drawn.alpha[0] > 0.9
    redness = (drawn.rgb[0, ..., 0] - drawn.rgb[0, ..., 1])[covered]
    assert covered.sum() > 5000
    assert np.quantile(redness, 0.9) < 0.1


def test_without_a_network_and_without_offsets(studio):
    created = studio.created
    plain = create.create_from_fit(created.fit, created.matte, CreateSettings(True, use_network=False, count=4000))
    assert "network_sha256" not in plain.avatar.provenance
    assert plain.scores.psnr > 20
    bare = create.create_from_fit(
        created.fit, created.matte, CreateSettings(True, use_network=False, dressed=False, count=4000)
    )
    assert not bare.surface.displacement.any()
    assert np.linalg.norm(plain.surface.displacement, axis=1).max() > 0.01
    assert bare.scores.psnr > 20


def test_it_can_do_what_avatars_do(studio):
    avatar, body = studio.created.avatar, studio.created.fit.body
    rest = BodyState.rest(body.num_betas, body.num_expression)
    poser = AvatarPoser(avatar, body)
    closed, opened = (
        poser.pose(replace(rest, jaw_pose=np.array([jaw, 0, 0], np.float32))).means for jaw in (0.0, 0.3)
    )
    moved = np.linalg.norm(opened - closed, axis=1)
    assert 50 < (moved > 0.004).sum() < 0.5 * len(moved)  # the jaw, and nothing below the neck
    assert moved[closed[:, 1] < closed[:, 1].max() - 0.4].max() < 1e-5
    for state in (rest, studio.created.fit.state):
        posed = poser.pose(state)
        assert all(np.isfinite(getattr(posed, name)).all() for name in ("means", "quats", "scales", "colors"))
    assert 0 < len(without_head(avatar, body).face_index) < len(avatar.face_index)
    half = levels_of_detail(avatar, body, 2)[1]
    assert 0.4 < len(half.face_index) / len(avatar.face_index) < 0.6


def test_the_command_writes_the_avatar_its_papers_and_the_strip(studio, once, tmp_path, capsys):
    out = tmp_path / "me.avatar"
    assert run(studio.photo, "-o", out, "--consent", "--network", studio.network, "--seed", 7, "--person", 1) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.avatar", "me.png"]
    (settings,) = once
    assert (settings.fast, settings.seed, settings.person, settings.network) == (False, 7, 1, studio.network)
    avatar = load_avatar(out)
    about = Provenance.from_strings(avatar.provenance)
    assert avatar.name == "me"
    assert about.photo_name == "me.png"
    assert about.photo_sha256 == sha256(studio.photo.read_bytes()).hexdigest()
    assert about.network_sha256 == sha256(studio.network.read_bytes()).hexdigest()
    assert about.created == date.today()
    assert about.tool.startswith("InPerson ")
    assert about.body == "neutral"
    assert about.consent.given
    assert about.consent.how == "the maker said --consent"
    assert about.scores["psnr"] == pytest.approx(studio.created.scores.psnr, abs=0.01)
    view = studio.created.target.view
    strip = np.asarray(Image.open(tmp_path / "me.png"))
    assert strip.shape == (view.height, 7 * view.width, 3)
    photo, front = strip[:, : view.width], strip[:, view.width : 2 * view.width]
    assert np.array_equal(photo, studio.created.target.cut(np.asarray(Image.open(studio.photo))))
    inside = studio.created.target.rgba[..., 3] > 250
    assert np.abs(photo[inside].astype(int) - front[inside]).mean() < 10
    assert (
        np.abs(photo[inside].astype(int) - strip[:, -view.width :][inside]).mean() > 15
    )  # the back is another picture
    said = capsys.readouterr().out
    assert "finding the person" in said
    assert f"{studio.created.scores.psnr:.1f} dB" in said
    assert f"wrote {out}" in said.replace("\n", "")


def test_show_prints_the_papers(studio, once, tmp_path, capsys):
    out = tmp_path / "me.avatar"
    assert run(studio.photo, "-o", out, "--consent", "--name", "Somebody") == 0
    capsys.readouterr()
    assert cli.main(["avatar", "show", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name: Somebody"
    assert "photo: me.png" in lines
    assert lines[-1].startswith("consent: given by the person in the photo on 20")


def test_the_strip_goes_where_it_is_told_and_never_over_the_photo(studio, once, tmp_path):
    mine = tmp_path / "me.png"
    mine.write_bytes(studio.photo.read_bytes())
    assert run(mine, "-o", tmp_path / "me.avatar", "--consent") == 0
    assert mine.read_bytes() == studio.photo.read_bytes()
    assert (tmp_path / "me.strip.png").is_file()
    assert run(mine, "-o", tmp_path / "me.avatar", "--consent", "--strip", tmp_path / "sides.png") == 0
    assert (tmp_path / "sides.png").is_file()


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


def test_without_a_terminal_consent_must_be_said(studio, once, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(studio.photo, "-o", tmp_path / "me.avatar") == 2
    assert "--consent" in one_error(capsys)
    assert once == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["PHOTO", "-o", "me.ply"], 2, "me.ply"),
        (["PHOTO", "-o", "me.avatar", "--strip", "me.jpg"], 2, "me.jpg"),
        (["PHOTO", "-o", "nowhere/me.avatar"], 5, "nowhere/me.avatar"),
        (["PHOTO", "-o", "me.avatar", "--strip", "nowhere/me.png"], 5, "nowhere/me.png"),
        (["PHOTO", "-o", "me.avatar", "--strip", "PHOTO"], 2, "the photo itself"),
        (["nobody.jpg", "-o", "me.avatar"], 2, "nobody.jpg"),
        (["PHOTO", "-o", "me.avatar", "--body", "giant"], 2, "giant"),
        (["PHOTO", "-o", "me.avatar", "--network", "nowhere.safetensors"], 2, "nowhere.safetensors"),
    ],
)
def test_wrong_paths_are_told_at_once(studio, one_process, tmp_path, monkeypatch, capsys, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    arguments = [studio.photo if a == "PHOTO" else a for a in arguments]
    assert run(*arguments, "--consent") == status
    assert said in one_error(capsys)
    assert list(tmp_path.iterdir()) == []


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))


def two_of(photo: Image.Image) -> Image.Image:
    both = Image.new("RGB", (2 * photo.width, photo.height))
    both.paste(photo, (0, 0))
    both.paste(photo, (photo.width, 0))
    return both


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        (lambda photo: noise((400, 300)), [], "no person"),
        (lambda photo: photo.resize((40, 30)), [], "40 x 30"),
        (lambda photo: two_of(photo), [], "choose one with --person"),
        (lambda photo: two_of(photo), ["--person", "3"], "choose 1 to 2"),
        (lambda photo: photo.reduce(4), [], "pixels"),
        (lambda photo: photo.crop((0, photo.height // 2, photo.width, photo.height)), [], "change.png"),
    ],
    ids=["noise", "tiny", "two", "third of two", "small person", "no head"],
)
def test_photos_that_will_not_do(studio, one_process, tmp_path, capsys, change, arguments, said):
    picture = tmp_path / "change.png"
    change(Image.open(studio.photo)).save(picture)
    assert run(picture, "-o", tmp_path / "me.avatar", "--consent", "--network", studio.network, *arguments) == 2
    assert said in one_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["change.png"]


@pytest.mark.parametrize("content", [b"", b"not a picture", "half"], ids=["empty", "text", "half"])
def test_files_that_are_no_whole_picture(studio, one_process, tmp_path, capsys, content):
    picture = tmp_path / "broken.png"
    whole = studio.photo.read_bytes()
    picture.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    assert run(picture, "-o", tmp_path / "me.avatar", "--consent") == 2
    assert "broken.png" in one_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.png"]


def test_a_search_of_its_own_process_says_whom_it_found_or_why_not(studio):
    photo = read_photo(studio.photo)
    with PersonSearch(photo, None) as search, PersonSearch(photo, 2) as other:
        found, matte = search.found(), search.cut_out()
        with pytest.raises(BadInputError, match="no person 2"):
            other.found()
    assert np.array_equal(matte.alpha, studio.created.matte.alpha)
    assert np.array_equal(found.face.pixels, studio.created.fit.observation.face.pixels)


def with_orientation(photo: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned clockwise
    photo.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".jpg"), exif=exif, quality=97)


@pytest.mark.parametrize(
    "save",
    [
        with_orientation,
        lambda photo, path: photo.convert("L").save(path.with_suffix(".png")),
        lambda photo, path: photo.convert("CMYK").save(path.with_suffix(".jpg"), quality=97),
        lambda photo, path: Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257).save(
            path.with_suffix(".png")
        ),
    ],
    ids=["turned", "grey", "CMYK", "16 bit"],
)
def test_unusual_files_of_the_same_photo_find_the_same_person(studio, one_process, monkeypatch, tmp_path, save):
    """The whole command up to the person, whose landmarks must lie where they lie in the plain file."""
    seen = []

    def found(observation, matte):
        seen.append((observation, matte))
        return studio.created.fit

    monkeypatch.setattr(create, "fit_landmarks", lambda body, observation: observation)
    monkeypatch.setattr(create, "fit_outline", found)
    monkeypatch.setattr(create, "create_from_fit", lambda *_: studio.created)
    save(Image.open(studio.photo), tmp_path / "odd")
    (odd,) = tmp_path.iterdir()
    assert run(odd, "-o", tmp_path / "me.avatar", "--consent") == 0
    ((observation, matte),) = seen
    plain = studio.created.fit.observation
    assert np.median(np.abs(observation.face.pixels - plain.face.pixels)) < 1.5
    assert np.median(np.abs(observation.body_pixels - plain.body_pixels)) < 4.0
    assert (matte.inside & studio.created.matte.inside).sum() > 0.9 * studio.created.matte.inside.sum()


def test_a_full_disk_leaves_nothing(studio, once, tmp_path, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # Python ignores the signal; writing fails
    try:
        status = run(studio.photo, "-o", tmp_path / "me.avatar", "--consent")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 5
    assert "me.avatar" in one_error(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".avatar", ".png"])
def test_an_interruption_leaves_nothing_half_written(studio, once, tmp_path, monkeypatch, suffix):
    rename = os.replace

    def interrupted(source, target):
        if str(target).endswith(suffix):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    assert run(studio.photo, "-o", tmp_path / "me.avatar", "--consent") == cli.EXIT_INTERRUPTED
    assert [path.name for path in tmp_path.iterdir()] == ([] if suffix == ".avatar" else ["me.avatar"])


def test_the_bar_reaches_its_end_and_never_goes_back(studio):
    assert list(SHARES) == list(create.Stage)
    bar = CreateBar(Console(file=io.StringIO()), "me.png")
    done = []
    for stage in create.Stage:
        for share in (0.0, 0.5, 1.0):
            bar.update(stage, share)
            done.append(bar._progress.tasks[0].percentage)
    assert done == sorted(done)
    assert done[-1] == pytest.approx(100.0)
