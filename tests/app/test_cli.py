"""The command line itself: one line an error, exit codes, no traceback, quick help."""

import subprocess
import sys

import pytest

from inperson.app import cli
from inperson.app.commands.models import Fetch
from inperson.errors import BadInputError, DeviceError, MissingModelError, OutputError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInputError("clip a.mkv is empty", "record it again"), 2),
        (DeviceError("camera 0 is gone", "plug it in"), 3),
        (MissingModelError("model x", "run `inperson models fetch`"), 4),
        (OutputError("cannot write x.mp4", "free\nthe disk"), 5),
    ],
)
def test_a_users_error_is_one_line_and_its_exit_code(monkeypatch, capsys, error, status):
    def fail(self, console):
        raise error

    monkeypatch.setattr(Fetch, "run", fail)
    assert cli.main(["models", "fetch"]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"error: {error.what}: {' '.join(error.mend.split())}\n"


def test_ctrl_c_is_130(monkeypatch, capsys):
    def interrupt(self, console):
        raise KeyboardInterrupt

    monkeypatch.setattr(Fetch, "run", interrupt)
    assert cli.main(["models", "fetch"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(self, console):
        raise ZeroDivisionError

    monkeypatch.setattr(Fetch, "run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["models", "fetch"])


def test_help_imports_nothing_heavy():
    heavy = ("torch", "numba", "mediapipe", "cv2", "av", "moderngl", "glfw", "imgui_bundle")
    code = (
        "import sys\nfrom inperson.app.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    for command in ("live", "track", "render", "avatar", "models", "devices", "doctor", "bench", "evaluate"):
        assert command in done.stdout


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["doctor", "--no-such-option"])
    assert stop.value.code == 2
    assert "no-such-option" in capsys.readouterr().err
