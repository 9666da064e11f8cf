"""How the kernels are compiled: without Python's lock, cached on disk, never stale."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def _digest_of_sources() -> str:
    """One hash over every module of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _digest_of_sources()


class _PackageCache(FunctionCache):
    """numba's cache, keyed also by the sources of the whole package.

    numba itself looks only at the file of the cached function, not at the helpers it inlines.
    """

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), _SOURCES)


def kernel(function: Callable) -> Callable:
    """An entry point called from Python: compiled for the argument types it meets, cached on disk."""
    dispatcher = numba.njit(**_OPTIONS)(function)
    dispatcher._cache = _PackageCache(function)
    return dispatcher


def helper(function: Callable) -> Callable:
    """A function called from kernels only, and compiled into them."""
    return numba.njit(**_OPTIONS)(function)
