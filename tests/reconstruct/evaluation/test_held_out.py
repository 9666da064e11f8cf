"""How scores of held-out people are added up."""

import numpy as np
import pytest

from inperson.reconstruct.create import CreateSettings
from inperson.reconstruct.evaluation.held_out import METHODS, HeldOutScore, HeldOutSettings, means


def score(person: str, method: str, psnr: float, region: str = "unseen") -> HeldOutScore:
    return HeldOutScore(person, method, "novel view", region, psnr, 0.5, 0.2)


def test_means_are_over_people_and_leave_out_what_has_no_value():
    rows = means([score("a", "network", 20.0), score("b", "network", 24.0), score("c", "network", float("nan"))])
    assert [(r.person, r.method, r.region) for r in rows] == [("mean", "network", "unseen")]
    assert rows[0].psnr == pytest.approx(22.0)
    assert rows[0].ssim == pytest.approx(0.5)


def test_methods_and_regions_are_kept_apart():
    rows = means([score("a", "network", 20.0), score("a", "create", 25.0), score("a", "create", 27.0, "seen")])
    assert [(r.method, r.region, r.psnr) for r in rows] == [
        ("network", "unseen", 20.0),
        ("create", "unseen", 25.0),
        ("create", "seen", 27.0),
    ]


def test_settings_name_the_methods_and_seed_them_all():
    settings = HeldOutSettings.of(("network", "mirror"), CreateSettings(seed=7, dressed=False))
    assert list(settings.methods) == ["network", "mirror"]
    assert {(how.seed, how.dressed) for how in settings.methods.values()} == {(7, False)}
    assert settings.methods["network"].completion == "network"
    assert settings.methods["mirror"].completion == "mirror"
    assert not METHODS["create"].fast


def test_nothing_known_is_not_a_number_in_the_mean():
    assert np.isnan(means([score("a", "network", float("nan"))])[0].psnr)
