"""Functions of a tree as rules that look at code see them: parsed once, with their control flow and their callees."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.ast import FunctionDef, Param
from ptlint.csrc.definitions import holds_word
from ptlint.csrc.fileview import FileView
from ptlint.csrc.kbuild import Kbuild
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import SourceText, Universe
from ptlint.passes.configured import wanted_symbols, with_symbols
from ptlint.passes.flow import graph_of
from ptlint.passes.graph import Graph, TooLarge
from ptlint.passes.wording import called, calls_in

_KEPT = re.compile(
    r"(set_|mk_|__mk|huge_)?(pte|ptep|pmd|pmdp|pud|pudp|ptes|pte_at|pmd_at)(_\w+)?|__pte|__pmd|(VM_|MMIO_)?(WARN|BUG)(_\w+)?|"
    r"(min|max)(_t|3)?|clamp(_t)?|READ_ONCE|WRITE_ONCE|data_race|(un)?likely|spin_(un)?lock|"
    r"arch_(enter|leave|flush)_lazy_mmu_mode(_\w+)?|lazy_mmu_mode_\w+|IS_ERR(_\w+)?|set_ptes|(get_and_)?clear_\w*ptes|"
    r"(pgd|p4d|pud|pmd)_addr_end|virt_to_\w+|page_to_pfn|pfn_to_page|pfn_valid|might_sleep|cond_resched|"
    r"(smp_)?(w|r)?mb(__\w+)?|smp_store_\w+|dsb|isb|DBAR"
)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+\w+\(([^)]*)\)([^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*)", re.MULTILINE)
_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*if", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_PASTE = re.compile(r"\w+(?:\s*##\s*\w+)+")
_PREFERRED = ("x86", "arm64", "powerpc/radix", "s390", "riscv", "x86+xen", "powerpc/hash")
"""The profiles that generic code is read in, first choice first: those that build most of it."""
MAX_CALLERS = 24


@dataclass(frozen=True, eq=False)
class View:
    """One function: its syntax, and where it stands."""

    name: str
    path: str
    definition: FunctionDef
    book: Book
    universe: Universe

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return where passes keep what they found out of it, each under a name of its own."""
        return {}

    @cached_property
    def graph(self) -> Graph | None:
        """Return its control flow, None when it is too large to look at."""
        try:
            return graph_of(self.definition)
        except TooLarge:
            return None

    @property
    def params(self) -> tuple[Param, ...]:
        """Return its parameters."""
        return self.definition.type.params

    @cached_property
    def param_names(self) -> tuple[str, ...]:
        """Return the names of its parameters, ``""`` for one without."""
        return tuple(param.name or "" for param in self.params)

    @cached_property
    def callees(self) -> frozenset[str]:
        """Return the names that it calls."""
        return frozenset(called(call) for call in calls_in(self.definition.body)) - {""}

    def lookup(self, name: str) -> View | None:
        """Return the function that a call of *name* in it runs, None for a macro, an unknown or an unreadable one."""
        return self.book.callee(self, name)

    def callers(self) -> tuple[View, ...]:
        """Return functions that call it: of its file when it is static there, else of the tree, up to a bound."""
        return self.book.callers(self)


