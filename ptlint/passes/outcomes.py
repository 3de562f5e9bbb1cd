"""What running the helpers of a tree came to, profile by profile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree, unread
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import SourceText, Universe, load_universe
from ptlint.passes.functions import Book
from ptlint.sim.bounds import Ration
from ptlint.sim.families import judgements
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program

ROOTS = ("asm/page.h", "linux/pgtable.h", "asm/tlbflush.h")
"""Headers that helpers of page tables need; code of a ``.c`` file reads its own besides."""


@dataclass
class Runs:
    """The judgements of one tree, each profile run once and kept. ``overrides`` stand in for the tree's functions.

    ``places`` are files that are of interest even where the configuration does not build them, ``watched`` the names
    whose definitions are noted for ``defined``. Callers run on the profiles that stand for all (``[arch] callers``),
    with ``everywhere`` on any; without ``walks`` those that find their entries themselves do not. ``work`` is what all
    runs of one question under one profile may take together, ``spent`` are the profiles that needed more; with
    ``ration`` all runs under all profiles share that one.
    """

    tree: SourceTree
    overrides: Mapping[str, SourceText] = field(default_factory=dict)
    places: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    everywhere: bool = False
    sizes: tuple[int, ...] = (1, 2, 3)
    trace: bool = False
    walks: bool = True
    work: int | None = None
    vain: int | None = None
    ration: Ration | None = None
    spent: set[str] = field(default_factory=set)
    _kept: dict[tuple[str, frozenset[str] | None, frozenset[str] | None], tuple[Judgement, ...]] = field(
        default_factory=dict
    )
    _book: Book | None = None
    _unread: dict[str, tuple[tuple[Span, str], ...]] = field(default_factory=dict)
    _beyond: set[tuple[Span, str]] = field(default_factory=set)
    _places: dict[tuple[str, str], Span | None] = field(default_factory=dict)

    def of(
        self, profile: Profile, interest: frozenset[str] | None = None, only: frozenset[str] | None = None
    ) -> tuple[Judgement, ...]:
        """Return the judgements of every subject under *profile*; with *interest*, whole only where they use it.

        With *only*, those of other subjects may be missing.
        """
        if (profile.name, interest, None) in self._kept:
            only = None
        key = (profile.name, interest, only)
        if key not in self._kept:
            loaded: list[Universe] = []
            ration = self.ration or Ration(self.work, self.vain)

            def load() -> Program:
                loaded.append(load_universe(self.tree, profile, ROOTS, self.overrides))
                _lay_aside()
                program = Program(loaded[0])
                program.places, program.everywhere, program.walks = self.places, self.everywhere, self.walks
                program.sizes, program.trace, program.ration = self.sizes, self.trace, ration
                return program

            self._kept[key] = tuple(judgements(load, profile.name, interest, only))
            if ration.is_spent:
                self.spent.add(profile.name)
            if self.vain is not None and ration.lost > self.vain:
                self.vain //= 4  # what has no end here has none on the next profile
            if only is None:
                self._unread[profile.name] = loaded[0].not_understood if loaded else ()
            for universe in loaded:
                self._beyond.update(universe.beyond)
            if loaded:
                self._note_places(loaded[0], self._kept[key])
            loaded.clear()
            _tidy()
        return self._kept[key]

    def _note_places(self, universe: Universe, made: Iterable[Judgement]) -> None:
        for name in self.watched:
            self._places[universe.profile.name, name] = _place(universe, name)
        for judgement in made:
            for violation in judgement.violations:
                for name in {violation.suspect, *judgement.subject.split("+"), *(name for name, _ in violation.blame)}:
                    self._places[universe.profile.name, name] = _place(universe, name)

    def defined(self, profile: Profile, name: str) -> Span | None:
        """Return where a function or macro that is watched or in a violation under *profile* is defined there.

        None when nothing defines it.
        """
        return self._places.get((profile.name, name))

    def text(self, path: str) -> bytes | None:
        """Return a file as it is run: that of the tree, functions that stand in for others at their own lines."""
        data = self.tree.read(path)
        laid = [source for source in self.overrides.values() if source.path == path]
        return _laid_over(data or b"", laid) if laid else data

    def book(self, profiles: Sequence[Profile]) -> Book:
        """Return the functions of the tree as rules on code see them, read under *profiles*."""
        if self._book is None:

            def universe_of(profile: Profile) -> Universe:
                return load_universe(self.tree, profile, overrides=self.overrides)

            self._book = Book(self.tree, profiles, self.overrides, universe_of)
        return self._book

    @property
    def beyond(self) -> tuple[tuple[Span, str], ...]:
        """Return the files of the tree that were not read, or not to their end: place and reason, sorted."""
        lost = {(Span(path, 1), why) for path, why in unread(self.tree).items()}
        return tuple(sorted(lost.union(self._beyond, self._book.beyond if self._book is not None else ())))

    def unread(self, profile: Profile) -> tuple[tuple[Span, str], ...]:
        """Return what of the tree was looked at and could not be read as C under *profile*: place and reason."""
        return self._unread.get(profile.name, ())


FEW_BLOCKS = 2_000_000
"""Blocks of memory, some hundred bytes each, from which on everything is looked through for what nobody needs, each
time that there are twice as many: it takes time, and next to nothing is found."""

_blocks = FEW_BLOCKS  # as they were when that was done last


def _lay_aside() -> None:
    """Leave what was read alone, where the collector does not run by itself: it is kept, or lives as long as a run.

    A command switches it off, since looking through all that again and again takes a fifth of the time.
    """
    if not gc.isenabled():
        gc.freeze()


def _tidy() -> None:
    """Drop what a run left in circles, where the collector does not run by itself."""
    global _blocks
    if not gc.isenabled() and sys.getallocatedblocks() > 2 * _blocks:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _blocks = max(FEW_BLOCKS, sys.getallocatedblocks())


def _place(universe: Universe, name: str) -> Span | None:
    site = universe.site_of(name) if name else None
    if site is not None:
        return site.span
    macro = universe.macro(name)
    return Span(macro.path, macro.line) if macro is not None and not macro.path.startswith("<") else None


def _laid_over(data: bytes, sources: Iterable[SourceText]) -> bytes:
    lines = data.split(b"\n")
    for source in sources:
        own = source.text.encode("latin-1", "replace").rstrip(b"\n").split(b"\n")
        lines += [b""] * (source.line - 1 + len(own) - len(lines))
        lines[source.line - 1 : source.line - 1 + len(own)] = own
    return b"\n".join(lines)


def profiles_touched(profiles: Iterable[Profile], paths: Iterable[str]) -> tuple[Profile, ...]:
    """Return the profiles that a change of *paths* can concern: a file below ``arch/X`` concerns X only."""
    folders = {path.split("/")[1] if path.startswith("arch/") and path.count("/") > 1 else "" for path in paths}
    return tuple(profile for profile in profiles if "" in folders or folders & {profile.folder, *borrowed(profile)})


def profiles_of(tree: SourceTree, profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Return the profiles whose architecture the tree has: a page-table header below ``arch/``."""
    return tuple(p for p in profiles if tree.exists(f"arch/{p.folder}/include/asm/pgtable.h"))


def borrowed(profile: Profile) -> tuple[str, ...]:
    """Return the architectures whose folders the profile also uses (um uses x86's)."""
    return tuple(getattr(profile, "borrowed", ()))
