"""Where tests find what the repository does not carry: the measurement corpus and other programs."""

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

FIXTURES = ROOT / "fixtures"
"""The data folder of the repository."""


def shared(relative: str) -> Path:
    """Return the path of *relative* in the corpus folder, or skip the test when it is not there.

    The folder is ``$PTLINT_SHARED``, else ``../shared`` beside the repository. With ``PTLINT_REQUIRE_ALL=1`` a missing
    file fails the test.
    """
    folder = Path(os.environ.get("PTLINT_SHARED") or ROOT.parent / "shared")
    path = folder / relative
    if not path.exists():
        sentence = f"{relative} is not in the corpus folder {folder}; set PTLINT_SHARED to the folder that has it"
        if os.environ.get("PTLINT_REQUIRE_ALL") == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


def program(name: str) -> str:
    """Return the path of an installed program, or skip the test when there is none.

    With ``PTLINT_REQUIRE_ALL`` set to anything a missing program fails the test.
    """
    found = shutil.which(name)
    if found is None:
        sentence = f"{name} is not installed, so nothing was compared with it"
        if os.environ.get("PTLINT_REQUIRE_ALL"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


def package(name: str) -> ModuleType:
    """Return an installed package that only tests use, or skip the test as ``program`` does."""
    try:
        return importlib.import_module(name)
    except ImportError:
        sentence = f"the package {name} is not installed, so nothing was compared with it"
        if os.environ.get("PTLINT_REQUIRE_ALL"):
            pytest.fail(sentence)
        pytest.skip(sentence)
