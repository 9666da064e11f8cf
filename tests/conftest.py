"""What every test shares: one thread a library (two test workers share two cores), Xvfb, the outside media."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import subprocess  # noqa: E402  (the thread counts must be set before numpy is imported)
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile("house", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The settings, profiles and calibrations of whoever runs the tests are out of their sight."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """The name (":N") of a virtual X display of this test run's own."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            "1280x960x24",
            "+extension",
            "GLX",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of clips, photos and motions kept outside the repository (INPERSON_MEDIA, or ../shared/media)."""
    folder = Path(os.environ.get("INPERSON_MEDIA", Path(__file__).parents[2] / "shared" / "media"))
    if not folder.is_dir():
        pytest.skip(f"no media at {folder}")
    return folder
