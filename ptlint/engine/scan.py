"""``ptlint scan``: the rules over a tree as it is, piece by piece, each kept for the next run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ptlint import __version__
from ptlint.config import Config
from ptlint.core.coded import coded, decoded
from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut
from ptlint.core.report import Report
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree, content_key, unread
from ptlint.engine.gathered import Gathered
from ptlint.engine.inputs import enclosing_folder
from ptlint.engine.profiles import profiles_asked
from ptlint.engine.representing import scanned_on, stood_for_note
from ptlint.engine.request import CheckRequest
from ptlint.engine.rules import LoadedRule, load_rules, select_rules
from ptlint.engine.scanner import Part, Piece, Scanner
from ptlint.engine.suppression import config_of, rules_asked, suppressed
from ptlint.errors import UsageError
from ptlint.passes.changes import names_defined
from ptlint.passes.concerned import SOURCES, names_page_tables
from ptlint.passes.outcomes import profiles_of
from ptlint.store import FactStore, open_store

KIND = "scan"
"""What the store calls a part."""

Progress = Callable[[str], None]


HOOKS = ("arch/", "include/")
"""Where overrides stand."""

LISTING = "scan files"
"""What the store calls a listing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files to look at, and the names that they define: helpers that use none of these are not run."""

    files: tuple[str, ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Scan:
    """All that pieces are scanned with: the same in every process of a run."""

    base: str
    left_out: tuple[LeftOut, ...]
    rules: tuple[LoadedRule, ...]
    codes: frozenset[str]
    config: Config
    scanner: Scanner
    store: FactStore
    key: tuple[str, ...] | None
    listing: Listing
    pieces: tuple[Piece, ...]

    def part(self, piece: Piece) -> Part:
        """Return what *piece* came to: from the store, else by scanning it."""
        known = self.known(piece)
        if known is not None:
            return known
        part = self.scanner.scan(piece)
        is_whole = not unread(self.scanner.tree) and not any(entry.kind == "PT010" for entry in part.left_out)
        if self.key is not None and is_whole:
            self.store.put(KIND, (*self.key, piece.kind, piece.name), coded(part))
        return part

    def known(self, piece: Piece) -> Part | None:
        """Return what the store has of *piece*."""
        if self.key is None:
            return None
        return self.store.get(KIND, (*self.key, piece.kind, piece.name), lambda data: decoded(Part, data))


def scan(request: CheckRequest, jobs: int = 1, use_store: bool = True, progress: Progress = lambda _: None) -> Report:
    """Return the report on the tree that *request* names; its inputs are the paths to look at, none for all.

    Raises UsageError, RuleLoadError and TreeError as ``check`` does.
    """
    from ptlint.engine.workers import parts_of

    progress("reading the tree")
    prepared = prepare(request, use_store)
    gathered = Gathered(prepared.scanner.rules, prepared.scanner.profiles)
    functions: set[str] = set()
    for part in parts_of(prepared, request, jobs, use_store, progress):
        _add(gathered, part)
        functions.update(part.functions)
    gathered.note_beyond((Span(path, 1), why) for path, why in unread(prepared.scanner.tree).items())
    asked = _asked(request)
    gathered.findings = [one for one in gathered.findings if _is_below(one.span.path, asked)]
    findings = gathered.merged()
    notes = _notes(prepared, request)
    report = Report(
        series=None,
        base=prepared.base,
        patches=(),
        findings=findings,
        not_executed=tuple(gathered.not_executed),
        left_out=(*prepared.left_out, *notes, *dict.fromkeys(gathered.left_out)),
        coverage=gathered.coverage(functions | gathered.simulated),
        rules=tuple(rule.info for rule in prepared.scanner.rules),
        version=__version__,
        sources=_sources(prepared.scanner.tree, findings),
        scope=asked,
    )
    return suppressed(report, prepared.config, prepared.codes)


def prepare(request: CheckRequest, use_store: bool, listing: Listing | None = None) -> Scan:
    """Return the pieces of the tree that *request* names and what scans them; *listing* where that is known."""
    from ptlint.tree import open_files

    rules = load_rules(request.rules_dirs)
    select_rules(rules, request.select, request.ignore)  # so that a wrong code is told before anything is read
    folder = request.tree or enclosing_folder(request)
    if folder is None:
        raise UsageError("nothing to scan: stand in a kernel tree or name one with --tree")
    base, left_out = open_files(folder, request.base)
    config = config_of(base.tree, request)
    chosen, unasked = rules_asked(rules, request, config)
    profiles = profiles_of(base.tree, profiles_asked(request))
    asked = _asked(request)
    store = open_store(use_store)
    content = content_key(base.tree)
    if listing is None:
        listing = _listing(base.tree, asked, store, content)
    running = tuple(rule for rule in chosen if not rule.info.of_series)
    scanner = Scanner(base.tree, profiles, running, listing.names, frozenset(listing.files))
    kinds = ("profile", "hooks") if any(path.startswith(HOOKS) for path in listing.files) else ("profile",)
    run_on = profiles if request.archs or request.config else scanned_on(profiles, listing.files)
    pieces = [Piece(kind, profile.name) for profile in run_on for kind in kinds]
    pieces += [Piece("file", path) for path in listing.files]
    codes = frozenset(rule.info.code for rule in rules)
    key = None if content is None else (content, *_key(scanner, request))
    return Scan(base.name, (*left_out, *unasked), chosen, codes, config, scanner, store, key, listing, tuple(pieces))


def _listing(tree: SourceTree, asked: Sequence[str], store: FactStore, content: str | None) -> Listing:
    if content is not None:
        known = store.get(LISTING, (content, *asked), lambda data: decoded(Listing, data))
        if known is not None:
            return known
    files = tuple(path for path in _files(tree, asked) if _concerns(tree, path))
    listing = Listing(files, frozenset(name for path in files for name in names_defined(tree, path)))
    if content is not None and not unread(tree):
        store.put(LISTING, (content, *asked), coded(listing))
    return listing


def _asked(request: CheckRequest) -> tuple[str, ...]:
    """Return the paths asked for, relative to the tree; ``""`` for all of it. UsageError for one outside of it."""
    folder = request.tree or enclosing_folder(request) or request.cwd
    top = os.path.realpath(folder)
    if not request.inputs:
        return ("",)
    found = []
    for entry in request.inputs:
        start = folder if request.tree is not None else request.cwd
        full = os.path.normpath(os.path.join(os.path.realpath(start), entry))
        inside = os.path.relpath(full, top)
        if inside == ".." or inside.startswith("../"):
            raise UsageError(f"{entry}: not in the tree {folder}; paths are files and folders of it")
        found.append("" if inside == "." else inside)
    return tuple(dict.fromkeys(found))


def _files(tree: SourceTree, asked: Sequence[str]) -> Iterator[str]:
    """Yield the C files below the paths asked for, each once, sorted. UsageError for a path that is not there."""
    found: set[str] = set()
    for path in asked:
        here = [path] if path and tree.exists(path) else list(tree.paths(path))
        if not here:
            raise UsageError(f"{path}: no such file or folder in the tree")
        found.update(one for one in here if one.endswith(SOURCES))
    yield from sorted(found)


def _concerns(tree: SourceTree, path: str) -> bool:
    return names_page_tables((tree.read(path) or b"").decode("latin-1"))


def _is_below(path: str, asked: Sequence[str]) -> bool:
    return any(not one or path == one or path.startswith(one + "/") for one in asked)


def _key(scanner: Scanner, request: CheckRequest) -> Iterator[str]:
    """Yield what a part depends on, but for the tree and its piece."""
    profiles = [(one.name, sorted(one.config.items())) for one in scanner.profiles]
    own = [path.read_bytes() for folder in request.rules_dirs for path in sorted(folder.glob("*.py"))]
    rules = [rule.info.code for rule in scanner.rules]
    for one in (profiles, own, rules, sorted(scanner.interest)):
        yield hashlib.sha256(repr(one).encode(errors="surrogatepass")).hexdigest()


def _add(gathered: Gathered, part: Part) -> None:
    gathered.findings.extend(part.findings)
    gathered.not_executed.update(dict.fromkeys(part.not_executed))
    gathered.left_out.extend(part.left_out)
    gathered.simulated.update(part.simulated)
    gathered.universes.update(part.universes)
    gathered.sampled.update(part.sampled)
    gathered.scenarios += part.scenarios


def _notes(scan: Scan, request: CheckRequest) -> Iterator[LeftOut]:
    """Yield the rules that ask about a series and the profiles that the tree has no files for."""
    for rule in scan.rules:
        if rule.info.of_series:
            yield LeftOut("of-series", rule.info.code, "asks what a series changes, and a scan has none")
    reason = "callers that walk over entries themselves are run for a series that changes them; rules on code read them"
    yield LeftOut("walks", "change_pte_range() and its like", reason)
    ran = {piece.name for piece in scan.pieces if piece.kind == "profile"}
    own = {one.name for one in scan.scanner.profiles}
    yield from stood_for_note(own - ran, ran)
    missing = [one.name for one in profiles_asked(request) if one.name not in own]
    if missing:
        yield LeftOut("no-files", ", ".join(missing), "the tree has no page-table header of this architecture")


def _sources(tree: SourceTree, findings: Iterable[Finding]) -> dict[str, bytes]:
    places = [finding.span.path for finding in findings]
    places += [related.span.path for finding in findings for related in finding.related]
    return {path: data for path in dict.fromkeys(places) if (data := tree.read(path)) is not None}
