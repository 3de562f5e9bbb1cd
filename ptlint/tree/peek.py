"""A few files of a repository without opening it: one git command, for questions that come before all others."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ptlint.tree.modes import MAX_FILE
from ptlint.tree.sealed import ENVIRONMENT, OPTIONS

SECONDS = 5.0
"""How long the command may take; what it has not said by then is not known."""


def peek(folder: Path, names: Sequence[str]) -> tuple[bytes | None, ...]:
    """Return the bytes of each object (``REVISION:PATH`` or the id of a blob) of the repository at *folder*.

    ``b""`` for one that the repository does not have, None for what cannot be read. Every failure is None: whoever
    needs to know why opens the repository.
    """
    asked = [name for name in names if "\n" not in name]
    text = "".join(name + "\n" for name in asked).encode("utf-8", "surrogateescape")
    kept = ("GIT_CONFIG", "GIT_EXEC_PATH")  # the user's safe.directory counts
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_" or name.startswith(kept)}
    environment |= {name: ENVIRONMENT[name] for name in ENVIRONMENT if not name.startswith("GIT_CONFIG")}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
    try:
        done = subprocess.run(
            ("git", *OPTIONS, "cat-file", "--batch"),
            cwd=folder,
            env=environment,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return (None,) * len(names)
    found = dict(zip(asked, _answers(done.stdout, len(asked)), strict=True)) if done.returncode == 0 else {}
    return tuple(found.get(name) for name in names)


def _answers(output: bytes, number: int) -> list[bytes | None]:
    """Return what ``cat-file --batch`` printed for each of *number* names."""
    answers: list[bytes | None] = []
    at = 0
    for _ in range(number):
        end = output.find(b"\n", at)
        words = output[at:end].split() if end >= 0 else []
        if len(words) == 3 and words[1] in (b"blob", b"tree", b"commit", b"tag") and words[2].isdigit():
            size = int(words[2])
            data = output[end + 1 : end + 1 + size]
            answers.append(data if words[1] == b"blob" and len(data) == size <= MAX_FILE else None)
            at = end + 1 + size + 1
        else:  # "NAME missing": the name may hold spaces
            answers.append(b"" if output[at:end].endswith(b" missing") and end >= 0 else None)
            at = end + 1 if end >= 0 else len(output)
    return answers
