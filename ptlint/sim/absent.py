"""Entries that map no page: empty ones, swap and migration entries, markers. They stand among mapped ones in a table.

They are made, and told apart, in the words of the file that walks over them (include/linux/swapops.h, leafops.h); what
it does not have is not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.driving import Setting
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Value
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.swapped import has_swap, marks_of
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.csrc.fileview import FileView

Raw = NDArray[np.uint64]

SWAP, READ_MIGRATION, WRITE_MIGRATION, MARKER, POISON = "swap", "read migration", "write migration", "marker", "poison"
OWN_MIGRATION = "read migration of a page that nobody else has"
MIGRATION = frozenset({READ_MIGRATION, OWN_MIGRATION, WRITE_MIGRATION})

_MIGRATING = (
    (READ_MIGRATION, "swp_entry_to_{level}(make_readable_migration_entry(pfn))"),
    (OWN_MIGRATION, "swp_entry_to_{level}(make_readable_exclusive_migration_entry(pfn))"),
    (WRITE_MIGRATION, "swp_entry_to_{level}(make_writable_migration_entry(pfn))"),
)
_MADE = (
    (SWAP, "swp_entry_to_pte(swp_entry(1, 0x100 + at))"),
    *_MIGRATING,
    (MARKER, "make_pte_marker(PTE_MARKER_UFFD_WP)"),
    (POISON, "make_pte_marker(PTE_MARKER_POISONED)"),
)
"""How a kernel makes entries of each kind: entry ``at`` of the batch, whose page frame was ``pfn``. Entries of huge
pages are migration entries at most.
"""

_MARKED = (SWAP, READ_MIGRATION, WRITE_MIGRATION)
"""Kinds that also stand with each of their marks."""

_ENTRY_OF = ("softleaf_from_{level}", "{level}_to_swp_entry")
_FRAME_OF = (("softleaf_to_pfn", "softleaf_to_pfn(%s)"), ("swp_offset_pfn", "swp_offset_pfn(%s)"))


@dataclass(frozen=True, slots=True)
class Words:
    """How the file *path* tells such entries apart: expressions over ``pte``, and the number of each kind's type."""

    path: str
    type: str
    offset: str
    frame: str
    types: dict[str, int]

    def kind_of(self, session: Session, raw: Raw) -> NDArray[np.int64]:
        """Return the type of each entry, lane by lane; it means something where that is not present and not empty."""
        return _number(session, self.path, self.type, raw).astype(np.int64)

    def is_of(self, session: Session, raw: Raw, *kinds: str) -> Mask:
        """Return where *raw*, not present and not empty, is of one of *kinds*; markers are not told apart."""
        kind = self.kind_of(session, raw)
        result = np.zeros(len(raw), dtype=bool)
        for one in kinds:
            if one in self.types:
                result |= kind == self.types[one]
        return result

    def offset_of(self, session: Session, raw: Raw) -> Raw:
        """Return the offset of each swap entry in its device."""
        return _number(session, self.path, self.offset, raw)

    def frame_of(self, session: Session, raw: Raw) -> Raw:
        """Return the page frame that each migration entry stands for."""
        return _number(session, self.path, self.frame, raw)


@dataclass(frozen=True, slots=True)
class Absent:
    """States of entries that map no page. ``raw`` has a row for each and a column for each entry; ``kinds`` says what
    they are, ``""`` for an empty one.
    """

    raw: Raw
    kinds: tuple[str, ...]
    words: Words


def _number(session: Session, path: str, text: str, raw: Raw) -> Raw:
    before, session.path = session.path, path
    try:
        return session.number(text, raw)
    finally:
        session.path = before


