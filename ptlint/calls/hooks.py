"""Which page-table names a tree has, and which of them an architecture may override: found from the tree's own text."""

import re
from collections.abc import Callable, Hashable, Iterator, Set

from ptlint.calls.guards import enclosing
from ptlint.calls.tablenames import PAGE_TABLE, active, called, declared, raw_items, shifts, telling
from ptlint.csrc.definitions import defined_words, holds_word
from ptlint.csrc.directives import FileScan
from ptlint.csrc.outermost import outer_words
from ptlint.csrc.universe import Universe

_NDEF = re.compile(r"^[ \t]*#[ \t]*ifndef[ \t]+([a-z_]\w*)", re.MULTILINE)
_NOT_DEFINED = re.compile(r"!\s*defined\s*\(?\s*(\w+)\s*\)?")
_LEVEL = re.compile(r"^[ \t]*typedef\b.*\b(?:pte|pmd|pud|p4d|pgd)_t[ \t]*;[ \t]*$", re.MULTILINE)
_CAPITALS = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Z_][A-Z0-9_]*)\b", re.MULTILINE)
_PROTECTION = re.compile(r"(?:^|_)prot(?=_|$)")  # by itself what mmap() is asked for, not what an entry says
GENERIC = ("include/linux/", "include/asm-generic/", "mm/")
_ASSEMBLER = frozenset({"__ASSEMBLER__", "__ASSEMBLY__"})


def hooks(universe: Universe) -> tuple[str, ...]:
    """Return the page-table names that generic code defines and an architecture may define instead, sorted.

    That is a function or macro about page tables, by its name or by a page-table type in its declaration,

    * under a guard that an architecture switches off: its own name, another macro that ``asm-generic`` does not define,
      or a configuration symbol that says what an architecture has (``CONFIG_ARCH_…``, ``CONFIG_HAVE_…``), where the
      other branch is not that of a file of ``mm``;
    * that a ``.c`` file of ``mm`` asks for with ``#ifndef``;
    * of a header of ``asm-generic`` that stands in for a level: it also defines the type of its entries;
    * without a guard, where the architecture defines it all the same.

    Found in the text of all branches, so that an architecture which overrides a hook still lists it.
    """
    found: tuple[str, ...] | None = universe.kept.get("hooks")
    if found is None:
        found = universe.kept["hooks"] = _hooks(universe)
    return found


def _hooks(universe: Universe) -> tuple[str, ...]:
    own = [scan for scan in _scans(universe) if scan.path.startswith("arch/")]
    generic = [scan for scan in _scans(universe) if scan.path.startswith(GENERIC)]
    switches = _words_below(universe, "include/asm-generic", ".h", _capitals)
    bodies = _words_below(universe, "mm", ".c", defined_words)
    found = {name for scan in generic for name in _left_to_arch(scan, switches, bodies)}
    found.update(name for scan in generic if _stands_in(scan) for name in _given(scan))
    rest = frozenset().union(*map(_given, generic)) - found
    found.update(
        name
        for scan in own
        if not rest.isdisjoint(telling(scan) | outer_words(scan))
        for name in _given(scan)
        if name in rest
    )
    for path in universe.c_files():
        if path.startswith("mm/"):
            asked_for = _words_in(universe, path, "asked for", _asked_for) - found
            found.update(name for name in asked_for if _is_known(universe, name))
    return tuple(sorted(name for name in found if _is_hook(universe, name)))


def kernel_only(universe: Universe) -> frozenset[str]:
    """Return the page-table names that generic headers keep from assembler or an architecture, hooks among them."""
    scans = (scan for scan in _scans(universe) if scan.path.startswith(GENERIC))
    return frozenset({*hooks(universe)}.union(*map(_guarded, scans)))


