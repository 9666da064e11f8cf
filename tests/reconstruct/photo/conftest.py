"""Pictures of people whose every joint is known, and the landmarkers' models."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.paths import assets_dir
from inperson.reconstruct.stages import Photo
from inperson.tracking.models import fetch_models
from inperson.tracking.motion_file import load_motion
from inperson.tracking.sources import open_source


@pytest.fixture(scope="session")
def model_cache() -> None:
    """The landmarkers' model files, in the per-user cache (set-up has put them there; else they are fetched)."""
    fetch_models()


@dataclass(frozen=True)
class KnownPhoto:
    """A frame of a rendered clip and the truth about it."""

    photo: Photo
    state: BodyState
    vertices: np.ndarray
    """Of the true body (same topology as `neutral`), world of the camera."""


@cache
def known_photo(clip: str, index: int) -> KnownPhoto:
    """Frame `index` of a clip of `assets/captures`."""
    path = assets_dir() / "captures" / f"{clip}.mp4"
    truth = load_motion(path.with_suffix(".npz"))
    assert truth.body_name is not None
    with open_source(path, live=False) as source:
        frames = [source.read() for _ in range(index + 1)]
    assert frames[-1] is not None
    state = truth.state(index)
    vertices = BodyPoser(load_body(truth.body_name), state.betas).pose(state).vertices
    return KnownPhoto(Photo(frames[-1].image, f"{clip}.png", "0" * 64), state, vertices)
