"""The architecture profiles that a request names."""

from __future__ import annotations

import os
from pathlib import Path

from ptlint.csrc.profile import (
    MAX_CONFIG_BYTES,
    Profile,
    main_profiles,
    profile_from_config,
    profile_named,
    profiles_for_arch,
)
from ptlint.engine.request import CheckRequest
from ptlint.errors import UsageError

EVERY = "all"
"""What ``--arch`` names to run generic code on every architecture, also where others would stand for it."""


def profiles_asked(request: CheckRequest) -> tuple[Profile, ...]:
    """Return the profiles that the request names, all when it names none. Raises UsageError."""
    if request.config is not None:
        if len(request.archs) != 1:
            raise UsageError("--config needs --arch with the one architecture that the configuration is for")
        return (profile_from_config(request.archs[0], _config(request.config), str(request.config)),)
    if not request.archs or request.archs == (EVERY,):
        return main_profiles()
    chosen: list[Profile] = []
    for name in request.archs:
        found = profiles_for_arch(name) if "/" not in name and "+" not in name else (profile_named(name),)
        chosen.extend(profile for profile in found if profile not in chosen)
    return tuple(chosen)


def _config(path: Path) -> bytes:
    """Return the start of a configuration file, one byte more than it may have."""
    try:
        if not os.path.isfile(path):
            raise UsageError(f"--config {path}: no such file")
        with path.open("rb") as file:
            return file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--config {path}: cannot be read ({error.strerror})") from error
