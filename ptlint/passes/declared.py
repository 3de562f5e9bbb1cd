"""Whether a name is declared where it is used: the order of declarations in one file."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ptlint.passes.functions import Book, View

MAX_BELOW = 80
"""How far below a function the line may stand that tells its place."""
MIN_TELLING = 30
"""How long a line is at least that tells a place."""


def declared_below(view: View, name: str) -> int:
    """Return the line of the first declaration of *name* when it stands in the file of *view*, below it; else 0.

    0 as well for macros, parameters and local names, for what any other file declares, and for what is not static.
    """
    if name in view.param_names or name == view.name or name.startswith("__builtin_"):
        return 0
    overrides = view.book.overrides
    if view.name in overrides:
        other = overrides.get(name)
        if other is None:
            return _below_in_tree(view, name)
        if other.path != view.path or view.universe.headers.sites(name):
            return 0
        return other.line if other.line > view.definition.end.line and not view.universe.macro(name) else 0
    is_code = view.path.endswith(".c") and view.book.tree.exists(view.path)
    scope = view.universe.in_file(view.path) if is_code else view.universe.headers
    if scope.macro(name) is not None or view.universe.macro(name) is not None:
        return 0
    sites = [*scope.sites(name), *(view.universe.headers.sites(name) if is_code else ())]
    if not sites or any(site.instance.path != view.path for site in sites):
        return 0
    callee = view.lookup(name)
    if callee is None or "static" not in callee.definition.storage:
        return 0  # a header that is not there may declare it
    first = min(site.line for site in sites)
    return first if first > view.definition.end.line else 0


def _below_in_tree(view: View, name: str) -> int:
    """Return the line of the tree's first declaration of *name*, when *view*, which a patch shows, belongs above it.

    The place of *view* is where the tree has the line that the patch shows below it.
    """
    universe = view.universe
    sites = universe.headers.sites(name)
    if not sites or universe.macro(name) is not None or any(site.instance.path != view.path for site in sites):
        return 0
    place = _place(view)
    first = min(site.line for site in sites)
    return first if 0 < place <= first else 0


def _place(view: View) -> int:
    """Return the line of the tree's file that stands behind *view*, 0 when the patch shows none that is there once."""
    tree, shown, brought = _lines(view.book, view.path)
    for number in range(view.definition.end.line, min(len(shown), view.definition.end.line + MAX_BELOW)):
        line = shown[number].strip()
        if number + 1 not in brought and len(line) >= MIN_TELLING and len(tree.get(line, ())) == 1:
            return tree[line][0]
    return 0


_Lines = tuple[dict[str, list[int]], list[str], set[int]]
"""Where the tree's file has a line, what the patches show of the file, and the lines of the functions they bring."""

_LINES: WeakKeyDictionary[Book, dict[str, _Lines]] = WeakKeyDictionary()


def _lines(book: Book, path: str) -> _Lines:
    held = _LINES.setdefault(book, {})
    if path not in held:
        tree: dict[str, list[int]] = {}
        for number, line in enumerate((book.tree.read(path) or b"").decode("utf-8", "replace").splitlines(), 1):
            tree.setdefault(line.strip(), []).append(number)
        brought = {
            line
            for text in book.overrides.values()
            if text.path == path
            for line in range(text.line, text.line + text.text.count("\n") + 1)
        }
        shown = book.text(path).splitlines() if path in book.shown else []  # a proposal has no place of its own
        held[path] = tree, shown, brought
    return held[path]
