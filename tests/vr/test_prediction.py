"""Show 3: what is drawn is right when it is seen, not when it was sampled: the head, and an arm before a webcam."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from jaxtyping import Bool, Float
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.state_feed import OppositeFeed, Sources
from inperson.app.motion.tracked import STAGES, Tracked, pack, tracked_dtype
from inperson.app.processes.mailbox import Mailbox
from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import select, skin_weights
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import invert_rigid
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.headset import FAR, NEAR
from inperson.render.views import EyeView
from inperson.render.xr.frames import FrameTiming
from inperson.tracking.extrapolate import RUN_ON
from tests.vr.headset_run import HeadsetRun, headset_run
from tests.vr.monado import MonadoService

FRAMES = 40
SHOULDER, WRIST = JOINT_NAMES.index("left_shoulder"), JOINT_NAMES.index("left_wrist")
ARM_SPEED = 1.2
"""Radians a second, round and round."""
CAMERA_RATE, CAMERA_LATENCY = 30.0, 0.06
"""Frames a second; seconds from a picture's capture to its state."""
BEHIND_THE_HAND = FAR / (FAR - NEAR) * (1 - NEAR / 1.5)
"""Window depth of 1.5 m: the hand is nearer, all else is not."""


@pytest.fixture(scope="module")
def service(monado_runtime: None) -> Iterator[tuple[MonadoService, tuple[int, int]]]:
    """A simulated head that sways by itself, and the times between which it began to."""
    before = time.monotonic_ns()
    with MonadoService("null") as service, service.activate():
        yield service, (before, time.monotonic_ns())


# --- the head -------------------------------------------------------------------------------------------------------


def swaying(seconds: float) -> Float[np.ndarray, "4 4"]:
    """T_start_from_head of Monado's simulated headset so long after it was made (`simulated_hmd.c`, "wobble")."""
    diameter, half_period = 0.05, 2.0
    phase = np.pi * seconds / half_period
    quat_xyzw = np.array([np.sin(phase / 3) / 64, np.sin(phase / 4) / 16, np.sin(phase / 4) / 64, 1.0])
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(quat_xyzw).as_matrix()
    T[:3, 3] = np.sin(phase / 2) * 2 * diameter - diameter, np.sin(phase) * diameter, 0.0
    return T


class SwayingHead:
    """The simulated head as a function of time: when it began to sway is solved from where the runtime says it is at
    moments far apart, none of them a frame's (nor before the runtime began, where there is no time)."""

    def __init__(self, run: HeadsetRun, began_between: tuple[int, int]) -> None:
        now = time.monotonic_ns()
        self._asked_ns = [now + round(s * 1e9) for s in (0.0, 1.3, 3.1, 4.7, 6.2, 7.9)]
        self._located = [self._located_at(run, t) for t in self._asked_ns]
        earliest, latest = began_between
        # counted from there: the search also stops at 1.5e-8 of its variable, which is half a millisecond of a
        # monotonic clock after nine hours
        solved = minimize_scalar(
            lambda after: self._misfit(earliest + after),
            bounds=(0.0, latest - earliest),
            method="bounded",
            options={"xatol": 1e3},
        )
        self.misfit = float(solved.fun)
        self._began_ns = earliest + float(solved.x)
        self._T_play_from_start = self._start(self._began_ns)

    def at(self, time_ns: int) -> Float[np.ndarray, "4 4"]:
        """T_play_from_head."""
        return self._T_play_from_start @ swaying((time_ns - self._began_ns) / 1e9)

    def _located_at(self, run: HeadsetRun, time_ns: int) -> Float[np.ndarray, "4 4"]:
        timing = FrameTiming(run.session.clock.xr_time(time_ns), time_ns, 0, should_render=True)
        located = run.session.locate_head(timing)
        assert located is not None
        return located

    def _start(self, began_ns: float) -> Float[np.ndarray, "4 4"]:
        """T_play_from_start, from the first moment."""
        return self._located[0] @ invert_rigid(swaying((self._asked_ns[0] - began_ns) / 1e9))

    def _misfit(self, began_ns: float) -> float:
        """Metres, over all moments."""
        start = self._start(began_ns)
        expected = [start @ swaying((t - began_ns) / 1e9) for t in self._asked_ns]
        apart = [(a - b)[:3, 3] for a, b in zip(expected, self._located, strict=True)]
        return float(np.sqrt(np.square(apart).sum(axis=1).mean()))


def test_a_frame_is_drawn_from_where_the_head_is_when_it_is_seen(
    service: tuple[MonadoService, tuple[int, int]], hand: "HandOnly"
) -> None:
    with headset_run([hand.poser], lambda headset: None) as run:
        run.rendered(FRAMES)
        head = SwayingHead(run, service[1])
        run.leave()
    assert head.misfit < 2e-5
    leads_ns = [round(record.lead_ms * 1e6) for record in run.records if record.rendered]
    errors, lags = [], []
    for seen, lead_ns in zip(run.seen, leads_ns, strict=True):
        left, right = (view.T_world_from_eye for view in seen.views)
        between_eyes = left.copy()
        between_eyes[:3, 3] = (left[:3, 3] + right[:3, 3]) / 2
        assert seen.headset.T_play_from_head is not None
        for drawn in (between_eyes, seen.headset.T_play_from_head):
            errors.append(apart(drawn, head.at(seen.display_time_ns)))
            lags.append(apart(head.at(seen.display_time_ns - lead_ns), head.at(seen.display_time_ns)))
    assert np.max(errors) < 5e-5
    assert np.percentile(lags, 75) > 10 * np.max(errors), "the head moves on between sampling and display"


