"""Pictures and sound of movies, read back: a clap is seen and heard at the same time."""

import av
import numpy as np
import pytest

from inperson.app.writers import Mp4Writer, Soundtrack, WebmWriter

FPS, SECONDS, CLAP_S = 30, 2.0, 1.2
RATE = 48_000


def clap_pictures(channels: int = 3):
    """Black, white for one frame at the clap."""
    for k in range(round(SECONDS * FPS)):
        value = 255 if abs(k / FPS - CLAP_S) < 1e-6 else 0
        picture = np.full((64, 96, channels), value, np.uint8)
        picture[..., 3:] = 255
        yield picture, k / FPS


def clap_sound() -> np.ndarray:
    """Silence, and a burst of noise of 5 ms that begins at the clap."""
    samples = np.zeros(round(SECONDS * RATE), np.float32)
    begin = round(CLAP_S * RATE)
    samples[begin : begin + 240] = np.random.default_rng(0).uniform(-0.9, 0.9, 240)
    return samples


def write(path, **options):
    make = {".mp4": Mp4Writer, ".webm": WebmWriter}[path.suffix]
    with make(path, 96, 64, fps=FPS, soundtrack=Soundtrack(clap_sound()), **options) as writer:
        for picture, time_s in clap_pictures(4 if options.get("alpha") else 3):
            writer.write(picture, time_s)
    return path


def seen_and_heard(path) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Times of white pictures; every sample's own time, as the decoder gives it, and its loudness."""
    with av.open(str(path)) as container:
        white = [f.time for f in container.decode(video=0) if f.to_ndarray(format="gray").mean() > 128]
    times, loud = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().reshape(-1, frame.samples)[0]
            times.append(frame.time + np.arange(frame.samples) / frame.sample_rate)
            loud.append(np.abs(samples.astype(float)))
    return white, np.concatenate(times), np.concatenate(loud)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_a_clap_is_seen_and_heard_at_once(tmp_path, name):
    white, times, loud = seen_and_heard(write(tmp_path / name))
    assert len(white) == 1
    heard = times[np.argmax(loud > 0.5 * loud.max())]
    assert white[0] == pytest.approx(CLAP_S, abs=1e-3)
    assert heard == pytest.approx(white[0], abs=0.004)
    energy = loud**2
    assert float((times * energy).sum() / energy.sum()) == pytest.approx(CLAP_S + 0.0025, abs=0.004)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_sound_and_pictures_are_as_long_as_each_other(tmp_path, name):
    path = write(tmp_path / name)
    _, times, _ = seen_and_heard(path)
    assert times[0] == pytest.approx(0.0, abs=0.03)
    assert times[-1] == pytest.approx(SECONDS, abs=0.03)
    with av.open(str(path)) as container:
        assert container.duration / 1e6 == pytest.approx(SECONDS, abs=0.03)
        assert sum(1 for _ in container.decode(video=0)) == SECONDS * FPS


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_the_same_movie_twice_is_the_same_file(tmp_path, name):
    (tmp_path / "again").mkdir()
    assert write(tmp_path / name).read_bytes() == write(tmp_path / "again" / name).read_bytes()


def test_pictures_and_sound_of_a_moment_are_side_by_side(tmp_path):
    """Whoever plays from a disk or a network does not have to search: within a second in file order."""
    with av.open(str(write(tmp_path / "a.mp4"))) as container:
        packets = [(p.pos, float(p.pts * p.time_base), p.stream.type) for p in container.demux() if p.pts is not None]
    latest = {"video": 0.0, "audio": 0.0}
    for _, time_s, kind in sorted(packets):
        latest[kind] = time_s
        assert abs(latest["video"] - latest["audio"]) < 1.1


def alpha_frames(path) -> list[np.ndarray]:
    """With the decoder that knows about alpha; FFmpeg's own leaves it out."""
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    with av.open(str(path)) as container:
        packets = list(container.demux(video=0))
        return [f.to_ndarray(format="rgba") for p in packets for f in (decoder.decode(p) if p.size else [])]


def test_webm_keeps_alpha_and_the_colours_beside_it(tmp_path):
    picture = np.zeros((64, 96, 4), np.uint8)
    picture[...] = (200, 80, 40, 0)
    picture[:, 32:64, 3] = 128
    picture[:, 64:, 3] = 255
    with WebmWriter(tmp_path / "a.webm", 96, 64, fps=FPS, alpha=True) as writer:
        for k in range(4):
            writer.write(picture, k / FPS)
    frames = alpha_frames(tmp_path / "a.webm")
    assert len(frames) == 4
    for frame in frames:
        for columns, alpha in ((slice(0, 28), 0), (slice(36, 60), 128), (slice(68, 96), 255)):
            assert np.abs(frame[:, columns, 3].astype(int) - alpha).max() <= 3
        assert np.abs(frame[:, 36:, :3].astype(int) - (200, 80, 40)).mean(axis=(0, 1)).max() < 4
