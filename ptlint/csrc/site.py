"""Where a name may be declared."""

from bisect import bisect_right
from typing import NamedTuple

from ptlint.core.span import Span
from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item

NOTHING: frozenset[str] = frozenset()


class Site(NamedTuple):
    """A place where a name may be declared: an item of a file as it was read, and the line of the name."""

    instance: Instance
    what: str
    number: int
    line: int

    @property
    def span(self) -> Span:
        """Return the line of the name."""
        return Span(self.instance.path, self.line)


def definitions_within(instance: Instance, item: Item) -> list[int]:
    """Return the lines of the ``#define`` and ``#undef`` that stand inside an item."""
    directives = instance.scan.directives
    at = bisect_right(directives, item.start, key=lambda one: one.start)
    lines: list[int] = []
    while at < len(directives) and directives[at].start < item.end:
        if directives[at].kind in ("define", "undef"):
            lines.append(directives[at].line)
        at += 1
    return lines
