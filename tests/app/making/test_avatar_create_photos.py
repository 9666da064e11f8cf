"""Which photos `inperson avatar create` takes, and what it says of those that will not do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inperson.app.making.person_search import PersonSearch
from inperson.errors import BadInputError
from inperson.reconstruct import create
from inperson.reconstruct.photo.picture import read_photo
from tests.app.making.create_studio import one_error, run


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
    with PersonSearch() as search, PersonSearch() as other:
        search.begin(photo, None)
        other.begin(photo, 2)
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
