"""Movies of sessions: frames, times, a clap, alpha, cameras; the same bytes twice."""

from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from inperson.app import cli
from inperson.app.exporting.movie import soundtrack_of
from inperson.app.exporting.take import Take
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.recording.span import Span
from inperson.tracking.motion_file import save_motion
from tests.app.exporting.sessions import FRAME_NS, START_NS, about, embedded_avatar, moving_states, spoken
from tests.app.recording.made_up import write_session

SMALL = ["--backend", "cpu", "--size", "96", "64"]
CLAP_FRAME = 30
CLAP_S = CLAP_FRAME * 0.04


@pytest.fixture(scope="module")
def clap(tmp_path_factory, body):
    """Fifty frames of somebody who stands aside, is there for one frame, and claps at that moment.

    The microphone begins before the camera, as it does.
    """
    folder = tmp_path_factory.mktemp("clap")
    avatar, sha256 = embedded_avatar(body, folder)
    (still,) = moving_states(body, 1)
    states = []
    for k in range(50):
        aside = np.zeros(3, np.float32) if k == CLAP_FRAME else np.array([6.0, 0, 0], np.float32)
        states.append(replace(still, transl=still.transl + aside, time_ns=START_NS + k * FRAME_NS))
    early_ns = 300_000_000
    samples = np.zeros(48_000 * 3, np.float32)
    begin = round((CLAP_S + early_ns / 1e9) * 48_000)
    samples[begin : begin + 480] = np.random.default_rng(0).uniform(-0.9, 0.9, 480)
    records = [
        about(body, avatar_name="tiny", avatar_sha256=sha256),
        *spoken(samples, begin_ns=START_NS - early_ns),
        *(BodyRecord("me", state) for state in states),
    ]
    return write_session(folder / "clap.mcap", [avatar, *records])


def export(session, out, *options) -> None:
    assert cli.main(["export", str(session), "-o", str(out), *SMALL, *options]) == 0


@pytest.mark.parametrize("name", ["o.mp4", "o.webm"])
def test_a_clap_is_seen_and_heard_within_20_ms(tmp_path, clap, name):
    out = tmp_path / name
    export(clap, out, "--camera", "source")
    with av.open(str(out)) as container:
        pictures = [(frame.time, float(frame.to_ndarray(format="gray").max())) for frame in container.decode(video=0)]
        assert container.duration / 1e6 == pytest.approx(2.0, abs=0.05)
    assert len(pictures) == 50
    assert [time for time, _ in pictures] == pytest.approx([0.04 * k for k in range(50)], abs=1e-3)
    (seen,) = [time for time, brightest in pictures if brightest > 200]
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    times = np.concatenate([frame.time + np.arange(frame.samples) / frame.sample_rate for frame in frames])
    loud = np.abs(np.concatenate([frame.to_ndarray().reshape(-1, frame.samples)[0] for frame in frames]))
    heard = times[np.argmax(loud > 0.4 * loud.max())]
    assert seen == pytest.approx(CLAP_S, abs=1e-3)
    assert abs(heard - seen) < 0.02
    assert abs(heard - seen) < 0.003  # what it really is


@pytest.mark.parametrize("options", [["o.mp4"], ["o.webm", "--transparent"]])
def test_two_exports_are_the_same_bytes(tmp_path, clap, options):
    name, *rest = options
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        export(clap, tmp_path / folder / name, "--to", "1.6", *rest)
    first = (tmp_path / "one" / name).read_bytes()
    assert len(first) > 1000
    assert (tmp_path / "two" / name).read_bytes() == first


def test_pixels_are_renders(tmp_path, session):
    """The same motion and avatar through `render`, to the bit."""
    with SessionReader(session) as opened:
        motion = opened.motion("me")
        (tmp_path / "tiny.avatar").write_bytes(opened.avatar(opened.avatars[0]))
    save_motion(motion, tmp_path / "m.npz")
    export(session, tmp_path / "ours", "--camera", "mirror", "--stereo")
    arguments = ["render", str(tmp_path / "m.npz"), "--avatar", str(tmp_path / "tiny.avatar"), "--camera", "mirror"]
    assert cli.main([*arguments, *SMALL, "--stereo", "-o", str(tmp_path / "theirs")]) == 0
    ours, theirs = (sorted((tmp_path / name).iterdir()) for name in ("ours", "theirs"))
    assert len(ours) == 12
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(a)), np.asarray(Image.open(b)))
    assert np.asarray(Image.open(ours[0])).shape == (64, 192, 3)


