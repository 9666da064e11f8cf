"""Opens damaged avatars, many of them, and poses those that open.

`python -m tests.avatar.fuzz_avatars --cases 100000 --seed 7` tries more than the test does. Runs in a process of its
own, with a ceiling on its memory and on the time that one file may take. It ends with a traceback at the first file
that does anything but open or raise an `InPersonError`; that file is left in the folder.
"""

import argparse
import json
import resource
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from random import Random

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.gaussians import LONGEST_PHOTO, GaussianAvatar
from inperson.avatar.plain_text import is_plain
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.provenance import Provenance
from inperson.avatar.state import BodyState
from inperson.errors import InPersonError
from tests.avatar.body_files import licensed_arrays, write_npz
from tests.avatar.damage import Parts, damaged
from tests.avatar.made_up import made_up_avatar, made_up_personal, made_up_photo, made_up_residuals
from tests.avatar.sparse_files import write_sparse

MEMORY = 1 << 30
"""Bytes that the process may ever hold, everything counted."""
LARGEST = 1_000_000, 10
"""Gaussians and residual components of about the largest file that is let in."""
SECONDS = 5
"""One file may take, on a busy machine."""


def small_body(folder: Path) -> BodyModel:
    """A body of 200 vertices, so that posing thousands of avatars takes seconds."""
    return load_body(write_npz(folder / "small.npz", licensed_arrays(200, shape_columns=20)))


def whole_files(folder: Path, body: BodyModel) -> list[bytes]:
    """A file of each version, as they are written; a tenth of a second's worth of Gaussians."""
    plain = made_up_avatar(200, num_faces=len(body.faces), body_name="small", body_sha256=body.sha256)
    full = replace(
        plain,
        residuals=made_up_residuals(200, components=2, num_expression=body.num_expression),
        reference=np.ones((2, 8), np.float32),
    )
    photographed = replace(full, photo=made_up_photo(200))
    known = replace(photographed, personal=made_up_personal())
    out = []
    for avatar in (plain, full, photographed, known):
        save_avatar(avatar, folder / "whole.avatar")
        out.append((folder / "whole.avatar").read_bytes())
    return out


def cases(wholes: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Damaged files; the number of the case and the seed say which."""
    parts = [Parts.of(whole) for whole in wholes]
    for number in range(count):
        rng = Random(f"{seed} {number}")
        yield damaged(rng.choice(parts), rng)


def try_one(path: Path, body: BodyModel, state: BodyState) -> str:
    """Open a file and pose what it holds; what came of it."""
    try:
        avatar = load_avatar(path)
    except InPersonError as error:
        check_words(error)
        return "refused"
    check(avatar)
    try:
        poser = AvatarPoser(avatar, body)
    except InPersonError as error:
        check_words(error)
        return "opened, not of this body"
    posed = poser.pose(state, np.array([0.0, 0.0, 3.0]))
    for field in fields(posed):
        assert np.isfinite(getattr(posed, field.name)).all(), f"{field.name} is not finite"
    return "opened and posed"


def check_words(error: InPersonError) -> None:
    """An error is one line, and does not steer the terminal it is shown on."""
    assert is_plain(str(error), 2000), repr(error)


def check(avatar: GaussianAvatar) -> None:
    """What everybody who gets an avatar relies on."""
    n = len(avatar.face_index)
    for name in ("barycentric", "offsets", "quats", "scales", "opacities", "sh", "features"):
        array = getattr(avatar, name)
        assert len(array) == n, name
        assert np.isfinite(array).all(), name
    assert n > 0
    assert avatar.face_index.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(avatar.quats, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(avatar.barycentric.sum(axis=1), 1.0, atol=1e-5)
    assert avatar.barycentric.min() >= 0
    assert avatar.scales.min() > 0
    assert 0 <= avatar.opacities.min() <= avatar.opacities.max() <= 1
    for text in (avatar.name, avatar.body_name, *avatar.provenance, *avatar.provenance.values()):
        assert is_plain(text, 100_000)
    for text in Provenance.from_strings(avatar.provenance).to_strings().values():
        assert is_plain(text, 100_000)
    if avatar.residuals is not None:
        r = avatar.residuals
        assert r.offsets.shape == r.colors.shape == (len(r.weights), n, 3)
        assert all(np.isfinite(getattr(r, f.name)).all() for f in fields(r))
        assert (r.low <= r.high).all()
    if avatar.photo is not None:
        p = avatar.photo
        assert p.image.dtype == np.uint8
        assert 0 < min(p.image.shape) <= max(p.image.shape) <= LONGEST_PHOTO
        assert (p.places.shape, p.trust.shape) == ((n, 2), (n,))
        assert 0 <= min(p.places.min(), p.trust.min()) <= max(p.places.max(), p.trust.max()) <= 1
    if avatar.personal is not None:
        assert len(avatar.personal.weights_sha256) == 64
        assert avatar.personal.values.ndim == 1
        assert np.isfinite(avatar.personal.values).all()


def run(folder: Path, count: int, seed: int) -> dict[str, float]:
    """How many files came to what, and the most memory that was ever held, in bytes."""
    body = small_body(folder)
    state = BodyState.rest(0, body.num_expression).with_full_pose(0.3 * np.ones((55, 3), np.float32))
    wholes = whole_files(folder, body)
    path = folder / "damaged.avatar"
    for whole in wholes:  # everything is loaded and compiled before the ceiling is drawn
        path.write_bytes(whole)
        assert try_one(path, body, state) == "opened and posed"
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    outcomes: Counter[str] = Counter()
    with path.open("r+b") as file:  # never emptied: many file systems flush a file that is emptied and written again
        for data in cases(wholes, count, seed):
            file.seek(0)
            file.write(data)
            file.truncate(len(data))
            file.flush()
            signal.alarm(SECONDS)
            outcomes[try_one(path, body, state)] += 1
    signal.alarm(20 * SECONDS)
    write_sparse(path, *LARGEST)
    check(load_avatar(path))
    signal.alarm(0)
    return {**outcomes, "most_bytes": most_bytes()}


def most_bytes() -> int:
    """The most memory this program ever held. (`ru_maxrss` would begin with what its parent held when it forked.)"""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where files lie while they are tried")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="damaged-"))
    print(json.dumps(run(folder, options.cases, options.seed)))  # noqa: T201


if __name__ == "__main__":
    main()
