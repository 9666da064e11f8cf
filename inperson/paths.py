"""Where things are on this machine: shipped assets, and the per-user cache and config directories."""

from pathlib import Path

import platformdirs

APP_NAME = "inperson"


def _shipped(name: str) -> Path:
    """A shipped folder: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def assets_dir() -> Path:
    """The shipped assets (bodies, avatars, the demo performer)."""
    return _shipped("assets")


def benchmarks_dir() -> Path:
    """The benchmark scripts that `inperson bench` runs."""
    return _shipped("benchmarks")


def cache_dir() -> Path:
    """Per-user cache (tracking models, compiled things); created on first use."""
    return Path(platformdirs.user_cache_dir(APP_NAME, ensure_exists=True))


def config_dir() -> Path:
    """Per-user settings and calibration; created on first use."""
    return Path(platformdirs.user_config_dir(APP_NAME, ensure_exists=True))
