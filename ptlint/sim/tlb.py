"""The TLB of a run: what other CPUs may still translate after the entry in memory has changed.

It is read off the log, over all calls of the run. A translation may be cached while its entry is valid for the hardware
(and, where that sets the accessed bit, accessed). It stays when the entry changes, until a flush after that takes it
out. Each flush is an event with the range that its arguments name (``ptlint.sim.primitives.tlb``); one that an
``mmu_gather`` collects is done when the caller of the function finishes the gather, after everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.machine import Record
from ptlint.sim.values import Mask, Scalar, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.driving import Ran

_START = re.compile(r"_*(?:addr|address|start|vaddr|uaddr)_*")

_SPACES = ("vma", "mm", "tlb", "arg0")
"""What an address is of: the first argument, where the prototype names none."""


@dataclass(slots=True)
class Stale:
    """What the TLB holds of an entry at the end: the lanes in which an old translation is left, in which it lets a
    store through, in which it knows that the page is dirty, in which an access is not noted though the entry is old;
    and the last step that made it stale.
    """

    left: Mask
    writable: Mask
    dirty: Mask
    old: Mask
    record: Record | None


def leftovers(ran: Ran, index: int, initial: NDArray[np.uint64]) -> Stale:
    """Return what the TLB holds of entry *index*, which was *initial* when the run began."""
    session, where = ran.session, ran.where
    lanes = session.machine.lanes
    offset, addr = where.base + index * where.size, where.addr + index * where.page
    nothing = gathered = np.zeros(lanes, dtype=bool)
    stale = Stale(nothing, nothing, nothing, nothing, None)
    cached, writable = cachable(ran, initial), session.holds("pte_write", initial)
    for record in session.machine.log:
        if record.kind in ("write", "mmu") and record.data.get("offset") == offset and record.name != "new ptep":
            old, new = (_raws(ran, record.data[key]) for key in ("old", "new"))
            if old is None or new is None:
                continue
            here, may = record.mask & (old != new), cachable(ran, old)
            cached = cached | (record.mask & may)
            if not some(here):
                continue
            writable = writable | (here & may & session.holds("pte_write", old))
            if record.kind != "write" or not some(here & cached):
                continue
            among = here & cached
            lost, cleaned = _loses(ran, old, new, among), _dropped(ran, "pte_dirty", old, new, among)
            stale.old = stale.old | _dropped(ran, "pte_young", old, new, among)
            if some(lost | cleaned):
                left = stale.left | lost | cleaned
                stale = Stale(left, stale.writable | (lost & writable), stale.dirty | cleaned, stale.old, record)
        elif is_flush(record) and "tlb" in record.data:
            gathered = gathered | (record.mask & covers_all(ran, record, addr))
        elif is_flush(record):
            covered = record.mask & covers_all(ran, record, addr)
            stale.left, stale.writable = stale.left & ~covered, stale.writable & ~covered
            stale.dirty, stale.old = stale.dirty & ~covered, stale.old & ~covered
            cached = cached & ~covered
    stale.left, stale.writable = stale.left & ~gathered, stale.writable & ~gathered
    stale.dirty, stale.old = stale.dirty & ~gathered, stale.old & ~gathered
    return stale


def is_flush(record: Record) -> bool:
    """Return whether a record takes translations out, now or (what the rest of the kernel is told) before reuse."""
    return record.kind == "flush" or (record.kind == "told" and "flush" in record.name)


def _raws(ran: Ran, value: Scalar | Blob) -> NDArray[np.uint64] | None:
    if isinstance(value, Unknown):
        return None
    return ran.session.raw(value)


def cachable(ran: Ran, raw: NDArray[np.uint64]) -> Mask:
    """Return where a TLB may hold an entry."""
    hardware, session = ran.hardware, ran.session
    if not hardware.valid:
        return _usable(ran, raw)
    valid = session.valid(hardware, raw)
    return valid & session.holds("pte_young", raw) if hardware.accessed else valid


def _loses(ran: Ran, old: NDArray[np.uint64], new: NDArray[np.uint64], among: Mask) -> Mask:
    """Return the lanes of *among* in which an entry becomes unusable or read-only."""
    used = among & _usable(ran, old)
    gone = used & ~_usable(ran, new) if some(used) else used
    return gone | _dropped(ran, "pte_write", old, new, among)


def _dropped(ran: Ran, predicate: str, old: NDArray[np.uint64], new: NDArray[np.uint64], among: Mask) -> Mask:
    """Return the lanes of *among* in which an entry ceases to satisfy *predicate*."""
    had = among & ran.session.holds(predicate, old)
    return had & ~ran.session.holds(predicate, new) if some(had) else had


def _usable(ran: Ran, raw: NDArray[np.uint64]) -> Mask:
    program = ran.session.program
    lets = program.mmu.get("lets", {}).get("load_huge")
    if ran.hardware.valid:
        return ran.session.valid(ran.hardware, raw)
    if program.level == "pte" or lets is None:  # single entries may wait for a flush of the whole mapping (s390)
        return ran.session.holds("pte_present", raw)
    run = ran.session.run(f"!!({lets})", v=("unsigned long long", ran.session.number("pte_val(pte)", raw)))
    result: Mask = ran.session.lanes_of(scalar(run)) != 0
    return result


def covers_all(ran: Ran, record: Record, addr: int) -> Mask:
    """Return the lanes in which a flush takes in all that the entry of *addr* maps."""
    last = addr + ran.where.page - ran.session.program.constant("PAGE_SIZE")
    first = covers(ran, record, addr)
    return first if last == addr else first & covers(ran, record, last)


def touches(ran: Ran, record: Record, addr: int) -> Mask:
    """Return the lanes in which a flush takes in some of what the entry of *addr* maps."""
    start = _start_of(record)
    taken = covers(ran, record, addr)
    if start is None:
        return taken
    first = ran.session.lanes_of(start)
    begins: Mask = (np.uint64(addr) <= first) & (first < np.uint64(addr + ran.where.page))
    return taken | begins


def _start_of(record: Record) -> Scalar | None:
    """Return where a flush begins, None for one of everything."""
    numbers = {name: value for name, value in record.data.items() if not isinstance(value, (Blob, Unknown))}
    start = next((value for name, value in numbers.items() if _START.fullmatch(name)), None)
    if start is None and "_page" in record.name:  # whatever it is called: one page, by its address
        start = next((value for name, value in numbers.items() if name not in _SPACES), None)
    return start


def covers(ran: Ran, record: Record, addr: int) -> Mask:
    """Return the lanes in which a flush takes in *addr*: by start and end or size, one page, or everything."""
    numbers = {name: value for name, value in record.data.items() if not isinstance(value, (Blob, Unknown))}
    start = _start_of(record)
    if start is None:
        return np.ones(ran.session.machine.lanes, dtype=bool)
    first = ran.session.lanes_of(start)
    inside: Mask = first <= np.uint64(addr)
    if not some(inside):
        return inside
    result: Mask = inside & (np.uint64(addr) < first + _length(ran, numbers, first))
    return result


def _length(ran: Ran, numbers: Mapping[str, Scalar], first: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for name, value in numbers.items():
        if "end" in name:
            return ran.session.lanes_of(value) - first
        if "size" in name and "psize" not in name:
            return ran.session.lanes_of(value)
        if name.startswith("nr"):
            return ran.session.lanes_of(value) * np.uint64(ran.where.page)
    return np.full(first.shape, ran.where.page, dtype=np.uint64)
