"""State of entries that a function handed on before a patch and no longer does, while it still stores or takes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Call, Pos
from ptlint.passes.functions import View
from ptlint.passes.wording import called, calls_in, names_in

MAX_DEPTH = 2


@dataclass(frozen=True)
class Handing:
    """A kind of state: the calls that ask for it, those that give it, and those after which it must have been given.

    With ``alike`` each of the calls that give it stands for all. A call of ``instead`` that was not there before does
    what a giving call did.
    """

    name: str
    asks: re.Pattern[str]
    gives: re.Pattern[str]
    needs: re.Pattern[str]
    alike: bool = False
    instead: re.Pattern[str] = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Dropped:
    """``helper`` no longer gives ``state`` before the call of ``user`` at ``pos``; it did so at ``before``."""

    pos: Pos
    state: str
    helper: str
    user: str
    before: Pos


def dropped(pairs: Iterable[tuple[View | None, View]], handing: Handing) -> Iterator[tuple[View, Dropped]]:
    """Yield what the functions of a patch, each before and after it, no longer hand on.

    What moved to a helper, or to another function of the patch, is still handed on. A giving call that is gone counts
    when it was the last of its name there, or when a question for the state went with it.
    """
    pairs = tuple(pairs)
    total: Counter[str] = Counter()
    for old, new in pairs:
        total.update(_count(new, handing.gives))
        total.subtract(_count(old, handing.gives) if old is not None else Counter())
    for old, new in pairs:
        if old is None:
            continue
        gave, gives = _count(old, handing.gives), _count(new, handing.gives)
        asked, asks = _count(old, handing.asks), _count(new, handing.asks)
        still = _count(new, handing.needs).total() >= _count(old, handing.needs).total() > 0
        for helper in sorted(gave):
            fewer = gives[helper] < gave[helper] and total[helper] < 0
            last = not gives[helper] or asks.total() < asked.total()
            if handing.alike:
                fewer, last = total.total() < 0, not gives.total()
            if fewer and last and still and not _given_by_helpers(old, new, handing):
                yield new, _dropped(old, new, handing, helper)
                break


def _count(view: View, pattern: re.Pattern[str]) -> Counter[str]:
    names = (called(call) for call in calls_in(view.definition.body))
    return Counter(name for name in names if pattern.fullmatch(name))


def _given_by_helpers(old: View, new: View, handing: Handing) -> bool:
    """Return whether a helper that only the new version calls gives the state, or may, as it cannot be read."""
    came = new.callees - old.callees
    if any(map(handing.instead.fullmatch, came)):
        return True
    return any(_gives(new, name, handing, 0) or _is_unknown(new, name) for name in came)


def _is_unknown(view: View, name: str) -> bool:
    known = view.lookup(name) is not None or name in view.book.kept(view.universe)
    return not known and view.universe.macro(name) is None and view.universe.prototype(name) is None


def _gives(view: View, name: str, handing: Handing, depth: int) -> bool:
    if handing.gives.fullmatch(name):
        return True
    callee = view.lookup(name) if depth < MAX_DEPTH else None
    return callee is not None and any(_gives(callee, one, handing, depth + 1) for one in callee.callees)


def _dropped(old: View, new: View, handing: Handing, helper: str) -> Dropped:
    gone = next(call for call in calls_in(old.definition.body) if called(call) == helper)
    users = [call for call in calls_in(new.definition.body) if handing.needs.fullmatch(called(call))]
    user = _nearest(users, gone)
    return Dropped(user.pos, handing.name, helper, called(user), gone.pos)


def _nearest(users: list[Call], gone: Call) -> Call:
    """Return the first user that gets a variable which the call that is gone got, else the first."""
    names = names_in(gone.args)
    return next((one for one in users if names & names_in(one.args)), users[0])
