"""Learning of one person: the clip shows the avatar in other colours, which a change can learn, not a model know."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.shader_model.data.footage import Reenacted
from inperson.shader_model.data.recipe import FootageRecipe
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.personal.adapter import fingerprint, personalised
from inperson.shader_model.personal.learning import PersonalSettings, learn_personal
from tests.shader_model.data.test_footage import clip  # noqa: F401

HOW = PersonalSettings(
    steps=30,
    batch=1,
    rate=2e-2,
    windows=FootageRecipe(windows=3, frames=2, size=64),
    judged_on=2,
    augment=replace(PersonalSettings().augment, frames=2, side=32),
)


@pytest.fixture(scope="module")
def base() -> LiveShader:
    torch.manual_seed(0)
    return LiveShader(ShaderConfig(widths=(16, 16, 32), blocks=(1, 1, 1), trunk=1)).requires_grad_(False).eval()


def reddened(clip: Reenacted) -> Reenacted:  # noqa: F811
    factors = np.array([1.0, 0.6, 0.6, 1.0])
    return replace(clip, cut_outs=[(c * factors).astype(np.uint8) for c in clip.cut_outs])


def test_what_is_true_of_a_person_is_learned(clip: Reenacted, base: LiveShader) -> None:  # noqa: F811
    shares: list[float] = []
    learned = learn_personal(base, reddened(clip), reddened(clip), HOW, shares.append)
    assert learned.personal is not None
    assert learned.after["psnr"] > learned.before["psnr"] + 1.0
    assert learned.before["psnr"] == pytest.approx(learned.before["plain_psnr"], abs=0.01)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert learned.personal.weights_sha256 == fingerprint(base)
    personalised(base, learned.personal)
    again = learn_personal(base, reddened(clip), reddened(clip), HOW)
    assert again.personal is not None
    assert (again.personal.values == learned.personal.values).all()


def test_what_does_not_hold_is_not_kept(clip: Reenacted, base: LiveShader) -> None:  # noqa: F811
    """Learned on a reddened clip, judged on one that is not."""
    learned = learn_personal(base, reddened(clip), clip, HOW)
    assert learned.personal is None
    assert learned.after["psnr"] < learned.before["psnr"]


def test_what_wins_by_blurring_is_not_kept(clip: Reenacted, base: LiveShader) -> None:  # noqa: F811
    strict = replace(HOW, most_blur=-10.0)
    learned = learn_personal(base, reddened(clip), reddened(clip), strict)
    assert learned.personal is None
    assert learned.after["psnr"] > learned.before["psnr"] + 1.0


def test_it_can_be_stopped(clip: Reenacted, base: LiveShader) -> None:  # noqa: F811
    learned = learn_personal(base, clip, clip, HOW, stop=lambda: True)
    assert learned.personal is None
    assert learned.after == learned.before
