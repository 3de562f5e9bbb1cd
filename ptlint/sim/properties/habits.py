"""What code may see to or not: a rule asks it only of what saw to it before a patch."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.properties.facts import Facts
from ptlint.sim.values import Unknown, some

_OF_PAGES = re.compile(r"\w*(?:rmap|remove|delay|free|swap_dup)\w*")
"""What the rest of the kernel hears when a page is no longer mapped."""

_LEAVES_NONE = (
    ("dirty", "pte_dirty", "clean", ""),
    ("accessed", "pte_young", "old", ""),
    ("writable", "pte_write", "protect", "write"),
)
"""What an entry is, how to ask, what setters make of it, and which purpose of setters asks for it."""


def check(facts: Facts) -> Iterator[Breach]:
    """Yield what callers of today see to, each of them or not."""
    yield from _forgotten(facts)
    yield from _passed_over(facts)
    yield from _miscounted(facts)


def _forgotten(facts: Facts) -> Iterator[Breach]:
    """An entry that is taken away comes back, or somebody hears that its page is no longer mapped."""
    told = facts.nothing
    for record in facts.ran.session.machine.log:
        if record.kind == "told" and _OF_PAGES.fullmatch(record.name):
            told = told | record.mask
    for index, gone in enumerate(facts.gone):
        detail = f"entry {index} is taken away and not put back, and nobody is told of its page"
        yield Breach("forgotten", gone & ~told, index, detail, "put back", facts.last_write(index), compared=True)


def _passed_over(facts: Facts) -> Iterator[Breach]:
    """Who makes entries clean (old, read-only) leaves none that is not."""
    ran = facts.ran
    for what, predicate, purpose, granted in _LEAVES_NONE:
        if not some(facts.meant(purpose) & ran.live):
            continue
        left = ~facts.meant(granted) & (ran.lanes.slot < 0)
        for index, raw in enumerate(facts.after):
            stays = (
                left
                & (ran.stage.folios.one | (index == 0))
                & facts.was[index]
                & facts.own(index, raw, facts.present[index])
            )
            detail = f"entry {index} is passed over and stays {what}"
            missed = stays & ran.session.holds(predicate, raw)
            yield Breach("passed over", missed, index, detail, f"not {what}", facts.last_write(index), compared=True)


def _miscounted(facts: Facts) -> Iterator[Breach]:
    """A number that is returned is not below that of the entries that changed, nor above that of all."""
    ran = facts.ran
    value, changed = ran.returned, np.zeros(ran.session.machine.lanes, dtype=np.int64)
    if ran.walk.form != "range" or ran.words is not None or value is None or isinstance(value, (Blob, Unknown)):
        return
    for index in range(ran.where.nr):
        changed = changed + (~facts.same(index) | facts.copied[index])
    number = ran.session.lanes_of(value).view(np.int64)
    counts = (number >= 0) & (ran.lanes.slot < 0)
    yield Breach(
        "miscount", counts & (number < changed), None, "fewer entries are counted than changed", "", None, compared=True
    )
    yield Breach(
        "miscount", number > ran.where.nr, None, "more entries are counted than there are", "", None, compared=True
    )
