"""`tools/build_monado.sh`: its cache, its lock and its failures.

apt, cmake and ninja are doubles here; what they really build is what every other test of this room runs against.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.vr import conftest
from tests.vr.monado import BUILD_SCRIPT, prefix

NINJA = """
test ! -e "$DOUBLES/slow" || { touch "$DOUBLES/building"; exec sleep 60; }
test ! -e "$DOUBLES/broken" || { echo "the compiler is sad"; exit 1; }
prefix=$(cat "$2/prefix")
mkdir -p "$prefix/bin"
cp /bin/true "$prefix/bin/monado-service"
echo built >>"$DOUBLES/built"
"""
CMAKE = """
mkdir -p "$4"
for option; do case $option in -DCMAKE_INSTALL_PREFIX=*) echo "${option#*=}" >"$4/prefix" ;; esac; done
"""
APT_GET = """
case "$*" in
  *print-uris*) cat "$DOUBLES/uris" ;;
  *"source --download-only monado") grep -q "$(cat "$DOUBLES/has-it") trixie" "$PWD/../source.list" || exit 100
    tar -cJf monado_25.0.0+dfsg1.orig.tar.xz -C "$DOUBLES" monado ;;
  install*) echo "$*" >>"$DOUBLES/installed" ;;
esac
"""
INSTALLED = "echo 'install ok installed'"
MIRRORS = """\
'https://download.docker.com/linux/debian/dists/bookworm/InRelease' docker 0
'file:///srv/mirror/debian/dists/bookworm/InRelease' mirror 0
'file:///srv/mirror/debian/dists/bookworm-updates/InRelease' mirror-updates 0
"""


class Machine:
    """A home and a PATH with doubles in front."""

    def __init__(self, folder: Path) -> None:
        self.home, self.doubles = folder / "home", folder / "doubles"
        (self.doubles / "monado").mkdir(parents=True)
        self.home.mkdir()
        self.double("ninja", NINJA)
        self.double("cmake", CMAKE)
        self.double("apt-get", APT_GET)
        self.double("dpkg-query", INSTALLED)
        self.put("uris", MIRRORS)
        self.put("has-it", "file:///srv/mirror/debian")
        self.cache = self.home / ".cache" / "inperson"

    def put(self, name: str, content: str = "") -> Path:
        (self.doubles / name).write_text(content)
        return self.doubles / name

    def double(self, name: str, body: str) -> None:
        self.put(name, f"#!/bin/bash\nset -eu\n{body}\n").chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        env = os.environ | {
            "HOME": str(self.home),
            "PATH": f"{self.doubles}:{os.environ['PATH']}",
            "DOUBLES": str(self.doubles),
        }
        env.pop("XDG_CACHE_HOME", None)
        return subprocess.Popen(
            [BUILD_SCRIPT, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        process = self.start(*arguments)
        said = process.communicate(timeout=60)
        return process.returncode, *said

    @property
    def builds(self) -> int:
        log = self.doubles / "built"
        return len(log.read_text().splitlines()) if log.exists() else 0

    @property
    def left_over(self) -> list[str]:
        return [path.name for path in self.cache.glob("monado-build.*")]


@pytest.fixture
def machine(tmp_path: Path, monado_runtime: None) -> Machine:
    return Machine(tmp_path)


def test_path_says_where_and_touches_nothing(machine: Machine):
    status, said, _ = machine.run("--path")
    assert (status, said.strip()) == (0, str(machine.cache / prefix().name))
    assert not machine.cache.exists()


def test_an_unknown_option_is_refused(machine: Machine):
    status, said, complaint = machine.run("--pathh")
    assert (status, said) == (2, "")
    assert complaint.startswith("usage: ")


def test_it_is_built_once_from_the_archive_that_has_it(machine: Machine):
    for _ in range(2):
        status, said, complaint = machine.run()
        assert (status, said.strip()) == (0, str(machine.cache / prefix().name)), complaint
    assert machine.builds == 1
    assert machine.left_over == []


def test_two_at_once_build_once(machine: Machine):
    both = [machine.start() for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in both] == [
        str(machine.cache / prefix().name)
    ] * 2
    assert machine.builds == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_is_begun_again(machine: Machine, how: signal.Signals):
    slow = machine.put("slow")
    building = machine.start()
    while not (machine.doubles / "building").exists():
        assert building.poll() is None
        time.sleep(0.01)
    sleeper = [int(pid) for pid in children(building.pid)]
    building.send_signal(how)
    for pid in sleeper:
        os.kill(pid, signal.SIGTERM)  # as a terminal's Ctrl-C does, and so that the lock is free
    building.communicate(timeout=60)
    assert building.returncode != 0
    slow.unlink()
    assert machine.run()[0] == 0
    assert machine.builds == 1
    assert machine.left_over == []


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_broken_build_says_why_and_is_not_kept(machine: Machine):
    broken = machine.put("broken")
    status, _, complaint = machine.run()
    assert status == 1
    assert "the compiler is sad" in complaint
    assert complaint.splitlines()[-1].startswith("Monado (the OpenXR test runtime) could not be built: ")
    broken.unlink()
    assert machine.run()[0] == 0


def test_a_cache_that_does_not_run_here_is_built_anew(machine: Machine):
    machine.run()
    service = machine.cache / prefix().name / "bin" / "monado-service"
    # A library that another container had: an ELF file that asks for one nobody has.
    service.write_bytes(Path("/bin/true").read_bytes().replace(b"libc.so.6", b"libq.so.6"))
    assert machine.run()[0] == 0
    assert machine.builds == 2


def test_no_archive_with_the_source_is_said_with_where_it_was_sought(machine: Machine):
    machine.put("has-it", "https://elsewhere.example/debian")
    status, _, complaint = machine.run()
    assert status == 1
    assert "file:///srv/mirror/debian" in complaint.splitlines()[-1]


def test_without_root_the_line_names_what_is_missing(machine: Machine):
    machine.double("dpkg-query", "case $4 in cmake | libcjson-dev) exit 1 ;; *) " + INSTALLED + " ;; esac")
    machine.double("id", "echo 1000")
    machine.double("sudo", "exit 1")
    status, said, complaint = machine.run()
    assert (status, said) == (1, "")
    assert complaint.splitlines() == [
        "Monado (the OpenXR test runtime) could not be built: an administrator must run: "
        "apt-get install cmake libcjson-dev"
    ]


def test_with_root_what_is_missing_is_installed(machine: Machine):
    machine.double("dpkg-query", "case $4 in cmake) exit 1 ;; *) " + INSTALLED + " ;; esac")
    machine.double("id", "echo 0")
    assert machine.run()[0] == 0
    assert "--no-install-recommends cmake" in (machine.doubles / "installed").read_text()


@pytest.mark.parametrize(("mendable", "verdict"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)])
def test_without_the_runtime_tests_fail_where_it_could_be_installed_and_skip_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mendable: bool, verdict: type[BaseException]
):
    script = tmp_path / "build_monado.sh"
    script.write_text("#!/bin/bash\necho details >&2\necho 'it could not be built: because' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(conftest, "BUILD_SCRIPT", script)
    monkeypatch.setattr(conftest, "may_install", lambda: mendable)
    with pytest.raises(verdict, match="it could not be built: because"):
        conftest.require_runtime()


@pytest.mark.parametrize(("user", "sudo", "may"), [(0, None, True), (1000, "exit 0", True), (1000, "exit 1", False)])
def test_who_may_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, sudo: str | None, may: bool):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    if sudo is not None:
        (tmp_path / "sudo").write_text(f"#!/bin/bash\n{sudo}\n")
        (tmp_path / "sudo").chmod(0o755)
    assert conftest.may_install() is may
