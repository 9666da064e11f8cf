"""Show 2: what a scripted head sees of a known point, in either eye, is where geometry puts it; the mirror reflects.

Everything expected is computed from the poses and fields of view that were scripted, nothing from what the loop or
the runtime says about them: the driver, the runtime, the frame loop and the painter all have to be right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from jaxtyping import Float, UInt8

from inperson.avatar.body import JOINT_NAMES, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.render.scene.scenes import MIRROR, SceneName
from inperson.tracking.headset import HeadsetFusion
from tests.vr.headset_run import HeadsetRun, headset_run
from tests.vr.monado import MonadoService
from tests.vr.remote_devices import Controller, Eye, RemoteDevices, Wearer, pose

WITHIN_PIXELS = 0.5
EYES = (
    Eye(pose(x=-0.033, yaw=1.0), left=-0.62, right=0.48, up=0.5, down=-0.55),
    Eye(pose(x=0.031, y=0.001), left=-0.5, right=0.6, up=0.52, down=-0.53),
)
"""Unlike each other in everything, so that nothing can be exchanged unnoticed."""
AHEAD = pose(y=1.6)
TRANSLATED = {
    "right": pose(0.12, 1.6, 0.0),
    "up": pose(0.0, 1.72, 0.0),
    "forward": pose(0.0, 1.6, -0.5),
    "all three": pose(-0.07, 1.53, -0.16),
}
ROTATED = {
    "yaw": pose(y=1.6, yaw=9.0),
    "pitch": pose(y=1.6, pitch=-8.0),
    "roll": pose(y=1.6, roll=28.0),
    "all three": pose(y=1.6, yaw=-7.0, pitch=5.0, roll=-20.0),
}
MOVED = {"both": pose(0.1, 1.5, 0.15, yaw=6.0, pitch=3.0, roll=10.0)}
HEADS = {"ahead": AHEAD} | {f"shifted {k}": T for k, T in (TRANSLATED | MOVED).items()}
HEADS |= {f"turned {k}": T for k, T in ROTATED.items()}
POINTS = {
    "face-to-face": {"near": (0.15, 1.5, -0.9), "far": (-0.25, 1.75, -2.5)},
    "mirror": {"near": (0.1, 1.5, -1.2), "far": (-0.2, 1.45, -0.1)},
}
"""Where the avatar's point is, by scene."""


def seen_at(scene: SceneName, point: tuple[float, float, float]) -> tuple[float, float, float]:
    """Where it is to be seen."""
    x, y, z = point
    return (x, y, 2 * MIRROR.plane_z - z) if scene == "mirror" else point


@dataclass
class BrightPoint:
    """Poses an avatar that is one white ball, wherever `point` says."""

    point: tuple[float, float, float]
    radius: float
    """Standard deviation, metres."""

    def pose(self, state: BodyState) -> PosedGaussians:
        """The ball, whatever the state."""
        fields = ([self.point], [[1, 0, 0, 0]], [[self.radius] * 3], [0.99], [[1, 1, 1]], [[0, 0, 1]])
        means, quats, scales, opacities, colors, normals = (np.array(field, np.float32) for field in fields)
        return PosedGaussians(means, quats, scales, opacities, colors, normals, np.zeros((1, 0), np.float32))


def projected(head: Float[np.ndarray, "4 4"], eye: Eye, point, width: int, height: int) -> Float[np.ndarray, "2"]:
    """Where a scripted eye sees a point: pixels from the picture's upper left corner."""
    x, y, z = (np.linalg.inv(head @ eye.T_head_from_eye) @ [*point, 1.0])[:3]
    left, right, up, down = np.tan([eye.left, eye.right, eye.up, eye.down])
    return np.array([(x / -z - left) / (right - left) * width, (up - y / -z) / (up - down) * height])


def brightest(picture: UInt8[np.ndarray, "H W 4"]) -> Float[np.ndarray, "2"]:
    """The centre of what is brighter than the room ever is, pixels."""
    weight = np.maximum(picture[..., :3].min(axis=-1).astype(float) - 190.0, 0.0)
    assert weight.max() > 40, "the point is not to be seen"
    rows, columns = np.indices(weight.shape) + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@dataclass(frozen=True)
class Sight:
    """Where the point was seen, and where it had to be: pixels, left eye and right eye."""

    measured: Float[np.ndarray, "2 2"]
    computed: Float[np.ndarray, "2 2"]


def look(run: HeadsetRun, devices: RemoteDevices, wearer: Wearer, frames: int = 2) -> UInt8[np.ndarray, "2 H W 4"]:
    """The pictures of a frame that was begun after everything was where the script has it."""
    devices.hold(wearer)
    run.rendered(frames)
    pictures = run.seen[-1].pictures
    assert pictures is not None
    return pictures


@pytest.fixture(scope="module")
def remote(monado_runtime: None) -> Iterator[RemoteDevices]:
    service = MonadoService("null", devices="remote")
    with service, service.activate(), RemoteDevices(service) as devices:
        yield devices


