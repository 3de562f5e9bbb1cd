"""How far a caller reaches: how many entries it says it has processed, and where an entry may be one of a huge page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.machine import Record
from ptlint.sim.values import Mask, Unknown

if TYPE_CHECKING:
    from ptlint.sim.walkruns import Walked

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


def counted_by(ran: Walked) -> NDArray[np.int64]:
    """Return how many entries a function says it has processed; all of them where it does not count."""
    value = ran.returned
    if ran.walk.form != "count" or value is None or isinstance(value, (Blob, Unknown)):
        return np.full(ran.session.machine.lanes, ran.where.nr, dtype=np.int64)
    return ran.session.lanes_of(value).view(np.int64)
