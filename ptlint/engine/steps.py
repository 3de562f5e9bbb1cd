"""A series as steps: for each patch and each proposal, the code before it and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ptlint.core.patch import LeftOut, Patch, PatchRef, Proposal, Series
from ptlint.core.report import PatchStatus
from ptlint.core.span import Span
from ptlint.core.tree import MemoryTree, SourceTree
from ptlint.csrc.universe import SourceText
from ptlint.passes.changes import Change, changes_between, parameters_in
from ptlint.passes.continued import continued
from ptlint.passes.fragments import Fragment, fragments_of
from ptlint.passes.outcomes import Runs
from ptlint.passes.shown import changes_in_hunks, functions_before, names_in, partial_functions

if TYPE_CHECKING:
    from ptlint.tree import Applied


@dataclass(frozen=True)
class Step:
    """One patch or proposal. ``paths`` are the files it touches; ``before`` and ``after`` hold both sides' runs.

    ``shown`` holds functions as they were before, from hunks, where ``before`` does not have them; ``texts`` what the
    hunks show of each file before and after, where the trees do not have it; ``fragments`` the functions that the
    hunks show in part; ``unrun`` those that rules on code see and that cannot be called from this tree; ``torn`` the
    files of which only a part could be changed: neither what they were nor what they are to be.
    """

    ref: PatchRef
    before: Runs
    after: Runs
    changes: tuple[Change, ...]
    paths: tuple[str, ...]
    shown: Mapping[str, SourceText] = field(default_factory=dict)
    texts: tuple[Mapping[str, bytes], Mapping[str, bytes]] = ({}, {})
    fragments: tuple[Fragment, ...] = ()
    unrun: Mapping[str, SourceText] = field(default_factory=dict)
    torn: frozenset[str] = frozenset()

    def text(self, path: str) -> bytes | None:
        """Return a file as this step has it: where a patch does not apply, with what its hunks show laid over."""
        if path not in self._laid:
            self._laid[path] = self._text(path)
        return self._laid[path]

    @cached_property
    def _laid(self) -> dict[str, bytes | None]:
        return {}

    def _text(self, path: str) -> bytes | None:
        data, shown = self.after.text(path), self.texts[1].get(path)
        if shown is None or data is None:
            return shown if data is None else data
        lines, over = data.split(b"\n"), shown.split(b"\n")
        lines += [b""] * (len(over) - len(lines))
        filled = [bool(line.strip()) for line in over]
        around = zip([False, *filled], filled, [*filled[1:], False], strict=False)
        for at, here in enumerate(around):
            if any(here):  # the rest is between the hunks
                lines[at] = over[at]
        return b"\n".join(lines)

    def line(self, span: Span, function: str) -> str:
        """Return the line at *span* from the text that *function* was read from, "" when nothing is known of it.

        Where a patch does not apply, its line numbers and those of the tree's own functions are not the same.
        """
        brought = [*(one.text for one in self.fragments if one.name == function)]
        brought += [texts[function] for texts in (self.unrun, self.after.overrides) if function in texts]
        brought = [one for one in brought if one.path == span.path]
        for source in brought:
            lines = source.text.split("\n")
            if 0 <= span.line - source.line < len(lines):
                return lines[span.line - source.line].encode("latin-1", "replace").decode("utf-8", "replace")
        is_of_tree = bool(function) and not brought and span.path in self.texts[1]
        data = (self.after.tree.read(span.path) if is_of_tree else None) or self.text(span.path) or b""
        lines = data.decode("utf-8", "replace").split("\n")
        return lines[span.line - 1].rstrip("\r") if 0 < span.line <= len(lines) else ""


@dataclass(frozen=True)
class Plan:
    """All steps of a series, the status of each patch, and what cannot be looked at."""

    steps: tuple[Step, ...]
    status: tuple[PatchStatus, ...]
    left_out: tuple[LeftOut, ...] = ()
    sources: Mapping[str, bytes] = field(default_factory=dict)


def planned(tree: SourceTree | None, reference: SourceTree, series: Series) -> Plan:
    """Return the steps of *series* over *tree*; without a tree, of its functions over *reference*.

    A patch that does not apply is looked at by the functions that its hunks show whole: they run in place of the
    tree's own.
    """
    applied = _applied(tree, series)
    steps: list[Step] = []
    status: list[PatchStatus] = []
    left_out: list[LeftOut] = []
    runs = Runs(reference if tree is None else tree)
    for number, given in enumerate(series.patches):
        patch, long = _without_long_files(given)
        left_out.extend(long)
        snapshot, state, lost, torn = applied[number] if applied else (None, _without_tree(patch), (), {})
        left_out.extend(lost)
        status.append(state)
        if snapshot is not None and state.applied:
            after = Runs(snapshot, continued(runs.overrides, patch).texts)
            paths = _paths(patch)
            steps.append(Step(patch.ref, runs, after, changes_between(runs.tree, snapshot, paths), paths))
        else:
            earlier = steps[-1].unrun if steps else {}
            after, changes, missing, unrun = _replaced(runs, earlier, patch, snapshot, torn)
            left_out.extend(missing)
            whole = {(change.span.path, change.name) for change in changes}
            parts = tuple(one for one in fragments_of(patch) if (one.text.path, one.name) not in whole)
            seen = ({**earlier, **functions_before(patch)}, _texts(patch), parts, unrun)
            steps.append(Step(patch.ref, runs, after, changes, _paths(patch), *seen, frozenset(torn)))
        runs = steps[-1].after
    for proposal in series.proposals:
        step = _proposal_step(proposal, steps)
        if step is not None:
            steps.append(step)
        else:
            reason = "the function or the place that it is about is not in the patch it answers"
            what = f"a proposal of {proposal.author}"
            left_out.append(LeftOut("proposal", what, reason, proposal.source, proposal.source_line))
    return Plan(tuple(steps), tuple(status), tuple(left_out))


MOST_LINES = 100_000
"""Lines that a patch may show of one file that is looked at: ten times what the longest files of mm have."""


def _without_long_files(patch: Patch) -> tuple[Patch, list[LeftOut]]:
    """Return *patch* without the files of which it shows more lines than are looked at, and these."""
    counts = {file.path: sum(len(hunk.lines) for hunk in file.hunks) for file in patch.files}
    long = {path for path, count in counts.items() if count > MOST_LINES}
    if not long:
        return patch, []
    reason = f"the patch shows more than {MOST_LINES} lines of it: it is not looked at"
    left_out = [LeftOut("too-long", path, reason, patch.source) for path in sorted(long)]
    return replace(patch, files=tuple(file for file in patch.files if file.path not in long)), left_out


def _texts(patch: Patch) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    from ptlint.tree import partial_files, partial_preimages

    return partial_preimages(patch), partial_files(patch)


def _paths(patch: Patch) -> tuple[str, ...]:
    return tuple(sorted({path for file in patch.files for path in (file.old_path, file.new_path) if path}))


def _without_tree(patch: Patch) -> PatchStatus:
    if patch.damaged:
        return PatchStatus(patch.ref.index, False, "failed", patch.damaged)
    return PatchStatus(patch.ref.index, True, "no-tree", "")


_Torn = Mapping[str, frozenset[str]]
"""The files of which a patch could only change a part, and the functions and macros in them that the rest is about."""
_Applied = tuple[SourceTree, PatchStatus, tuple[LeftOut, ...], _Torn]


def _applied(tree: SourceTree | None, series: Series) -> list[_Applied]:
    if tree is None:
        return []
    from ptlint.tree import apply_series

    return [(one.snapshot, one.status, one.left_out, _torn(one)) for one in apply_series(tree, series)]


def _torn(applied: Applied) -> _Torn:
    rejected = {file.path: [one.hunk for one in file.rejected] for file in applied.files if file.rejected}
    return {path: frozenset[str]().union(*map(names_in, hunks)) for path, hunks in rejected.items()}


class _Replaced(NamedTuple):
    runs: Runs
    changes: tuple[Change, ...]
    missing: list[LeftOut]
    unrun: dict[str, SourceText]


def _replaced(
    runs: Runs, unrun: Mapping[str, SourceText], patch: Patch, snapshot: SourceTree | None, torn: _Torn
) -> _Replaced:
    """Return the runs in which the functions that a patch shows whole stand in for those of the tree.

    So do those of earlier patches, as this one leaves them; *unrun* are those of them that do not run. What was changed
    in part only, as *torn* has it, is no function of the patch.
    """
    known, stopped = continued(runs.overrides, patch), continued(unrun, patch)
    carried = [*known.changes, *stopped.changes]
    applied = () if snapshot is None else changes_between(runs.tree, snapshot, _paths(patch))
    applied = tuple(one for one in applied if one.name not in torn.get(one.span.path, ()))
    applied = _without(applied, carried)  # what stands in for the tree's own is what runs
    shown = _without(changes_in_hunks(patch), applied)
    whole = (*shown, *_without(carried, shown))
    there = {(change.span.path, change.name) for change in applied}
    strange: set[str] = set()
    missing = _not_whole(patch, {*there, *((one.span.path, one.name) for one in whole)}, [one.span for one in whole])
    if snapshot is None:
        missing += _of_architectures(whole)
        whole = tuple(change for change in whole if not change.span.path.startswith("arch/"))
    else:
        strange = {change.name for change in whole if _has_other_parameters(snapshot, change)}
        missing += [
            LeftOut("other-parameters", f"{one.name}()", _STRANGE, one.span.path, one.line)
            for one in whole
            if one.name in strange
        ]
    texts = {change.name: SourceText(change.span.path, change.span.line, change.text) for change in whole}
    fitting = {name: text for name, text in {**known.texts, **texts}.items() if name not in strange}
    others = {name: text for name, text in {**stopped.texts, **texts}.items() if name in strange | set(stopped.texts)}
    unfit = {name: text for name, text in others.items() if name not in fitting}
    return _Replaced(Runs(snapshot or runs.tree, fitting), (*applied, *whole), missing, unfit)


def _without(changes: Iterable[Change], others: Iterable[Change]) -> tuple[Change, ...]:
    """Return *changes* but those of functions that *others* have."""
    there = {(other.span.path, other.name) for other in others}
    return tuple(change for change in changes if (change.span.path, change.name) not in there)


_STRANGE = "the tree's own function of this name has other parameters, so this one was not run in its place"


def _has_other_parameters(tree: SourceTree, change: Change) -> bool:
    """Return whether the tree calls a function of this name and file otherwise: its callers do not fit the change."""
    own = parameters_in((tree.read(change.span.path) or b"").decode("latin-1"), change.name)
    return bool(own) and not parameters_in(change.text, change.name) <= own


def _not_whole(patch: Patch, known: Set[tuple[str, str]], spans: Sequence[Span]) -> list[LeftOut]:
    """Return the macros and functions that a patch changes, shows in part, and that can therefore not be run."""
    from ptlint.tree import partial_files, partial_preimages

    reason = "the patch shows only a part of it"
    old, new = MemoryTree(partial_preimages(patch)), MemoryTree(partial_files(patch))
    with_macros = [path for path in _paths(patch) if b"define" in (new.read(path) or b"")]
    macros = [
        LeftOut("not-whole", change.name, reason, change.span.path, change.line)
        for change in changes_between(old, new, with_macros)
        if change.kind == "macro" and (change.span.path, change.name) not in known
    ]
    functions = [
        LeftOut("not-whole", f"{name}()" if name else "a function", reason, span.path, span.line)
        for name, span in partial_functions(patch, spans)
        if (span.path, name) not in known
    ]
    return macros + functions


def _of_architectures(changes: Sequence[Change]) -> list[LeftOut]:
    """Return the functions that cannot run without a tree: they need the headers of their architecture."""
    reason = "runs only with the headers of its architecture"
    return [
        LeftOut("needs-tree", f"{change.name}()", reason, change.span.path, change.line)
        for change in changes
        if change.span.path.startswith("arch/")
    ]


def _proposal_step(proposal: Proposal, steps: Sequence[Step]) -> Step | None:
    """Return the step of C that a reviewer proposes, over the code after the patch it answers; None without a place."""
    by_patch = {step.ref.index: step for step in steps if step.ref.index}
    base = by_patch.get(proposal.answers.index) if proposal.answers is not None else None
    runs = base.after if base is not None else (list(by_patch.values())[-1].after if by_patch else None)
    if runs is None or not proposal.function:
        return None
    text = _proposed(runs, proposal, base)
    if text is None:
        return None
    after = Runs(runs.tree, {**runs.overrides, proposal.function: text})
    return Step(proposal.ref, runs, after, (_change_of(proposal, text),), (text.path,))


def _change_of(proposal: Proposal, text: SourceText) -> Change:
    first = proposal.text.strip().splitlines()[0].strip()
    offset = next((at for at, line in enumerate(text.text.splitlines()) if first and first in line), 0)
    span = Span(text.path, text.line, 1, text.line + text.text.count("\n"), 1)
    return Change("function", proposal.function, span, text.line + offset, text.text, False)


def _proposed(runs: Runs, proposal: Proposal, base: Step | None) -> SourceText | None:
    """Return the function as the proposal would have it, None when the place for it cannot be found."""
    current = _current(runs, proposal, base)
    if proposal.kind == "function":
        if current is None and not proposal.path:
            return None
        path, line = (current.path, current.line) if current is not None else (proposal.path, 1)
        return SourceText(path, line, proposal.text)
    if current is None:
        return None
    lines = current.text.splitlines(keepends=True)
    at = _place(lines, proposal)
    if at is None:
        return None
    gone = sum(1 for one in proposal.replaces if one.strip())
    kept = lines[: at - gone + 1] if gone else lines[: at + 1]
    return SourceText(
        current.path, current.line, "".join([*kept, *_indented(proposal.text, lines[at]), *lines[at + 1 :]])
    )


def _indented(text: str, beside: str) -> list[str]:
    """Return the lines of *text* indented as the line *beside* is, the way its author means them."""
    indent = beside[: len(beside) - len(beside.lstrip())]
    return [(indent + line if line.strip() else line) + "\n" for line in text.rstrip("\n").split("\n")]


def _place(lines: Sequence[str], proposal: Proposal) -> int | None:
    """Return the line that the proposal stands under: the nearest quoted one that the function has once."""
    for wanted in (*reversed(proposal.replaces), *reversed(proposal.after)):
        places = [at for at, line in enumerate(lines) if line.split() == wanted.split() and wanted.strip()]
        if len(places) == 1:
            return places[0]
        if wanted in proposal.replaces:
            continue
    return None


def _current(runs: Runs, proposal: Proposal, base: Step | None) -> SourceText | None:
    """Return the function that a proposal changes: as the patch it answers has it, else as the tree does."""
    if proposal.function in runs.overrides:
        return runs.overrides[proposal.function]
    for change in base.changes if base is not None else ():
        if change.name == proposal.function and change.kind == "function":
            return SourceText(change.span.path, change.span.line, change.text)
    return None
