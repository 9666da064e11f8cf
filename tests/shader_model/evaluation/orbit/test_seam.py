"""Seams of made-up orbits, and orbits that begin elsewhere."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from inperson.shader_model.evaluation.orbit.scores import OPENED, OrbitEvaluation
from inperson.shader_model.evaluation.orbit.seam import Seam
from inperson.shader_model.evaluation.orbit.shading import Taught, Turned, lap_of, turned_difference
from inperson.shader_model.evaluation.orbit.views import Orbit
from inperson.shader_model.stream import ShaderStream
from inperson.shader_model.teacher import offline
from inperson.shader_model.teacher.windows import spans_of
from tests.shader_model.evaluation.made_up_engines import KnownEngine
from tests.shader_model.evaluation.orbit.conftest import QUICK


def seam_of(orbit: Orbit, grey: Callable[[int], float]) -> Seam:
    """Of evenly grey pictures."""
    pictures = torch.ones(len(orbit.views), 1, 4, 32, 32)
    for number, picture in enumerate(pictures):
        picture[:, :3] = grey(number)
    seam = Seam()
    seam.add(pictures, orbit)
    return seam


def test_one_that_changes_evenly_has_none(cards: Orbit) -> None:
    seam = seam_of(cards, lambda n: 0.4 + 0.02 * (n % 2))
    assert seam.change == pytest.approx(0.02 * 255, rel=1e-4)
    assert seam.elsewhere == pytest.approx(seam.change, rel=1e-4)


def test_one_that_drifts_all_the_way_around_has_one(cards: Orbit) -> None:
    seam = seam_of(cards, lambda n: 0.2 + 0.02 * n)
    assert seam.change == pytest.approx(0.02 * 23 * 255, rel=1e-4)
    assert seam.elsewhere == pytest.approx(0.02 * 255, rel=1e-4)


def test_what_changes_behind_the_person_says_nothing(cards: Orbit) -> None:
    seam = seam_of(cards, lambda n: 0.4 + 0.02 * (n % 2) + 0.3 * (8 < n < 16))
    assert seam.elsewhere == pytest.approx(0.02 * 255, rel=1e-4)


def test_a_closed_orbit_is_the_same_wherever_it_begins(
    cards: Orbit, outspoken: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    fp32 = replace(outspoken, precision="fp32")
    assert turned_difference(cards, outspoken) == turned_difference(cards, fp32) == Turned(0.0, 0.0)
    uneven = replace(fp32, settings=replace(QUICK, window=7, overlap=2))
    assert turned_difference(cards, uneven).mean > 0.0, "windows that lie elsewhere"
    monkeypatch.setattr(offline, "spans_of", lambda *a: spans_of(*a[:3], closed=False))
    open_ended = turned_difference(cards, fp32)
    assert open_ended.largest > open_ended.mean > 0.1, "windows that do not go around"


def test_closing_closes(cards: Orbit, outspoken: Taught, perceptual) -> None:
    """A teacher whose pictures depend on their neighbours differs at the seam when it does not know them."""
    stream = ShaderStream(KnownEngine(lambda color, step: color), threads=1)
    around = OrbitEvaluation(stream, replace(outspoken, precision="fp32"), perceptual)
    shown = around.add("cards", cards)
    around.add_seam(cards, shown)
    stream.close()
    assert around.turned == [Turned(0.0, 0.0)]
    assert around.seams[OPENED].change != pytest.approx(around.seams["teacher"].change, rel=1e-4)
    assert around.seams["plain"].change == pytest.approx(around.seams["live"].change, rel=1e-6)
    assert around.seams["truth"].change == 0.0


def test_the_live_model_has_gone_around_before(cards: Orbit) -> None:
    def later(color: Tensor, step: int) -> Tensor:
        return torch.cat([0.01 * step * torch.ones_like(color[:, :3]), color[:, 3:]], dim=1)

    engine = KnownEngine(later)
    with ShaderStream(engine, threads=1) as stream:
        lap = lap_of(cards, stream)
    assert engine.remembered == [False, *[True] * 47]
    assert lap[:, 0, 0, 0, 0].tolist() == pytest.approx([0.01 * step for step in range(24, 48)])
