"""A headset's frames from the first to the last, over however many connections to the runtime it takes."""

import time
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from inperson.app.headset.connection import DONE, Connection
from inperson.app.headset.guide import CalibrationGuide
from inperson.app.headset.link import HeadsetLink
from inperson.app.headset.memory import give_memory_back
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.stage import Stage
from inperson.app.headset.status import (
    CalibrationSeen,
    HeadsetFigures,
    HeadsetStatus,
    Play,
    Recenter,
    Recentred,
    RungChange,
    ShowAvatar,
    ShowSign,
    Stop,
    ToggleShader,
    ToggleSplit,
)
from inperson.app.headset.wardrobe import Wardrobe, Worn
from inperson.app.motion.states import PredictedStates
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState
from inperson.conventions import invert_rigid
from inperson.errors import DeviceError
from inperson.render.frame_times import FrameRecord, FrameTimes
from inperson.render.headset import HeadsetLoop
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.loss import RuntimeLost
from inperson.render.xr.runtime import RuntimeInfo

RETRY_S = 0.5
"""Between looks for a runtime that went away."""
IDLE_S = 0.05
"""Between looks at a headset that nobody wears."""
EXIT_PATIENCE_S = 3.0
"""For a runtime to walk through the states up to EXITING."""
STATUS_S = 0.5
STATUS_FRAMES = 120
"""Frames behind the figures of a status: one or two seconds."""
GONE = "the runtime went away, waiting for it"


