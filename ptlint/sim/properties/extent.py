"""How far a caller reaches: how many entries it says it has processed, and where an entry may be one of a huge page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.properties.pairing import points
from ptlint.sim.stage import distance
from ptlint.sim.values import Mask, Unknown

if TYPE_CHECKING:
    from ptlint.sim.walkruns import Walked

_MOST = re.compile(r"max_nr\w*")
_OF_HUGE_PAGES = re.compile(r"(?:set_|clear_)?huge_pte\w*").fullmatch


def of_huge_pages(ran: Walked) -> Mask:
    """Return the lanes that use helpers of huge pages: those entries may have another format."""
    huge = np.zeros(ran.session.machine.lanes, dtype=bool)
    for record in ran.session.machine.log:
        if is_of_huge_pages(record):
            huge = huge | record.mask
    return huge


def is_of_huge_pages(record: Record) -> bool:
    """Return whether a step was made in a helper of huge pages."""
    return any(map(_OF_HUGE_PAGES, (record.name, record.function, *(name for name, _ in record.stack))))


def beyond_table(ran: Walked) -> Iterator[Breach]:
    """A batch is not looked for beyond the page table of its first entry, however far the mapping goes."""
    session, where, table = ran.session, ran.where, ran.stage.source.table
    size = session.program.constant("PMD_SIZE")
    for record in session.machine.log:
        most = next((value for name, value in record.data.items() if _MOST.fullmatch(name)), None)
        if record.kind != "call" or most is None or isinstance(most, (Blob, Unknown)):
            continue
        pointer = next((v for v in record.data.values() if points(v, table.base, table.blob.size, record.mask)), None)
        if pointer is None or isinstance(pointer, (Blob, Unknown)):
            continue
        index = distance(pointer, table.base, session.machine.lanes) // where.size - where.first
        left = (size - (where.addr + index * where.page) % size) // where.page
        more = session.lanes_of(most).view(np.int64) > left
        detail = f"{record.name}() may look for more entries than its page table has"
        yield Breach("limit", record.mask & more, None, detail, "the rest of the table", record)


def counted_by(ran: Walked) -> NDArray[np.int64]:
    """Return how many entries a function says it has processed; all of them where it does not count."""
    value = ran.returned
    if ran.walk.form != "count" or value is None or isinstance(value, (Blob, Unknown)):
        return np.full(ran.session.machine.lanes, ran.where.nr, dtype=np.int64)
    return ran.session.lanes_of(value).view(np.int64)
