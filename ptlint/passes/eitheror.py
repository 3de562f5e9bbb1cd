"""Flags of which only one is handed on: ``if (has the one) give it; else if (has the other) give that;``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Block, If, Pos
from ptlint.passes.dropped import Handing
from ptlint.passes.functions import View
from ptlint.passes.wording import called, calls_in, walk


@dataclass(frozen=True, slots=True)
class EitherOr:
    """At ``pos`` an entry that has ``first`` is not asked for ``second``; ``helper`` would hand that on."""

    pos: Pos
    first: str
    second: str
    helper: str


def either_or(view: View, kinds: tuple[Handing, Handing]) -> Iterator[EitherOr]:
    """Yield where *view* hands on one of two independent flags only, each asked for where it is given."""
    for node in walk(view.definition.body):
        if not isinstance(node, If) or node.other is None:
            continue
        other = _only(node.other)
        if not isinstance(other, If):
            continue
        for one, two in (kinds, kinds[::-1]):
            helper = _given(other, two)
            if helper and _given(node, one) and not _tells(node, two) and not _tells(other, one):
                yield EitherOr(other.pos, one.name, two.name, helper)


def _only(node: object) -> object:
    return node.items[0] if isinstance(node, Block) and len(node.items) == 1 else node


def _given(node: If, kind: Handing) -> str:
    """Return the helper by which a branch gives the flag that its condition asks for, empty when it does not."""
    if not _calls(node.cond, kind.asks):
        return ""
    return next(iter(_calls(node.then, kind.gives)), "")


def _tells(node: If, kind: Handing) -> bool:
    return bool(_calls(node.cond, kind.asks) or _calls(node.then, kind.gives))


def _calls(node: object, pattern: re.Pattern[str]) -> list[str]:
    return [called(call) for call in calls_in(node) if pattern.fullmatch(called(call))]
