"""Files rebuilt from the hunks of a patch alone, for when there is no tree."""

from collections.abc import Mapping

from ptlint.core.patch import FilePatch, Hunk, Patch

MAX_LINES = 1_000_000
"""Line numbers up to which a file is rebuilt; a hunk that claims to stand below is left out."""


def partial_files(patch: Patch) -> Mapping[str, bytes]:
    """Return what *patch* shows of each file after it, by new path.

    Every line of a hunk stands at its line number of the new file and all other lines are empty, so what the patch
    adds can be parsed at its real place. Deleted files and hunks below line ``MAX_LINES`` are left out.
    """
    found: dict[str, dict[int, bytes]] = {}
    for file in patch.files:
        if file.new_path is not None:
            _collect(found.setdefault(file.new_path, {}), file, "-")
    return {path: _file(lines) for path, lines in found.items()}


def partial_preimages(patch: Patch) -> Mapping[str, bytes]:
    """Return what *patch* shows of each file before it, by old path, at the line numbers of the old file."""
    found: dict[str, dict[int, bytes]] = {}
    for file in patch.files:
        if file.old_path is not None:
            _collect(found.setdefault(file.old_path, {}), file, "+")
    return {path: _file(lines) for path, lines in found.items()}


def _collect(lines: dict[int, bytes], file: FilePatch, left_out: str) -> None:
    """Note the lines of one side; *left_out* is the sign of the other."""
    for hunk in file.hunks:
        number = _start(hunk, left_out)
        for line in hunk.lines:
            if line.kind == left_out:
                continue
            if 0 < number <= MAX_LINES:
                lines[number] = line.text
            number += 1


def _start(hunk: Hunk, left_out: str) -> int:
    return hunk.new_start if left_out == "-" else hunk.old_start


def _file(lines: dict[int, bytes]) -> bytes:
    if not lines:
        return b""
    return b"".join(lines.get(number, b"") + b"\n" for number in range(1, max(lines) + 1))
