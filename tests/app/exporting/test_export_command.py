"""`inperson export`: motion, sound and numbers as files; what is refused, before any work, and leaves nothing."""

import json
import wave
from dataclasses import replace

import numpy as np
import pytest
import smplx
import torch

from inperson.app import cli
from inperson.app.exporting.options import ENDINGS
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord, MicrophoneRecord, ParticipantRecord
from inperson.app.recording.sound import sound_of
from inperson.avatar.skinning import BodyPoser
from inperson.paths import assets_dir
from inperson.tracking.motion_file import load_motion
from tests.app.exporting.sessions import START_NS, about, moving_states
from tests.app.recording.made_up import write_session


def run(*arguments) -> int:
    return cli.main(["export", *(str(argument) for argument in arguments)])


def test_npz_is_the_motion_to_the_bit(tmp_path, session, states):
    assert run(session, "-o", tmp_path / "o.npz") == 0
    motion = load_motion(tmp_path / "o.npz")
    np.testing.assert_array_equal(motion.poses, np.stack([s.full_pose.ravel() for s in states]))
    np.testing.assert_array_equal(motion.trans, np.stack([s.transl for s in states]))
    np.testing.assert_array_equal(motion.expression, np.stack([s.expression for s in states]))
    np.testing.assert_array_equal(motion.times_ns, [s.time_ns for s in states])
    np.testing.assert_array_equal(motion.betas, states[0].betas)
    assert (motion.gender, motion.body_name, motion.framerate) == ("neutral", "neutral", 25.0)


def test_npz_moves_the_smplx_package_as_it_moved_us(tmp_path, session, states, body):
    assert run(session, "-o", tmp_path / "o.npz") == 0
    theirs = np.load(tmp_path / "o.npz")  # by AMASS's order of SMPL-X joints, with nothing of ours
    assert (float(theirs["mocap_framerate"]), str(theirs["surface_model_type"])) == (25.0, "smplx")
    sizes = {"num_betas": len(theirs["betas"]), "num_expression_coeffs": theirs["expression"].shape[1]}
    path = assets_dir() / "body" / "neutral.npz"
    model = smplx.SMPLX(str(path), ext="npz", use_pca=False, flat_hand_mean=True, batch_size=len(states), **sizes)
    ends = {"global_orient": 3, "body_pose": 66, "jaw_pose": 69, "leye_pose": 72, "reye_pose": 75}
    ends |= {"left_hand_pose": 120, "right_hand_pose": 165}
    parts = np.split(theirs["poses"], [*ends.values()][:-1], axis=1)
    given = {name: torch.from_numpy(part.copy()) for name, part in zip(ends, parts, strict=True)}
    given |= {"transl": torch.from_numpy(theirs["trans"]), "expression": torch.from_numpy(theirs["expression"])}
    with torch.no_grad():
        joints = model(betas=torch.from_numpy(theirs["betas"])[None].expand(len(states), -1), **given).joints
    poser = BodyPoser(body, states[0].betas)
    for state, found in zip(states, joints.numpy(), strict=True):
        np.testing.assert_allclose(found[:55], poser.pose(state).joints, atol=1e-5)


def test_a_part_of_it(tmp_path, session, states):
    begin = (START_NS - 6_500_000) / 1e9  # the first packet's
    first, last = ((s.time_ns / 1e9 - begin) for s in (states[3], states[8]))
    assert run(session, "-o", tmp_path / "o.npz", "--from", f"{first:.6f}", "--to", f"0:{last:.6f}") == 0
    np.testing.assert_array_equal(load_motion(tmp_path / "o.npz").times_ns, [s.time_ns for s in states[3:8]])


