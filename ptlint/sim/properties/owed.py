"""Flushes that a helper owes where its callers' flushes do nothing (``[mmu.owed]`` of a profile).

On such an architecture what takes an entry away, or a permission, flushes for it or notes that a flush is due:
``noted`` is the place of that note, an expression over ``mm``; without one the note is an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ptlint.sim.convert import scalar
from ptlint.sim.explore import Breach
from ptlint.sim.mmu import lets_through
from ptlint.sim.session import Session
from ptlint.sim.tlb import covers
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.sim.scenarios.batches import Batched


def prepare(session: Session) -> None:
    """Let no flush be due yet."""
    place = session.program.mmu.get("owed", {}).get("noted")
    if place:
        mm = session.opaque("vma->vm_mm", "struct mm_struct")
        session.do(f"{place} = 0", mm=("struct mm_struct *", mm))


def check(ran: Batched, among: Mask | None = None) -> Iterator[Breach]:
    """Yield the entries of lanes *among* whose old translation may stay, and nobody is told."""
    session, says = ran.session, ran.session.program.mmu.get("owed")
    if says is None:
        return
    told = np.zeros(session.machine.lanes, dtype=bool)
    if says["noted"]:
        mm = session.opaque("vma->vm_mm", "struct mm_struct")
        told = session.lanes_of(scalar(session.run(f"!!{says['noted']}", mm=("struct mm_struct *", mm)))) != 0
    for index in range(ran.where.nr):
        values = [session.number("pte_val(pte)", raw) for raw in (ran.before[index], ran.final[index])]
        lost = np.zeros(session.machine.lanes, dtype=bool)
        for access in ("load", "store"):
            was, still = (lets_through(session, access, session.program.level, raw) for raw in values)
            lost |= was & ~still
        covered = told
        for record in session.machine.log[ran.called_from :]:
            if record.kind == "flush":
                covered = covered | (record.mask & covers(ran, record, ran.where.addr + index * ran.where.page))
        left = lost & ~covered if among is None else lost & ~covered & among
        detail = f"the old translation of entry {index} is neither flushed nor noted: no caller does it here"
        yield Breach("flush", left, index, detail, "a flush, or a note that one is due", None)