@dataclass(eq=False)
class Book:
    """The functions of one tree. ``overrides`` stand in for the tree's own, ``universe_of`` makes the universes.

    ``shown`` holds what patches show of files that the tree does not have, other lines empty.
    """

    tree: SourceTree
    profiles: Sequence[Profile]
    overrides: Mapping[str, SourceText]
    universe_of: Callable[[Profile], Universe]
    shown: Mapping[str, bytes] = field(default_factory=dict)
    _universes: dict[str, Universe] = field(default_factory=dict)
    _builders: dict[str, Kbuild] = field(default_factory=dict)
    _views: dict[tuple[str, str], View | None] = field(default_factory=dict)
    _kept: dict[str, frozenset[str]] = field(default_factory=dict)
    _callers: dict[tuple[str, str], tuple[View, ...]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def view(self, path: str, name: str) -> View | None:
        """Return function *name* as *path* defines it, in the first profile that has it. None when none has.

        One with conditionals inside is taken from the preferred profile that builds most of it.
        """
        key = (path, name)
        if key not in self._views:
            found = self._found(path, name)
            first = next(found, None)
            if first is not None and not path.startswith("arch/") and self._is_parted(first):
                rest = islice(found, len(_PREFERRED) - 1)
                first = max((first, *rest), key=lambda one: len(tuple(calls_in(one.definition.body))))
            self._views[key] = first
        return self._views[key]

    def _is_parted(self, view: View) -> bool:
        """Return whether conditionals of the preprocessor stand in the body of *view*."""
        own = self.overrides.get(view.name)
        if own is not None:
            return _CONDITIONAL.search(own.text) is not None
        start, end = view.definition.pos.line, view.definition.end.line
        return any(map(_CONDITIONAL.match, self.text(view.path).split("\n")[start:end]))

    def _found(self, path: str, name: str) -> Iterator[View]:
        """Yield the function as each fitting profile has it, those first whose configuration builds the file."""
        if not self._names(path, name):
            return
        unbuilt = []
        fitting = self._fitting(path)
        for number, profile in enumerate(fitting):
            if number == len(_PREFERRED):
                yield from self._otherwise_configured(path, name)
            if path.endswith(".c") and self.tree.exists(path) and not self._builder(profile).builds(path):
                unbuilt.append(profile)
                continue
            view = self._in(self.universe(profile), path, name)
            if view is not None:
                yield view
        yield from filter(None, (self._in(self.universe(profile), path, name) for profile in unbuilt))
        if len(fitting) <= len(_PREFERRED):
            yield from self._otherwise_configured(path, name)

    def _names(self, path: str, name: str) -> bool:
        """Return whether the text of a file can define a function, by its words and those that its macros paste."""
        if name in self.overrides:
            return True
        data = (self.tree.read(path) or b"").decode("latin-1")
        return holds_word(name, data) or any(pasted.fullmatch(name) for pasted in _pasted(data))

    def _otherwise_configured(self, path: str, name: str) -> Iterator[View]:
        """Yield the function under the configuration that the conditionals around it ask for."""
        for profile in self._fitting(path)[:1]:
            scan = self.universe(profile).scan_of(path)
            for line in _lines_of(scan.text, name) if scan is not None else ():
                symbols = wanted_symbols(scan, line) if scan is not None else None
                other = with_symbols(profile, symbols) if symbols else None
                view = self._in(self.universe(other), path, name) if other is not None else None
                if view is not None:
                    yield view

    def universe(self, profile: Profile) -> Universe:
        """Return the universe of *profile*, which is made once."""
        if profile.name not in self._universes:
            self._universes[profile.name] = self.universe_of(profile)
        return self._universes[profile.name]

    def _builder(self, profile: Profile) -> Kbuild:
        if profile.name not in self._builders:
            self._builders[profile.name] = Kbuild(self.tree, profile)
        return self._builders[profile.name]

    def faults(self, path: str) -> tuple[tuple[Span, str], ...]:
        """Return what of *path* was looked at so far and could not be read as C: place and reason."""
        found = {one for universe in self._universes.values() for one in universe.not_understood if one[0].path == path}
        return tuple(sorted(found))

    @property
    def beyond(self) -> tuple[tuple[Span, str], ...]:
        """Return the files that were not read, or not to their end, because a bound was met: place and reason."""
        return tuple(sorted({one for universe in self._universes.values() for one in universe.beyond}))

    def _fitting(self, path: str) -> list[Profile]:
        parts = path.split("/")
        return self.in_order(one for one in self.profiles if parts[0] != "arch" or one.folder == parts[1])

    def in_order(self, profiles: Iterable[Profile]) -> list[Profile]:
        """Return *profiles*, those first that generic code is read in."""
        rank = {name: at for at, name in enumerate(_PREFERRED)}
        return sorted(profiles, key=lambda one: rank.get(one.name, len(rank)))

    def _in(self, universe: Universe, path: str, name: str) -> View | None:
        keep = self.kept(universe)
        is_code = path.endswith(".c") and self.tree.exists(path)
        scope: FileView | Universe = universe.in_file(path) if is_code else universe
        definition = scope.function(name, keep)
        if definition is None or definition.pos.path != path:
            return None
        return View(name, path, definition, self, universe)

    def text(self, path: str) -> str:
        """Return the text of *path*, as far as it is known."""
        if path not in self._texts:
            self._texts[path] = _decoded(self.shown.get(path) or self.tree.read(path) or b"")
        return self._texts[path]

    def kept(self, universe: Universe) -> frozenset[str]:
        """Return the macros that stay calls in the functions of *universe*."""
        name = universe.profile.name
        if name not in self._kept:
            self._kept[name] = _kept_among(universe.unit.table.keys())
        return self._kept[name]

    def callee(self, view: View, name: str) -> View | None:
        """Return what a call of *name* in *view* runs."""
        if name in self.kept(view.universe):
            return None
        key = (f"{view.path}>", name)
        if key not in self._views:
            is_code = view.path.endswith(".c") and self.tree.exists(view.path)
            scope: FileView | Universe = view.universe.in_file(view.path) if is_code else view.universe
            found = scope.function(name, self.kept(view.universe))
            self._views[key] = None if found is None else View(name, found.pos.path, found, self, view.universe)
        return self._views[key]

    def callers(self, view: View) -> tuple[View, ...]:
        """Return functions that call *view*, in the order of path and line."""
        key = (view.path, view.name)
        if key not in self._callers:
            self._callers[key] = tuple(self._calling(view))
        return self._callers[key]

    def _calling(self, view: View) -> Iterator[View]:
        word = re.compile(rf"\b{re.escape(view.name)}\s*\(")
        count = 0
        for one in self.replaced_with((view.name,), word):
            if one.name != view.name and view.name in one.callees:
                yield one
        for path in self._places(view):
            text = view.universe.text_of(path)
            if view.name not in text or not word.search(text):  # the first is many times faster
                continue
            for name in functions_around(text, word):
                caller = self.view(path, name) if name != view.name and name not in self.overrides else None
                if caller is not None and view.name in caller.callees:
                    yield caller
                    count += 1
                    if count >= MAX_CALLERS:
                        return

    def replaced_with(self, names: Iterable[str], use: re.Pattern[str]) -> Iterator[View]:
        """Yield the functions that stand in for the tree's own and whose text holds one of *names* in such a *use*."""
        for own in dict.fromkeys(own for name in names for own in self._holding.get(name, ())):
            text = self.overrides[own]
            found = self.view(text.path, own) if use.search(text.text) else None
            if found is not None:
                yield found

    @cached_property
    def _holding(self) -> dict[str, list[str]]:
        """The functions that stand in for the tree's own, by the words of their texts."""
        found: dict[str, list[str]] = {}
        for own, text in self.overrides.items():
            for word in set(_WORD.findall(text.looked_at)):
                found.setdefault(word, []).append(own)
        return found

    def _places(self, view: View) -> Iterator[str]:
        yield view.path
        if "static" in view.definition.storage and view.path.endswith(".c"):
            return
        yield from (path for path in view.universe.c_files() if path != view.path)


@lru_cache(maxsize=16)
def _decoded(data: bytes) -> str:
    """Return the text of a file, one object each time: what is kept by text finds it soon."""
    return data.decode("utf-8", "replace")


def _kept_among(names: Set[str]) -> frozenset[str]:
    fresh = names - _LOOKED_AT
    _LOOKED_AT.update(fresh)
    _FOUND_KEPT.update(filter(_KEPT.fullmatch, fresh))
    return frozenset(names & _FOUND_KEPT)


_LOOKED_AT: set[str] = set()  # macros of all universes
_FOUND_KEPT: set[str] = set()  # those of them that are kept


@lru_cache(maxsize=512)
def _pasted(text: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns of the names that the macros of *text* paste together from their parameters and words."""
    found = []
    for params, body in _DEFINE.findall(text) if "##" in text else ():
        free = {one.strip() for one in params.split(",")}
        for chain in _PASTE.findall(body):
            words = re.split(r"\s*##\s*", chain)
            found.append(re.compile("".join(r"\w*" if word in free else re.escape(word) for word in words)))
    return tuple(found)


def _lines_of(text: str, name: str) -> tuple[int, ...]:
    """Return the lines on which *text* seems to define function *name*."""
    from ptlint.csrc.items import index_of_text

    index = index_of_text(_without_directives(text))
    starts = [index.items[number].start for what, number, _ in index.names.get(name, ()) if what == "function"]
    return tuple(text.count("\n", 0, start) + 1 for start in starts)


def _without_directives(text: str) -> str:
    return re.sub(r"^[ \t]*#[^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*", _blank, text, flags=re.MULTILINE)


def functions_around(text: str, word: re.Pattern[str]) -> tuple[str, ...]:
    """Return the names of the functions in *text* that seem to hold a match of *word*, in order, each once."""
    plain, functions = _functions_in(text)
    return tuple(dict.fromkeys(name for name, start, end in functions if word.search(plain, start, end)))


@lru_cache(maxsize=64)
def _functions_in(text: str) -> tuple[str, tuple[tuple[str, int, int], ...]]:
    """Return *text* without directives, and name, begin and end of each function that it seems to define, in order."""
    from ptlint.csrc.items import index_of_text

    plain = _without_directives(text)
    index = index_of_text(plain)
    named = {number: name for name, places in index.names.items() for what, number, _ in places if what == "function"}
    found = ((name, index.items[number]) for number, name in sorted(named.items()))
    return plain, tuple((name, item.start, item.end) for name, item in found)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))
