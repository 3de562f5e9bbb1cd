"""The files of a series as far as its hunks tell of them, after every patch, for when there is no tree.

A line that any patch of the series shows is known in every version that has it: what patch 4 shows as context is
there when patch 2 is looked at, at its line number of that time. All other lines are empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ptlint.core.patch import FilePatch, Hunk, LeftOut, Patch, Series
from ptlint.core.report import PatchStatus
from ptlint.core.tree import MemoryTree, Snapshot
from ptlint.tree.partial import MAX_LINES

MAX_HELD = 4_000_000
"""Lines that all versions of all files may hold together."""


@dataclass(frozen=True, slots=True)
class RebuiltStep:
    """What is known of the files right before and after one patch.

    ``before`` is the ``after`` of the patch before, except for ``restarted``: files that this patch expects otherwise
    (a patch in between is missing), of which only this and later patches tell from here on.
    """

    before: Snapshot
    after: Snapshot
    status: PatchStatus
    restarted: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(eq=False)
class _Line:
    """A line that several versions share; None until a hunk tells what it is."""

    text: bytes | None = None


_Version = list[_Line]


@dataclass(eq=False)
class _Step:
    patch: Patch
    before: dict[str, _Version] = field(default_factory=dict)
    after: dict[str, _Version | None] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def rebuild_series(series: Series) -> tuple[RebuiltStep, ...]:
    """Return what the patches of *series* show of the files before and after each of them.

    ``status.how`` is ``no-tree``. Files that would need more than ``MAX_HELD`` lines are left out.
    """
    reach = _reach(series)
    now: dict[str, _Version] = {}
    first: dict[str, _Version] = {}
    steps: list[_Step] = []
    held = 0
    for patch in series.patches:
        step = _Step(patch)
        for file in patch.files:
            held += _take(step, file, now, first, reach, MAX_HELD - held)
        steps.append(step)
    return tuple(_rendered(first, steps))


def _reach(series: Series) -> dict[str, int]:
    """Return how many lines each file needs for all hunks of the series to have their place."""
    reach: dict[str, int] = {}
    for patch in series.patches:
        for file in patch.files:
            path = file.old_path or file.path
            ends = [hunk.old_start + hunk.old_count for hunk in file.hunks if hunk.old_start <= MAX_LINES]
            reach[path] = min(max([reach.get(path, 0), *ends]), MAX_LINES)
    return reach


def _take(
    step: _Step,
    file: FilePatch,
    now: dict[str, _Version],
    first: dict[str, _Version],
    reach: dict[str, int],
    room: int,
) -> int:
    """Lay one part of a patch over the files as they are known; return how many lines that holds."""
    old = file.old_path
    before: _Version = []
    if old is not None:
        if reach[old] + len(now.get(old, ())) > room:
            step.left_out.append(LeftOut("file", file.path, "its line numbers are too large to rebuild it", ""))
            return 0
        before = now[old] if old in now else first.setdefault(old, _unknown(reach[old]))
    after = _laid(before, file.hunks)
    if after is None:
        before = _unknown(reach[old]) if old is not None else []
        after = _laid(before, file.hunks)
        step.restarted.append(old or file.path)
        if after is None:
            step.left_out.append(LeftOut("file", file.path, "its hunks overlap or lie too far down the file", ""))
            return len(before)
        if old is not None:
            step.before[old] = before
    if old is not None and (file.new_path is None or file.is_rename):
        now.pop(old, None)
        step.after[old] = None
    if file.new_path is not None:
        now[file.new_path] = step.after[file.new_path] = after
    return len(before) + len(after)


def _unknown(count: int) -> _Version:
    return [_Line() for _ in range(count)]


def _laid(before: _Version, hunks: Sequence[Hunk]) -> _Version | None:
    """Return the version after *hunks*, and learn their lines; None when they contradict what is known."""
    after: _Version = []
    learned: list[tuple[_Line, bytes]] = []
    at = 0
    for hunk in hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        if start < at or start + hunk.old_count > len(before):
            return None
        after += before[at:start]
        at = start
        for line in hunk.lines:
            if line.kind == "+":
                after.append(_Line(line.text))
                continue
            here = before[at]
            if here.text not in (None, line.text):
                return None
            learned.append((here, line.text))
            at += 1
            if line.kind == " ":
                after.append(here)
    for here, text in learned:
        here.text = text
    return after + before[at:]


def _rendered(first: dict[str, _Version], steps: list[_Step]) -> list[RebuiltStep]:
    base = MemoryTree({path: _bytes(version) for path, version in first.items()})
    found: list[RebuiltStep] = []
    snapshot = Snapshot(base)
    for step in steps:
        before = snapshot.with_files({path: _bytes(version) for path, version in step.before.items()})
        changed = {path: None if version is None else _bytes(version) for path, version in step.after.items()}
        snapshot = before.with_files(changed, step.patch.ref)
        status = PatchStatus(step.patch.ref.index, False, "no-tree", _reason(step))
        found.append(RebuiltStep(before, snapshot, status, tuple(step.restarted), tuple(step.left_out)))
    return found


def _reason(step: _Step) -> str:
    reason = "there is no tree: only the lines that the patches show are known"
    if step.restarted:
        reason += f"; {', '.join(step.restarted[:3])} does not continue what the patches before show"
    return reason


def _bytes(version: _Version) -> bytes:
    """Return a version up to its last line that is known, with empty lines for the others."""
    lines = [line.text for line in version]
    while lines and lines[-1] is None:
        lines.pop()
    return b"".join((text or b"") + b"\n" for text in lines)
