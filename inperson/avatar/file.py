"""The `.avatar` file: one safetensors file with a JSON header. Read as untrusted input, written atomically.

The layout is written down in docs/formats_avatar.md.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from inperson.avatar import file_arrays
from inperson.avatar.atomic_file import write_atomically
from inperson.avatar.file_columns import REMAKE, EncodingError, require
from inperson.avatar.file_header import decode_header, encode_header
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError
from inperson.paths import assets_dir

SUFFIX = ".avatar"
MAX_HEADER_BYTES = 1 << 20
MAX_FILE_BYTES = 192 << 20
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
        return GaussianAvatar(**_read_fields(path))
    except EncodingError as error:
        raise BadInputError(f"{path} is not a usable avatar ({error})", error.mend) from error
    except SafetensorError as error:
        reason = plain(str(error), 200)  # it may quote the file
        raise BadInputError(f"{path} is not a complete safetensors file ({reason})", REMAKE) from error
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read ({error.strerror})", "check the path and its permissions"
        ) from error


def _check_sizes(path: Path) -> None:
    """Refuse absurd files by their size and by the length that the first eight bytes claim for the header."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    require(len(start) == 8, "it is truncated or is another kind of file")
    _check_size(size, int.from_bytes(start, "little"))


def _check_size(size: int, header_bytes: int) -> None:
    require(size <= MAX_FILE_BYTES, f"{size} bytes is more than the limit of {MAX_FILE_BYTES}")
    require(header_bytes <= size - 8, "it is truncated or is another kind of file")
    require(
        header_bytes <= MAX_HEADER_BYTES,
        f"its header of {header_bytes} bytes is over the limit of {MAX_HEADER_BYTES}",
    )


def _read_fields(path: Path) -> dict[str, Any]:
    """What `GaussianAvatar` is made of, from a file of a sane size."""
    with safe_open(path, framework="numpy") as stored:
        header = decode_header(stored.metadata())
        slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
        layout = {
            name: (_SAFETENSORS_DTYPES.get(part.get_dtype(), "another type"), tuple(part.get_shape()))
            for name, part in slices.items()
        }
        file_arrays.check_layout(layout, header.version)
        return header.fields | file_arrays.decode(stored.get_tensor, layout, header.version)


def save_avatar(avatar: GaussianAvatar, path: str | Path) -> None:
    """Write an avatar; the file appears complete or not at all.

    Raises:
        BadInputError: the avatar itself breaks the format (counts, NaN, ranges, unprintable names).
        OutputError: the folder cannot be written.
    """
    try:
        data = _to_bytes(avatar)
    except EncodingError as error:
        name = plain(avatar.name, 200)
        raise BadInputError(f"avatar {name!r} cannot be saved ({error})", "mend the avatar") from error
    write_atomically(Path(path), data)


def _to_bytes(avatar: GaussianAvatar) -> bytes:
    """A file's content that `load_avatar` is sure to accept."""
    version = file_arrays.version_of(avatar)
    arrays, metadata = file_arrays.encode(avatar), encode_header(avatar, version)
    layout = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
    decode_header(metadata)
    file_arrays.check_layout(layout, version)
    file_arrays.decode(arrays.__getitem__, layout, version)
    data = _with_sorted_header(save(arrays, metadata))
    _check_size(len(data), int.from_bytes(data[:8], "little"))
    return data


def _with_sorted_header(data: bytes) -> bytes:
    """The same file, its header in order: safetensors gives metadata in any, but equal avatars give equal files."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header = header.ljust(-(-len(header) // 8) * 8)  # arrays stay aligned
    return len(header).to_bytes(8, "little") + header + data[start:]
