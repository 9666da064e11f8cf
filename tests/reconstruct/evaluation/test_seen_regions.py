"""What one view of a body shows of what another view showed."""

from dataclasses import replace

import numpy as np

from inperson.reconstruct.evaluation.seen_regions import seen_pixels, seen_vertices
from inperson.reconstruct.stages import DressedSurface, Matte, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.render.views import EyeView, look_at
from tests.tracking.anchor_cases import seen, standing
from tests.tracking.fit_cases import CAMERA, body

STATE = standing()
SURFACE = DressedSurface(body(), STATE.betas, np.zeros((body().num_vertices, 3), np.float32))
FRONT = EyeView.from_intrinsics(CAMERA)


def fit_and_matte() -> tuple[PhotoFit, Matte]:
    inside = draw_mesh(posed_vertices(SURFACE, STATE), body().faces, FRONT).face_index >= 0
    matte = Matte(inside.astype(np.float32), np.zeros((480, 640, 3), np.float32))
    return PhotoFit(body(), STATE, FRONT, seen(STATE)), matte


def test_the_own_view_shows_what_was_seen_and_the_back_does_not():
    fit, matte = fit_and_matte()
    vertices = seen_vertices(SURFACE, fit, matte)
    assert 0.1 < vertices.mean() < 0.6
    own = seen_pixels(SURFACE, vertices, STATE, FRONT)[matte.inside]
    assert own.mean() > 0.9
    middle = STATE.transl.astype(float)
    behind = EyeView.from_intrinsics(CAMERA, look_at(middle - np.array([0.0, 0.0, 1.6]), middle))
    picture = draw_mesh(posed_vertices(SURFACE, STATE), body().faces, behind)
    back = seen_pixels(SURFACE, vertices, STATE, behind)[picture.face_index >= 0]
    assert back.mean() < 0.1


def test_what_the_matte_leaves_out_was_not_seen():
    fit, matte = fit_and_matte()
    left_half = np.zeros((480, 640), np.float32)
    left_half[:, :320] = 1.0
    vertices = seen_vertices(SURFACE, fit, replace(matte, alpha=matte.alpha * left_half))
    shown = seen_pixels(SURFACE, vertices, STATE, FRONT)
    assert shown[:, :310][matte.inside[:, :310]].mean() > 0.9
    assert shown[:, 330:][matte.inside[:, 330:]].mean() < 0.1


def test_nobody_in_view_shows_nothing():
    fit, matte = fit_and_matte()
    away = EyeView.from_intrinsics(CAMERA, look_at(np.zeros(3), np.array([0.0, 0.0, 5.0])))
    assert not seen_pixels(SURFACE, seen_vertices(SURFACE, fit, matte), STATE, away).any()
