"""Swap entries of a universe, made by its own encoders: what is in the place of an entry whose page is on a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.program import Program
from ptlint.sim.session import Session

NEEDS = ("__swp_entry", "__swp_type", "__swp_offset", "__swp_entry_to_pte", "__pte_to_swp_entry", "pte_none")

MARKS = {
    "pte_swp_soft_dirty": (("pte_swp_mksoft_dirty", True), ("pte_swp_clear_soft_dirty", False)),
    "pte_swp_uffd": (("pte_swp_mkuffd", True), ("pte_swp_clear_uffd", False)),
    "pte_swp_uffd_wp": (("pte_swp_mkuffd_wp", True), ("pte_swp_clear_uffd_wp", False)),
    "pte_swp_exclusive": (("pte_swp_mkexclusive", True), ("pte_swp_clear_exclusive", False)),
}
"""What a swap entry can be marked as: predicate, and the setters that make it true or false."""

ENTRY = "__swp_entry_to_pte(__swp_entry(type, offset))"


def has_swap(program: Program) -> bool:
    """Return whether the universe encodes swap entries in page-table entries."""
    return all(program.has(name) for name in NEEDS)


def marks_of(program: Program) -> dict[str, tuple[tuple[str, bool], ...]]:
    """Return the marks of the universe that are there at all: predicate to its setters."""
    there = {}
    for predicate, setters in MARKS.items():
        known = tuple((name, value) for name, value in setters if program.has(name))
        if program.has(predicate) and known:
            there[predicate] = known
    return there


def swap_entries(
    session: Session,
    types: NDArray[np.int64] | int,
    offsets: NDArray[np.int64] | int,
    marks: Sequence[str],
    chosen: NDArray[np.int64] | int,
) -> NDArray[np.uint64]:
    """Return the swap entries of *types* and *offsets*; of *marks*, those whose bits *chosen* has are set."""
    lanes = session.machine.lanes

    def wide(values: NDArray[np.int64] | int) -> NDArray[np.uint64]:
        return np.broadcast_to(np.asarray(values, dtype=np.int64), (lanes,)).astype(np.uint64)

    pte = session.pte(ENTRY, type=("unsigned long", wide(types)), offset=("unsigned long", wide(offsets)))
    setters = marks_of(session.program)
    for at, predicate in enumerate(marks):
        setter = next((name for name, value in setters[predicate] if value), "")
        if setter:
            marked = session.pte(f"{setter}(pte)", pte=("pte_t", pte))
            pte = session.where(wide(chosen) >> np.uint64(at) & np.uint64(1) != 0, marked, pte)
    return session.raw(pte)
