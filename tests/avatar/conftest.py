"""Saved avatars, one with each thing that an avatar may have."""

from pathlib import Path

import numpy as np
import pytest

from inperson.avatar.file import save_avatar
from tests.avatar.made_up import made_up_avatar, made_up_personal, made_up_photo, made_up_residuals


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.avatar"
    save_avatar(made_up_avatar(), path)
    return path


@pytest.fixture
def saved_with_residuals(tmp_path: Path) -> Path:
    path = tmp_path / "r.avatar"
    reference = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    save_avatar(made_up_avatar(residuals=made_up_residuals(), reference=reference), path)
    return path


@pytest.fixture
def saved_with_photo(tmp_path: Path) -> Path:
    path = tmp_path / "p.avatar"
    save_avatar(made_up_avatar(photo=made_up_photo()), path)
    return path


@pytest.fixture
def saved_with_personal(tmp_path: Path) -> Path:
    path = tmp_path / "s.avatar"
    save_avatar(made_up_avatar(photo=made_up_photo(), personal=made_up_personal()), path)
    return path
