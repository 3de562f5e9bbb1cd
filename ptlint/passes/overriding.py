"""What a patch does to the hooks of a tree: what generic code gives under a guard and an architecture may give."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from itertools import chain

from ptlint.calls.definition import locate
from ptlint.calls.facts import Definition
from ptlint.calls.givers import Giver, givers
from ptlint.calls.hooks import asked
from ptlint.core.span import Span
from ptlint.core.tree import holding
from ptlint.csrc.definitions import defined_words
from ptlint.csrc.directives import FileScan
from ptlint.csrc.instance import Instance
from ptlint.csrc.profile import Profile
from ptlint.csrc.segments import words_of
from ptlint.csrc.universe import Universe
from ptlint.passes.changes import Change
from ptlint.passes.functions import Book

FEW = 8
"""Words that are looked for one by one, before all words of a file are listed."""


@dataclass(frozen=True, eq=False)
class Hook:
    """One name under one profile. ``guards`` are the macros whose definition switches the generic one off."""

    name: str
    universe: Universe
    guards: frozenset[str]

    @cached_property
    def definition(self) -> Definition | None:
        """Return the effective definition."""
        return locate(self.universe, self.name)

    @cached_property
    def givers(self) -> tuple[Giver, ...]:
        """Return every place that gives it."""
        return givers(self.universe, self.name)

    @property
    def generic(self) -> tuple[Giver, ...]:
        """Return the places of generic code, in force or not."""
        return tuple(one for one in self.givers if not one.is_arch)

    @property
    def arch(self) -> tuple[Giver, ...]:
        """Return the places of the architecture that are in force.

        Where a guard switches the generic one off, a header of the architecture has to say so.
        """
        if self.guards and not any(self.is_named_in(one.scan) for one in self.universe.unit.instances if _is_arch(one)):
            return ()
        return tuple(one for one in self.givers if one.is_arch and one.active)

    def is_named_in(self, scan: FileScan) -> bool:
        """Return whether a file holds the name or what switches the generic definition off."""
        return self.name in words_of(scan) or not self.guards.isdisjoint(words_of(scan))

    @property
    def is_overridden(self) -> bool:
        """Return whether the architecture's definition is the effective one."""
        return self.definition is not None and self.definition.kind == "arch"


def _is_arch(instance: Instance) -> bool:
    return instance.path.startswith("arch/")


@dataclass(eq=False)
class Hooks:
    """The hooks of one tree, read when they are asked for."""

    book: Book
    _names: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    _named: dict[tuple[str, frozenset[str]], dict[str, frozenset[str]]] = field(default_factory=dict)
    _held: dict[tuple[str, str], Hook] = field(default_factory=dict)
    _holding: dict[frozenset[str], frozenset[str] | None] = field(default_factory=dict)

    def universe(self, profile: Profile) -> Universe:
        """Return the names of the tree under *profile*."""
        return self.book.universe(profile)

    def names(self, profile: Profile) -> dict[str, frozenset[str]]:
        """Return the hooks under *profile* with their guards."""
        if profile.name not in self._names:
            self._names[profile.name] = asked(self.universe(profile))
        return self._names[profile.name]

    def named(self, profile: Profile, words: frozenset[str]) -> dict[str, frozenset[str]]:
        """Return the hooks of the headers in which one of *words* stands, with their guards."""
        key = (profile.name, words)
        if key not in self._named:
            self._named[key] = asked(self.universe(profile), partial(_holds_one, words))
        return self._named[key]

    def words(self, profile: Profile) -> frozenset[str]:
        """Return every word of the architecture's headers, and what its ``.c`` files define."""
        universe = self.universe(profile)
        own = [one.scan for one in universe.unit.instances if one.path.startswith("arch/")]
        sources = [universe.text_of(path) for path in universe.c_files() if path.startswith("arch/")]
        return frozenset().union(*map(words_of, own), *map(defined_words, sources))

    def holding(self, words: frozenset[str]) -> frozenset[str] | None:
        """Return the files of all architectures that hold one of *words*; None when the tree cannot tell."""
        if words not in self._holding:
            self._holding[words] = holding(self.book.tree, "arch", words)
        return self._holding[words]

    def get(self, profile: Profile, name: str) -> Hook:
        """Return one hook; a name that generic code gives without a guard has no guards."""
        key = (profile.name, name)
        if key not in self._held:
            known = self._names.get(profile.name) or self.named(profile, frozenset({name}))
            self._held[key] = Hook(name, self.universe(profile), known.get(name, frozenset()))
        return self._held[key]


@lru_cache(maxsize=50_000)
def _holds_one(words: frozenset[str], scan: FileScan) -> bool:
    if len(words) > FEW:
        return not words.isdisjoint(words_of(scan))
    return any(word in scan.text for word in words)


