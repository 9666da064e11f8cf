"""The doctor examines parts that are missing, broken or crash, and always says the mend."""

import os
import subprocess
import sys

import pytest

from inperson.app.commands.doctor import examine
from inperson.app.probes import PROBES


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
    for module in ("torch", "mediapipe", "numba", "moderngl", "glfw", "cv2", "av", "smplx", "gsplat"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('not on this machine')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "DISPLAY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "inperson", "doctor"], capture_output=True, text=True, env=environment, check=False
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(PROBES)
    for line, tried in zip(lines, PROBES, strict=True):
        assert f" {tried.name}: " in line
        mend = "nothing to do" if line.startswith("ok") else tried.mend
        assert line.endswith(f"-> {mend}")
    assert done.returncode == 1
    assert done.stderr.startswith("error: needed parts do not work: ")
    assert len(done.stderr.splitlines()) == 1
