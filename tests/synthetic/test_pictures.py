"""Rooms, webcam noise, textures, video: seeded, bounded, readable again."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from inperson.errors import BadInputError, OutputError
from inperson.synthetic import textures
from inperson.synthetic.backgrounds import sample_room
from inperson.synthetic.lights import sample_light
from inperson.synthetic.sensor import webcam_picture
from inperson.synthetic.video import write_video


def test_rooms_are_seeded_and_differ() -> None:
    a, b, c = (sample_room(np.random.default_rng(s), 160, 120) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (120, 160, 3)
    assert np.abs(a.astype(int) - c).mean() > 5
    assert 60 < a.mean() < 220


def test_rooms_are_out_of_focus() -> None:
    sharp, soft = (sample_room(np.random.default_rng(1), 160, 120, blur=b).astype(float) for b in (0.0, 0.02))
    assert np.abs(np.diff(soft, axis=1)).max() < 0.5 * np.abs(np.diff(sharp, axis=1)).max()


def test_webcam_noise_has_the_asked_strength_and_grows() -> None:
    grey = np.full((120, 160, 3), 128, np.uint8)
    weak, strong = (
        webcam_picture(grey, np.random.default_rng(0), noise=n)[50:70, 70:90].astype(float) for n in (1.0, 3.0)
    )
    assert 1.0 < weak.std() < 4.0
    assert strong.std() == pytest.approx(3 * weak.std(), rel=0.25)
    assert abs(weak.mean() - 128) < 3, "the middle keeps its brightness"
    corner = webcam_picture(grey, np.random.default_rng(0))[:8, :8].mean()
    assert corner < 122, "corners are darker"


def test_lights_come_from_above_the_ground_and_are_unit() -> None:
    for seed in range(20):
        light = sample_light(np.random.default_rng(seed))
        np.testing.assert_allclose(np.linalg.norm(light.directions, axis=1), 1.0, atol=1e-9)
        assert light.directions[0, 1] > 0.2
        assert (light.colors > 0).all()


def picture(path: Path, rgba: np.ndarray) -> Path:
    Image.fromarray((rgba * 255).astype(np.uint8)).save(path)
    return path


def test_strands_take_their_tint_and_keep_light_and_dark(tmp_path: Path) -> None:
    rgba = np.zeros((16, 16, 4), np.float32)
    rgba[:8] = [0.2, 0.2, 0.2, 1.0]
    rgba[8:12] = [0.5, 0.5, 0.5, 1.0]
    tint = np.array([0.3, 0.1, 0.05], np.float32)
    out = textures.strand_texture(picture(tmp_path / "hair.png", rgba), tint).rgba / 255.0
    linear = ((out[..., :3] + 0.055) / 1.055) ** 2.4
    opaque = rgba[..., 3] > 0.5
    np.testing.assert_allclose(linear[opaque].mean(axis=0), tint, rtol=0.15)
    assert linear[9, 0].sum() > 2 * linear[0, 0].sum()
    np.testing.assert_allclose(linear[14, 0], tint, rtol=0.1, err_msg="transparent texels carry the tint")
    assert (out[12:, :, 3] == 0).all()


def test_brown_eyes_darken_only_the_irises(tmp_path: Path) -> None:
    path = picture(tmp_path / "eye.png", np.full((100, 100, 4), 0.6, np.float32))
    blue, brown = (textures.eye_texture(path, brown=b).rgba.astype(int) for b in (False, True))
    iris = (int(100 * (1 - 0.298)), int(100 * 0.298))
    assert brown[iris][:3].sum() < 0.6 * blue[iris][:3].sum()
    np.testing.assert_array_equal(brown[50, 95], blue[50, 95])


def test_teeth_whiten_and_gums_stay(tmp_path: Path) -> None:
    rgba = np.ones((4, 4, 4), np.float32)
    rgba[:2, :, :3] = [0.5, 0.5, 0.48]
    rgba[2:, :, :3] = [0.7, 0.2, 0.2]
    out = textures.teeth_texture(picture(tmp_path / "teeth.png", rgba)).rgba / 255.0
    assert out[0, 0, :3].mean() > 0.75
    np.testing.assert_allclose(out[3, 0, :3], rgba[3, 0, :3], atol=0.01)


def test_skin_is_seeded_and_keeps_its_mean(tmp_path: Path) -> None:
    path = picture(tmp_path / "skin.png", np.tile([0.8, 0.6, 0.5, 1.0], (32, 32, 1)).astype(np.float32))
    a, b = (textures.skin_texture(path, np.random.default_rng(3), size=256).rgba for _ in range(2))
    np.testing.assert_array_equal(a, b)
    middle = a[100:150, 60:110, :3].reshape(-1, 3)
    np.testing.assert_allclose(middle.mean(axis=0), [204, 153, 127], atol=4)
    assert middle.std(axis=0).min() > 0.5


def test_missing_textures_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nothing\.png"):
        textures.read_picture(tmp_path / "nothing.png")


def test_video_comes_back_and_repeats_its_bytes(tmp_path: Path) -> None:
    room = sample_room(np.random.default_rng(0), 64, 48)
    frames = [np.roll(room, k, axis=1) for k in range(7)]
    for name in ("a.mp4", "b.mp4"):
        assert write_video(tmp_path / name, frames, fps=30, quality=12) == 7
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 30
        back = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(back) == 7
    assert np.abs(back[3].astype(int) - frames[3]).mean() < 6


def test_no_half_written_video_is_left(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="empty"):
        write_video(tmp_path / "none.mp4", [], fps=30)
    with pytest.raises(OutputError, match="writable"):
        write_video(tmp_path / "nowhere" / "x.mp4", [np.zeros((48, 64, 3), np.uint8)], fps=30)

    def broken():
        yield np.zeros((48, 64, 3), np.uint8)
        raise KeyError("renderer died")

    with pytest.raises(KeyError):
        write_video(tmp_path / "half.mp4", broken(), fps=30)
    assert list(tmp_path.iterdir()) == []
