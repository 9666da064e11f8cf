"""A process of its own in which the kernel kills whoever opens a socket."""

import platform
import subprocess
import sys
import textwrap

import pytest

needs_the_filter = pytest.mark.skipif(
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


def run_without_sockets(script: str) -> subprocess.CompletedProcess[str]:
    """Python runs `script`; it dies of SIGSYS (exit code -31) at its first internet socket."""
    return subprocess.run(
        [sys.executable, "-c", FORBID_SOCKETS + script], capture_output=True, text=True, timeout=240, check=False
    )
