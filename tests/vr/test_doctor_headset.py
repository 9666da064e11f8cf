"""`inperson doctor` and `devices` with a real runtime, and with each thing that a headset can lack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inperson.app.commands.doctor import Finding, examine
from inperson.app.probes import PROBES
from tests.vr.monado import MonadoService


def examined() -> Finding:
    return examine(next(probe for probe in PROBES if probe.name == "openxr"))


def test_the_runtime_its_headset_and_its_refresh_rates_are_named(monado_null: MonadoService):
    finding = examined()
    assert finding.works, finding
    for part in ("Monado", "25.0.0", "Simulated HMD", "320x240", "20 Hz", "XR_EXT_hand_tracking"):
        assert part in finding.detail


def test_devices_lists_the_extensions_used_and_those_that_are_missing(monado_null: MonadoService):
    done = subprocess.run(
        [sys.executable, "-m", "inperson", "devices"], capture_output=True, text=True, env=os.environ, check=True
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    headset = lines[next(i for i, line in enumerate(lines) if line.startswith("openxr: runtime Monado")) :]
    used = next(line for line in headset if "used of them: " in line)
    missing = next(line for line in headset if line.startswith("not offered: "))
    assert "XR_EXT_local_floor" in used
    assert "XR_FB_face_tracking2 (the face)" in missing


def test_a_service_that_is_not_running_is_to_be_started(monado_null: MonadoService):
    monado_null.kill()
    finding = examined()
    assert (finding.works, finding.detail) == (False, "the OpenXR runtime's service does not answer")
    assert finding.mend.startswith("start it")


def test_a_missing_headset_is_to_be_plugged_in(
    monado_null: MonadoService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Monado always finds a headset, if only a simulated one; other runtimes answer the question for it like this.
    (tmp_path / "sitecustomize.py").write_text(
        "import xr\n"
        "def get_system(*arguments):\n"
        "    raise xr.exception.FormFactorUnavailableError('not connected')\n"
        "xr.get_system = get_system\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = examined()
    assert (finding.works, finding.detail) == (False, "no headset is connected")
    assert finding.mend.startswith("plug it in")


def test_an_opengl_that_is_too_old_is_to_be_updated(monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MESA_GL_VERSION_OVERRIDE", "2.1")
    finding = examined()
    assert not finding.works
    assert "OpenGL 3.3" in finding.detail
    assert "driver" in finding.mend
