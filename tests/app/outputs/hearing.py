"""What other programs hear, through an OSC library that is not the one that wrote it; and poses to send."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from oscpy.parser import read_packet
from oscpy.server import OSCThreadServer
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES, load_body
from inperson.avatar.state import BodyState

PATIENCE_S = 20.0
JOINT = {name: k for k, name in enumerate(JOINT_NAMES)}

Heard = list[tuple[str, tuple]]


@contextmanager
def listening() -> Iterator[tuple[int, Heard]]:
    """A port that oscpy listens on, and everything it heard so far: address and arguments."""
    heard: Heard = []
    server = OSCThreadServer(
        encoding="utf8", default_handler=lambda address, *said: heard.append((_text(address), said))
    )
    sock = server.listen("127.0.0.1", 0, default=True)
    try:
        yield sock.getsockname()[1], heard
    finally:
        server.terminate_server()
        server.join_server(PATIENCE_S)
        sock.close()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def read_by_oscpy(datagrams: list[bytes]) -> Heard:
    """Messages of datagrams as oscpy reads them."""
    out: Heard = []
    for datagram in datagrams:
        messages = read_packet(datagram, encoding="utf8")
        out += [(_text(address), tuple(values)) for address, _, values, _ in messages]
    return out


def named(heard: Heard, address: str) -> dict[str, np.ndarray]:
    """Messages of one address whose first argument is a name, by that name."""
    return {values[0]: np.array(values[1:]) for at, values in heard if at == address}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def standing(**changed: np.ndarray) -> BodyState:
    """The shipped body in its rest pose."""
    body = load_body()
    return replace(BodyState.rest(body.num_betas, body.num_expression), **changed)


def turned(state: BodyState, **rotvecs: tuple[float, float, float]) -> BodyState:
    """The state with some joints' axis-angles replaced."""
    pose = state.full_pose.copy()
    for joint, rotvec in rotvecs.items():
        pose[JOINT[joint]] = rotvec
    return state.with_full_pose(pose)


def unity_turn(quat_xyzw: np.ndarray, vector: tuple[float, float, float]) -> np.ndarray:
    """What Unity's `quaternion * vector` gives: q v q*, written out."""
    x, y, z, w = quat_xyzw
    u, v = np.array([x, y, z]), np.array(vector)
    return 2 * (u @ v) * u + (w * w - u @ u) * v + 2 * w * np.cross(u, v)


@st.composite
def states(draw: st.DrawFn) -> BodyState:
    """Plausible poses of anybody anywhere, fingers, jaw and eyes included."""
    body = load_body()
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reach = np.full(55, draw(st.sampled_from([0.3, 1.0])))
    reach[[JOINT["jaw"], JOINT["left_eye"], JOINT["right_eye"]]] = 0.3
    axes = rng.normal(size=(55, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    pose = axes * (reach * rng.random(55))[:, None]
    pose[0] = Rotation.random(random_state=rng.integers(2**31)).as_rotvec()
    state = BodyState.rest(body.num_betas, body.num_expression, time_ns=int(rng.integers(10**9))).with_full_pose(pose)
    return replace(
        state,
        betas=rng.normal(size=body.num_betas).astype(np.float32),
        transl=rng.uniform(-2, 2, 3).astype(np.float32),
        expression=rng.random(body.num_expression).astype(np.float32),
    )
