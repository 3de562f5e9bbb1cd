"""Properties of code that commits a started batch for a caller (mm/mprotect.c): flush, permission, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.properties import transaction
from ptlint.sim.properties.learnt import page_answers
from ptlint.sim.tlb import covers
from ptlint.sim.values import some

if TYPE_CHECKING:
    from ptlint.sim.scenarios.callers import Called


def check(ran: Called) -> Iterator[Breach]:
    """Yield every broken property of one run."""
    for breach in (*transaction.check(ran), *_permission(ran), *_flushed(ran)):
        if breach.property == "permission" and breach.record is None:
            continue
        mask = breach.mask & ran.live
        if some(mask) and not _decides_itself(breach):
            breach.mask = mask
            breach.suspect = breach.suspect or ran.form.name
            yield breach


def _decides_itself(breach: Breach) -> bool:
    """Return whether a breach of the bare transaction is the caller's to decide: it may add the write permission."""
    return breach.detail.endswith(("becomes writable unasked", "keeps its old protection"))


def _permission(ran: Called) -> Iterator[Breach]:
    """Where the code asks about single pages, an entry gets the write permission only if its own page allows it.

    That holds for every value that is written, not only for the last: another CPU uses the entry at once.
    """
    answers, consulted = page_answers(ran.session.machine, ran.colours.pfn)
    session = ran.session
    asked = session.holds("pte_write", ran.asked) | ran.granted
    for record in session.machine.log[ran.commit_from :]:
        index = _entry(ran, record)
        if index is None or not 0 <= index < ran.where.nr:
            continue
        new = record.data["new"]
        raw = session.lanes_of(new) if not isinstance(new, Blob) else session.raw(new)
        allowed = asked | answers.get(index, np.zeros(session.machine.lanes, dtype=bool))
        gained = (
            consulted & record.mask & session.holds("pte_write", raw) & session.holds("pte_present", raw) & ~allowed
        )
        detail = f"entry {index} is made writable by what holds for another page"
        yield Breach("permission", gained, index, detail, "read-only", record)


def _entry(ran: Called, record: Record) -> int | None:
    offset = record.data.get("offset")
    if record.kind != "write" or not isinstance(offset, int):
        return None
    return offset // ran.where.size - ran.where.first


def _flushed(ran: Called) -> Iterator[Breach]:
    """What lost the write permission or is gone is flushed: the code has the mmu_gather, so it is its duty."""
    if not ran.form.of("tlb"):
        return
    session, where = ran.session, ran.where
    for index in range(where.nr):
        before = np.ascontiguousarray(ran.batch.initial[:, index])
        lost = session.holds("pte_write", before) & ~session.holds("pte_write", ran.final[index])
        covered = np.zeros(session.machine.lanes, dtype=bool)
        anything = np.zeros(session.machine.lanes, dtype=bool)
        nearest: Record | None = None
        for record in session.machine.log:
            if record.kind == "flush":
                anything |= record.mask
                covered |= record.mask & covers(ran, record, where.addr + index * where.page)
                nearest = record if some(record.mask & lost) else nearest
        detail = f"entry {index} loses its write permission and no flush covers it"
        yield Breach("flush", lost & anything & ~covered, index, detail, "flushed", nearest)
