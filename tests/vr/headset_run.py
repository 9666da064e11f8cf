"""The product's frame loop on a running Monado, for so many frames, and everything that was seen of it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.frame_times import FrameRecord
from inperson.render.gpu_timer import GpuTimer
from inperson.render.headset import DrawnFrame, HeadsetLoop, PoseAt, Poser
from inperson.render.pacing import Pacing, Rung
from inperson.render.scene.painter import ScenePainter
from inperson.render.scene.pictures import HostPictures
from inperson.render.scene.scenes import SceneName
from inperson.render.views import EyeView
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.events import SessionState
from inperson.render.xr.frames import FrameTiming, Submission
from inperson.render.xr.graphics import open_graphics
from inperson.render.xr.input import HeadsetInput
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession

FULL = (Rung(1.0, 0, 1.0, 1.0),)
"""A ladder without a way down: what is drawn does not depend on how busy the machine is."""


@dataclass(frozen=True)
class Seen:
    """What a witness keeps of a drawn frame."""

    display_time_ns: int
    headset: HeadsetPose
    state: BodyState | None
    views: tuple[EyeView, EyeView]
    submission: Submission
    pictures: UInt8[np.ndarray, "2 H W 4"] | None
    """Of the frames that were asked for."""
    depth: Float[np.ndarray, "2 H W"] | None


class Eyewitness:
    """Keeps what a witness sees.

    Args:
        every: frames from one whose pictures are read to the next; 0 for none.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self.seen: list[Seen] = []

    def __call__(self, drawn: DrawnFrame) -> None:
        is_read = self._every > 0 and len(self.seen) % self._every == 0
        self.seen.append(
            Seen(
                display_time_ns=drawn.timing.display_time_ns,
                headset=drawn.headset,
                state=drawn.state,
                views=drawn.views,
                submission=drawn.submission,
                pictures=drawn.read_pictures() if is_read else None,
                depth=drawn.read_depth() if is_read else None,
            )
        )


@dataclass
class HeadsetRun:
    """A session and its loop, frame by frame. Made by `headset_run`."""

    session: XrSession
    loop: HeadsetLoop
    seen: list[Seen]
    """Drawn frames."""
    asked: list[InputEvent]
    """What the loop passed on."""
    records: list[FrameRecord] = field(default_factory=list)

    def frames(self, count: int) -> None:
        """Run until so many more frames were ended, empty ones included."""
        enough = len(self.records) + count
        while len(self.records) < enough:
            self._step()

    def rendered(self, count: int) -> None:
        """Run until so many more frames were drawn."""
        enough = len(self.seen) + count
        while len(self.seen) < enough:
            self._step()

    def leave(self) -> tuple[SessionState, ...]:
        """Ask for the exit and go on until EXITING; the states of the whole session."""
        self.session.request_exit()
        return self.until_exited()

    def until_exited(self) -> tuple[SessionState, ...]:
        """Go on until EXITING; the states of the whole session."""
        while not self.session.exited:
            self._step()
        return self.session.states

    def _step(self) -> None:
        record = self.loop.step()
        if record is not None:
            self.records.append(record)


class ButtonPresses:
    """The session's own input, and button presses at chosen frames."""

    def __init__(self, headset_input: HeadsetInput, presses: dict[int, InputEvent]) -> None:
        self._input, self._presses = headset_input, presses
        self._frames = 0

    def read(self, timing: FrameTiming) -> tuple[HeadsetPose, tuple[InputEvent, ...]]:
        """As `HeadsetInput.read`."""
        pose, asked = self._input.read(timing)
        self._frames += 1
        press = self._presses.get(self._frames)
        return pose, asked if press is None else (*asked, press)


@contextmanager
def headset_run(
    posers: Sequence[Poser],
    pose_at: PoseAt,
    *,
    scene: SceneName = "face-to-face",
    rungs: Sequence[Rung] = FULL,
    every: int = 0,
    api_layers: Sequence[str] = (),
    presses: dict[int, InputEvent] | None = None,
) -> Iterator[HeadsetRun]:
    """A session with the runtime that this process is a client of."""
    with ExitStack() as closing:
        graphics = open_graphics("egl")
        closing.callback(graphics.close)
        rasterizer = CpuRasterizer(threads=1)
        closing.callback(rasterizer.close)
        pictures = HostPictures(graphics.context, rasterizer)
        closing.callback(pictures.close)
        painter = ScenePainter(graphics.context, pictures, scene)
        closing.callback(painter.close)
        runtime = XrRuntime.open("egl", api_layers=api_layers)
        closing.callback(runtime.close)
        session = closing.enter_context(XrSession(runtime, graphics))
        headset_input = closing.enter_context(HeadsetInput(session))
        asked: list[InputEvent] = []
        witness = Eyewitness(every)
        loop = HeadsetLoop(
            session,
            ButtonPresses(headset_input, presses or {}),
            painter,
            posers,
            pose_at,
            Pacing(rungs),
            GpuTimer(graphics.context),
            on_input=asked.append,
            witness=witness,
        )
        yield HeadsetRun(session, loop, witness.seen, asked)


def standing(body: BodyModel, x: float, z: float, heading: float) -> BodyState:
    """A body at rest with its feet on the floor; `heading` turns it about y, from facing +z, radians."""
    rest = BodyState.rest(body.num_betas, body.num_expression)
    pelvis = (body.J_regressor @ body.v_template)[0]
    lowest = float(body.v_template[:, 1].min())
    turned = Rotation.from_euler("y", heading).as_rotvec().astype(np.float32)
    place = np.array([x - pelvis[0], -lowest, z - pelvis[2]], np.float32)
    return replace(rest, global_orient=turned, transl=place)
