"""Limits of batches that stay what they were while a loop moves on: the later batches may run past the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Call, Expr, Pos
from ptlint.passes.functions import View
from ptlint.passes.origins import batches_in, limits_handed, writes
from ptlint.passes.rounds import Round, rounds_of
from ptlint.passes.wording import names_in, text, walk

MAX_NAMES = 24


@dataclass(frozen=True, slots=True)
class FixedLimit:
    """The batch at ``pos`` is looked for among ``limit`` entries in every round of a loop that moves on to others."""

    pos: Pos
    limit: str


def fixed_limits(view: View) -> Iterator[FixedLimit]:
    """Yield the batches of *view* in a loop over entries whose limit knows nothing of how far the loop has come."""
    own: list[tuple[Call, tuple[Expr, ...]]] = [(batch.call, (batch.limit,)) for batch in batches_in(view)]
    limits = [*own, *limits_handed(view)]
    for one in rounds_of(view) if limits else ():
        inside = {id(node) for node in walk(one.loop.body)}
        for call, made_of in limits:
            follows = any(_follows(view, one, limit) for limit in made_of)
            if id(call) in inside and _moves(one, call, made_of) and not follows:
                yield FixedLimit(call.pos, " and ".join(map(text, made_of)))


def _moves(one: Round, call: Call, limits: tuple[Expr, ...]) -> bool:
    """Return whether the loop moves on the entry that the batch begins with."""
    bounds = frozenset[str]().union(*map(names_in, limits))
    return any(names_in(arg) & one.written for arg in call.args if arg not in limits and names_in(arg) - bounds)


def _follows(view: View, one: Round, limit: Expr) -> bool:
    """Return whether a limit changes with the rounds of a loop, or is made of more than numbers."""
    pending, seen = [limit], set[str]()
    named = False
    while pending:
        expr = pending.pop()
        if any(isinstance(node, Call) for node in walk(expr)):
            return True
        for name in names_in(expr) - seen:
            seen.add(name)
            named = True
            if name not in one.written:
                continue
            steps = writes(view, name)
            if not steps or len(seen) > MAX_NAMES or any(step.op or step.value is None for step in steps):
                return True
            pending += [step.value for step in steps if step.value is not None]
    return not named
