"""What happens between frames of a real headset: recentring from both sides, another avatar, the last frame."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.app.headset.child import OpenXrHeadset
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import (
    Command,
    Go,
    HeadsetStatus,
    Recenter,
    Recentred,
    ShowAvatar,
    Stop,
    ToggleShader,
    ToggleSplit,
)
from inperson.app.live.recording.taps import HeadsetTap
from inperson.app.motion.placing import T_ABOUT_FACE, moved
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.paths import assets_dir
from inperson.shader_model.network import weights
from inperson.shader_model.runtime import choices
from tests.app.drawing_doubles import tiny_avatar
from tests.app.shading.weights import put_weights
from tests.vr.remote_devices import RemoteDevices, Wearer, pose

MOTION = str(assets_dir() / "performer" / "performer.npz")
BODY = load_body("neutral")
POSER = BodyPoser(BODY, np.zeros(BODY.num_betas, np.float32))
EYES = [23, 24]
LIMIT = 400


class Session:
    """The other end of a headset's link: follows a script that is asked before every frame."""

    def __init__(self, script: Callable[["Session"], Iterator[Command | None]]) -> None:
        self._script = script(self)
        self.states: list[BodyState] = []
        self.said: list[object] = []
        self.tap = HeadsetTap(None)

    def commands(self) -> list[Command]:
        assert len(self.states) < LIMIT, "the script does not end"
        command = next(self._script, Stop())
        return [] if command is None else [command]

    def wait(self, seconds: float) -> None:
        pass

    def say(self, message: object) -> None:
        self.said.append(message)

    def put_state(self, state: BodyState) -> None:
        self.states.append(state)

    def more_states(self, count: int) -> Iterator[None]:
        """Wait for so many frames."""
        enough = len(self.states) + count
        while len(self.states) < enough:
            yield None

    def eyes(self) -> np.ndarray:
        """Between the eyes of the newest state, in the play space, metres."""
        state = moved(self.states[-1], T_ABOUT_FACE, POSER.rest_joints[0])  # as the wearer stands
        return POSER.joint_transforms(replace(state, expression=state.expression[:0]))[1][EYES].mean(axis=0)

    @property
    def moves(self) -> int:
        """How often the play space moved."""
        return sum(isinstance(word, Recentred) for word in self.said)

    def heading(self) -> float:
        """Degrees about y of the hips of the newest state from facing +z, as mirrored."""
        return float(np.rad2deg(Rotation.from_rotvec(self.states[-1].global_orient).as_euler("YXZ")[0]))


@pytest.fixture(scope="module")
def avatars(tmp_path_factory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("avatars")
    for name in ("one", "other"):
        save_avatar(tiny_avatar(BODY, name), folder / f"{name}.avatar")
    return str(folder / "one.avatar"), str(folder / "other.avatar")


def show(plan: HeadsetPlan, session: Session):
    with OpenXrHeadset(plan, None) as headset:
        return headset.run(session, Go(0))


def test_the_play_space_follows_the_wearer_when_the_session_or_a_controller_asks(wearer: RemoteDevices, avatars):
    seen = {}

    def script(session: Session) -> Iterator[Command | None]:
        wearer.hold(Wearer(pose(0.5, 1.55, 1.0, yaw=90)))
        yield from session.more_states(2)
        seen["start"] = session.eyes()
        wearer.hold(Wearer(pose(-0.7, 1.7, 0.3, yaw=-30)))
        yield from session.more_states(3)
        seen["elsewhere"] = session.eyes()
        yield Recenter()
        yield from session.more_states(3)
        seen["recentred"] = session.eyes()
        there = Wearer(pose(0.2, 1.6, 0.2, yaw=10))
        wearer.hold(there)
        yield from session.more_states(3)
        pressing = replace(there.right, pressed=frozenset({"thumbstick_click"}))
        before = session.moves
        wearer.hold(replace(there, right=pressing))
        while session.moves == before:
            yield None
        yield from session.more_states(3)
        seen["by controller"] = session.eyes()

    session = Session(script)
    wearer.hold(Wearer(pose(0.5, 1.55, 1.0, yaw=90)))
    figures = show(HeadsetPlan(avatars[0], motion=MOTION, mirrored=True), session)
    assert seen["start"] == pytest.approx([0, 1.55, 0], abs=0.02)  # scenes begin before the wearer
    # From (0.5, 1.0) looking along -x to (-0.7, 0.3): 1.2 m ahead (-z), 0.7 m to the right (+x).
    assert seen["elsewhere"] == pytest.approx([0.7, 1.7, -1.2], abs=0.02)
    assert seen["recentred"] == pytest.approx([0, 1.7, 0], abs=0.02)
    assert seen["by controller"] == pytest.approx([0, 1.6, 0], abs=0.02)
    assert session.moves == 3  # at the start, by the session, by the controller
    assert figures.states[-1] == "EXITING"


def test_another_avatar_is_put_on_behind_the_frames(monado_null, avatars):
    def script(session: Session) -> Iterator[Command | None]:
        yield from session.more_states(2)
        yield ShowAvatar(avatars[1])
        while not any(isinstance(s, HeadsetStatus) and s.avatar == "other" for s in session.said):
            yield None
        yield from session.more_states(2)

    session = Session(script)
    figures = show(HeadsetPlan(avatars[0], motion=MOTION, mirrored=True), session)
    worn = [s.avatar for s in session.said if isinstance(s, HeadsetStatus)]
    assert worn[0] == "one"
    assert worn[-1] == figures.avatar == "other"
    assert figures.frames.rendered >= 4


def test_the_shader_is_measured_switched_and_split_between_frames(monado_null, avatars, tmp_path, monkeypatch):
    put_weights(tmp_path)
    monkeypatch.setattr(weights, "assets_dir", lambda: tmp_path)
    monkeypatch.setattr(choices, "cache_dir", lambda: tmp_path)

    def script(session: Session) -> Iterator[Command | None]:
        yield from session.more_states(3)
        yield ToggleSplit()
        yield from session.more_states(2)
        yield ToggleShader()
        yield from session.more_states(2)
        yield ToggleShader()
        yield from session.more_states(2)

    session = Session(script)
    plan = HeadsetPlan(avatars[0], motion=MOTION, mirrored=True, scene="face-to-face", shader="small")
    figures = show(plan, session)
    assert figures.shader.asked == "small"
    assert set(figures.shader.pictures) == {"small", "off"}
    assert sum(figures.shader.pictures.values()) == figures.frames.rendered
    assert figures.rungs[0].shader.startswith("small on ")
    assert "off" in {change.shader for change in figures.rungs}
    stages = list(figures.frames.stages)
    assert stages[stages.index("draw") :][:3] == ["draw", "conditions", "shade"]
    said = [message.shader for message in session.said if isinstance(message, HeadsetStatus)]
    assert said[0].startswith("small on ")


def test_it_leaves_after_the_frames_it_was_told(monado_null, avatars):
    def script(session: Session) -> Iterator[Command | None]:
        while True:
            yield None

    for scene in ("embodied", "face-to-face"):
        figures = show(HeadsetPlan(avatars[0], motion=MOTION, mirrored=True, scene=scene, frames=5), Session(script))
        assert (figures.frames.rendered, figures.scene, figures.states[-1]) == (5, scene, "EXITING")
        assert figures.rungs[0].seconds == 0.0