_HOOKS: weakref.WeakKeyDictionary[Book, Hooks] = weakref.WeakKeyDictionary()


def hooks_in(book: Book) -> Hooks:
    """Return the hooks of the tree of *book*, the same object each time."""
    if book not in _HOOKS:
        _HOOKS[book] = Hooks(book)
    return _HOOKS[book]


@dataclass(frozen=True, slots=True)
class Misgiven:
    """A hook that is given wrongly under one profile. ``key`` tells it from others of the same hook and profile."""

    hook: str
    profile: str
    span: Span
    message: str
    key: str = ""
    related: tuple[tuple[Span, str], ...] = ()
    help: str = ""


Books = tuple[Book, Book]
"""The functions of a tree before a patch, and after it."""

Find = Callable[[Hooks, Profile, str], Iterable[Misgiven]]
"""Looks at one hook of a tree."""

Compare = Callable[[Books, Profile, str], Iterable[Misgiven]]
"""Looks at one hook before a patch and after it."""


def brought_by(find: Find) -> Compare:
    """Return what looks at a hook on both sides of a patch and tells what *find* sees after it and not before."""

    def compare(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
        new = tuple(find(hooks_in(books[1]), profile, name))
        old = {one.key for one in find(hooks_in(books[0]), profile, name)} if new else set()
        yield from (one for one in new if one.key not in old)

    return compare


def misgiven(
    books: Books, profiles: Iterable[Profile], changes: Iterable[Change], compare: Compare
) -> Iterator[Misgiven]:
    """Yield what *compare* tells of the hooks that *changes* concern; of all hooks without any."""
    before, after = hooks_in(books[0]), hooks_in(books[1])
    changes = tuple(changes)
    changed = frozenset(change.name for change in changes)
    for profile in _asking(before, after, profiles, changes):
        if any(books[1].tree.exists(f"arch/{folder}/include/asm/pgtable.h") for folder in _folders(profile)):
            for name in concerned(before, after, profile, changed):
                yield from compare(books, profile, name)


def _asking(before: Hooks, after: Hooks, profiles: Iterable[Profile], changes: Sequence[Change]) -> Iterator[Profile]:
    """Yield the profiles whose headers may ask for what *changes* concern, without looking into all of them to know.

    What one profile's generic headers do not ask for is asked for by no other's, unless a header that it does not read
    changes, or the other architecture's own code. And what an architecture neither gives nor calls by name is only
    lost there when generic code no longer gives it.
    """
    names = frozenset(change.name for change in changes)
    paths = {change.span.path for change in changes}
    own = {path.split("/")[1] for path in paths if path.startswith("arch/") and path.count("/") > 1}
    asked_for, is_lost, words = not changes, not changes, names

    for number, profile in enumerate(after.book.in_order(profiles)):
        if number == 0 and not asked_for:
            read = after.universe(profile).files
            shared = {path for path in paths if path.endswith(".h") and not path.startswith("arch/")}
            hooks = concerned(before, after, profile, names)
            asked_for = bool(shared - read.keys() or hooks)
            words = names.union(hooks, *(side.get(profile, name).guards for name in hooks for side in (before, after)))
            is_lost = any(change.kind in ("removed", "guard") and change.name in words for change in changes)
        if (
            number == 0
            or own & {*_folders(profile)}
            or (
                asked_for
                and (is_lost or (_may_name_one(after, profile, words) and _names_one(after.universe(profile), words)))
            )
        ):
            yield profile


def _may_name_one(hooks: Hooks, profile: Profile, words: frozenset[str]) -> bool:
    """Return whether any file of the architecture holds one of *words*: told before its headers are read."""
    found = hooks.holding(words)
    tops = {folder.partition("/")[0] for folder in _folders(profile)}
    return found is None or not tops.isdisjoint(path.split("/")[1] for path in found)


def _names_one(universe: Universe, words: frozenset[str]) -> bool:
    """Return whether code of the architecture holds one of *words*, as a part of a word or whole."""
    headers = (one.scan.text for one in universe.unit.instances if _is_arch(one))
    sources = (universe.text_of(path) for path in universe.c_files() if path.startswith("arch/"))
    return any(word in text for text in chain(headers, sources) for word in words)


def _folders(profile: Profile) -> tuple[str, ...]:
    return (profile.folder, *profile.borrowed)


def concerned(before: Hooks, after: Hooks, profile: Profile, changed: frozenset[str]) -> tuple[str, ...]:
    """Return the hooks that a change of the names *changed* can concern, sorted; all when nothing is changed."""
    if not changed:
        return tuple(sorted(after.names(profile).keys() & after.words(profile)))
    known = {**before.named(profile, changed), **after.named(profile, changed)}
    return tuple(sorted(name for name, guards in known.items() if name in changed or guards & changed))
