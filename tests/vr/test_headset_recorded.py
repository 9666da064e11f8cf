"""What a recording gets of a real headset: every frame with its eyes, what was drawn, and how space moved."""

from collections.abc import Iterator

import numpy as np
import pytest

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import Command, Recenter, Recentred, ShowSign
from inperson.app.live.recording.about import About
from inperson.app.live.recording.feeds import HeadsetFeed
from inperson.app.live.recording.rings import LiveRings
from inperson.app.live.recording.taps import HeadsetTap
from inperson.app.motion.placing import T_ABOUT_FACE, moved
from inperson.app.recording.records import BodyRecord, HeadsetRecord, TimingsRecord
from inperson.avatar.file import save_avatar
from tests.app.drawing_doubles import tiny_avatar
from tests.vr.remote_devices import RemoteDevices, Wearer, pose
from tests.vr.test_headset_show import BODY, MOTION, POSER, Session, show


@pytest.fixture
def avatar(tmp_path) -> str:
    save_avatar(tiny_avatar(BODY), tmp_path / "tiny.avatar")
    return str(tmp_path / "tiny.avatar")


def test_every_frame_with_what_was_located_and_drawn(wearer: RemoteDevices, avatar: str):
    def script(session: Session) -> Iterator[Command | None]:
        yield ShowSign("REC 00:01")
        yield from session.more_states(4)
        wearer.hold(Wearer(pose(-0.3, 1.7, 0.4, yaw=-30)))
        yield from session.more_states(3)
        yield Recenter()
        yield from session.more_states(4)

    session = Session(script)
    rings = LiveRings.make(BODY.num_betas, BODY.num_expression, tracking=False, pictures=False, headset=True)
    session.tap = HeadsetTap(rings.headset)
    wearer.hold(Wearer(pose(0.0, 1.6, 0.0)))
    figures = show(HeadsetPlan(avatar, motion=MOTION, mirrored=True), session)

    about = About("me", BODY, lambda record: True, world="play")
    records = list(HeadsetFeed(rings.headset, about, "me").drain())
    frames = [record for record in records if isinstance(record, HeadsetRecord)]
    states = [record.state for record in records if isinstance(record, BodyRecord)]
    timings = [record for record in records if isinstance(record, TimingsRecord)]
    assert len(timings) == figures.frames.frames
    assert [state.time_ns for state in states] == [state.time_ns for state in session.states]  # none lost
    for state, shown in zip(states, session.states, strict=True):
        mirrored = moved(state, T_ABOUT_FACE, POSER.rest_joints[0])
        assert np.allclose(mirrored.transl, shown.transl, atol=1e-5)
    located = [frame for frame in frames if frame.T_play_from_left_eye is not None]
    assert len(located) == figures.frames.rendered
    for frame in located:
        left, right = frame.T_play_from_left_eye, frame.T_play_from_right_eye
        assert 0.05 < np.linalg.norm(left[:3, 3] - right[:3, 3]) < 0.08
        middle = (left[:3, 3] + right[:3, 3]) / 2
        assert middle == pytest.approx(frame.T_play_from_head[:3, 3], abs=0.02)
        assert frame.left_fov[0] < 0 < frame.left_fov[1]
        assert frame.left_fov[3] < 0 < frame.left_fov[2]
    _check_recentring(session, frames)


def _check_recentring(session: Session, frames: list[HeadsetRecord]) -> None:
    """The head stood still: where it is in the new space is where the event says it would be."""
    recentred = [word for word in session.said if isinstance(word, Recentred)][-1]
    before = [frame for frame in frames if frame.time_ns < recentred.time_ns][-1]
    after = next(frame for frame in frames if frame.time_ns >= recentred.time_ns)
    assert after.time_ns == recentred.time_ns
    assert np.allclose(recentred.T_new_from_old @ before.T_play_from_head, after.T_play_from_head, atol=0.01)
    assert after.T_play_from_head[[0, 2], 3] == pytest.approx([0, 0], abs=0.02)
