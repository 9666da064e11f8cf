"""The `.avatar` file: one safetensors file with a JSON header. Read as untrusted input, written atomically."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from inperson.avatar import file_arrays
from inperson.avatar.gaussians import GaussianAvatar
from inperson.errors import BadInputError, OutputError
from inperson.paths import assets_dir

FORMAT = "inperson-avatar"
VERSION = 1
SUFFIX = ".avatar"
MAX_HEADER_BYTES = 1 << 20
MAX_FILE_BYTES = 512 << 20
_SAFETENSORS_DTYPES = {
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "F16": "float16",
    "U32": "uint32",
    "F32": "float32",
}


def shipped_avatars() -> tuple[str, ...]:
    """Names of the avatars that come with the program."""
    return tuple(sorted(path.stem for path in (assets_dir() / "avatars").glob(f"*{SUFFIX}")))


def avatar_path(name_or_path: str | Path) -> Path:
    """The file of a shipped avatar's name, or of a path.

    Raises:
        BadInputError: no such file or name; lists the shipped names.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = assets_dir() / "avatars" / f"{path.name}{SUFFIX}"
    if path.name == str(name_or_path) and shipped.is_file():
        return shipped
    names = ", ".join(shipped_avatars()) or "none"
    raise BadInputError(
        f"avatar {str(name_or_path)!r} not found", f"name a {SUFFIX} file, or a shipped one ({names})"
    )


def load_avatar(name_or_path: str | Path) -> GaussianAvatar:
    """Read an avatar by its shipped name or by its path.

    Nothing larger than the header is read before the header, the layout and the sizes are checked.

    Raises:
        BadInputError: unknown name, unreadable, truncated or broken file, newer format version.
    """
    path = avatar_path(name_or_path)
    try:
        _check_sizes(path)
        with safe_open(path, framework="numpy") as stored:
            header = _read_header(stored.metadata())
            views = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
            file_arrays.check_layout(
                {
                    name: (_SAFETENSORS_DTYPES.get(view.get_dtype(), "another type"), tuple(view.get_shape()))
                    for name, view in views.items()
                }
            )
            fields: dict[str, Any] = header | file_arrays.decode({name: stored.get_tensor(name) for name in views})
    except file_arrays.EncodingError as error:
        raise BadInputError(f"{path} is not a usable avatar ({error})", error.mend) from error
    except SafetensorError as error:
        raise BadInputError(f"{path} is not a complete safetensors file ({error})", file_arrays.REMAKE) from error
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read ({error.strerror})", "check the path and its permissions"
        ) from error
    return GaussianAvatar(**fields)


def _check_sizes(path: Path) -> None:
    """Refuse absurd files by their size and by the length that the first eight bytes claim for the header."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise file_arrays.EncodingError(f"{size} bytes is more than the limit of {MAX_FILE_BYTES}")
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
    if size < 8 or header_bytes > size - 8:
        raise file_arrays.EncodingError("it is truncated or is another kind of file")
    if header_bytes > MAX_HEADER_BYTES:
        raise file_arrays.EncodingError(f"its header of {header_bytes} bytes is over the limit of {MAX_HEADER_BYTES}")


def _read_header(metadata: dict[str, str] | None) -> dict[str, Any]:
    """The fields of `GaussianAvatar` that are no arrays, from the safetensors metadata."""
    metadata = metadata or {}
    if metadata.get("format") != FORMAT:
        raise file_arrays.EncodingError(f"its header does not say format = {FORMAT}")
    version = metadata.get("version", "")
    if not (version.isascii() and version.isdecimal() and len(version) < 10 and int(version) >= 1):
        raise file_arrays.EncodingError("its header's version is not a positive number")
    if int(version) > VERSION:
        message = f"its format version {version} is newer than {VERSION}, the newest known here"
        raise file_arrays.EncodingError(message, mend="update InPerson")
    missing = {"name", "body_name", "body_sha256", "provenance"} - metadata.keys()
    if missing:
        raise file_arrays.EncodingError(f"its header lacks {', '.join(sorted(missing))}")
    try:
        provenance = json.loads(metadata["provenance"])
    except (ValueError, RecursionError) as error:
        raise file_arrays.EncodingError("its provenance is not JSON") from error
    if not isinstance(provenance, dict) or not all(isinstance(v, str) for v in provenance.values()):
        raise file_arrays.EncodingError("its provenance is not a table of strings")
    return {
        "name": metadata["name"],
        "body_name": metadata["body_name"],
        "body_sha256": metadata["body_sha256"],
        "provenance": provenance,
    }


def save_avatar(avatar: GaussianAvatar, path: str | Path) -> None:
    """Write an avatar; the file appears complete or not at all.

    Raises:
        BadInputError: the avatar itself breaks the format (counts, NaN, ranges).
        OutputError: the folder cannot be written.
    """
    path = Path(path)
    arrays = file_arrays.encode(avatar)
    try:
        file_arrays.check_layout({name: (array.dtype.name, array.shape) for name, array in arrays.items()})
        file_arrays.decode(arrays)
    except file_arrays.EncodingError as error:
        raise BadInputError(f"avatar {avatar.name!r} cannot be saved ({error})", "mend the avatar") from error
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "name": avatar.name,
        "body_name": avatar.body_name,
        "body_sha256": avatar.body_sha256,
        "provenance": json.dumps(avatar.provenance, sort_keys=True),
    }
    _write_atomically(path, save(arrays, metadata))


def _write_atomically(path: Path, data: bytes) -> None:
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(
            f"{path} cannot be written ({error.strerror})", "choose a folder you may write to"
        ) from error
