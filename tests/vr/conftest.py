"""Monado for the headset's tests: built once a user, started anew for every test that asks."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.vr.monado import BUILD_SCRIPT, MonadoService
from tests.vr.remote_devices import RemoteDevices


def may_install() -> bool:
    """Whether this user may install what the build needs: then a missing runtime is a fault, not a circumstance."""
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    return sudo is not None and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0


def require_runtime() -> None:
    """Build the test runtime unless it is there; fail, or skip where nobody here could mend it."""
    built = subprocess.run([BUILD_SCRIPT], capture_output=True, text=True, check=False)
    if built.returncode == 0:
        return
    if may_install():
        pytest.fail(built.stderr, pytrace=False)
    pytest.skip(built.stderr.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def monado_runtime() -> None:
    """The test runtime is installed; building it the first time takes three minutes on two cores."""
    require_runtime()


@pytest.fixture
def monado_null(monado_runtime: None) -> Iterator[MonadoService]:
    """A service that shows nothing, 320x240 per eye at 20 Hz, and this process its client."""
    with MonadoService("null") as service, service.activate():
        yield service


@pytest.fixture
def monado_xcb(monado_runtime: None) -> Iterator[MonadoService]:
    """A service with a window on its own screen, 896x1007 per eye at 60 Hz, and this process its client."""
    with MonadoService("xcb") as service, service.activate():
        yield service


@pytest.fixture
def monado_remote(monado_runtime: None) -> Iterator[MonadoService]:
    """As `monado_null`, with remote devices; this process is its client."""
    with MonadoService("null", devices="remote") as service, service.activate():
        yield service


@pytest.fixture
def wearer(monado_remote: MonadoService) -> Iterator[RemoteDevices]:
    """The remote devices of `monado_remote`, to be scripted."""
    with RemoteDevices(monado_remote) as devices:
        yield devices
