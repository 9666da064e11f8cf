"""Connecting to a runtime, and each way in which that fails."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from inperson.errors import DeviceError
from inperson.render.xr import extensions
from inperson.render.xr.describe import describe_runtime
from inperson.render.xr.graphics import GRAPHICS_EXTENSIONS, open_graphics
from inperson.render.xr.loss import RuntimeLost
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession
from tests.vr.monado import MonadoService, prefix


def test_a_runtime_describes_itself(monado_null: MonadoService):
    info = describe_runtime()
    assert "Monado" in info.name
    assert info.version == "25.0.0"
    assert info.system == "Monado: Simulated HMD"
    assert info.eye_size == (320, 240)
    assert info.blend_modes == ("OPAQUE",)
    assert info.refresh_rates == (20.0,)
    assert list(info.extensions) == sorted(info.extensions)
    assert {extensions.CLOCK, extensions.DEPTH_LAYER, extensions.HAND_TRACKING} <= set(info.extensions)


def test_only_what_is_offered_is_enabled(monado_null: MonadoService):
    with XrRuntime.open("egl") as runtime:
        assert runtime.enabled <= set(runtime.info.extensions)
        assert runtime.enabled >= {*GRAPHICS_EXTENSIONS["egl"], extensions.CLOCK, extensions.LOCAL_FLOOR}
        assert extensions.FACE_TRACKING_FB not in runtime.enabled


def test_a_runtime_closes_more_than_once(monado_null: MonadoService):
    runtime = XrRuntime.open()
    runtime.close()
    runtime.close()
    with XrRuntime.open() as again:
        assert again.info == runtime.info


def test_no_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XR_RUNTIME_JSON", str(tmp_path / "none.json"))
    with pytest.raises(DeviceError, match="no OpenXR runtime is active: install one"):
        XrRuntime.open()


def test_no_service(monado_runtime: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XR_RUNTIME_JSON", str(prefix() / "share" / "openxr" / "1" / "openxr_monado.json"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(DeviceError, match="service does not answer: start it"):
        XrRuntime.open()


def test_a_needed_extension_is_missing(monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(GRAPHICS_EXTENSIONS, "wgl", ("XR_KHR_no_such_thing",))
    with pytest.raises(DeviceError, match="lacks XR_KHR_no_such_thing: update it"):
        XrRuntime.open("wgl")


def test_an_api_layer_is_missing(monado_null: MonadoService):
    with pytest.raises(DeviceError, match="API layer is not installed"):
        XrRuntime.open(api_layers=["XR_APILAYER_no_such_thing"])


def test_opengl_too_old(monado_null: MonadoService):
    with XrRuntime.open() as runtime, closing(open_graphics()) as graphics:
        old = SimpleNamespace(
            kind="egl",
            context=SimpleNamespace(version_code=210),
            binding=graphics.binding,
            make_current=graphics.make_current,
        )
        with pytest.raises(DeviceError, match=r"OpenGL 2\.1 is too old for the OpenXR runtime, which needs 3\.0"):
            XrSession(runtime, old)
        XrSession(runtime, graphics).close()


def test_the_runtime_dies_before_a_session(monado_null: MonadoService):
    with XrRuntime.open() as runtime, closing(open_graphics()) as graphics:
        monado_null.kill()
        with pytest.raises(RuntimeLost):
            XrSession(runtime, graphics)