def absent_entries(shared: Setting, path: str) -> Absent | None:
    """Return entries that map no page, for every place of *shared*; None where the file has no words for them."""
    program = shared.program
    if not has_swap(program):
        return None
    view = program.universe.in_file(path)
    level = program.level
    names = (name.format(level=level) for name in _ENTRY_OF)
    entry = next((f"{name}(pte)" for name in names if _has(view, name)), "")
    frame = next((text % entry for name, text in _FRAME_OF if _has(view, name)), "")
    if not entry or not frame or not _has(view, f"swp_entry_to_{level}"):
        return None
    width = shared.colours.raw.shape[1]
    session = Session(program, width)
    session.path = path
    none = np.full(width, shared.none, dtype=np.uint64)
    kinds, rows = [""], [none]
    types: dict[str, int] = {}
    words = Words(path, f"swp_type({entry})", f"swp_offset({entry})", frame, types)
    index = np.arange(width, dtype=np.uint64)
    pfn = np.uint64(shared.colours.pfn) + index * np.uint64(program.mapped // program.constant("PAGE_SIZE"))
    for kind, text in _MADE if level == "pte" else _MIGRATING:
        try:
            made = session.run(text.format(level=level), pfn=("unsigned long", pfn), at=("unsigned long", index))
        except CannotExecute:  # this kernel, or this configuration, has none
            continue
        raw = session.raw(made)
        if bool((session.holds("pte_present", raw) | (raw == none)).any()):
            continue
        types[kind] = int(words.kind_of(session, raw)[0])
        kinds.append(kind)
        rows.append(raw)
        if kind in _MARKED:
            marked = _marked(session, made, raw, kind)
            kinds += [kind] * len(marked)
            rows += marked
    program.settle(session.machine.asked)
    return Absent(np.stack(rows), tuple(kinds), words) if len(kinds) > 1 else None


def _has(view: FileView, name: str) -> bool:
    return view.macro(name) is not None or view.function(name) is not None


def _marked(session: Session, made: Value, plain: Raw, kind: str) -> list[Raw]:
    """Return an entry with each of its marks, as far as they are there at all.

    What userfaultfd protects from writes is never writable.
    """
    found: list[Raw] = []
    for predicate, setters in marks_of(session.program).items():
        if kind == WRITE_MIGRATION and "uffd" in predicate:
            continue
        setter = next((name for name, value in setters if value), "")
        raw = session.raw(session.run(f"{setter}(pte)", pte=("pte_t", made))) if setter else plain
        if not any(bool((raw == one).all()) for one in (plain, *found)):
            found.append(raw)
    return found


def with_absent(shared: Setting, absent: Absent) -> Setting:
    """Return *shared* with the entries that map no page as further states, behind the present ones."""
    colours, more = shared.colours, len(absent.kinds)
    nothing = np.zeros(more, dtype=bool)
    return replace(
        shared,
        colours=replace(
            colours,
            raw=np.concatenate([colours.raw, absent.raw]),
            young=np.concatenate([colours.young, nothing]),
            dirty=np.concatenate([colours.dirty, nothing]),
            write=np.concatenate([colours.write, nothing]),
            kinds=np.concatenate([colours.kinds, np.full(more, -1, dtype=np.int64)]),
            weight=np.concatenate([colours.weight, np.ones(more, dtype=np.int64)]),
        ),
    )


def mixed_rows(present: Sequence[int], absent: Sequence[int], nr: int) -> list[tuple[int, ...]]:
    """Return rows of one state each, and those in which one of *absent* stands among entries that are *present*."""
    rows = [(one,) * nr for one in (*absent, *present)]
    if nr > 1:
        for one in absent:
            rows += [tuple(one if index == at else page for index in range(nr)) for page in present for at in range(nr)]
        rows += [(absent[0],) * (nr - 1) + (one,) for one in absent[1:]]
    return rows


def marks(program: Program) -> tuple[tuple[str, str, str, str], ...]:
    """Return what a present entry and one that maps no page keep of each other: what it is, the predicates of both, and
    the purpose of the setters that take it away.
    """
    wanted = (
        ("soft-dirty", "pte_soft_dirty", "pte_swp_soft_dirty", "soft"),
        ("userfaultfd", "pte_uffd", "pte_swp_uffd", "uffd"),
        ("userfaultfd", "pte_uffd_wp", "pte_swp_uffd_wp", "uffd"),
    )
    there = marks_of(program)
    return tuple(one for one in wanted if one[2] in there and program.has(one[1]))