@pytest.fixture(scope="module", params=["face-to-face", "mirror"])
def sights(request: pytest.FixtureRequest, remote: RemoteDevices) -> dict[tuple[str, str], Sight]:
    """Both points from every head, in the room itself and in the mirror."""
    scene, found = request.param, {}
    ball = BrightPoint((0.0, 0.0, 0.0), 0.0)
    with headset_run([ball], lambda headset: BodyState.rest(1, 1), scene=scene, every=1) as run:
        for (name, point), (head_name, head) in product(POINTS[scene].items(), HEADS.items()):
            image = seen_at(scene, point)
            ball.point, ball.radius = point, 0.012 * abs(image[2])
            pictures = look(run, remote, Wearer(head, eyes=EYES))
            height, width = pictures.shape[1:3]
            found[name, head_name] = Sight(
                measured=np.array([brightest(picture) for picture in pictures]),
                computed=np.array([projected(head, eye, image, width, height) for eye in EYES]),
            )
        run.leave()
    return found


@pytest.mark.parametrize("point", ["near", "far"])
def test_the_point_is_where_either_eye_has_to_see_it(sights, point):
    for head in HEADS:
        sight = sights[point, head]
        assert np.abs(sight.measured - sight.computed).max() < WITHIN_PIXELS, head


@pytest.mark.parametrize("point", ["near", "far"])
def test_the_disparity_between_the_eyes_is_the_computed_one(sights, point):
    for head in HEADS:
        sight = sights[point, head]
        measured, computed = sight.measured[0] - sight.measured[1], sight.computed[0] - sight.computed[1]
        assert np.abs(measured - computed).max() < WITHIN_PIXELS, head


@pytest.mark.parametrize("moved", [name for name in HEADS if name != "ahead"])
def test_a_moving_head_shifts_it_as_far_as_computed(sights, moved):
    for point in ("near", "far"):
        before, after = sights[point, "ahead"], sights[point, moved]
        measured, computed = after.measured - before.measured, after.computed - before.computed
        assert np.abs(computed).max() > 6 * WITHIN_PIXELS, "this would tell nothing"
        assert np.abs(measured - computed).max() < WITHIN_PIXELS


def test_the_nearer_point_shifts_more(sights):
    shifts = [
        np.abs(sights[p, "shifted right"].measured - sights[p, "ahead"].measured)[:, 0] for p in ("near", "far")
    ]
    assert (shifts[0] > 1.3 * shifts[1]).all()


# --- the mirror, with a whole avatar whose arms are scripted --------------------------------------------------------

NARROW = tuple(Eye(pose(x=x), left=-0.36, right=0.36, up=0.25, down=-0.47) for x in (-0.0315, 0.0315))
LOW, HIGH = pose(0.28, 1.0, -0.2), pose(0.38, 1.75, -0.2)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_hand_on_the_same_side_of_the_glass_goes_up(remote: RemoteDevices, side: str):
    """A controller is raised; the avatar's hand follows, and so does the hand in the glass on that side."""
    avatar = load_avatar("ada")
    body = load_body(avatar.body_name)
    fusion, skeleton = HeadsetFusion(body, avatar.betas, None), BodyPoser(body, avatar.betas)
    to_side = 1.0 if side == "right" else -1.0
    pictures, hands = {}, {}
    with headset_run(
        [AvatarPoser(avatar, body)], lambda headset: fusion.fuse(None, headset), scene="mirror", every=1
    ) as run:
        for name, grip in (("low", LOW), ("high", HIGH)):
            pictures[name] = look(run, remote, _raising(side, grip), frames=20)
            state = run.seen[-1].state
            assert state is not None
            wrist = skeleton.joint_transforms(state)[1][JOINT_NAMES.index(f"{side}_wrist")]
            hands[name] = wrist
        run.leave()
    assert hands["high"][1] > hands["low"][1] + 0.4
    height, width = pictures["low"].shape[1:3]
    changed = np.abs(pictures["high"].astype(int) - pictures["low"])[..., :3].max(axis=-1) > 25
    for eye in range(2):
        for name in ("low", "high"):
            x, y = projected(AHEAD, NARROW[eye], seen_at("mirror", hands[name]), width, height)
            assert changed[eye, int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].mean() > 0.4, (name, x, y)
        head_x = projected(AHEAD, NARROW[eye], (0.0, 1.6, 2 * MIRROR.plane_z), width, height)[0]
        columns = np.nonzero(changed[eye])[1]
        assert (to_side * (columns - head_x) > 0).mean() > 0.95


def _raising(side: str, grip: np.ndarray) -> Wearer:
    """One hand at `grip` (given for the right one), the other one hanging."""
    x_mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    right, left = Controller(LOW), Controller(x_mirrored @ LOW @ x_mirrored)
    if side == "right":
        right = Controller(grip)
    else:
        left = Controller(x_mirrored @ grip @ x_mirrored)
    return Wearer(AHEAD, left, right, eyes=NARROW)
