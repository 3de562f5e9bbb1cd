"""The names as code in one ``.c`` file sees them."""

from collections.abc import Container
from typing import TYPE_CHECKING

from ptlint.csrc.ast import FunctionDef
from ptlint.csrc.scope import NOTHING, Scope

if TYPE_CHECKING:
    from ptlint.csrc.universe import Universe


class FileView(Scope):
    """The names as code in one ``.c`` file sees them: its own, then those of the universe."""

    def __init__(self, universe: "Universe", path: str) -> None:
        super().__init__(universe.unit_of(path), universe.model, universe.headers)
        self.universe = universe
        self.path = path
        self._functions: dict[tuple[str, Container[str]], FunctionDef | None] = {}

    def function(self, name: str, keep: Container[str] = NOTHING) -> FunctionDef | None:
        """Return what a call of *name* in this file runs."""
        key = (name, keep)
        if key not in self._functions:
            found = self.universe.replacement(name, keep, self)
            if found is None and name not in self.universe.unreadable:
                found = self.function_here(name, keep) or self.universe.function(name, keep)
            self._functions[key] = found
        return self._functions[key]
