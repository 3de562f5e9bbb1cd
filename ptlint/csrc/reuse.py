"""Headers that were read stay read: shared by universes over trees in which nothing they were read from differs.

A series changes few files, and a proposal is run over the same tree with one function replaced. What preprocessing
came to then holds for all of them, and so does every item that was parsed on the way. Where a file differs only in
what is between its directives, preprocessing takes the same way through it, so that its text alone is replaced.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ptlint.core.tree import SourceTree, apart
from ptlint.csrc.directives import FileScan
from ptlint.csrc.scope import Scope
from ptlint.csrc.unit import Unit

MAX_HELD = 96  # the page-table headers and all headers of some forty profiles

ReadView = tuple[Unit, dict[str, bool], SourceTree]
"""The unit of a ``.c`` file, the paths whose existence decided an include (was it there?), and the tree it is of."""


@dataclass(slots=True)
class Headers:
    """The headers of one profile as one tree has them. ``asked`` are the paths whose existence decided an include.

    ``types`` holds the table of resolved types once it was asked for, ``views`` the units of ``.c`` files
    that were read over these headers.
    """

    tree: SourceTree
    unit: Unit
    scope: Scope
    files: dict[str, str | None]
    asked: dict[str, bool]
    types: list[Any] = field(default_factory=list)
    views: dict[str, ReadView] = field(default_factory=dict)

    def hold_for(self, tree: SourceTree) -> bool:
        """Return whether *tree* has the same bytes wherever these headers were read from."""
        if tree is self.tree:
            return True
        differing = apart(self.tree, tree)
        if differing is None:
            same = all(tree.blob_id(path) == blob for path, blob in self.files.items())
        else:
            same = differing.isdisjoint(self.files)
        return same and still_there(self.asked, self.tree, tree)


class HeaderCache:
    """The headers read last, by profile and roots; the least recently used go first."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._limit = limit
        self._held: OrderedDict[Hashable, list[Headers]] = OrderedDict()

    def find(self, key: Hashable, tree: SourceTree) -> Headers | None:
        """Return headers under *key* that hold for *tree*, or None."""
        for headers in self._held.get(key, ()):
            if headers.hold_for(tree):
                self._held.move_to_end(key)
                return headers
        return None

    def near(self, key: Hashable) -> tuple[Headers, ...]:
        """Return the headers under *key*, whether or not they hold for a tree."""
        return tuple(self._held.get(key, ()))

    def keep(self, key: Hashable, headers: Headers) -> None:
        """Remember *headers* under *key*, two at most: those of the base and those of the series."""
        self._held[key] = [headers, *self._held.get(key, ())][:2]
        self._held.move_to_end(key)
        while len(self._held) > self._limit:
            self._held.popitem(last=False)


def replaced(
    unit: Unit, scan_of: Callable[[str], FileScan | None], tree: SourceTree, new_tree: SourceTree
) -> dict[str, FileScan] | None:
    """Return the files of *unit* (of *tree*) that *scan_of* has another version of in *new_tree*.

    None when one reads in another way, or was not read to its end.
    """
    if unit.beyond:
        return None
    changed: dict[str, FileScan] = {}
    differing = apart(tree, new_tree)
    for path in unit.by_path if differing is None else differing.intersection(unit.by_path):
        new, old = scan_of(path), unit.by_path[path][0].scan
        if new is old:
            continue
        if new is None or not old.reads_like(new):
            return None
        changed[path] = new
    noted = {span.path for span, _ in (*unit.missing, *unit.faults)}
    return None if noted & changed.keys() else changed


def still_there(asked: Mapping[str, bool], tree: SourceTree, new_tree: SourceTree) -> bool:
    """Return whether the files that decided an include in *tree* are there, and missing, in *new_tree* as they were."""
    differing = apart(tree, new_tree)
    paths = asked if differing is None else differing.intersection(asked)
    return all(new_tree.exists(path) == asked[path] for path in paths)


HEADERS = HeaderCache()
