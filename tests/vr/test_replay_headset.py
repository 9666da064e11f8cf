"""A recorded session in a real headset's frame loop: where the person stands, and whose time they keep."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import Command, Play, Recenter
from inperson.app.recording.reader import SessionReader
from inperson.app.replay.recorded import read_recorded
from inperson.app.replay.role import Role
from inperson.app.replay.tempo import Stretch, Tempo
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from inperson.avatar.skinning import BodyPoser
from tests.app.drawing_doubles import tiny_avatar
from tests.app.replay.sessions import BEGIN_NS, FRAME_NS, about, gestures, session_of
from tests.vr.remote_devices import RemoteDevices, Wearer, pose
from tests.vr.test_headset_show import Session, show

BODY = load_body("neutral")
BETAS = np.zeros(BODY.num_betas, np.float32)
POSER = BodyPoser(BODY, BETAS)
PELVIS, EYES = 0, [23, 24]
FRAMES = 50


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, str]:
    """A session and an avatar."""
    folder = tmp_path_factory.mktemp("replayed")
    save_avatar(tiny_avatar(BODY), folder / "tiny.avatar")
    return session_of(folder / "s.mcap", about(BODY), gestures(BODY, FRAMES)), str(folder / "tiny.avatar")


def plan(files: tuple[Path, str], scene) -> HeadsetPlan:
    return HeadsetPlan(files[1], scene=scene, session=str(files[0]), participant="me", mirrored=True)


def joints(state) -> np.ndarray:
    return POSER.joint_transforms(replace(state, expression=state.expression[:0]))[1]


@pytest.mark.parametrize(("scene", "z"), [("face-to-face", -1.3), ("mirror", 0.0)])
def test_they_stand_opposite_or_where_the_viewer_is_and_keep_the_time_they_are_told(
    wearer: RemoteDevices, files, scene, z
):
    """`mirrored` states come back as a mirror shows them: of who stands here, turned about the viewer's place."""
    with SessionReader(files[0]) as reader:
        role = Role(read_recorded(reader, "me"), BODY, BETAS)
    stretch = Stretch(BEGIN_NS, BEGIN_NS + FRAMES * FRAME_NS)
    moments = [BEGIN_NS + 31 * FRAME_NS + 5_000_000, BEGIN_NS + 7 * FRAME_NS]
    seen = []

    def script(session: Session) -> Iterator[Command | None]:
        wearer.hold(Wearer(pose(0.0, 1.6, 0.0)))
        yield from session.more_states(2)
        for moment in moments:
            yield Play(Tempo(stretch, moment, 0, playing=False))
            yield from session.more_states(3)
            seen.append(session.states[-1])
        wearer.hold(Wearer(pose(0.6, 1.7, 0.4, yaw=30)))
        yield from session.more_states(3)
        seen.append(session.states[-1])
        yield Recenter()
        yield from session.more_states(3)
        seen.append(session.states[-1])

    wearer.hold(Wearer(pose(0.0, 1.6, 0.0)))
    session = Session(script)
    show(plan(files, scene), session)
    for state, moment in zip(seen, moments, strict=False):
        recorded = role.state_at(moment, 0)
        np.testing.assert_allclose(state.body_pose, recorded.body_pose, atol=1e-5)
        assert joints(state)[PELVIS][[0, 2]] == pytest.approx(
            [0.0, z], abs=0.45
        )  # they walked since they were placed
        assert joints(state)[EYES].mean(axis=0)[1] == pytest.approx(1.55, abs=0.12)  # feet on the floor
        facing = joints(state)[[1, 2]][0, 0] - joints(state)[[1, 2]][1, 0]
        assert facing > 0.05  # the left hip is on +x: they face +z, as a mirror shows them
    for walked in seen[2:]:  # the viewer's head moves nothing of them
        np.testing.assert_array_equal(walked.full_pose[1:], seen[1].full_pose[1:])
        np.testing.assert_allclose(walked.transl, seen[1].transl, atol=1e-5)


def test_time_passes_in_the_headset_as_on_the_replays_clock(monado_null, files):
    stretch = Stretch(BEGIN_NS, BEGIN_NS + FRAMES * FRAME_NS)
    at_ns = 0
    with SessionReader(files[0]) as reader:
        role = Role(read_recorded(reader, "me"), BODY, BETAS)

    def script(session: Session) -> Iterator[Command | None]:
        nonlocal at_ns
        yield from session.more_states(2)
        at_ns = session.states[-1].time_ns
        yield Play(Tempo(stretch, BEGIN_NS, at_ns, speed=0.5, loop=True))
        yield from session.more_states(3)
        del session.states[:]
        yield from session.more_states(12)

    session = Session(script)
    show(plan(files, "face-to-face"), session)
    assert len({state.time_ns for state in session.states}) >= 12
    tempo = Tempo(stretch, BEGIN_NS, at_ns, speed=0.5, loop=True)
    for state in session.states:
        expected = role.state_at(tempo.position_at(state.time_ns), 0)
        np.testing.assert_allclose(state.body_pose, expected.body_pose, atol=1e-5)
