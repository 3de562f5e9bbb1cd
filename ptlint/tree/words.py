"""The sentences in which the outcome of applying a patch is told."""

from ptlint.core.patch import Hunk, Patch
from ptlint.core.report import PatchStatus
from ptlint.tree.result import FileResult

_SHOWN = 3
"""Files that one sentence names."""


def quoted(line: bytes) -> str:
    """Return a line of a file for a sentence: decoded, trimmed, and cut at 60 characters."""
    text = " ".join(line.decode("utf-8", "replace").split())
    printable = "".join(character if character.isprintable() else "?" for character in text)
    if not printable:
        return "an empty line"
    return f'"{printable[:57]}..."' if len(printable) > 60 else f'"{printable}"'


def hunk_header(hunk: Hunk) -> str:
    """Return the ``@@`` line of a hunk without its section."""
    return f"@@ -{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count} @@"


def summary(patch: Patch, results: list[FileResult]) -> PatchStatus:
    """Return the status of a whole patch: one part that fails makes it fail."""
    index = patch.ref.index
    if not results:
        return PatchStatus(index, False, "failed", "the patch changes no file")
    failed = [result for result in results if result.how == "failed"]
    if failed:
        return PatchStatus(index, False, "failed", _failure(failed, len(results)))
    moved = [result for result in results if result.how == "offset"]
    notes = [_moves(moved)] if moved else []
    notes += [result.reason for result in results if result.how == "left-out"]
    return PatchStatus(index, True, "offset" if moved else "clean", "; ".join(notes))


def _failure(failed: list[FileResult], total: int) -> str:
    if all(result.is_already_applied for result in failed) and len(failed) == total:
        return f"looks already applied: {failed[0].reason}"
    more = f" (and {len(failed) - 1} more of its {total} files)" if len(failed) > 1 else ""
    return failed[0].reason + more


def _moves(moved: list[FileResult]) -> str:
    """Return which files had hunks that moved, and how far."""
    told = []
    for result in moved[:_SHOWN]:
        distances = sorted({offset for offset in result.offsets if offset}, key=lambda offset: (abs(offset), offset))
        shown = ", ".join(f"{offset:+d}" for offset in distances[:_SHOWN])
        told.append(f"{result.path} ({shown}{', ...' if len(distances) > _SHOWN else ''})")
    more = f" and {len(moved) - _SHOWN} more files" if len(moved) > _SHOWN else ""
    return f"hunks apply at other lines: {', '.join(told)}{more}"
