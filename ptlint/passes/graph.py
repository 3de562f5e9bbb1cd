"""The control-flow graph of a function: its steps, and the ways from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from ptlint.csrc.ast import Call, Expr, FunctionDef, Pos

MAX_NODES = 20_000


class TooLarge(Exception):
    """A function has more steps than are looked at."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A call, its arguments evaluated before. ``result`` is the target when its value is assigned at once.

    ``dropped`` is set when nothing uses the value.
    """

    call: Call
    result: Expr | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """An assignment. ``value`` is None for one that is not known; ``op`` as in ``Assign``, ``++`` counts as ``+``."""

    target: Expr
    value: Expr | None
    op: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class Tested:
    """A condition is decided here; the edges say how. ``again`` is set for that of a loop after a round."""

    cond: Expr
    again: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """The function ends. ``value`` is None without one; ``pos`` is the statement or the closing brace."""

    value: Expr | None
    pos: Pos


Step = Evaluated | Written | Tested | Returned


@dataclass(frozen=True, slots=True)
class Edge:
    """A way to go on: where *cond* has the truth *holds* (None: in any case).

    ``around`` is the range of nodes (first, behind the last) of a loop whose body this way passes by without a round.
    ``back`` is set for the way to the next round.
    """

    to: int
    cond: Expr | None = None
    holds: bool = True
    around: tuple[int, int] | None = None
    back: bool = False


@dataclass(slots=True)
class Node:
    """A step, None where ways only meet, and the ways on from it."""

    step: Step | None
    edges: list[Edge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Graph:
    """The control flow of one function: node 0 is entered first, ``Returned`` nodes have no edges."""

    function: FunctionDef
    nodes: tuple[Node, ...]
