"""What ``pte_batch_hint()`` promises of a folded block: all its entries are there, alike, and map consecutive pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch
from ptlint.sim.convert import scalar
from ptlint.sim.explore import Breach
from ptlint.sim.properties.batches import BITS, last_write
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.sim.scenarios.batches import Batched

Raw = NDArray[np.uint64]


def check(ran: Batched, block: int, first: int) -> Iterator[Breach]:
    """Yield what is wrong in the blocks of *block* entries that the batch touches; one begins at entry *first*."""
    start = first
    while start > 0:
        start -= block
    while start < ran.where.nr:
        for breach in _block(ran, block, start):
            breach.mask = breach.mask & ran.live
            if bool(breach.mask.any()):
                yield breach
        start += block


def _block(ran: Batched, block: int, start: int) -> Iterator[Breach]:
    session, batch = ran.session, ran.batch
    entries = [batch.entry(start + at) for at in range(block)]
    hints = [_hint(ran, start + at, raw) for at, raw in enumerate(entries[:-1])]  # the last entry's says nothing
    folded = np.any([hint > 1 for hint in hints], axis=0) & ran.live
    if not bool(folded.any()):
        return
    pfn = [session.number("pte_pfn(pte)", raw) for raw in entries]
    write = [session.holds("pte_write", raw) for raw in entries]
    for at, raw in enumerate(entries):
        if ran.kind == "access":
            yield from _granted(ran, start + at, raw, folded)
        present = session.holds("pte_present", raw)
        index, record = start + at, last_write(ran, start + at)
        if at < block - 1:
            present = present & (hints[at] == block - at)
        gone = folded & ~present
        if not at:
            skewed = folded & present & (pfn[at] % np.uint64(block) != 0)
            what = "begins a folded block at a page frame that no block begins at: the hardware maps others"
            yield _breach(ran, "pfn", skewed, index, what, record)
        yield _breach(ran, "outside", gone, index, "is not part of the block that its neighbours are folded to", record)
        for other in range(at):
            both = folded & present & (hints[other] > 1)
            moved = both & (pfn[at] - pfn[other] != np.uint64(at - other))
            yield _breach(ran, "pfn", moved, index, "does not follow the page before it in a folded block", record)
            differs = both & (write[at] != write[other])
            yield _breach(ran, "permission", differs, index, "has another permission than its folded block", record)
            break


def _granted(ran: Batched, index: int, raw: Raw, folded: Mask) -> Iterator[Breach]:
    """A fault makes every entry of the block young, or dirty, as it asks: an MMU may look at any of them."""
    for what, predicate in BITS:
        asked = ran.session.holds(predicate, ran.asked)
        left = folded & asked & ~ran.session.holds(predicate, raw)
        yield _breach(ran, "underrun", left, index, f"does not get the {what} bit that the fault asks for", None)


def held(session: Session, batch: Batch, indices: Iterable[int]) -> dict[int, tuple[Mask, ...]]:
    """Return what ``ptep_get()`` tells now of accessed and dirty of some entries, which may be a block's."""
    found = {}
    for index in indices:
        pointer = batch.ptep + index * batch.where.size
        raw = session.raw(session.run("ptep_get(ptep)", ptep=("pte_t *", pointer)))
        found[index] = tuple(session.holds(predicate, raw) for _, predicate in BITS)
    return found


WIDENED = {"young": ("pte_young",), "youngdirty": ("pte_young", "pte_dirty")}
"""What helpers of a kind may clear in the whole block, though asked for a part of it."""


def check_beside(ran: Batched, before: Mapping[int, tuple[Mask, ...]]) -> Iterator[Breach]:
    """Yield entries beside the batch that are no longer accessed or dirty: *before* is what ``held()`` told of them."""
    after = held(ran.session, ran.batch, before)
    for index, told in before.items():
        for (what, predicate), had, has in zip(BITS, told, after[index], strict=True):
            if predicate not in WIDENED.get(ran.kind, ()):
                mask = had & ~has & ran.live
                if not bool(mask.any()):
                    continue
                yield _breach(ran, "accessed-dirty", mask, index, f"loses the {what} bit of its block", None)


def check_border(ran: Batched, apart: Mapping[int, Raw]) -> Iterator[Breach]:
    """Yield what is wrong with a batch over the border of a folded block: *apart* are entries of no block beside it.

    Those stay as they were, and what was to be cleared in the batch is gone for whoever asks, also from the block.
    """
    for index, raw in apart.items():
        touched = (ran.batch.entry(index) != raw) & ran.live
        if bool(touched.any()):
            yield _breach(ran, "outside", touched, index, "is not of the batch and changes", last_write(ran, index))
    predicates = WIDENED.get(ran.kind, ())
    for index, told in held(ran.session, ran.batch, range(ran.where.nr)).items() if predicates else ():
        for number, ((what, predicate), has) in enumerate(zip(BITS, told, strict=True)):
            asked = ran.kind != "youngdirty" or ran.lanes.request & (1 << number) > 0
            left = has & asked & ran.live
            if predicate in predicates and bool(left.any()):
                yield _breach(ran, "underrun", left, index, f"keeps the {what} bit of its block", None)


def _breach(ran: Batched, property: str, mask: Mask, index: int, what: str, record: object) -> Breach:
    found = Breach(property, mask, index, f"entry {index} {what}", "as its block", None, ran.form.name)
    return replace(found, record=record) if record is not None else found  # type: ignore[arg-type]


def _hint(ran: Batched, index: int, raw: Raw) -> NDArray[np.int64]:
    session, where = ran.session, ran.where
    pointer = ran.batch.ptep + index * where.size
    hint = session.run("pte_batch_hint(ptep, pte)", ptep=("pte_t *", pointer), pte=("pte_t", session.entry(raw)))
    result: NDArray[np.int64] = session.lanes_of(scalar(hint)).astype(np.int64)
    return result
