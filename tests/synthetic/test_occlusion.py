"""Ambient occlusion: even directions, dark hollows."""

import numpy as np

from inperson.avatar.body import JOINT_NAMES, MOUTH
from inperson.synthetic.occlusion import bake_occlusion, sphere_directions
from inperson.synthetic.stage import Stage
from tests.synthetic.people import undressed


def test_directions_are_even() -> None:
    d = sphere_directions(200)
    np.testing.assert_allclose(np.linalg.norm(d, axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(d.mean(axis=0), 0.0, atol=0.01)
    nearest = np.sort(d @ d.T, axis=1)[:, -2]
    assert np.ptp(np.arccos(nearest)) < 0.12


def test_hollows_are_darker_than_open_skin(stage: Stage) -> None:
    person = undressed()
    baked = bake_occlusion(person, stage, directions=32)
    body, skin = person.body, baked.drawables[0]
    drawn = np.zeros(body.num_vertices, bool)
    drawn[np.unique(skin.mesh.faces)] = True
    light = skin.occlusion
    assert light.min() >= 0.0
    assert light.max() <= 1.0 + 1e-6
    crown = drawn & (body.v_template[:, 1] > np.quantile(body.v_template[:, 1], 0.999))
    lining = drawn & (body.vertex_part == MOUTH)
    assert light[crown].mean() > 0.9
    assert light[lining].mean() < 0.25
    inner_thigh = (
        drawn & (body.weights[:, JOINT_NAMES.index("left_hip")] > 0.6) & (np.abs(body.v_template[:, 0]) < 0.03)
    )
    if inner_thigh.any():
        assert light[inner_thigh].mean() < 0.7
    assert (person.drawables[0].occlusion == 1.0).all(), "the original is untouched"
