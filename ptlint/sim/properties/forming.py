"""What a function that detects a batch promises of its count and of the entry that it merges bits into.

All of it is read off the entries: each that is counted is present, maps the page after the one before it in the folio
that the first one maps, and differs from the first in nothing but what may differ. Contract: the kernel-doc of
folio_pte_batch_flags() and of the FPB flags (mm/internal.h).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.explore import Breach
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.sim.scenarios.forming import Formed

Raw = NDArray[np.uint64]

BITS = (
    ("write", "pte_write"),
    ("dirty", "pte_dirty"),
    ("accessed", "pte_young"),
    ("soft-dirty", "pte_soft_dirty"),
    ("userfaultfd", "pte_uffd"),
    ("userfaultfd", "pte_uffd_wp"),
)
"""Bits of an entry by the predicates that tell them."""

MERGED = BITS[:3]


def check(ran: Formed) -> Iterator[Breach]:
    """Yield what is wrong with the count of one run, with what it merged, and with what it read."""
    merged = () if ran.former.of_swap else _merged(ran)
    for breach in (*_counted(ran), *_too_short(ran), *_read(ran), *merged):
        mask = breach.mask & ran.live
        if bool(mask.any()):
            breach.mask = mask
            breach.suspect = ran.former.name
            yield breach


def _breach(ran: Formed, mask: Mask, index: int | None, what: str, kind: str, property: str = "forming") -> Breach:
    inside = index if index is not None and index < ran.where.nr else None
    return Breach(property, mask, inside, what, kind=kind, compared=property == "forming-short")


def _counted(ran: Formed) -> Iterator[Breach]:
    count = ran.count
    yield _breach(ran, count < 1, None, "counts no entry", "none")
    yield _breach(ran, count > ran.most, None, "counts more entries than it may", "most")
    within = (count >= 1) & (count <= ran.most)
    if ran.former.of_swap:
        for index, fits in enumerate(ran.fits):
            what = f"counts entry {index}, which is not the next swap entry with the same marks"
            yield _breach(ran, within & (count > index) & ~fits, index, what, "swap")
    else:
        yield from _present(ran, within)


def _present(ran: Formed, within: Mask) -> Iterator[Breach]:
    count, session = ran.count, ran.session
    first = ran.entries[0]
    for index in range(1, len(ran.entries)):
        inside, raw = within & (count > index), ran.entries[index]
        if not bool(inside.any()):
            break
        present = session.holds("pte_present", raw)
        what = f"counts entry {index}, which "
        yield _breach(ran, inside & ~present, index, f"{what}is not present", "present")
        next_one = session.number("pte_pfn(pte)", raw) == session.number("pte_pfn(pte)", first) + np.uint64(index)
        yield _breach(ran, inside & present & ~next_one, index, f"{what}does not map the next page", "pfn")
        inside = inside & present & next_one
        if ran.former.has_folio:
            yield _breach(ran, inside & (index >= ran.border), index, f"{what}maps a page of another folio", "folio")
        for name, predicate in BITS:
            if session.program.has(predicate):
                differs = session.holds(predicate, raw) != session.holds(predicate, first)
                wrong = inside & differs & ~ran.free.get(name, ran.nothing)
                yield _breach(ran, wrong, index, f"{what}differs from the first in its {name} bit", f"differs {name}")


def _too_short(ran: Formed) -> Iterator[Breach]:
    """Yield where it looked at entries and stopped although all that it may count are alike."""
    looked = ran.nothing
    for record in ran.session.machine.log:
        if record.kind == "read" and record.name == ran.batch.table.name:
            looked = looked | (record.mask & (ran.index_of(record.data["offset"]) > 0))
    fit = np.minimum(ran.most, ran.border)
    short = looked & (ran.count >= 1) & (ran.count < fit)
    what = "ends before the entries do that are like the first"
    yield _breach(ran, short & ran.alike, None, what, "short", "forming-short")
    if ran.former.flags:
        what = "ends at an entry that differs from the first in nothing but what may differ"
        yield _breach(ran, short & ~ran.alike & _fitting(ran, fit), None, what, "short free", "forming-short")


def _fitting(ran: Formed, fit: NDArray[np.int64]) -> Mask:
    """Return the lanes in which the first *fit* entries differ in nothing but what may differ."""
    session, first = ran.session, ran.entries[0]
    result = ran.unfolded
    pfn = session.number("pte_pfn(pte)", first)
    for index in range(1, int(fit.max())):
        raw = ran.entries[index]
        fits = session.holds("pte_present", raw) & (session.number("pte_pfn(pte)", raw) == pfn + np.uint64(index))
        for name, predicate in BITS:
            if session.program.has(predicate):
                same = session.holds(predicate, raw) == session.holds(predicate, first)
                fits &= same | ran.free.get(name, ran.nothing)
        result = result & (fits | (fit <= index))
    return result


def _read(ran: Formed) -> Iterator[Breach]:
    """Yield where it reads an entry beyond those it may look at, folded blocks that these begin included."""
    end = -(-(ran.most + ran.start) // ran.block) * ran.block - ran.start
    for record in ran.session.machine.log:
        if record.kind == "read" and record.name == ran.batch.table.name:
            beyond = record.mask & (ran.index_of(record.data["offset"]) >= end)
            yield _breach(ran, beyond, None, "reads entries beyond those that it may count", "reads")
        elif record.kind == "fault":
            yield _breach(ran, record.mask, None, record.name, "fault", "fault")


def _merged(ran: Formed) -> Iterator[Breach]:
    """Yield bits that are lacking in what was merged, and bits in it that no entry of the batch has."""
    session, nothing = ran.session, ran.nothing
    for name, predicate in MERGED:
        had = session.holds(predicate, ran.given)
        others = nothing
        for index in range(1, len(ran.entries)):
            others = others | ((ran.count > index) & session.holds(predicate, ran.entries[index]))
        if ran.copy is not None:
            now = session.holds(predicate, ran.copy)
            lacks = ~now & (had | (others & ran.merges.get(name, nothing)))
            yield _breach(ran, lacks, None, f"does not merge the {name} bit of an entry it counts", f"lacks {name}")
            more = now & ~had & ((~others & ran.unfolded) | ran.keeps.get(name, nothing))
            yield _breach(ran, more, None, f"merges a {name} bit that is not to be merged", f"more {name}")
        told = ran.told.get(name)
        if told is not None:
            yield _breach(ran, others & ~told, None, f"does not tell of the {name} bit of an entry", f"lacks {name}")
            more = told & ~had & ~others & ran.unfolded
            yield _breach(ran, more, None, f"tells of a {name} bit that no entry it counts has", f"more {name}")