def _left(scan: FileScan) -> dict[str, frozenset[str]]:
    """Return the macros that keep a file from defining a page-table name, one or all of them, by name."""
    found: dict[str, frozenset[str]] | None = scan.item_cache.get("left")
    if found is None:
        found = scan.item_cache["left"] = {}
        for name, line in declared(scan):
            around = enclosing(scan, line)
            words = {word for guard in around for word in (*guard.wants_undefined, *_all_of(guard.text))} - _ASSEMBLER
            if words:
                found[name] = found.get(name, frozenset()) | words
    return found


def _left_to_arch(scan: FileScan, switches: frozenset[str], bodies: frozenset[str]) -> frozenset[str]:
    """Return the names of a file that an architecture may keep it from defining.

    *switches* are macros that are not for architectures to define, *bodies* the names that files of ``mm`` define.
    """
    kept = scan.item_cache.get("left to arch")
    if kept is None or kept[0] is not switches or kept[1] is not bodies:
        names = frozenset(
            name
            for name, guards in _left(scan).items()
            if any(_is_left(one, switches) and not (one.startswith("CONFIG_") and name in bodies) for one in guards)
        )
        kept = scan.item_cache["left to arch"] = switches, bodies, names
    found: frozenset[str] = kept[2]
    return found


def _all_of(condition: str) -> list[str]:
    """Return the macros of a condition that holds until all of them are defined: ``!defined(A) || !defined(B)``."""
    terms = [_NOT_DEFINED.fullmatch(term.strip()) for term in condition.removeprefix("#if ").split("||")]
    return [term[1] for term in terms if term is not None] if all(terms) else []


def _is_left(guard: str, switches: frozenset[str]) -> bool:
    """Return whether *guard* is for architectures to define."""
    if guard.startswith("CONFIG_"):
        return bool({"ARCH", "HAVE"} & {*guard.split("_")})
    return guard not in switches


def _capitals(text: str) -> frozenset[str]:
    """Return the macros in capital letters that a text defines: ``__PAGETABLE_PUD_FOLDED``."""
    return frozenset(_CAPITALS.findall(text))


_WORDS_OF: dict[tuple[str, str], frozenset[str]] = {}  # by blob id and by what was looked for


def _words_below(universe: Universe, folder: str, ending: str, words: Callable[[str], Set[str]]) -> frozenset[str]:
    """Return *words* of all files below a folder of the tree, whatever of it the profile reads or builds."""
    paths = [path for path in universe.tree.paths(folder) if path.endswith(ending)]
    key = (folder, ending, tuple(map(universe.tree.blob_id, paths)))
    if _BELOW.get(folder, (None,))[0] != key:
        found = frozenset().union(*(_words_in(universe, path, ending, words) for path in paths))
        _BELOW[folder] = key, found
    return _BELOW[folder][1]


_BELOW: dict[str, tuple[Hashable, frozenset[str]]] = {}  # what was found last in a folder


def _words_in(universe: Universe, path: str, what: str, words: Callable[[str], Set[str]]) -> frozenset[str]:
    """Return *words* of a file of the tree, kept as *what* by its blob id."""
    key = (universe.tree.blob_id(path) or "", what)
    found = _WORDS_OF.get(key)
    if found is None:
        found = _WORDS_OF[key] = frozenset(words(universe.text_of(path)))
    return found


def _asked_for(text: str) -> set[str]:
    """Return the page-table names that a text asks for with ``#ifndef``."""
    return {name for name in _NDEF.findall(text) if PAGE_TABLE.search(name) and not name.isupper()}


def _given(scan: FileScan) -> frozenset[str]:
    """Return the page-table names that a file gives a body: functions, and macros that do more than to take a name."""
    found: frozenset[str] | None = scan.item_cache.get("given")
    if found is None:
        names = {name for name, _ in declared(scan)}
        bodies = {name for name, _, _ in raw_items(scan)[1].functions} if names else set()
        for one in scan.directives:
            words = one.text.split(None, 1) if names and one.kind == "define" else []
            bodies.update(words[0].split("(", 1)[0] for _ in words[:1] if words[1:] != [words[0]])
        found = scan.item_cache["given"] = frozenset(bodies & names)
    return found


