"""Monado, really running: one service for one test, in a runtime directory of its own.

    with MonadoService("xcb") as service, service.activate():
        ...  # this process is an OpenXR client now
        picture = service.screenshot()

`tools/build_monado.sh` builds the runtime. The service draws with Mesa's software Vulkan (lavapipe) wherever it
runs, and so must its clients: `env` and `activate` see to that.
"""

import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
from jaxtyping import UInt8

from tests.vr.screen import DIES_WITH_US, VirtualScreen

BUILD_SCRIPT = Path(__file__).parents[2] / "tools" / "build_monado.sh"
START_TIMEOUT = 30.0  # seconds; one or two on a quiet machine
LISTENING = 0x10000  # SO_ACCEPTCON, in the flags of /proc/net/unix


class MonadoService:
    """A monado-service with its X screen if it needs one; both end with the `with` block, or with the process.

    Args:
        compositor: "null" shows nothing, 320x240 per eye at a fixed 20 Hz; "xcb" is Monado's real compositor in a
            window on a virtual screen, 896x1007 per eye (1344x1512 with remote devices).
        devices: "simulated" (a head that sways by itself, two controllers) or "remote" (poses come over TCP, see
            `remote_devices.RemoteDevices`; Valve Index controllers with hands).
        rate: the xcb compositor's frames a second.
        controllers: the simulated controllers: "simple", "wmr", "ml2", or None for no controllers.
    """

    def __init__(
        self,
        compositor: Literal["null", "xcb"] = "null",
        devices: Literal["simulated", "remote"] = "simulated",
        rate: int = 60,
        controllers: str | None = "simple",
    ) -> None:
        self._compositor = compositor
        self._devices = devices
        self._rate = rate
        self._controllers = controllers
        self._service: subprocess.Popen[bytes] | None = None
        self._screen: VirtualScreen | None = None
        self._cleanup = ExitStack()
        self.remote_port = 0
        """The TCP port of the remote devices, chosen free at the start."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # /tmp and a short name: a Unix socket's path may have 108 characters at most
            self._folder = Path(tempfile.mkdtemp(prefix="xr-", dir="/tmp"))
            stack.callback(shutil.rmtree, self._folder)
            self._folder.chmod(0o700)
            if self._compositor == "xcb":
                self._screen = VirtualScreen(self._folder)
                stack.callback(self._screen.close)
            if self._devices == "remote":
                self.remote_port = free_port()
                self._write_remote_settings()
            stack.callback(self.stop)
            self.start()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    # --- the service's life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the service and wait until it takes clients."""
        assert self._service is None, "already running"
        with open(self._log, "ab") as log:
            self._service = subprocess.Popen(
                [*DIES_WITH_US, prefix() / "bin" / "monado-service"],
                env=self._service_env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + START_TIMEOUT
        while not self._listens():
            if self._service.poll() is not None:
                raise RuntimeError(f"monado-service ended with {self._service.returncode}:\n{self.log_text()}")
            if time.monotonic() > give_up:
                self.stop()
                raise RuntimeError(f"monado-service takes no clients:\n{self.log_text()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the service, with SIGTERM first; nothing happens when it is not running."""
        if self._service is None:
            return
        self._service.send_signal(signal.SIGCONT)
        self._service.terminate()
        try:
            self._service.wait(timeout=3.0)
        except subprocess.TimeoutExpired:
            self._service.kill()
            self._service.wait()
        self._service = None

    def kill(self) -> None:
        """A crash: SIGKILL."""
        assert self._service is not None, "not running"
        self._service.kill()
        self._service.wait()
        self._service = None

    def restart(self) -> None:
        """A crash, and the service back at once."""
        self.kill()
        self.start()

    def suspend(self) -> None:
        """A hang: SIGSTOP. Its clients wait for it."""
        assert self._service is not None, "not running"
        self._service.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """The end of `suspend`."""
        assert self._service is not None, "not running"
        self._service.send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether the service's process is there."""
        return self._service is not None and self._service.poll() is None

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the service and of its X server, if it has one."""
        processes = (self._service, self._screen and self._screen.server)
        return tuple(process.pid for process in processes if process is not None)

    # --- its clients --------------------------------------------------------------------------------------------

    @property
    def env(self) -> dict[str, str]:
        """This process's environment with what makes a subprocess a client of this service."""
        return os.environ | self._client_variables()

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Make this very process a client of this service; the environment is put back afterwards."""
        before = dict(os.environ)
        os.environ.update(self._client_variables())
        try:
            yield
        finally:
            for name in self._client_variables():
                os.environ.pop(name, None)
            os.environ.update(before)

    def clients(self) -> dict[str, int]:
        """The ids of those connected now, by application name."""
        command = [prefix() / "bin" / "monado-ctl"]
        said = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True, timeout=10).stdout
        listed = re.findall(r"^\s+id: (\d+)\t.*\t(\S+)$", said, re.MULTILINE)
        return {name: int(number) for number, name in listed if name != "monado-ctl"}

    def log_text(self) -> str:
        """Everything the service said since the first start."""
        return self._log.read_text(errors="replace")

    def screenshot(self) -> UInt8[np.ndarray, "height width 3"]:
        """What Monado's window shows now (xcb only): the whole virtual screen, RGB."""
        assert self._screen is not None, "only the xcb compositor has a screen"
        return self._screen.picture()

    # --- what it is started with --------------------------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return self._folder / "monado.log"

    @property
    def _socket(self) -> Path:
        return self._folder / "monado_comp_ipc"

    def _client_variables(self) -> dict[str, str]:
        variables = {
            "XDG_RUNTIME_DIR": str(self._folder),
            "XR_RUNTIME_JSON": str(prefix() / "share" / "openxr" / "1" / "openxr_monado.json"),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "__GLX_VENDOR_LIBRARY_NAME": "mesa",
            "__EGL_VENDOR_LIBRARY_FILENAMES": "/usr/share/glvnd/egl_vendor.d/50_mesa.json",
        }
        if self._screen is not None:
            variables["DISPLAY"] = self._screen.name
        return variables

    def _service_env(self) -> dict[str, str]:
        lavapipe = str(lavapipe_driver())
        env = self.env | {
            "XDG_CONFIG_HOME": str(self._folder / "config"),  # not the user's own settings of Monado
            "XRT_NO_STDIN": "1",
            "VK_DRIVER_FILES": lavapipe,
            "VK_ICD_FILENAMES": lavapipe,  # the same for Vulkan loaders before 1.3.207
        }
        if self._compositor == "null":
            env["XRT_COMPOSITOR_NULL"] = "1"
        else:
            env["XRT_COMPOSITOR_FORCE_XCB"] = "1"
            env["XRT_COMPOSITOR_DEFAULT_FRAMERATE"] = str(self._rate)
        if self._devices == "simulated":
            env["SIMULATED_ENABLE"] = "1"
            if self._controllers is not None:
                env["SIMULATED_LEFT"] = env["SIMULATED_RIGHT"] = self._controllers
        return env

    def _write_remote_settings(self) -> None:
        settings = {"active": "remote", "remote": {"version": 0, "port": self.remote_port, "view_count": 2}}
        file = self._folder / "config" / "monado" / "config_v0.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))

    def _listens(self) -> bool:
        # The socket's file appears before the service listens on it, and a killed service leaves its file behind;
        # the kernel's table tells, without a trial connection that the service would log as a client.
        for line in Path("/proc/net/unix").read_text().splitlines():
            if line.endswith(f" {self._socket}") and int(line.split()[3], 16) & LISTENING:
                return self._devices != "remote" or port_listens(self.remote_port)
        return False


@functools.cache
def prefix() -> Path:
    """Where `tools/build_monado.sh` has put, or would put, Monado."""
    said = subprocess.run([BUILD_SCRIPT, "--path"], capture_output=True, text=True, check=True)
    return Path(said.stdout.strip())


def lavapipe_driver() -> Path:
    """The manifest of Mesa's software Vulkan driver."""
    found = sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
    if not found:
        raise FileNotFoundError("no lvp_icd*.json in /usr/share/vulkan/icd.d: install mesa-vulkan-drivers")
    return found[0]


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_listens(port: int) -> bool:
    """Whether some process listens on this IPv4 TCP port of the machine."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port for row in rows)
