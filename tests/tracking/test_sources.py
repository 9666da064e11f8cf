"""Sources: every frame in order and upright, paced or not, and each way an input can be bad."""

import logging
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError, DeviceError
from inperson.tracking import sources, sources_camera
from inperson.tracking.sources import CameraInfo, CameraSource, find_camera, list_cameras, open_source
from inperson.tracking.sources_base import FirstSizeFitter, letterbox

GREYS = (20, 60, 100, 140, 180)
FPS = 25


def write_clip(path: Path, *, times_ms: tuple[int, ...] | None = None, rotation: int = 0) -> Path:
    """A 64x48 clip of flat greys with a white top-left quarter, at 25 frames/s or at given times."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.bit_rate = 4_000_000
        if rotation:
            stream.set_display_rotation(rotation)
        for i, grey in enumerate(GREYS):
            image = np.full((48, 64, 3), grey, np.uint8)
            image[:24, :32] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = times_ms[i] if times_ms else i * 1000 // FPS
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def frames_of(source):
    with source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(frame)
    return frames


def greys_of(frames):
    return [round(float(f.image[-8:, -8:].mean())) for f in frames]


def test_video_offline_gives_every_frame_on_the_clips_clock(tmp_path):
    source = open_source(write_clip(tmp_path / "a.mp4"), live=False)
    assert not source.live
    frames = frames_of(source)
    assert greys_of(frames) == pytest.approx(GREYS, abs=3)
    assert [f.sequence for f in frames] == list(range(5))
    assert [round(f.time_ns / 1e6) for f in frames] == [0, 40, 80, 120, 160]
    assert all(f.image.shape == (48, 64, 3) and f.image.flags.c_contiguous for f in frames)


def test_video_with_variable_frame_rate_keeps_its_times(tmp_path):
    times = (0, 10, 150, 160, 400)
    frames = frames_of(open_source(write_clip(tmp_path / "a.mp4", times_ms=times), live=False))
    assert [round(f.time_ns / 1e6) for f in frames] == list(times)


def test_live_video_is_paced_and_stamped_with_monotonic_time(tmp_path):
    before = time.monotonic_ns()
    arrived = []
    with open_source(write_clip(tmp_path / "a.mp4"), live=True) as source:
        assert source.live
        while (frame := source.read()) is not None:
            arrived.append((frame.time_ns, time.monotonic_ns()))
    stamps = np.array([stamp for stamp, _ in arrived])
    assert np.diff(stamps).tolist() == pytest.approx([40e6] * 4)
    assert all(before <= stamp <= now for stamp, now in arrived), "no frame comes before it is due"


def test_rotation_metadata_turns_the_picture_upright(tmp_path):
    plain = frames_of(open_source(write_clip(tmp_path / "a.mp4"), live=False))[0].image
    turned = frames_of(open_source(write_clip(tmp_path / "b.mp4", rotation=90), live=False))[0]
    assert turned.image.shape == (64, 48, 3)
    np.testing.assert_allclose(turned.image.astype(int), np.rot90(plain, 1).astype(int), atol=6)
    assert (turned.intrinsics.width, turned.intrinsics.height) == (48, 64)


def test_gif(tmp_path):
    with av.open(str(tmp_path / "a.gif"), "w") as out:
        stream = out.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb8"
        for grey in GREYS:
            image = np.full((32, 32, 3), grey, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="rgb8")))
        out.mux(stream.encode())
    assert len(frames_of(open_source(tmp_path / "a.gif", live=False))) == 5


def test_corrupt_video(tmp_path):
    clip = write_clip(tmp_path / "a.mp4")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])  # an mp4's index is at its end
    with pytest.raises(BadInputError, match=r"a\.mp4 has no video track \(cut short"):
        open_source(clip, live=False)


def test_video_damaged_in_the_middle(tmp_path):
    clip = write_clip(tmp_path / "a.mkv")
    with av.open(str(clip)) as file:
        third = bytes(list(file.demux(video=0))[2])
    clip.write_bytes(clip.read_bytes().replace(third, b"\xaa" * len(third)))
    with pytest.raises(BadInputError, match=r"a\.mkv is damaged after frame \d \(Invalid data.*re-encode"):
        frames_of(open_source(clip, live=False))


def test_not_a_video(tmp_path):
    (tmp_path / "a.mp4").write_text("hello, this is a letter")
    with pytest.raises(BadInputError, match=r"a\.mp4 is not a readable video .*: give another video"):
        open_source(tmp_path / "a.mp4", live=False)


def test_empty_file(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(BadInputError, match=r"a\.mp4 is not a readable video"):
        open_source(tmp_path / "a.mp4", live=False)


def test_video_without_a_frame(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    with pytest.raises(BadInputError, match=r"a\.avi is empty"):
        frames_of(open_source(tmp_path / "a.avi", live=False))


def test_sound_only_file(tmp_path):
    with av.open(str(tmp_path / "a.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(BadInputError, match=r"a\.wav has no video track"):
        open_source(tmp_path / "a.wav", live=False)


def test_missing_file():
    with pytest.raises(BadInputError, match=r"nowhere\.mp4 does not exist"):
        open_source("nowhere.mp4", live=False)


def test_image_folder_in_natural_order(tmp_path):
    for i, grey in enumerate(GREYS):
        cv2.imwrite(str(tmp_path / f"f{i * 3}.png"), np.full((10, 20, 3), grey, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = frames_of(open_source(tmp_path, live=False))
    assert greys_of(frames) == list(GREYS)
    assert frames[1].time_ns == pytest.approx(1e9 / 30)


def test_image_folder_reads_colours_as_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4, 3), (255, 0, 10), np.uint8))  # OpenCV writes BGR
    assert frames_of(open_source(tmp_path, live=False))[0].image[0, 0].tolist() == [10, 0, 255]


def test_empty_folder(tmp_path):
    with pytest.raises(BadInputError, match="holds no pictures"):
        open_source(tmp_path, live=False)


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_unreadable_picture(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadInputError, match=r"a\.png cannot be read"):
        frames_of(open_source(tmp_path, live=False))


def test_changing_size_is_fitted_into_the_first_and_said_once(tmp_path, caplog):
    for i, shape in enumerate([(30, 40), (60, 40), (15, 20), (30, 40)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((*shape, 3), 200, np.uint8))
    with caplog.at_level(logging.WARNING):
        frames = frames_of(open_source(tmp_path, live=False))
    assert {f.image.shape for f in frames} == {(30, 40, 3)}
    assert len({f.intrinsics for f in frames}) == 1
    tall = frames[1].image
    assert (tall[:, 10:30] == 200).all()
    assert not tall[:, :9].any()
    assert not tall[:, 31:].any()
    messages = [r.getMessage() for r in caplog.records]
    assert len(messages) == 1
    assert "40x30 to 40x60" in messages[0]


@given(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60)))
def test_letterbox_touches_both_edges_of_one_side(sizes):
    w, h, out_w, out_h = sizes
    out = letterbox(np.full((h, w, 3), 255, np.uint8), out_w, out_h)
    assert out.shape == (out_h, out_w, 3)
    lit = out.any(axis=2)
    assert lit.any(axis=0).all() or lit.any(axis=1).all()


def test_calibrated_intrinsics_are_scaled_to_the_frames():
    fitter = FirstSizeFitter("x", Intrinsics(1000, 1100, 640, 360, 1280, 720))
    frame = fitter.frame(np.zeros((360, 640, 3), np.uint8), 0)
    assert frame.intrinsics == Intrinsics(500, 550, 320, 180, 640, 360)


class ScriptedCamera:
    """Stands where `cv2.VideoCapture` would: sends the given images, then nothing, like an unplugged camera."""

    def __init__(self, images, opens=True):
        self.images = list(images)
        self.opens = opens
        self.settings = []
        self.released = False

    def isOpened(self):
        return self.opens

    def set(self, propId, value):
        self.settings.append((propId, value))
        return True

    def get(self, propId):
        return {cv2.CAP_PROP_FPS: 30.0}.get(propId, 0.0)

    def grab(self):
        return bool(self.images)

    def retrieve(self):
        return True, self.images.pop(0)

    def release(self):
        self.released = True


BLUE = np.full((480, 640, 3), (255, 0, 0), np.uint8)
INFO = CameraInfo(2, "Nice Cam")


def test_camera_asks_for_motion_jpeg_and_the_smallest_buffer():
    device = ScriptedCamera([BLUE])
    with CameraSource(INFO, open_capture=lambda index: device) as camera:
        before = time.monotonic_ns()
        frame = camera.read()
        assert frame.image[0, 0].tolist() == [0, 0, 255], "OpenCV's BGR must become RGB"
        assert before <= frame.time_ns <= time.monotonic_ns()
        assert camera.live
    assert device.released
    assert (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")) in device.settings
    assert (cv2.CAP_PROP_BUFFERSIZE, 1) in device.settings
    assert [s[0] for s in device.settings].index(cv2.CAP_PROP_FOURCC) == 0, "the format limits the sizes: first"


def test_camera_unplugged_while_running():
    camera = CameraSource(INFO, open_capture=lambda index: ScriptedCamera([BLUE, BLUE]))
    camera.read()
    camera.read()
    with pytest.raises(DeviceError, match=r"camera 2 \(Nice Cam\) stopped sending pictures: plug it in again"):
        camera.read()


def test_camera_that_never_delivers():
    camera = CameraSource(INFO, open_capture=lambda index: ScriptedCamera([]))
    with pytest.raises(DeviceError, match="sends no pictures: close other programs"):
        camera.read()


def test_camera_that_does_not_open():
    with pytest.raises(DeviceError, match="cannot be opened"):
        CameraSource(INFO, open_capture=lambda index: ScriptedCamera([], opens=False))


def test_camera_changing_its_size(caplog):
    small = np.full((240, 320, 3), 90, np.uint8)
    camera = CameraSource(INFO, open_capture=lambda index: ScriptedCamera([BLUE, small]))
    camera.read()
    with caplog.at_level(logging.WARNING):
        assert camera.read().image.shape == (480, 640, 3)
    assert "camera 2 (Nice Cam) changed its picture from 640x480 to 320x240" in caplog.text


def test_cameras_are_listed_from_the_kernel_and_found_by_number_or_name(tmp_path):
    for node, index, name in [("video10", 0, "USB Cam"), ("video2", 0, "Nice Cam"), ("video3", 1, "Nice Cam")]:
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(f"{index}\n")
        (tmp_path / node / "name").write_text(f"{name}\n")
    cameras = list_cameras(tmp_path)
    assert cameras == [CameraInfo(2, "Nice Cam"), CameraInfo(10, "USB Cam")]
    assert find_camera("10", cameras).name == "USB Cam"
    assert find_camera("nice", cameras).index == 2
    with pytest.raises(DeviceError, match=r"no camera '7' \(found: 2 \(Nice Cam\), 10 \(USB Cam\)\)"):
        find_camera("7", cameras)


def test_a_camera_is_opened_by_part_of_a_name_that_looks_like_a_file(monkeypatch):
    device = ScriptedCamera([BLUE])
    monkeypatch.setattr(sources, "list_cameras", lambda: [CameraInfo(0, "Webcam v1.2")])
    monkeypatch.setattr(sources_camera, "_open_capture", lambda index: device)
    with open_source("v1.2", live=True) as camera:
        assert camera.describe().startswith("camera 0 (Webcam v1.2)")


def test_no_camera_at_all(tmp_path):
    assert list_cameras(tmp_path) == []
    with pytest.raises(DeviceError, match=r"no camera '0' \(found: none\): plug one in"):
        find_camera("0", [])
