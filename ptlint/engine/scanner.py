"""One piece of a scan: the rules over one file of a tree, or over what the helpers did under one profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ptlint.api import Context, Outcome
from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut, PatchRef
from ptlint.core.report import NotExecuted
from ptlint.core.span import Span
from ptlint.core.tree import MemoryTree, SourceTree
from ptlint.csrc.directives import refusal
from ptlint.csrc.profile import Profile
from ptlint.engine.gathered import Gathered
from ptlint.engine.rules import LoadedRule
from ptlint.passes.changes import Change
from ptlint.passes.concerned import concerned
from ptlint.passes.outcomes import Runs
from ptlint.sim.judgement import Judgement, Violation

MOST_FUNCTIONS = 500
"""Functions of one file that are looked at: the most of the kernel that name page tables are 163."""

AS_IT_IS = PatchRef(0, 0, "", "")
"""The patch of a scan, which is none: findings do not name it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is scanned on its own.

    ``kind`` is ``file`` (a path), ``profile`` (what its helpers do) or ``hooks`` (which of them it overrides).
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """What scanning a piece came to. ``functions`` were looked at, ``simulated`` ran; the rest is as in a report."""

    findings: tuple[Finding, ...] = ()
    not_executed: tuple[NotExecuted, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    functions: frozenset[str] = frozenset()
    simulated: frozenset[str] = frozenset()
    universes: frozenset[str] = frozenset()
    sampled: frozenset[str] = frozenset()
    scenarios: int = 0


@dataclass
class Scanner:
    """Scans the pieces of one tree.

    ``interest`` holds the names that the paths asked for define, ``files`` those files: helpers that use none of them
    are not run.
    """

    tree: SourceTree
    profiles: Sequence[Profile]
    rules: Sequence[LoadedRule]
    interest: frozenset[str]
    files: frozenset[str] = frozenset()
    _runs: Runs = field(init=False)
    _empty: Runs = field(init=False)

    def __post_init__(self) -> None:
        self._runs = Runs(self.tree)
        self._runs.places = self.files
        self._runs.walks = False
        self._empty = Runs(MemoryTree())

    def scan(self, piece: Piece) -> Part:
        """Return what scanning *piece* came to. A rule that fails is in ``left_out``, and the others still run."""
        match piece.kind:
            case "file":
                return self._file(piece.name)
            case "hooks":
                return self._hooks(piece.name)
        return self._profile(piece.name)

    def _file(self, path: str) -> Part:
        refused = refusal((self.tree.read(path) or b"").decode("latin-1"))
        if refused:
            run = self._run()
            run.note_beyond([(Span(path, 1), refused)])
            return self._part(run, frozenset())
        changes = concerned(self.tree, path)
        if not changes:
            return Part()
        few = changes[:MOST_FUNCTIONS]
        books = self._empty.book(self.profiles), self._runs.book(self.profiles)
        read = [one for one in few if books[1].view(path, one.name) is not None]
        run = self._run()
        names = {one.name for one in read}
        run.left_out.extend(self._unread(path, [one for one in few if one.name not in names]))
        if len(few) < len(changes):
            reason = f"{len(changes)} functions name page tables: only the first {len(few)} were looked at"
            run.left_out.append(LeftOut("too-many", path, reason))
        if read:
            context = Context(
                AS_IT_IS,
                self._empty.tree,
                self.tree,
                tuple(read),
                tuple(self.profiles),
                books=books,
                text=self._runs.text,
                whole=True,
            )
            run.look(context)
        return self._part(run, frozenset(names))

    def _unread(self, path: str, changes: Sequence[Change]) -> Iterator[LeftOut]:
        """Yield the functions that no rule saw: because nothing builds them, or because they cannot be read as C."""
        faults = self._runs.book(self.profiles).faults(path) if changes else ()
        for one in changes:
            here = [what for span, what in faults if one.span.line <= span.line <= one.span.end_line]
            reason = here[0] if here else "no configuration that was tried builds it"
            yield LeftOut("not-read" if here else "not-built", f"{one.name}()", reason, path, one.span.line)

    def _profile(self, name: str) -> Part:
        profile = next(one for one in self.profiles if one.name == name)
        run = self._run()
        made: list[Judgement] = []
        for judgement in self._runs.of(profile, self.interest):
            used = judgement.used | set(judgement.subject.split("+"))
            run.note_stop(judgement)
            if not judgement.failed and self.interest & used:
                made.append(judgement)
                run.note_run(judgement, {one.rpartition(":")[2] for one in judgement.executed})
        changes = tuple(self._at_fault(profile, made))
        if changes:
            ran = partial(Outcome, {name: made})
            empty, own = self._empty.tree, (profile,)
            run.look(Context(AS_IT_IS, empty, self.tree, changes, own, ran, text=self._runs.text, whole=True))
        return self._part(run, frozenset())

    def _hooks(self, name: str) -> Part:
        """Return what rules on overrides say of a profile: they ask for hooks themselves, and no change is named."""
        own = tuple(one for one in self.profiles if one.name == name)
        books = self._empty.book(self.profiles), self._runs.book(self.profiles)
        run = self._run()
        run.look(Context(AS_IT_IS, self._empty.tree, self.tree, (), own, books=books, text=self._runs.text, whole=True))
        return self._part(run, frozenset())

    def _at_fault(self, profile: Profile, judgements: Sequence[Judgement]) -> Iterator[Change]:
        """Yield the functions to report violations at: the smallest subject that breaks the same property by itself."""
        broken = {
            (part, violation.property)
            for judgement in judgements
            for violation in judgement.violations
            for part in judgement.subject.split("+")
        }
        seen: set[tuple[str, str]] = set()
        for judgement in judgements:
            for violation in judgement.violations:
                for name in _suspects(judgement, violation, broken):
                    span = self._runs.defined(profile, name)
                    if span is not None and (span.path, name) not in seen:
                        seen.add((span.path, name))
                        yield Change("function", name, span, span.line, "", True)

    def _part(self, run: Gathered, functions: frozenset[str]) -> Part:
        run.note_beyond(self._runs.beyond)
        return Part(
            tuple(replace(one, patch=None) for one in run.findings),
            tuple(run.not_executed),
            tuple(run.left_out),
            functions,
            frozenset(run.simulated),
            frozenset(run.universes),
            frozenset(run.sampled),
            run.scenarios,
        )

    def _run(self) -> Gathered:
        return Gathered(self.rules, self.profiles)


def _suspects(judgement: Judgement, violation: Violation, broken: set[tuple[str, str]]) -> Iterator[str]:
    frames = [name for name, pos in violation.blame if pos.path and not pos.path.startswith("<")]
    own = judgement.subject.split("+")
    inner = [name for name in frames if name not in own and (name, violation.property) in broken]
    if inner:
        yield inner[-1]
    elif frames:
        yield next((name for name in reversed(frames) if name in own), frames[0])
    else:
        yield violation.suspect or own[0]