def apart(a: Float[np.ndarray, "4 4"], b: Float[np.ndarray, "4 4"]) -> float:
    """Metres between where two poses put a point a metre ahead."""
    ahead = np.array([0.0, 0.0, -1.0, 1.0])
    return float(np.linalg.norm((a @ ahead - b @ ahead)[:3]))


# --- the arm --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandOnly:
    """An avatar of nothing but its left hand."""

    avatar: GaussianAvatar
    body: BodyModel
    poser: AvatarPoser


@pytest.fixture(scope="module")
def hand() -> HandOnly:
    whole = load_avatar("ada")
    body = load_body(whole.body_name)
    weights = skin_weights(whole, body)
    avatar = select(whole, weights[:, [WRIST, *range(25, 40)]].sum(axis=1) > 0.9)
    return HandOnly(avatar, body, AvatarPoser(avatar, body))


def turning_arm(body: BodyModel, time_ns: int) -> BodyState:
    """Somebody before a webcam who swings the left arm round at constant speed."""
    rest = BodyState.rest(body.num_betas, body.num_expression, time_ns)
    pose = rest.full_pose
    pose[SHOULDER] = Rotation.from_euler("z", ARM_SPEED * (time_ns / 1e9) % (2 * np.pi)).as_rotvec()
    return replace(rest.with_full_pose(pose), transl=np.array([0.1, -0.2, -2.0], np.float32))


class Webcam:
    """A tracking process as its mailbox tells of it: every state appears a while after its picture was taken."""

    def __init__(self, body: BodyModel) -> None:
        self._body = body
        self.mailbox = Mailbox(
            multiprocessing.get_context("spawn"), tracked_dtype(body.num_betas, body.num_expression)
        )
        self.newest_ns = 0
        """When the picture behind the newest state was taken."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webcam")

    def __enter__(self) -> "Webcam":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        taken_ns, sequence = time.monotonic_ns(), 0
        while not self._stop.wait(max(taken_ns / 1e9 + CAMERA_LATENCY - time.monotonic(), 0.0)):
            state = turning_arm(self._body, taken_ns)
            tracked = Tracked(state, sequence, 0, np.zeros(len(STAGES)), np.zeros((2, 2, 3), np.uint8), {})
            self.mailbox.put(pack(tracked, tracked_dtype(self._body.num_betas, self._body.num_expression)))
            self.newest_ns = taken_ns
            taken_ns, sequence = taken_ns + round(1e9 / CAMERA_RATE), sequence + 1


def place_of_hand(alpha: Float[np.ndarray, "H W"] | Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "2"]:
    """The middle of what is covered, pixels."""
    rows, columns = np.nonzero(alpha)
    return np.array([columns.mean(), rows.mean()])


def test_a_tracked_hand_is_drawn_where_it_is_when_it_is_seen(
    service: tuple[MonadoService, tuple[int, int]], hand: HandOnly
) -> None:
    """Through the mailbox, the prediction, the placing opposite the wearer, the posing and the painter: in the
    pictures of both eyes the hand is where the arm's law of motion puts it at display time."""
    based_on_ns: list[int] = []
    with Webcam(hand.body) as webcam:
        plan = HeadsetPlan(scene="face-to-face", avatar="ada", motion=None)
        feed = Sources(plan, webcam.mailbox).feed_for(hand.body, hand.avatar.betas, None)
        truth = OppositeFeed(lambda time_ns: turning_arm(hand.body, time_ns), hand.body, hand.avatar.betas)

        def pose_at(headset: HeadsetPose) -> BodyState | None:
            based_on_ns.append(webcam.newest_ns)
            return feed.state_for(headset)

        with headset_run([hand.poser], pose_at, every=1) as run:
            run.rendered(FRAMES)
            run.leave()
    joints = BodyPoser(hand.body, hand.avatar.betas)
    errors_mm, lags_mm, errors_px, lags_px = [], [], [], []
    rasterizer = CpuRasterizer(1)

    def expected(state: BodyState | None, view: EyeView) -> Float[np.ndarray, "2"]:
        assert state is not None
        return place_of_hand(rasterizer.render(hand.poser.pose(state), [view]).alpha[0] > 0.5)

    frames = list(zip(run.seen, based_on_ns, strict=True))[10:]
    judged = [(seen, newest_ns) for seen, newest_ns in frames if seen.display_time_ns - newest_ns < RUN_ON * 1e9]
    assert len(judged) >= 15, "frames that were not held up by a busy machine"
    for seen, newest_ns in judged:
        true = truth.state_for(seen.headset)
        late = truth.state_for(replace(seen.headset, time_ns=newest_ns))
        assert seen.state is not None
        assert true is not None
        assert late is not None
        drawn_at, true_at, late_at = (joints.pose(state).joints[WRIST] for state in (seen.state, true, late))
        errors_mm.append(np.linalg.norm(drawn_at - true_at) * 1e3)
        lags_mm.append(np.linalg.norm(late_at - true_at) * 1e3)
        assert seen.pictures is not None
        assert seen.depth is not None
        for eye, view in enumerate(seen.views):
            drawn = (seen.depth[eye] < BEHIND_THE_HAND) & (seen.pictures[eye][..., 3] > 0)
            errors_px.append(np.linalg.norm(place_of_hand(drawn) - expected(true, view)))
            lags_px.append(np.linalg.norm(expected(late, view) - expected(true, view)))
    rasterizer.close()
    assert np.median(lags_mm) > 40
    assert np.max(np.array(errors_mm) / lags_mm) < 0.1
    assert np.median(lags_px) > 5
    assert np.max(np.array(errors_px) / lags_px) < 0.1
