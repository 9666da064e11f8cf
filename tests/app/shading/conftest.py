"""A machine of a test's own: its weights, its memory of engines, a small avatar and a rasteriser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inperson.app.shading import engines
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.selection import select
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.network import weights
from inperson.shader_model.runtime import choices, choose
from inperson.shader_model.runtime.torch_engine import TorchEngine
from tests.avatar.made_up import made_up_photo

torch.set_num_threads(1)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where shipped weights are looked for: nothing is there yet. Plain torch is the only engine."""
    folder, cache = tmp_path / "assets", tmp_path / "engines"
    folder.mkdir()
    cache.mkdir()
    monkeypatch.setattr(weights, "assets_dir", lambda: folder)
    monkeypatch.setattr(choices, "cache_dir", lambda: cache)
    monkeypatch.setattr(engines, "SIDE", 64)
    monkeypatch.setattr(
        choose,
        "candidates",
        lambda model, device, threads: {"torch-fp32": lambda: TorchEngine(model, torch.float32, device)},
    )
    return folder


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return load_body("female")


@pytest.fixture(scope="session")
def few() -> GaussianAvatar:
    """A person of a few thousand large Gaussians who was photographed."""
    ada = load_avatar("ada")
    thinned = select(ada, np.arange(0, len(ada.scales), 10))
    return replace(thinned, scales=3 * thinned.scales, photo=made_up_photo(len(thinned.scales)))


@pytest.fixture(scope="session")
def avatar_file(few: GaussianAvatar, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("avatars") / "few.avatar"
    save_avatar(few, path)
    return str(path)


@pytest.fixture
def rasterizer() -> Iterator[CpuRasterizer]:
    rasterizer = CpuRasterizer(1)
    yield rasterizer
    rasterizer.close()