def _stands_in(scan: FileScan) -> bool:
    """Return whether a header is what an architecture takes that has no such level of its own."""
    if not scan.path.startswith("include/asm-generic/"):
        return False
    if "stands in" not in scan.item_cache:
        scan.item_cache["stands in"] = _LEVEL.search(scan.text) is not None
    return bool(scan.item_cache["stands in"])


def _is_hook(universe: Universe, name: str) -> bool:
    """Return whether *name* is, or may be, a function about page tables: not a value, an attribute, a protection."""
    if PAGE_TABLE.search(name) and not PAGE_TABLE.search(_PROTECTION.sub("_", name)):
        return False
    macro, last = universe.macro(name), universe.resolve_alias(name)
    if macro is None or macro.params is not None or [token.text for token in macro.body] == [name]:
        return True
    target = universe.macro(last)
    return last != name and (
        bool(universe.headers.sites(last, "function", "ordinary")) if target is None else target.params is not None
    )


def asked(universe: Universe, looked_at: Callable[[FileScan], bool] | None = None) -> dict[str, frozenset[str]]:
    """Return, for what generic headers give under a guard, the macros whose definition switches it off.

    By name; the names are those of all branches, whether or not the universe has them, of the files *looked_at*.
    """
    found: dict[str, frozenset[str]] = {}
    for scan in _scans(universe):
        if scan.path.startswith(GENERIC) and (looked_at is None or looked_at(scan)):
            for name, guards in _asked(scan).items():
                found[name] = found.get(name, frozenset()) | guards
    return found


def _asked(scan: FileScan) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] | None = scan.item_cache.get("asked")
    if found is None:
        found = scan.item_cache["asked"] = {}
        for name, line in declared(scan):
            guards = frozenset(word for guard in enclosing(scan, line) for word in guard.wants_undefined)
            guards -= _ASSEMBLER
            if guards:
                found[name] = found.get(name, frozenset()) | guards
    return found


def page_table_names(universe: Universe) -> tuple[str, ...]:
    """Return every function and function-like macro of the headers that is about page tables, and all hooks, sorted.

    What generic headers only call is included: an architecture may make it in ways that no text shows.
    """
    found: set[str] = set()
    calling: set[str] = set()
    for scan in _scans(universe):
        found.update(name for name, _ in declared(scan))
        if scan.path.startswith(GENERIC):
            found.update(word for word in shifts(scan) if _is_of_arch(universe, word))
            calling.update(called(scan))
    for instance in universe.unit.instances:
        found.update(active(instance))
    return tuple(sorted(found | calling | {*hooks(universe)}))


def _scans(universe: Universe) -> Iterator[FileScan]:
    yield from universe.headers.files()


def _is_known(universe: Universe, name: str) -> bool:
    """Return whether *name* is a word of the files that were read, or a macro."""
    return universe.unit.table.get(name) is not None or any(_holds(scan, name) for scan in _scans(universe))


def _holds(scan: FileScan, name: str) -> bool:
    key = ("holds", name)
    if key not in scan.item_cache:
        scan.item_cache[key] = holds_word(name, scan.text)
    return bool(scan.item_cache[key])


def _is_of_arch(universe: Universe, macro: str) -> bool:
    """Return whether the architecture defines *macro*."""
    place = universe.headers.macro_line(macro)
    return place is not None and place.path.startswith("arch/")


def _guarded(scan: FileScan) -> frozenset[str]:
    found: frozenset[str] | None = scan.item_cache.get("guarded")
    if found is None:
        found = frozenset(
            name for name, line in declared(scan) if any(_is_negative(guard.text) for guard in enclosing(scan, line))
        )
        scan.item_cache["guarded"] = found
    return found


def _is_negative(text: str) -> bool:
    return text.startswith("#ifndef") or "!defined" in text.replace(" ", "")