class HeadsetShow:
    """Runs frames on the calling thread, and does between them what the session and the wearer ask for.

    Args:
        plan: what to do.
        stage: draws.
        wardrobe: has the other avatars.
        worn: the first one.
        link: to the session.
        states: of the webcam, where the job is a calibration.
    """

    def __init__(
        self,
        plan: HeadsetPlan,
        stage: Stage,
        wardrobe: Wardrobe,
        worn: Worn,
        link: HeadsetLink,
        states: PredictedStates | None = None,
    ) -> None:
        self._plan, self._stage, self._wardrobe, self._worn, self._link = plan, stage, wardrobe, worn, link
        self._times = FrameTimes(0.0)
        self._rendered = 0
        self._rungs: list[RungChange] = []
        self._first_ns = 0
        self._info: RuntimeInfo | None = None
        self._connection: Connection | None = None
        self._connections = 0
        self._lost_ns: int | None = None
        self._longest_gap_ns = 0
        self._leaving_since: float | None = None
        self._asked_for_exit = False
        self._status_at = 0.0
        self._T_base_from_play: Float[np.ndarray, "4 4"] | None = None
        self._recentring = False
        self._guide = None if states is None else CalibrationGuide(states, self._recenter)
        self._panel = ""

    def run(self, connect: Callable[[], Connection]) -> None:
        """Show until the wearer, the runtime, the session or the number of frames ends it.

        Args:
            connect: makes a connection, or raises DeviceError or RuntimeLost where there is no runtime.
        """
        while not self._over():
            try:
                self._connection = connect()
                self._show(self._connection)
            except (RuntimeLost, DeviceError) as error:
                if isinstance(error, DeviceError) and not self._connections and not self._plan.patient:
                    raise  # at the start it is the user's to mend
                self._lost()

    def close(self) -> None:
        """Take the last connection down."""
        if self._connection is not None:
            self._connection.close(DONE)

    def figures(self, binding: str) -> HeadsetFigures:
        """What was measured, with the way OpenGL was shared."""
        info = self._info
        states = self._connection.session.states if self._connection is not None else ()
        return HeadsetFigures(
            runtime=self._runtime_name,
            system=info.system if info is not None else "",
            scene=self._plan.scene,
            avatar=self._worn.name,
            binding=binding,
            backend=self._stage.backend,
            eye_size=info.eye_size if info is not None else (0, 0),
            frames=self._times.all(),
            rungs=tuple(self._rungs),
            states=tuple(state.name for state in states),
            reconnects=max(self._connections - 1, 0),
            longest_gap_s=round(self._longest_gap_ns / 1e9, 3),
            shader=self._stage.shading.figures() if self._stage.shading is not None else None,
        )

    @property
    def _shader(self) -> str:
        return self._stage.shading.line if self._stage.shading is not None else ""

    @property
    def _runtime_name(self) -> str:
        return f"{self._info.name} {self._info.version}" if self._info is not None else ""

    def _over(self) -> bool:
        """Whether nothing is left to show."""
        exited = self._connection is not None and self._connection.session.exited
        return exited or self._leaving_since is not None

    # --- a connection ------------------------------------------------------------------------------------------

    def _show(self, connection: Connection) -> None:
        session = connection.session
        self._info = connection.info
        self._connections += 1
        self._T_base_from_play = session.T_base_from_play
        session.recenter()  # scenes are set up before the wearer
        loop = HeadsetLoop(
            *(session, connection.input, self._stage.painter, self._worn.posers),
            *(self._pose_at, self._stage.pacing, self._stage.gpu_timer),
            shading=self._stage.shading,
            on_input=self._on_input,
            witness=lambda frame: self._link.tap.drawn(frame.views),
        )
        while not session.exited and not self._gave_up_leaving():
            self._obey(connection)
            loop.pacing = self._stage.pacing
            self._change_clothes(loop)
            self._follow_guide(connection)
            record = loop.step()
            if record is not None:
                self._note(record, session.nominal_period_ns)
            elif not session.running:
                self._link.wait(IDLE_S)
            if time.monotonic() >= self._status_at:
                self._say(session.state.name.lower())

    def _lost(self) -> None:
        """Wait a moment before the next try; the first time, take down what is left."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
            give_memory_back()
            self._lost_ns = time.monotonic_ns()
        self._say("waiting for the runtime", GONE if self._connections else "")
        self._link.wait(RETRY_S)
        self._obey(None)

    def _gave_up_leaving(self) -> bool:
        """A session that does not run cannot be asked to exit, and one that was asked may not answer."""
        if self._leaving_since is None:
            return False
        patience = EXIT_PATIENCE_S if self._asked_for_exit else 0.0
        return time.monotonic() - self._leaving_since > patience

    # --- what is asked for -------------------------------------------------------------------------------------

    def _obey(self, connection: Connection | None) -> None:
        for command in self._link.commands():
            match command:
                case Stop():
                    self._leave(connection)
                case Recenter():
                    self._recenter()
                case ShowAvatar(name):
                    self._wardrobe.order(name)
                case Play(tempo):
                    self._wardrobe.play(tempo)
                case ShowSign(text):
                    self._stage.painter.show_sign(text)
                case ToggleShader():
                    self._stage.toggle_shader()
                case ToggleSplit() if self._stage.shading is not None:
                    self._stage.shading.split = not self._stage.shading.split

    def _recenter(self) -> None:
        if self._connection is not None:
            self._connection.session.recenter()
            self._recentring = True

    def _leave(self, connection: Connection | None) -> None:
        if self._leaving_since is None:
            self._leaving_since = time.monotonic()
            if connection is not None and connection.session.running:
                self._asked_for_exit = True
                connection.session.request_exit()

    def _on_input(self, event: InputEvent) -> None:
        self._recentring |= event is InputEvent.RECENTER

    def _change_clothes(self, loop: HeadsetLoop) -> None:
        worn = self._wardrobe.delivered()
        if worn is not None:
            self._worn.close()
            self._worn, loop.posers = worn, worn.posers
            self._stage.dress(worn)

    def _follow_guide(self, connection: Connection) -> None:
        """Put up what a calibration says, and hand over what it saw when it is done."""
        guide = self._guide
        if guide is None:
            return
        if guide.panel != self._panel:
            self._panel = guide.panel
            self._stage.painter.show_panel(self._panel)
        if guide.done and self._leaving_since is None:
            self._link.say(CalibrationSeen(tuple(guide.samples)))
            self._leave(connection)

    # --- frames ------------------------------------------------------------------------------------------------

    def _pose_at(self, pose: HeadsetPose) -> BodyState | None:
        """The loop asks for the body of a frame."""
        self._follow_play_space(pose.time_ns)
        if self._guide is not None:
            self._guide.see(pose)
        feed = self._worn.feed
        state = feed.state_for(pose)
        if state is not None and self._plan.mirrored:
            self._link.put_state(feed.as_mirrored(state))
        self._link.tap.posed(pose, state)
        return state

    def _follow_play_space(self, time_ns: int) -> None:
        """The play space may have moved between the last frame and the one of this time."""
        assert self._connection is not None
        before, now = self._T_base_from_play, self._connection.session.T_base_from_play
        if before is None or now is before:
            return
        self._T_base_from_play = now
        T_new_from_old = invert_rigid(now) @ before
        self._link.say(Recentred(time_ns, T_new_from_old))
        if self._recentring:
            self._worn.feed.recentred(T_new_from_old)
        else:  # at the start, or by the runtime: the wearer stands where sessions begin
            self._worn.feed.start_anew()
        self._recentring = False

    def _note(self, record: FrameRecord, nominal_period_ns: int) -> None:
        now = time.monotonic_ns()
        self._times.nominal_fps = 1e9 / nominal_period_ns
        self._link.tap.submitted(record, self._times.nominal_fps)
        self._times.add(record)
        self._rendered += record.rendered
        if self._lost_ns is not None and record.rendered:
            self._longest_gap_ns = max(self._longest_gap_ns, now - self._lost_ns)
            self._lost_ns = None
        last, drawn = self._rungs[-1] if self._rungs else None, (record.scale, record.level, self._shader)
        if last is None or (last.scale, last.level, last.shader) != drawn:
            self._first_ns = self._first_ns or now
            self._rungs.append(RungChange(round((now - self._first_ns) / 1e9, 3), *drawn))
        if self._plan.frames is not None and self._rendered >= self._plan.frames:
            self._leave(self._connection)

    def _say(self, state: str, notice: str = "") -> None:
        self._status_at = time.monotonic() + STATUS_S
        notice = notice or (self._guide.prompt if self._guide is not None else "")
        rung = self._stage.pacing.rung
        figures = self._times.newest(STATUS_FRAMES) if self._rendered else None
        self._link.say(
            HeadsetStatus(
                *(state, self._runtime_name, self._worn.name, figures, rung.scale, rung.level),
                shader=self._shader,
                notice=notice,
            )
        )
