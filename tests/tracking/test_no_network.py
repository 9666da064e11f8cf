"""Tracking opens no socket. Enforced by the kernel: a process that asks for one is killed."""

import platform
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the system call filter is for Linux on x86-64"
)

FORBID_SOCKETS = textwrap.dedent(
    """
    import ctypes, struct
    def instruction(code, k, jt=0, jf=0):
        return struct.pack("HBBI", code, jt, jf, k)
    LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
    SOCKET_CALL, AF_INET, AF_INET6, ALLOW, KILL = 41, 2, 10, 0x7FFF0000, 0x80000000
    program = b"".join([
        instruction(LOAD, 0),                      # the system call's number
        instruction(IF_EQUAL, SOCKET_CALL, 0, 3),
        instruction(LOAD, 16),                     # its first argument, the address family
        instruction(IF_EQUAL, AF_INET, 2, 0),
        instruction(IF_EQUAL, AF_INET6, 1, 0),
        instruction(RETURN, ALLOW),
        instruction(RETURN, KILL),
    ])
    buffer = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER_MODE = 38, 22, 2
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    # before any thread is started: threads inherit the filter
    assert libc.prctl(PR_SET_SECCOMP, FILTER_MODE, filter_, 0, 0) == 0, ctypes.get_errno()
    """
)
TRACK = textwrap.dedent(
    """
    from inperson.avatar.body import load_body
    from inperson.paths import assets_dir
    from inperson.tracking.landmarkers import Perception
    from inperson.tracking.sources import open_source
    from inperson.tracking.tracker import Tracker

    with open_source(assets_dir() / "performer" / "performer.mp4", live=False) as source:
        frames = [source.read() for _ in range(4)]
    tracker = Tracker(load_body())
    with Perception(silhouette_every=1) as perception:
        for frame in frames:
            tracker.update(perception.observe(frame))
    print("tracked", len(frames))
    """
)


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)


def test_the_filter_kills_whoever_opens_a_socket():
    done = run(FORBID_SOCKETS + "import socket; socket.socket(); print('alive')")
    assert done.returncode == -31, done.stderr  # SIGSYS
    assert "alive" not in done.stdout


def test_tracking_opens_no_socket(model_cache):
    done = run(FORBID_SOCKETS + TRACK)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "tracked 4" in done.stdout
