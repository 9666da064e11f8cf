"""RRD as rerun's own reader sees it: counts, times and values; and nothing that goes over the network."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from rerun.chunk import RrdReader

from inperson.app import cli
from inperson.app.exporting.rerun_file import level_db
from inperson.app.recording.records import HeadsetRecord
from inperson.avatar.skinning import BodyPoser
from tests.app.exporting.sessions import FRAME_NS, JPEG, START_NS, small_session
from tests.no_sockets import needs_the_filter, run_without_sockets


class RrdReading:
    """Entities of a file: when, and what."""

    def __init__(self, path) -> None:
        self.times: dict[str, list[float]] = {}
        self.values: dict[tuple[str, str], list] = {}
        self.timelines: set[str] = set()
        for chunk in RrdReader(str(path)).store().stream().to_chunks():
            if chunk.entity_path.startswith("/__properties"):
                continue
            self.timelines |= set(chunk.timeline_names)
            batch = chunk.to_record_batch()
            for name in batch.schema.names:
                column = batch.column(name)
                if name == "session":
                    seconds = column.cast("int64").to_numpy() / 1e9
                    self.times.setdefault(chunk.entity_path, []).extend(seconds)
                elif ":" in name:
                    self.values.setdefault((chunk.entity_path, name.rsplit(":", 1)[1]), []).extend(column.to_pylist())


@pytest.fixture(scope="module")
def exported(tmp_path_factory, body, states):
    folder = tmp_path_factory.mktemp("rrd")
    T = np.eye(4, dtype=np.float32)
    T[:3, 3] = 0.1, 1.6, 0.2
    small_session(folder / "s.mcap", body, states, HeadsetRecord("me", START_NS + 2 * FRAME_NS, T_play_from_head=T))
    assert cli.main(["export", str(folder / "s.mcap"), "-o", str(folder / "o.rrd")]) == 0
    return RrdReading(folder / "o.rrd")


def test_one_timeline_in_seconds_from_the_start(exported, states):
    assert exported.timelines == {"session"}
    begin = START_NS - 6_500_000  # the first packet plays from before the first state
    expected = [(state.time_ns - begin) / 1e9 for state in states]
    for name in ("joints", "bones", "surface"):
        assert exported.times[f"/participants/me/body/{name}"] == pytest.approx(expected, abs=1e-6)


def test_joints_bones_and_surface_are_the_bodys(exported, body, states):
    poser = BodyPoser(body, states[0].betas)
    joints = exported.values["/participants/me/body/joints", "positions"]
    bones = exported.values["/participants/me/body/bones", "strips"]
    surface = exported.values["/participants/me/body/surface", "positions"]
    assert len(joints) == len(bones) == len(surface) == len(states)
    for frame in (0, 7):
        posed = poser.pose(states[frame])
        np.testing.assert_allclose(np.array(joints[frame]), posed.joints, atol=1e-6)
        ends = np.array(bones[frame])
        np.testing.assert_allclose(ends[:, 1], posed.joints[1:], atol=1e-6)
        np.testing.assert_allclose(ends[:, 0], posed.joints[body.parents[1:]], atol=1e-6)
        assert len(surface[frame]) > 900
        np.testing.assert_allclose(np.array(surface[frame])[1], posed.vertices[body.num_vertices // 1000], atol=1e-6)


def test_numbers_are_curves_with_names(exported, body, states):
    assert exported.values["/participants/me/expression", "names"][0] == list(body.expr_names)
    curves = np.array(exported.values["/participants/me/expression", "scalars"])
    np.testing.assert_array_equal(curves, np.stack([state.expression for state in states]).astype(float))
    pose = exported.values["/timings/mirror/pose", "scalars"]
    np.testing.assert_allclose(np.ravel(pose), [1.0 + k * 1e-6 for k in range(len(states))], atol=1e-12)


def test_sound_pictures_events_and_headset(exported):
    (wav,) = exported.values["/participants/me/microphone/sound", "blob"]
    data = bytes(wav[0])
    assert data[:4] == b"RIFF"
    assert len(data) == 44 + 2 * 24_000
    levels = np.ravel(exported.values["/participants/me/microphone/level_db", "scalars"])
    assert len(levels) == 25
    assert np.median(levels) == pytest.approx(20 * np.log10(0.2 / np.sqrt(2)), abs=0.5)
    pictures = exported.values["/participants/me/camera", "blob"]
    assert [bytes(picture[0]) for picture in pictures] == [JPEG, JPEG]
    assert exported.values["/events", "text"] == [["join me"], ["warning something"]]
    assert exported.values["/events", "level"] == [["INFO"], ["WARN"]]
    assert exported.times["/events"][1] - exported.times["/events"][0] == pytest.approx(0.12, abs=1e-6)
    (place,) = exported.values["/participants/me/headset/head", "translation"]
    assert place[0] == pytest.approx([0.1, 1.6, 0.2], abs=1e-6)


def test_levels_are_decibels_of_full_scale():
    blocks = np.stack([np.ones(960), np.full(960, 0.1), np.zeros(960)])
    assert level_db(blocks) == pytest.approx([0.0, -20.0, -80.0])


def test_without_the_sdk_it_says_what_to_install(tmp_path, session, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rerun", None)
    assert cli.main(["export", str(session), "-o", str(tmp_path / "o.rrd")]) == 2
    assert "pip install 'inperson[rerun]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_session_leaves_nothing(tmp_path, body, states):
    other = [replace(state, betas=state.betas[:3], expression=state.expression[:1]) for state in states[6:]]
    small_session(tmp_path / "s.mcap", body, [*states[:6], *other])
    assert cli.main(["export", str(tmp_path / "s.mcap"), "-o", str(tmp_path / "o.rrd")]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s.mcap"]


@needs_the_filter
def test_it_speaks_to_nobody(tmp_path, session):
    arguments = ["export", str(session), "-o", str(tmp_path / "o.rrd")]
    done = run_without_sockets(f"from inperson.app import cli\nraise SystemExit(cli.main({arguments!r}))")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.rrd").stat().st_size > 10_000
