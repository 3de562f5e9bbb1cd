"""One patch as a rule sees it: the trees on both sides of it, what it changes, and what running it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice

from ptlint.core.finding import Related
from ptlint.core.patch import PatchRef
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile
from ptlint.passes.changes import Change
from ptlint.passes.functions import Book, View
from ptlint.sim.judgement import Judgement, Violation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running came to.

    ``judgements`` are those of the tree after the patch that a change of the patch takes part in, by profile;
    ``known`` holds what was broken the same way before: (profile, subject, property, kind, raced); ``ran_before`` are
    the subjects, by profile, that also ran whole before it, ``ended`` those of them that took little to their end.
    """

    judgements: Mapping[str, Sequence[Judgement]] = field(default_factory=dict)
    known: frozenset[tuple[str, str, str, str, bool]] = frozenset()
    ran_before: frozenset[tuple[str, str]] = frozenset()
    ended: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Context:
    """One patch as a rule sees it: the trees before and after it, what it changes, and what running it came to.

    ``run`` runs the code, when a rule first asks for the ``outcome``. ``books`` hold the functions before and after it;
    ``text`` reads a file as it was run; ``final`` is the tree with the whole series applied, None where there is none.
    ``looked_at`` and ``present`` note which functions a rule has looked at and which it finds at fault, whoever brought
    the fault: (code, path, function).
    ``origins`` says what a new function was before, where the patch moved or renamed it: (path, name) by (path, name).
    ``whole`` marks a scan: there is no patch, ``before`` is empty, and each function counts as new. ``parts`` returns
    the functions that the patch shows in part, with the lines that it adds to each. ``torn`` are files of ``after``
    that the patch could only change in part.
    """

    patch: PatchRef
    before: SourceTree
    after: SourceTree
    changes: tuple[Change, ...]
    profiles: tuple[Profile, ...]
    run: Callable[[], Outcome] = Outcome
    books: tuple[Book, Book] | None = None
    text: Callable[[str], bytes | None] | None = None
    final: SourceTree | None = None
    looked_at: set[tuple[str, str, str]] = field(default_factory=set)
    present: set[tuple[str, str, str]] = field(default_factory=set)
    whole: bool = False
    origins: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    parts: Callable[[], Sequence[tuple[frozenset[int], View]]] = tuple
    torn: frozenset[str] = frozenset()

    @cached_property
    def outcome(self) -> Outcome:
        """Return what running the code came to."""
        return self.run()

    def functions(self) -> Iterator[tuple[Change, View | None, View]]:
        """Yield the functions that the patch adds or changes, with their syntax before it and after it.

        One that is older than the patch and whose text before it cannot be read is left out: nothing could be said of
        what the patch brought.
        """
        if self.books is None:
            return
        before, after = self.books
        for change in self.changes:
            new = after.view(change.span.path, change.name) if change.kind == "function" else None
            if new is None:
                continue
            here = (change.span.path, change.name)
            old = before.view(*self.origins.get(here, here))
            if old is not None or change.is_new:
                yield change, old, new

    def versions(self) -> Iterator[tuple[View, View | None]]:
        """Yield the functions as they were before the patch changed or removed them, and as they are after it."""
        if self.books is None:
            return
        before, after = self.books
        moved = {old: new for new, old in self.origins.items()}
        for change in self.changes:
            here = (change.span.path, change.name)
            if change.kind in ("function", "removed") and not change.is_new:
                old = before.view(*here)
                if old is not None:
                    yield old, after.view(*moved.get(here, here))

    def callers(self) -> Iterator[tuple[Change, View | None, View]]:
        """Yield the unchanged functions that call one that the patch changes, with that change."""
        if self.books is None:
            return
        own = {change.name for change in self.changes}
        seen: set[tuple[str, str]] = set()
        for change, old, new in self.functions():
            for caller in new.callers() if old is not None else ():
                if caller.name not in own and (caller.path, caller.name) not in seen:
                    seen.add((caller.path, caller.name))
                    yield change, self.books[0].view(caller.path, caller.name), caller

    def violations(self, prop: str, *, raced: bool | None = None) -> Iterator[tuple[Judgement, Violation]]:
        """Yield what the patch newly breaks of property *prop*; with *raced*, only what does (not) need the MMU."""
        for name, results in self.outcome.judgements.items():
            for judgement in results:
                for violation in judgement.violations:
                    if violation.property != prop or (raced is not None and violation.raced != raced):
                        continue
                    if (name, judgement.subject, *violation.identity()) not in self.outcome.known:
                        yield judgement, violation

    def endless(self) -> Iterator[Judgement]:
        """Yield what comes to no end any more, and took little before."""
        for name, results in self.outcome.judgements.items():
            yield from (one for one in results if one.endless and (name, one.subject) in self.outcome.ended)

    def place_of(self, judgement: Judgement) -> tuple[Span, str]:
        """Return where to report what a judgement as a whole says: the change that it is most about, and its name."""
        change = self._suspect(judgement)
        return Span(change.span.path, change.line), change.name

    def place(self, judgement: Judgement, violation: Violation) -> tuple[Span, str, tuple[Related, ...]]:
        """Return where to report a violation: the changed code that led to it, its function, and the other places."""
        changed = {(change.span.path, change.name): change for change in self.changes}
        related = tuple(
            Related(Span(pos.path, pos.line, pos.column), f"through {name}()", name)
            for name, pos in reversed(violation.blame)
            if pos.path and not pos.path.startswith("<")
        )
        for name, pos in reversed(violation.blame):
            change = changed.get((pos.path, name))
            if change is not None:
                rest = tuple(one for one in related if one.function != name)
                return _nearest(change, pos.line, pos.column), name, rest
        named = [change for change in self.changes if change.name == violation.suspect]
        change = named[0] if named else self._suspect(judgement)
        seen = {change.name, *(one.function for one in related)}
        beside = [one for one in self._ran(judgement) if one.kind == "function" and one.name not in seen]
        also = (Related(Span(one.span.path, one.line), f"{one.name}() changes too", one.name) for one in beside)
        return Span(change.span.path, change.line), change.name, (*related, *islice(also, MOST_BESIDE))

    def _ran(self, judgement: Judgement) -> list[Change]:
        return [
            change
            for change in self.changes
            if f"{change.span.path}:{change.name}" in judgement.executed or change.name in judgement.used
        ]

    def _suspect(self, judgement: Judgement) -> Change:
        """Return the change to report when the step that broke it lies in unchanged code."""
        ran = self._ran(judgement)
        kinds = {"function": 0, "macro": 1, "guard": 2, "removed": 3, "other": 4}
        named = [change for change in ran if change.name in judgement.subject.split("+")]
        return min(named or ran or list(self.changes), key=lambda change: kinds[change.kind])

    def line_at(self, span: Span) -> str:
        """Return the text of a line of the tree after the patch."""
        data = (self.after.read(span.path) if self.text is None else self.text(span.path)) or b""
        lines = _lines(data)
        return lines[span.line - 1].decode("utf-8", "replace") if 0 < span.line <= len(lines) else ""


MOST_BESIDE = 3
"""Changed functions that are named beside one that no single step gives away."""


@lru_cache(maxsize=8)
def _lines(data: bytes) -> list[bytes]:
    return data.splitlines()


def _nearest(change: Change, line: int, column: int) -> Span:
    return Span(change.span.path, line, column)
