"""Crops in their pictures, and a clip's scores from pictures that are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.conventions import Intrinsics
from inperson.reconstruct.evaluation.footage import SeenFrame
from inperson.reconstruct.perceptual import Perceptual
from inperson.render.scene.crop import PixelRectangle
from inperson.shader_model.evaluation import reenacted
from inperson.shader_model.evaluation.reenacted import pasted
from inperson.tracking.observation import CameraFrame, Observation


@given(left=st.integers(-6, 20), top=st.integers(-6, 20))
def test_a_crop_lands_where_it_was_cut_and_what_is_beyond_is_lost(left: int, top: int) -> None:
    crop = np.random.default_rng(0).random((4, 8, 10)).astype(np.float32)
    where = PixelRectangle(left, top, 10, 8)
    out = pasted(crop, where, 24, 26)
    assert out.shape == (24, 26, 4)
    wide = np.zeros((24 + 40, 26 + 40, 4), np.float32)
    wide[20 + top : 28 + top, 20 + left : 30 + left] = crop.transpose(1, 2, 0)
    np.testing.assert_array_equal(out, wide[20:44, 20:46])


@dataclass(frozen=True)
class _Scene:
    """A square of stripes that stands before a grey wall."""

    size: int = 96

    def alpha(self) -> np.ndarray:
        out = np.zeros((self.size, self.size), np.uint8)
        out[20:76, 20:76] = 255
        return out

    def person(self, dim: float = 1.0) -> np.ndarray:
        """Premultiplied, 0 to 1."""
        stripes = 0.5 + 0.3 * dim * np.sign(np.sin(np.arange(self.size)))[None, :, None] * np.ones((self.size, 1, 3))
        alpha = self.alpha()[..., None] / 255
        return np.concatenate([stripes * alpha, alpha], axis=2).astype(np.float32)

    def seen(self, number: int) -> SeenFrame:
        camera = Intrinsics(100, 100, 48, 48, self.size, self.size)
        rgba = self.person()
        picture = np.rint(255 * (rgba[..., :3] + (1 - rgba[..., 3:]) * 0.4)).astype(np.uint8)
        nothing = dict.fromkeys(f.name for f in Observation.__dataclass_fields__.values())
        observation = Observation(**nothing | {"time_ns": number, "sequence": number, "intrinsics": camera})
        cut_out = np.rint(255 * rgba).astype(np.uint8)
        return SeenFrame(CameraFrame(picture, number, number, camera), observation, cut_out)


def test_a_picture_nearer_to_the_real_one_scores_better(perceptual: Perceptual) -> None:
    scene = _Scene()
    seen = [scene.seen(n) for n in range(4)]
    pictures = {"plain": [scene.person(0.3)] * 4, "shaded": [scene.person()] * 4}
    scores = reenacted._score(pictures, seen, range(1, 4, 2), perceptual)
    assert scores["shaded"].psnr > scores["plain"].psnr + 10.0
    assert scores["shaded"].perceptual < scores["plain"].perceptual
    assert scores["shaded"].sharpness == pytest.approx(1.0, abs=0.02)
    assert scores["plain"].sharpness == pytest.approx(0.09, abs=0.02)
    assert scores["shaded"].iou == scores["plain"].iou == 1.0
    assert np.isnan(scores["plain"].hands), "no hand was read"
