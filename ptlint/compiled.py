"""The compiled modules, in place of the same ones in Python, where ``ptlint.compiling`` made them from these sources.

They do what the Python does, in less time. Those that were made from other sources, or for another Python, are left
alone, and so are all where ``PTLINT_COMPILED=0``.
"""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location

FOLDER = "_compiled"
"""Where they are, inside the package."""

INDEX = "index"
"""Their list in that folder: the digest of the sources, then a line for each, ``module file``."""


def digest_of(package: str, modules: Iterable[str]) -> str:
    """Return a text that differs where this Python, or the sources of *modules* in the folder *package*, do.

    Raises OSError when one of them cannot be read.
    """
    digest = hashlib.sha256(f"{sys.version} {sysconfig.get_config_var('SOABI')}\n".encode())
    for name in sorted(modules):
        with open(os.path.join(package, *name.split(".")[1:]) + ".py", "rb") as file:
            data = file.read()
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


class _Finder:
    """Finds a compiled module by its full name; part of ``sys.meta_path``."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return where module *name* is, None when it is not compiled."""
        file = self._files.get(name)
        return None if file is None else spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file))


def _files_in(package: str) -> dict[str, str]:
    """Return the file of each compiled module that holds for the sources; none where one does not."""
    if os.environ.get("PTLINT_COMPILED") == "0":
        return {}
    folder = os.path.join(package, FOLDER)
    try:
        with open(os.path.join(folder, INDEX), encoding="utf-8") as file:
            digest, *lines = file.read().splitlines()
        pairs = [line.split(" ", 1) for line in lines]
        files = {name: os.path.join(folder, place) for name, place in pairs}
        sources = [name for name in files if name.startswith("ptlint.")]
        return files if digest_of(package, sources) == digest else {}
    except (OSError, ValueError):  # not there, or cut short while it was written
        return {}


def use() -> bool:
    """Find compiled modules from now on, before any is imported; return whether there are any."""
    files = _files_in(os.path.dirname(os.path.abspath(__file__)))
    if files:
        sys.meta_path.insert(0, _Finder(files))
    return bool(files)
