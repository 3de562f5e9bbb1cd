"""What a caller tells the rest of the kernel about its entries: memory counters, and pages mapped and unmapped."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.primitives.folios import entry_of_page
from ptlint.sim.properties.extent import of_huge_pages
from ptlint.sim.properties.facts import Facts
from ptlint.sim.values import Unknown

_COUNTERS = re.compile(r"_*rss\w*")


def counters(facts: Facts) -> Iterator[Breach]:
    """The memory counters of the caller change by as many entries as are taken away or copied."""
    ran = facts.ran
    session = ran.session
    array = next((obj for obj in session.machine.memory.objects if _COUNTERS.fullmatch(obj.name)), None)
    if array is None or session.machine.memory.named(array.name) is not array:
        return
    total = np.zeros(session.machine.lanes, dtype=np.int64)
    for offset in sorted(array.blob.cells):
        value = array.blob.load(offset, 4, True)
        if isinstance(value, Unknown):
            return
        total = total + value
    gone = np.sum(facts.gone, axis=0) if facts.gone else total * 0
    copied = np.sum(facts.copied, axis=0)
    told = facts.nothing
    for record in session.machine.log:
        if record.kind == "told" and "rmap" in record.name:
            told = told | record.mask
    wrong = told & (total != copied - gone) & (ran.lanes.slot < 0)
    yield Breach("count", wrong, None, "the memory counters change by another number than the entries do", "", None)


def told(facts: Facts) -> Iterator[Breach]:
    """The pages that the rest of the kernel hears are unmapped (mapped once more) are those of the entries."""
    ran = facts.ran
    copied = [facts.own(index, raw, facts.copied[index]) for index, raw in enumerate(facts.copies)]
    huge = of_huge_pages(ran)
    for verb, changed, what in (
        (re.compile(r"folio_remove_\w*rmap\w*"), facts.gone, "unmapped"),
        (re.compile(r"folio_(?:try_)?dup_\w*rmap\w*"), copied, "mapped once more"),
    ):
        pages = [facts.nothing for _ in range(ran.where.nr)]
        any_told, last, later = facts.nothing, None, facts.nothing
        for record in ran.session.machine.log:
            later = later | record.mask if record.kind == "told" and "delay" in record.name else later
            if record.kind != "told" or verb.fullmatch(record.name) is None:
                continue
            page = record.data.get("page", record.data.get("arg1", 0))
            count = next((v for n, v in record.data.items() if n.startswith("nr")), 1)
            if isinstance(page, (Blob, Unknown)) or isinstance(count, (Blob, Unknown)):
                continue
            first = entry_of_page(ran.session.machine, page)
            if first is None:
                continue
            any_told, last = any_told | record.mask, record
            number = np.broadcast_to(np.asarray(count, dtype=np.int64), first.shape)
            for index in range(ran.where.nr):
                pages[index] = pages[index] | (record.mask & (first <= index) & (index < first + number))
        some_changed = np.any(changed, axis=0)
        for index in range(ran.where.nr):
            wrong = any_told & ~later & ~huge & some_changed & (pages[index] != changed[index])
            detail = f"the page of entry {index} is counted as {what}, and the entry is not, or the other way round"
            yield Breach("page", wrong, index, detail, what, last)
