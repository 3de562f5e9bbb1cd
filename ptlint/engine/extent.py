"""How much of a patch and of a series is looked at, and how a list names what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ptlint.core.patch import LeftOut, PatchRef
from ptlint.engine.steps import Step
from ptlint.passes.changes import Change

MOST_CHANGES = 500
"""Functions and macros of one patch that are looked at: several times what the largest patches of the kernel change."""

MOST_FILES = 60
"""Files with such changes in one patch that are looked at: the largest of the series that it was tried on change 22."""

MOST_PATCHES = 100
"""Patches to page-table code of one series that are looked at: those of the longest that it was tried on are 36."""


def bounded(step: Step) -> tuple[Step, tuple[LeftOut, ...]]:
    """Return *step* with as many changes, of as many files, as are looked at, and what is left out."""
    paths = paths_of(step.changes)
    left_out: list[LeftOut] = []
    number, changes = len(step.changes), step.changes
    if len(paths) > MOST_FILES:
        few = frozenset(paths[:MOST_FILES])
        changes = tuple(change for change in changes if change.span.path in few)
        reason = f"it changes functions and macros of {len(paths)} files: only the first {MOST_FILES} were looked at"
        left_out.append(LeftOut("too-many", patch_called(step.ref), reason))
    if len(changes) > MOST_CHANGES:
        reason = f"it changes {number} functions and macros: only the first {MOST_CHANGES} were looked at"
        left_out.append(LeftOut("too-many", patch_called(step.ref), reason))
    if left_out:
        step = replace(step, changes=changes[:MOST_CHANGES])
    return step, tuple(left_out)


def paths_of(changes: Sequence[Change]) -> list[str]:
    """Return the files of *changes*, each once."""
    return list(dict.fromkeys(change.span.path for change in changes))


def patch_called(ref: PatchRef) -> str:
    """Return how a list names a patch."""
    return f"patch {ref.index}/{ref.total} ({ref.subject})" if ref.subject else f"patch {ref.index}/{ref.total}"
