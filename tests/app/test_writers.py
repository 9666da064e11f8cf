"""Written files: whole or absent, pixels and times as given."""

import av
import numpy as np
import pytest
from PIL import Image

from inperson.app.writers import Mp4Writer, PngFolderWriter, check_writable, open_output, write_text
from inperson.errors import BadInputError, OutputError


def flat(value: int, height: int = 32, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def read_video(path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_mp4_keeps_pictures_and_their_times(tmp_path):
    path = tmp_path / "clip.mp4"
    times = [0.0, 0.033, 0.2, 0.21]
    with Mp4Writer(path, 64, 32, fps=30) as writer:
        for value, time_s in zip((30, 90, 150, 210), times, strict=True):
            writer.write(flat(value), time_s)
    frames = read_video(path)
    assert [time_s for time_s, _ in frames] == pytest.approx(times, abs=1e-4)
    for (_, image), value in zip(frames, (30, 90, 150, 210), strict=True):
        assert image.shape == (32, 64, 3)
        assert np.abs(image.astype(int) - value).max() <= 3
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_mp4_is_h264_yuv420p(tmp_path):
    with Mp4Writer(tmp_path / "a.mp4", 64, 32, fps=30) as writer:
        writer.write(flat(100), 0.0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["clip.mp4", "folder"])
def test_nothing_is_left_after_an_error(tmp_path, failure, name):
    with pytest.raises(type(failure)), open_output(tmp_path / name, 64, 32, fps=30) as writer:  # noqa: PT012
        writer.write(flat(10), 0.0)
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_a_failed_rewrite_keeps_the_old_file(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), Mp4Writer(path, 64, 32, fps=30) as writer:  # noqa: PT012
        writer.write(flat(10), 0.0)
        raise RuntimeError
    assert path.read_bytes() == b"old"


def test_a_video_without_pictures_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="not one picture"), Mp4Writer(tmp_path / "a.mp4", 64, 32, fps=30):
        pass
    assert list(tmp_path.iterdir()) == []


def test_same_times_never_go_backwards(tmp_path):
    with Mp4Writer(tmp_path / "a.mp4", 64, 32, fps=30) as writer:
        for _ in range(3):
            writer.write(flat(10), 0.5)
    times = [time_s for time_s, _ in read_video(tmp_path / "a.mp4")]
    assert len(times) == 3
    assert times == sorted(set(times))


@pytest.mark.parametrize("make", [lambda p: Mp4Writer(p, 64, 32, fps=30), PngFolderWriter, check_writable])
def test_unwritable_places_are_named_before_any_work(tmp_path, make):
    missing = tmp_path / "nowhere" / "x.mp4"
    with pytest.raises(OutputError, match="nowhere"):
        make(missing)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_video_file(tmp_path):
    (tmp_path / "x.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        Mp4Writer(tmp_path / "x.mp4", 64, 32, fps=30)


def test_odd_sizes_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="even"):
        Mp4Writer(tmp_path / "x.mp4", 63, 32, fps=30)
    assert list(tmp_path.iterdir()) == []


def test_png_folder_is_exact(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 8, 6, 3), dtype=np.uint8)
    with open_output(tmp_path / "frames", 6, 8, fps=30) as writer:
        for i, image in enumerate(images):
            writer.write(image, i / 30)
    files = sorted((tmp_path / "frames").iterdir())
    assert [f.name for f in files] == ["000000.png", "000001.png", "000002.png"]
    for file, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(file)), image)


def test_a_full_folder_is_never_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="there already"):
        PngFolderWriter(tmp_path / "mine")


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"\.mp4"):
        open_output(tmp_path / "x.avi", 64, 32, fps=30)


def test_write_text_replaces_in_one_step(tmp_path):
    path = tmp_path / "report.json"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError):
        write_text(tmp_path / "no" / "report.json", "x")
