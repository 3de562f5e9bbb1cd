"""Headers that were read stay read: shared by universes over trees in which nothing they were read from differs.

A series changes few files, and a proposal is run over the same tree with one function replaced. What preprocessing
came to then holds for all of them, and so does every item that was parsed on the way.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from ptlint.core.tree import SourceTree
from ptlint.csrc.scope import Scope
from ptlint.csrc.unit import Unit

MAX_HELD = 32


@dataclass(slots=True)
class Headers:
    """The headers of one profile as one tree has them. ``asked`` are the paths whose existence decided an include.

    ``types`` holds the table of resolved types once it was asked for.
    """

    tree: SourceTree
    unit: Unit
    scope: Scope
    files: dict[str, str | None]
    asked: dict[str, bool]
    types: list[Any] = field(default_factory=list)

    def hold_for(self, tree: SourceTree) -> bool:
        """Return whether *tree* has the same bytes wherever these headers were read from."""
        if tree is self.tree:
            return True
        return all(tree.blob_id(path) == blob for path, blob in self.files.items()) and all(
            tree.exists(path) == there for path, there in self.asked.items()
        )


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

    def keep(self, key: Hashable, headers: Headers) -> None:
        """Remember *headers* under *key*, two at most: those of the base and those of the series."""
        self._held[key] = [headers, *self._held.get(key, ())][:2]
        self._held.move_to_end(key)
        while len(self._held) > self._limit:
            self._held.popitem(last=False)


HEADERS = HeaderCache()
