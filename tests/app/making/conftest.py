"""The avatar that the tests of `inperson avatar create` look at, made once."""

import av
import pytest
import torch
from PIL import Image

from inperson.app.making import person_search
from inperson.paths import assets_dir
from inperson.reconstruct import create
from inperson.reconstruct.create import CreateSettings
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights import save_network
from inperson.reconstruct.photo.picture import read_photo
from inperson.reconstruct.polish import PolishSettings
from tests.app.making.create_studio import SearchHere, Studio


@pytest.fixture(scope="session")
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
