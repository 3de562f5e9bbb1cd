"""Entries that are written in parts: what the hardware may read between two of them.

An entry of two words is made valid by its last part and invalid by its first (the comment of ptep_get_lockless(),
include/linux/pgtable.h): in between nobody may find one of another page frame than the old one and the new one have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ptlint.sim.explore import Breach

if TYPE_CHECKING:
    from ptlint.sim.scenarios.batches import Batched


def check(ran: Batched) -> Iterator[Breach]:
    """Yield the writes that leave a valid entry which is made of parts of two."""
    where, session = ran.where, ran.session
    records = [one for one in session.machine.log[ran.called_from :] if one.kind in ("write", "mmu")]
    if where.size != where.width or not any(one.data.get("width", where.size) != where.size for one in records):
        return
    if not ran.hardware.valid and ran.kind != "set":
        return
    big_endian = session.program.model.big_endian
    for index in range(where.nr):
        base, now = where.base + index * where.size, ran.before[index]
        for record in records:
            offset, new, width = (record.data.get(key) for key in ("offset", "new", "width"))
            width = width if isinstance(width, int) else where.size
            if (
                not isinstance(offset, int)
                or not 0 <= offset - base < where.size
                or not isinstance(new, int | np.ndarray)
            ):
                continue
            shift = 8 * (where.size - width - (offset - base) if big_endian else offset - base)
            bits = np.uint64(((1 << 8 * width) - 1) << shift)
            value = (session.lanes_of(new) << np.uint64(shift)) & bits
            now = np.where(record.mask, (now & ~bits) | value, now)
            if width == where.size:
                continue
            usable = ran.hardware.is_valid(now) if ran.hardware.valid else session.holds("pte_present", now)
            frames = [session.number("pte_pfn(pte)", raw) for raw in (now, ran.before[index], ran.final[index])]
            torn = record.mask & usable & (frames[0] != frames[1]) & (frames[0] != frames[2])
            detail = f"entry {index} is valid while it is made of parts of two"
            yield Breach("live-entry", torn, index, detail, "made valid by its last part, invalid by its first", record)