def test_transparent_pictures_over_the_wall_are_the_opaque_ones(tmp_path, session):
    from inperson.app.mirror.framing import studio_background

    export(session, tmp_path / "opaque")
    export(session, tmp_path / "clear", "--transparent")
    wall = studio_background(96, 64)[:, ::-1] * 255.0
    for a, b in zip(sorted((tmp_path / "opaque").iterdir()), sorted((tmp_path / "clear").iterdir()), strict=True):
        rgba = np.asarray(Image.open(b)).astype(float)
        alpha = rgba[..., 3:] / 255.0
        over = alpha * rgba[..., :3] + (1.0 - alpha) * wall
        assert np.abs(over - np.asarray(Image.open(a))).max() <= 2.5
        assert 0.02 < (rgba[..., 3] > 128).mean() < 0.8


def test_alpha_of_a_webm(tmp_path, session):
    export(session, tmp_path / "o.webm", "--transparent")
    export(session, tmp_path / "clear", "--transparent")
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    with av.open(str(tmp_path / "o.webm")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        frames = [frame.to_ndarray(format="rgba") for packet in packets for frame in decoder.decode(packet)]
    exact = [np.asarray(Image.open(path)).astype(int) for path in sorted((tmp_path / "clear").iterdir())]
    assert len(frames) == len(exact) == 12
    for frame, picture in zip(frames, exact, strict=True):
        assert np.abs(frame[..., 3].astype(int) - picture[..., 3]).mean() < 6
        inside = picture[..., 3] > 250
        assert np.abs(frame[..., :3].astype(int) - picture[..., :3])[inside].mean() < 8


def test_a_part_at_a_steady_rate(tmp_path, clap):
    export(clap, tmp_path / "o.mp4", "--from", "0:01.0", "--to", "1.8", "--fps", "50", "--camera", "orbit")
    with av.open(str(tmp_path / "o.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(np.arange(len(times)) * 0.02, abs=1e-4)
    # the session starts with the sound, 306.5 ms before the first state: states 18 to 37 lie within
    assert len(times) == round((37 - 18) * 0.04 / 0.02) + 1


def test_silence_before_a_microphone_that_began_late(tmp_path, body):
    states = moving_states(body, 20)
    late_ns = 200_000_000
    samples = 0.5 * np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000)
    packets = spoken(samples, begin_ns=START_NS + late_ns)
    records = [about(body), *(BodyRecord("me", state) for state in states), *packets]
    with SessionReader(write_session(tmp_path / "s.mcap", sorted(records, key=lambda r: r.time_ns))) as session:
        take = Take.of(session, None, Span())
        track = soundtrack_of(take, take.motion())
    assert len(track.samples) == round(20 * 0.04 * 48_000)
    assert not track.samples[: round((0.2 - 0.0066) * 48_000)].any()
    assert np.abs(track.samples[round(0.21 * 48_000) :]).mean() > 0.2


def test_mute_leaves_the_voice_out(tmp_path, clap):
    export(clap, tmp_path / "o.mp4", "--to", "0.6", "--mute")
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_named_camera_sees_from_where_it_stands(tmp_path, session):
    (tmp_path / "c.toml").write_text(
        "[cameras.left]\nposition = [2.0, 0.0, -2.0]\nlook_at = [0.1, 0.0, -2.0]\nvertical_fov = 60\n"
        "[cameras.away]\nposition = [2.0, 0.0, -2.0]\nlook_at = [9.0, 0.0, -2.0]\nvertical_fov = 60\n"
    )
    for name in ("left", "away"):
        options = ["--camera", name, "--camera-file", str(tmp_path / "c.toml"), "--transparent", "--to", "0.1"]
        export(session, tmp_path / name, *options)
    seen = {name: np.asarray(Image.open(tmp_path / name / "000000.png"))[..., 3] > 128 for name in ("left", "away")}
    assert seen["left"].mean() > 0.02
    assert not seen["away"].any()
