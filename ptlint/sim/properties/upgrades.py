"""Entries that must not become writable while an old translation is left (powerpc radix before ISA 3.1).

The profile says in C, over ``mm``, where that is so (``[mmu.upgrade] when``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.driving import Ran
from ptlint.sim.errors import NoMember
from ptlint.sim.explore import Breach
from ptlint.sim.tlb import covers, is_flush
from ptlint.sim.values import Mask, Scalar, Unknown, some


def check(ran: Ran) -> Iterator[Breach]:
    """Yield writes that make a read-only entry writable with no flush since it was taken out of use."""
    text = ran.session.program.mmu.get("upgrade", {}).get("when")
    for index in range(ran.where.nr) if text else ():
        for breach in _upgraded(ran, index):
            if some(breach.mask):
                breach.mask = breach.mask & _holds(ran, text)
                yield breach


def _upgraded(ran: Ran, index: int) -> Iterator[Breach]:
    session, where = ran.session, ran.where
    offset, addr = where.base + index * where.size, where.addr + index * where.page
    initial = np.ascontiguousarray(ran.batch.initial[:, index])
    valid = session.valid(ran.hardware, initial)
    readonly = valid & ~session.holds("pte_write", initial)
    flushed = np.zeros(len(valid), dtype=bool)
    for record in session.machine.log:
        new = record.data.get("new")
        if is_flush(record):
            flushed = flushed | (record.mask & ~valid & covers(ran, record, addr))
        elif record.kind in ("write", "mmu") and record.data.get("offset") == offset and _is_known(new):
            raw = session.raw(new)
            now = session.valid(ran.hardware, raw)
            granted = record.mask & now & readonly & session.holds("pte_write", raw)
            detail = f"entry {index} becomes writable and no flush has taken its old translation out"
            yield Breach("flush", granted & ~flushed, index, detail, "a flush first", record)
            readonly = readonly & ~granted
            valid = np.where(record.mask, now, valid)


def _is_known(value: Scalar | Blob | None) -> bool:
    return value is not None and not isinstance(value, Unknown)


def _holds(ran: Ran, text: str) -> Mask:
    mm = ran.session.opaque("vma->vm_mm", "struct mm_struct")
    try:
        run = ran.session.run(f"!!({text})", mm=("struct mm_struct *", mm))
    except NoMember:  # a tree that never notes such a machine in mm_struct does not know any
        return np.zeros(len(ran.batch.initial), dtype=bool)
    result: Mask = ran.session.lanes_of(scalar(run)) != 0
    return result