def test_wav_is_what_was_said(tmp_path, session):
    assert run(session, "-o", tmp_path / "o.wav") == 0
    with wave.open(str(tmp_path / "o.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 48_000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767.0
    with SessionReader(session) as opened:
        sound = sound_of(opened, "me")
    np.testing.assert_allclose(samples, np.clip(sound.samples, -1, 1), atol=2e-5)
    assert np.abs(samples[12_000:]).max() == pytest.approx(0.2, abs=0.02)


def test_json_has_timings_and_events(tmp_path, session, states):
    assert run(session, "-o", tmp_path / "o.json") == 0
    content = json.loads((tmp_path / "o.json").read_text())
    assert content["version"] == 1
    assert content["session"]["start_ns"] == START_NS - 6_500_000
    assert content["participants"]["me"]["states"] == len(states)
    assert content["participants"]["me"]["at_s"][1] == pytest.approx(0.0465)
    assert [event["kind"] for event in content["events"]] == ["join", "warning"]
    assert content["events"][0] == {"at_s": 0.0065, "kind": "join", "participant": "me"}
    mirror = content["timings"]["mirror"]
    assert mirror["frames"] == len(states)
    assert mirror["durations_ms"]["pose"] == pytest.approx([1.0 + k * 1e-6 for k in range(len(states))])
    assert mirror["stages"]["draw"] == {"median_ms": 2.0, "p95_ms": 2.0, "count": len(states)}


@pytest.mark.parametrize("ending", [".npz", ".bvh", ".vrma", ".wav", ".json"])
def test_the_same_export_is_the_same_file(tmp_path, session, ending):
    for name in ("one", "two"):
        assert run(session, "-o", (tmp_path / name).with_suffix(ending)) == 0
    one, two = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert one == two


@pytest.fixture
def crowd(tmp_path, body):
    """Two who move, and one of whom nothing but the voice is known."""
    records = [about(body), about(body, "you")]
    for state in moving_states(body, 3):
        records += [BodyRecord("me", state), BodyRecord("you", replace(state, transl=state.transl + np.float32(1)))]
    records.append(MicrophoneRecord("her", START_NS, 0, b"\xf8\xff\xfe"))
    return write_session(tmp_path / "crowd.mcap", records)


def test_somebody_has_to_be_named_where_there_are_several(tmp_path, crowd, capsys):
    assert run(crowd, "-o", tmp_path / "o.npz") == 2
    assert "holds me, you: say whose with --participant KEY" in capsys.readouterr().err
    assert run(crowd, "-o", tmp_path / "o.npz", "--participant", "you") == 0
    assert load_motion(tmp_path / "o.npz").trans[0, 0] == pytest.approx(1.0)
    assert run(crowd, "-o", tmp_path / "x.npz", "--participant", "them") == 2
    assert "no participant 'them': it holds me, you, her" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["-o", "o.avi"], 2, ", ".join(ENDINGS)),
        (["-o", "nowhere/o.mp4"], 5, "nowhere"),
        (["-o", "nowhere/o.bvh"], 5, "nowhere"),
        (["-o", "nowhere/frames"], 5, "nowhere"),
        (["-o", "full"], 5, "there already"),
        (["-o", "o.npz", "--from", "9:99"], 2, "--from '9:99'"),
        (["-o", "o.npz", "--from", "60"], 2, "no motion between"),
        (["-o", "o.npz", "--stereo"], 2, "--stereo shows in movies, not in .npz"),
        (["-o", "o.bvh", "--camera-file", "x.toml"], 2, "--camera-file shows in movies"),
        (["-o", "o.npz", "--avatar", "ada"], 2, "--avatar means nothing for .npz"),
        (["-o", "o.wav", "--fps", "30"], 2, "--fps means nothing for .wav"),
        (["-o", "o.npz", "--fps", "0"], 2, "--fps 0"),
        (["-o", "o.json", "--participant", "me"], 2, "--participant means nothing for .json"),
        (["-o", "o.mp4", "--transparent"], 2, "MP4 has no alpha"),
        (["-o", "o.mp4", "--camera", "left"], 2, "add --camera-file"),
        (["-o", "o.mp4", "--camera", "left", "--camera-file", "gone.toml"], 2, "gone.toml"),
        (["-o", "o.mp4", "--avatar", "nobody"], 2, "'nobody' not found"),
        (["-o", "o.mp4", "--split"], 2, "--shader"),
        (["-o", "o.mp4", "--size", "33", "33"], 2, "even"),
        (["-o", "o.bvh", "--body", "male"], 2, "the motion is of body 'neutral'"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(tmp_path, session, monkeypatch, capsys, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    assert run(session, *arguments) == status
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["full", "full/mine.txt"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("o.npz", "no motion of 'me'"),
        ("o.mp4", "--avatar"),
        ("o.wav", "no sound of 'me'"),
        ("o.bvh", "no motion of 'me'"),
        ("o.vrma", "no motion of 'me'"),
    ],
)
def test_exporting_nothing_says_so(tmp_path, capsys, name, said):
    empty = write_session(tmp_path / "e.mcap", [ParticipantRecord("me", START_NS)])
    assert run(empty, "-o", tmp_path / name) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["e.mcap"]


def test_a_camera_nobody_had(tmp_path, body, capsys):
    records = [about(body, intrinsics=None), *(BodyRecord("me", state) for state in moving_states(body, 2))]
    path = write_session(tmp_path / "s.mcap", records)
    assert run(path, "-o", tmp_path / "o.mp4", "--camera", "source", "--avatar", "ada") == 2
    assert "does not know its camera: use --camera mirror" in capsys.readouterr().err


def test_a_body_nobody_knows(tmp_path, body, capsys):
    records = [
        about(body, body_name="", body_sha256=""),
        *(BodyRecord("me", state) for state in moving_states(body, 2)),
    ]
    path = write_session(tmp_path / "s.mcap", records)
    assert run(path, "-o", tmp_path / "o.bvh") == 2
    assert "does not say which body" in capsys.readouterr().err
    assert run(path, "-o", tmp_path / "o.bvh", "--body", "neutral") == 0


@pytest.mark.parametrize("name", ["o.mp4", "frames", "o.npz", "o.rrd"])
def test_an_interrupted_export_leaves_nothing(tmp_path, session, monkeypatch, capsys, name):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    what = {
        "o.npz": "numpy.savez_compressed",
        "o.rrd": "inperson.app.exporting.rerun_file._Writing._events",
    }.get(name, "inperson.app.pictures.playback.Playback._picture")
    monkeypatch.setattr(what, interrupted)
    assert run(session, "-o", tmp_path / name) == 130
    assert list(tmp_path.iterdir()) == []
