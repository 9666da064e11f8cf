"""The doctor examines parts that are missing, broken or crash, and always says the mend."""

import os
import subprocess
import sys

import pytest

from inperson.app.commands.doctor import examine
from inperson.app.headset.summary import BETWEEN, WHAT_FOR, summarise
from inperson.app.probes import PROBES
from inperson.render.xr.extensions import OPTIONAL
from inperson.render.xr.runtime import RuntimeInfo


def probe(name):
    return next(p for p in PROBES if p.name == name)


@pytest.fixture
def broken_module(tmp_path, monkeypatch):
    """Put a module in front of the real one."""

    def put(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


def test_a_working_part_answers_with_its_version():
    import av

    finding = examine(probe("video"))
    assert finding.works
    assert av.__version__ in finding.detail


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("torch", "raise ImportError('libcuda.so is not there')", "libcuda.so is not there"),
        ("mediapipe", "raise OSError('libEGL.so.1: cannot open shared object file')", "libEGL.so.1"),
        ("numba", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with status -11"),
    ],
)
def test_a_part_that_cannot_be_imported_fails_only_its_own_line(broken_module, module, source, said):
    broken_module(module, source)
    finding = examine(probe(module))
    assert not finding.works
    assert said in finding.detail


def test_every_line_ends_with_its_mend_even_when_everything_is_broken(tmp_path):
    for module in ("torch", "mediapipe", "numba", "moderngl", "glfw", "cv2", "av", "smplx", "gsplat", "xr"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('not on this machine')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "DISPLAY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "inperson", "doctor"], capture_output=True, text=True, env=environment, check=False
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(PROBES)
    for line, tried in zip(lines, PROBES, strict=True):
        assert f" {tried.name}: " in line
        mends = {"openxr": "pip install 'inperson[vr]'"}
        mend = "nothing to do" if line.startswith("ok") else mends.get(tried.name, tried.mend)
        assert line.endswith(f"-> {mend}")
    assert done.returncode == 1
    assert done.stderr.startswith("error: needed parts do not work: ")
    assert len(done.stderr.splitlines()) == 1


def test_without_a_runtime_the_headset_line_says_which_to_install(monkeypatch):
    monkeypatch.setenv("XR_RUNTIME_JSON", "/nowhere/runtime.json")
    finding = examine(probe("openxr"))
    assert not finding.works
    assert finding.detail == "no OpenXR runtime is active"
    assert finding.mend.startswith("install one")


@pytest.mark.parametrize(
    ("source", "detail", "mend"),
    [
        (
            "raise ImportError('libopenxr_loader.so is not there')",
            "libopenxr_loader.so",
            "pip install 'inperson[vr]'",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with status -11", "restart the headset's"),
    ],
)
def test_openxr_that_cannot_be_imported_or_crashes_is_mended_in_its_own_way(broken_module, source, detail, mend):
    broken_module("xr", source)
    finding = examine(probe("openxr"))
    assert not finding.works
    assert detail in finding.detail
    assert finding.mend.startswith(mend)


def offered(*names: str, rates: tuple[float, ...] = (72.0, 90.0)) -> RuntimeInfo:
    return RuntimeInfo(
        name="SteamVR; Linux",
        version="2.7.1",
        system="Index",
        extensions=tuple(sorted(names)),
        eye_size=(2064, 2208),
        max_eye_size=(4096, 4096),
        blend_modes=("OPAQUE", "ALPHA_BLEND"),
        refresh_rates=rates,
    )


def test_the_summary_names_runtime_headset_rates_and_extensions():
    said = summarise(offered("XR_EXT_hand_tracking", "XR_KHR_opengl_enable"), OPTIONAL)
    for part in ("SteamVR, Linux 2.7.1", "Index", "2064x2208", "72 or 90 Hz", "OPAQUE, ALPHA_BLEND", "2 extensions"):
        assert part in said
    used, lacking = said.split(BETWEEN)[-2:]
    assert used.endswith("used of them: XR_EXT_hand_tracking")
    assert set(WHAT_FOR) - {name for name in WHAT_FOR if f"{name} (" in lacking} == {"XR_EXT_hand_tracking"}


def test_every_extension_used_is_explained_and_a_perfect_headset_lacks_nothing():
    assert set(WHAT_FOR) == set(OPTIONAL)
    said = summarise(offered(*OPTIONAL, rates=()), OPTIONAL)
    assert "not offered" not in said
    assert "a refresh rate of its own choice" in said
