"""What an override leaves and returns, held against the generic body on the same entries.

Entries are compared by what the kernel asks of them (present, page frame, writable, accessed, dirty, soft-dirty, …), so
bits of an architecture's own (contiguous, hash slots, unused) may differ, and so may what is left of an entry that is
not present. A result is compared the same way. Where an entry lost something and the generic body flushed it, the
override must. Contracts: include/linux/pgtable.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.algebra.vocabulary import PREDICATES, WORDS
from ptlint.sim.driving import Ran
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.tlb import covers, is_flush, leftovers
from ptlint.sim.values import Mask

Raw = NDArray[np.uint64]

LEFT_OUT = frozenset({"present", "none", "exec"})
"""Predicates that are not compared one by one: setters filter ``exec`` where instruction caches need it (powerpc)."""


@dataclass(frozen=True, slots=True)
class Side:
    """A finished call of one of the two. ``before`` are the entries as they were; ``returned`` is the entry and
    ``told`` the truth value that it returns, None where it returns none.
    """

    ran: Ran
    before: tuple[Raw, ...]
    returned: Raw | None = None
    told: Mask | None = None


def check(name: str, kind: str, own: Side, generic: Side, how: str) -> Iterator[Breach]:
    """Yield where an override of *kind* does otherwise than the generic body; *how* says what that run was."""
    live = own.ran.live & generic.ran.live
    for breach in (*_results(kind, own, generic), *_entries(kind, own, generic), *_flushes(name, kind, own, generic)):
        mask = breach.mask & live
        if bool(mask.any()):
            breach.mask, breach.suspect = mask, name
            breach.detail = f"{breach.detail} {how}"
            yield breach


def beside(own: Side, generic: Side, how: str) -> Ran:
    """Return the override's run, with what the other one leaves and returns as further lines."""
    end = len(own.ran.session.machine.log)
    lines = [(end, f"{how}: {', '.join(['{}'] * len(generic.ran.final))}", generic.ran.final)]
    if own.returned is not None and generic.returned is not None:
        lines.append((end, "returns {}; " + how + ": {}", (own.returned, generic.returned)))
    return replace(own.ran, landmarks=(*own.ran.landmarks, *lines))


def _results(kind: str, own: Side, generic: Side) -> Iterator[Breach]:
    if own.told is not None and generic.told is not None:
        if kind != "access":  # an architecture may always ask for what it caches to be updated
            detail = "the result is true, not"
            yield Breach("diverges", own.told & ~generic.told, None, detail, "false", kind="told")
        detail = "the result is false, not"
        yield Breach("diverges", generic.told & ~own.told, None, detail, "true", kind="told")
    if own.returned is not None and generic.returned is not None:
        yield from _compared(own.ran, own.returned, generic.returned, None, None)


def _entries(kind: str, own: Side, generic: Side) -> Iterator[Breach]:
    if kind in ("get", "advance"):
        return
    # a fault for a load is answered by the MMU where that sets the accessed bit
    lenient = own.ran.lanes.request == 0 if kind == "access" and own.ran.hardware.updates else None
    for index, (left, right) in enumerate(zip(own.ran.final, generic.ran.final, strict=True)):
        yield from _compared(own.ran, left, right, index, lenient)


def _compared(ran: Ran, left: Raw, right: Raw, index: int | None, lenient: Mask | None) -> Iterator[Breach]:
    """Yield what *left* and *right* differ in: entry *index*, or the result; it may be old in lanes *lenient*."""
    session, record = ran.session, None if index is None else _last_write(ran, index)
    what, where = ("the result", "result") if index is None else (f"entry {index}", "entry")

    def breach(mask: Mask, told: str, expected: str, kind: str) -> Breach:
        return Breach("diverges", mask, index, f"{what} {told}", expected, record, "", f"{where}:{kind}")

    present, wanted = session.holds("pte_present", left), session.holds("pte_present", right)
    yield breach(present & ~wanted, "is present, not", "not present", "present")
    yield breach(wanted & ~present, "is not present, but is", "present", "present")
    both = present & wanted
    moved = both & (session.number("pte_pfn(pte)", left) != session.number("pte_pfn(pte)", right))
    yield breach(moved, "maps another page than", "", "pfn")
    for names in PREDICATES:
        predicate = next((f"pte_{one}" for one in names if session.program.has(f"pte_{one}")), "")
        if not predicate or names[0] in LEFT_OUT:
            continue
        has, should, said = session.holds(predicate, left), session.holds(predicate, right), WORDS[names[0]]
        settled = both & ~moved
        yield breach(settled & has & ~should, f"is {said}, not", f"not {said}", names[0])
        lacks = settled & should & ~has
        if names[0] == "young" and lenient is not None:
            lacks = lacks & ~lenient
        yield breach(lacks, f"is not {said}, but is", said, names[0])


def _flushes(name: str, kind: str, own: Side, generic: Side) -> Iterator[Breach]:
    """What the generic body does not leave in the TLB, the override does not either.

    Where the profile does not say which entries the hardware uses (s390: an entry stays present when it is made
    invalid), a flush at any time counts.
    """
    if kind != "collect" or "flush" not in name:
        return
    for index, before in enumerate(own.before):
        stale = leftovers(own.ran, index, before)
        cached = own.ran.session.holds("pte_young", before)  # an old entry is not in the TLB, or not usable
        mask = cached & stale.left & ~leftovers(generic.ran, index, generic.before[index]).left
        if not own.ran.hardware.valid:
            mask = mask & ~_flushed(own.ran, index)
        detail = f"the TLB may hold what entry {index} was, not"
        yield Breach("diverges", mask, index, detail, "flushed", stale.record, kind="flush")


def _flushed(ran: Ran, index: int) -> Mask:
    result = np.zeros(ran.session.machine.lanes, dtype=bool)
    for record in filter(is_flush, ran.session.machine.log):
        result = result | (record.mask & covers(ran, record, ran.where.addr + index * ran.where.page))
    return result


def _last_write(ran: Ran, index: int) -> Record | None:
    """Return the last write of the CPU to entry *index* in any lane."""
    offset = ran.where.base + index * ran.where.size
    writes = (one for one in reversed(ran.session.machine.log) if one.kind == "write")
    return next((one for one in writes if one.data.get("offset") == offset), None)
