"""Functions that others call inside lazy MMU mode by a pointer: the callbacks of walks over page tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ptlint.csrc.ast import Name, Pos
from ptlint.passes.functions import View, functions_around
from ptlint.passes.regions import called_inside
from ptlint.passes.wording import called, calls_in, plain

ENTERS = re.compile(r"(arch_enter_lazy_mmu_mode|lazy_mmu_mode_enable|lazy_mmu_mode_resume)(_\w+)?")
LEAVES = re.compile("arch_leave_lazy_mmu_mode|lazy_mmu_mode_disable|lazy_mmu_mode_pause")
_ALONE = re.compile(r"(?<=[(,])\s*+&?(\w+)(?=\s*[,)])")
MAX_DEPTH = 8


def called_back(view: View) -> tuple[str, Pos] | None:
    """Return who calls *view*, which its own file hands over as a callback, inside lazy MMU mode, and where."""
    for giver in _givers(view):
        for call in calls_in(giver.definition.body):
            for at, arg in enumerate(call.args):
                bare = plain(arg)
                if isinstance(bare, Name) and bare.name == view.name:
                    found = _runs(giver, called(call), at, 0)
                    if found is not None:
                        return found
    return None


def _givers(view: View) -> Iterator[View]:
    """Yield the functions of the file of *view* that seem to hand it on."""
    handed = re.compile(rf"[(,]\s*&?{re.escape(view.name)}\s*[,)]")
    yield from (one for one in view.book.replaced_with((view.name,), handed) if one.path == view.path)
    text = view.book.text(view.path)
    for name in functions_around(text, handed) if view.name in _handed(text) else ():
        giver = view.book.view(view.path, name) if name not in view.book.overrides else None
        if giver is not None:
            yield giver


@lru_cache(maxsize=64)
def _handed(text: str) -> frozenset[str]:
    """Return the words of a file that stand alone between brackets and commas."""
    return frozenset(_ALONE.findall(text))


def _runs(view: View, name: str, at: int, depth: int) -> tuple[str, Pos] | None:
    """Return the function that calls parameter *at* of function *name* inside the mode, and where."""
    callee = view.lookup(name) if name and depth < MAX_DEPTH else None
    if callee is None or at >= len(callee.param_names) or not callee.param_names[at]:
        return None
    param = callee.param_names[at]
    inside = called_inside(callee, ENTERS, LEAVES)
    if param in inside:
        return callee.name, inside[param]
    for call in calls_in(callee.definition.body):
        for number, arg in enumerate(call.args):
            bare = plain(arg)
            if isinstance(bare, Name) and bare.name == param:
                found = _runs(callee, called(call), number, depth + 1)
                if found is not None:
                    return found
    return None
