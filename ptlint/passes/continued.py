"""Functions that an earlier patch showed whole, as a later patch of the series leaves them: text and line numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from ptlint.core.patch import FilePatch, Patch
from ptlint.csrc.universe import SourceText
from ptlint.passes.changes import Change
from ptlint.passes.shown import change_of_function, whole_function


@dataclass(frozen=True, slots=True)
class Continued:
    """``texts`` are the functions by name, at their lines after the patch; ``changes`` those that it changes.

    A function that the patch takes away, or expects to be another, is in neither.
    """

    texts: Mapping[str, SourceText]
    changes: tuple[Change, ...] = ()


def continued(known: Mapping[str, SourceText], patch: Patch) -> Continued:
    """Return the functions of *known*, which stand as they were before *patch*, as it leaves them."""
    files = {file.old_path: file for file in patch.files if file.old_path is not None}
    edits = {path: _edits(files[path]) for path in {one.path for one in known.values()} & set(files)}
    texts: dict[str, SourceText] = {}
    changes: list[Change] = []
    for name, old in known.items():
        new = edits[old.path].applied(old) if old.path in edits else old
        if new is not None and new.text != old.text:
            new = whole_function(name, new)
            change = None if new is None else change_of_function(name, old, new)
            changes += [] if change is None else [change]
        if new is not None:
            texts[name] = new
    return Continued(texts, tuple(sorted(changes, key=lambda one: (one.span.path, one.line))))


@dataclass(eq=False)
class _Edits:
    """What a patch does to a file, by lines of the old one: those it shows, removes, and adds lines behind."""

    path: str | None
    shown: dict[int, str] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: dict[int, list[str]] = field(default_factory=dict)
    moves: list[tuple[int, int]] = field(default_factory=list)
    """From which line on the rest stands how much further down, in order."""

    def applied(self, source: SourceText) -> SourceText | None:
        """Return *source* as it is afterwards; None when it goes, or is not what the patch expects there."""
        lines = source.text.split("\n")
        last = source.line + len(lines) - 1
        text: list[str] = []
        for number, line in enumerate(lines, start=source.line):
            if self.shown.get(number, line) != line:
                return None
            if number not in self.removed:
                text.append(line)
            # Lines behind the last one are not the function's, unless they stand in its place.
            if number in self.added and (number < last or number in self.removed):
                text += self.added[number]
        if not text or self.path is None:
            return None
        before = bisect_left(self.moves, (source.line + 1,)) - 1
        return SourceText(self.path, source.line + (self.moves[before][1] if before >= 0 else 0), "\n".join(text))


def _edits(file: FilePatch) -> _Edits:
    edits = _Edits(file.new_path)
    moved = 0
    for hunk in file.hunks:
        if hunk.is_part:
            continue  # nobody knows where it stands
        number = hunk.old_start if hunk.old_count else hunk.old_start + 1
        for line in hunk.lines:
            text = line.text.decode("latin-1")
            if line.kind == "+":
                edits.added.setdefault(number - 1, []).append(text)
                moved += 1
            else:
                edits.shown[number] = text
                if line.kind == "-":
                    edits.removed.add(number)
                    moved -= 1
                number += 1
            if line.kind != " ":
                edits.moves.append((number, moved))
    return edits
