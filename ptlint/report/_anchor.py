"""Where in the text of a patch a finding is commented: the line of the diff that it stands on, or the nearest one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptlint.core.finding import Finding
from ptlint.core.patch import Hunk, Patch
from ptlint.core.span import Span


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """A line of a patch: which file, which hunk of it and which line of that, from 0."""

    file: int
    hunk: int
    line: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and the line it is written under. ``is_exact`` tells that this is the finding's own line."""

    anchor: Anchor
    finding: Finding
    is_exact: bool


def placed(patch: Patch, findings: Sequence[Finding]) -> tuple[Placed, ...]:
    """Return *findings* with their places in *patch*, in the order of its text; empty for a patch without hunks.

    A finding outside of every hunk stands under one of its other places, else under the first line that the patch
    changes in its file, else under the first one that it changes at all.
    """
    found = [one for finding in findings if (one := _place(patch, finding)) is not None]
    return tuple(sorted(found, key=lambda one: (one.anchor, one.finding.code, one.finding.message)))


def _place(patch: Patch, finding: Finding) -> Placed | None:
    own = anchor_of(patch, finding.span)
    if own is not None:
        return Placed(own, finding, True)
    other = next((at for one in finding.related if (at := anchor_of(patch, one.span)) is not None), None)
    changed = list(_changed_lines(patch))
    same_file = (at for at, path in changed if path == finding.span.path)
    first = other or next(same_file, None) or next((at for at, _ in changed), None)
    return None if first is None else Placed(first, finding, False)


def anchor_of(patch: Patch, span: Span) -> Anchor | None:
    """Return the line of *patch* that shows line ``span.line`` of the new file, None when no hunk does."""
    for number, file in enumerate(patch.files):
        if file.new_path != span.path:
            continue
        for at, hunk in enumerate(file.hunks):
            for line, new in _new_lines(hunk):
                if new == span.line:
                    return Anchor(number, at, line)
    return None


def _new_lines(hunk: Hunk) -> Iterator[tuple[int, int]]:
    """Yield place in the hunk and number in the new file of each line that the new file has."""
    number = hunk.new_start
    for at, line in enumerate(hunk.lines):
        if line.kind != "-":
            yield at, number
            number += 1


def _changed_lines(patch: Patch) -> Iterator[tuple[Anchor, str]]:
    """Yield place and path of the lines that a patch changes, those that it adds before those that it takes away."""
    for kind in "+-":
        for number, file in enumerate(patch.files):
            for at, hunk in enumerate(file.hunks):
                for line, one in enumerate(hunk.lines):
                    if one.kind == kind:
                        yield Anchor(number, at, line), file.path
