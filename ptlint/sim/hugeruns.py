"""Runs of a helper of hugetlb entries over a huge page in every state, touched by the MMU before it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, none_of
from ptlint.sim.convert import scalar
from ptlint.sim.driving import Ran, Setting, common
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.hugepages import Page, World
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.mmu import hardware_of
from ptlint.sim.palette import palette
from ptlint.sim.program import Program
from ptlint.sim.properties import huge
from ptlint.sim.roles import Signature
from ptlint.sim.session import Session
from ptlint.sim.space import Space
from ptlint.sim.tables import empty_of
from ptlint.sim.values import Mask

USER = 0x7F00_0000_0000
NONPRESENT, WRITES, READS, OVER, EMPTY = 1, 2, 3, 4, 5
"""Requests: a migration entry is set instead of a page; the fault that changes access flags is a store, or a load, and
has seen the entry before the MMU touched it; a page is set where one is; the empty entry is set.
"""

NONPRESENT_IN = ("ARCH_ENABLE_HUGEPAGE_MIGRATION", "MEMORY_FAILURE", "USERFAULTFD")
"""Configurations in which a huge page's entry may be there and not present: migrated, poisoned, a marker."""

TELLING = ("get", "collect", "transaction")
"""Kinds that return an entry."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper, its kind, and the program with the headers of hugetlb."""

    kind: str
    signature: Signature
    program: Program


@dataclass(frozen=True, kw_only=True)
class Handled(Ran):
    """A finished run. ``view`` is what ``huge_ptep_get()`` says afterwards, ``asked`` the entry that was set.

    ``young`` and ``dirty`` are the lanes in which the page was so before the call, by the entry set or by the MMU.
    """

    kind: str
    name: str
    page: Page
    pfn: int
    none: int
    asked: NDArray[np.uint64]
    young: Mask
    dirty: Mask
    returned: NDArray[np.uint64]
    view: NDArray[np.uint64]
    called_from: int


def _setting(program: Program, page: Page) -> Setting:
    key = -page.size
    kept = program.settings.get(key)
    if kept is None:
        hardware = hardware_of(program)
        pfn = 2 * page.size // program.constant("PAGE_SIZE")
        kept = Setting(program, hardware, palette(program, hardware, pfn, 1), empty_of(program, page.level))
        program.settings[key] = kept
    assert isinstance(kept, Setting)
    return kept


def _space(shared: Setting, helper: Helper, page: Page) -> Space:
    """Return every state, touched by a load or a store at no entry, the first, the second or the last."""
    touched = sorted({-1, 0, min(1, page.entries - 1), page.entries - 1})
    rows = [
        (state, 0, entry, store)
        for state in range(len(shared.colours.weight))
        for entry in (touched if helper.kind != "set" else [-1])
        for store in ((False, True) if entry >= 0 else (False,))
    ]
    able = any(helper.program.universe.profile.is_set(symbol) for symbol in NONPRESENT_IN)
    kinds = ("set", "clear", "get")
    if able and (helper.kind in kinds or (helper.kind == "collect" and "flush" not in helper.signature.name)):
        rows.append((0, NONPRESENT, -1, False))
    if helper.kind == "set":
        rows += [(state, OVER, -1, False) for state in range(len(shared.colours.weight))]
        rows.append((0, EMPTY, -1, False))
    if helper.kind == "access" and page.entries > 1:  # the MMU may have set a bit in another entry than the one read
        rows += [(state, request, entry, store) for state, _, entry, store in rows for request in (WRITES, READS)]
    table = np.array(rows, dtype=np.int64)
    off = np.full(len(rows), -1, dtype=np.int64)
    return Space(table[:, :1], table[:, 1], off, table[:, 2], table[:, 3].astype(bool), exhaustive=True)


def run_on(program: Program, helper: Helper, page: Page) -> Trial:
    """Run the helper on a page in every state; *program* is that of a machine with such pages."""
    shared = _setting(program, page)
    space = _space(shared, helper, page)
    index = 2 * page.entries
    where = Layout(index, 4 * page.entries + 64, USER + index * page.step, page.step, 8, page.entries)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        ran = _drive(shared, helper, page, where, space, base, answers)
        return ran.session.machine, huge.check(ran), ran

    return explore(len(space), drive)


def _drive(
    shared: Setting,
    helper: Helper,
    page: Page,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    answers: dict[Hashable, Mask],
) -> Handled:
    lanes = space.take(base)
    session = Session(shared.program, len(base), answers)
    session.machine.page_base_pfn = shared.colours.pfn
    bare = Batch(session, replace(where, nr=0), np.zeros((len(base), 0), dtype=np.uint64), shared.none)
    world = World(session, bare, page, where)
    states = shared.colours.raw[lanes.states[:, 0], 0]
    shift = page.size.bit_length() - 1
    made = session.pte(f"arch_make_huge_pte(pte, {shift}, 0)", pte=("pte_t", session.entry(states)))
    gone = session.pte(
        "swp_entry_to_pte(make_readable_migration_entry(pfn))", pfn=("unsigned long", shared.colours.pfn)
    )
    asked = session.where(lanes.request != NONPRESENT, made, gone)
    if helper.kind == "set":
        empty = np.full(len(base), none_of(shared.program), dtype=np.uint64)
        asked = session.where(lanes.request != EMPTY, asked, session.entry(empty))
    valid = session.run("!!arch_hugetlb_valid_size(size)", size=("unsigned long", page.size))
    usable = ~contradictory(answers, len(base)) & session.machine.truth(scalar(valid))
    begin = len(session.machine.log)
    world.call("set_huge_pte_at", None, [asked])
    bare.where = where
    bare.initial = np.stack([bare.entry(i) for i in range(where.nr)], axis=1)
    returned: Value = None
    if helper.kind == "set" and bool((lanes.request == OVER).any()):
        with session.machine.narrowed(lanes.request == OVER):
            world.call("set_huge_pte_at", None, [session.pte("pte_wrprotect(pte_mkyoung(pte))", pte=("pte_t", asked))])
    if helper.kind != "set":
        _touch(shared, bare, lanes, page)
        begin = len(session.machine.log)
        returned = _act(world, helper, lanes, asked)
    drain(session.machine)
    touched = _touches(shared, states, lanes)
    nothing = np.zeros(len(base), dtype=np.uint64)
    view = world.call("huge_ptep_get", None, [])
    return Handled(
        **common(shared, bare, space, lanes, usable),
        kind=helper.kind,
        name=helper.signature.name,
        page=page,
        pfn=shared.colours.pfn,
        none=shared.none,
        asked=session.raw(asked),
        young=touched[0],
        dirty=touched[1],
        returned=session.raw(returned) if helper.kind in TELLING else nothing,
        view=session.raw(view),
        called_from=begin,
    )


def _act(world: World, helper: Helper, lanes: Space, asked: Value) -> Value:
    """Call the helper as its callers do, and commit what it started."""
    session = world.session
    if helper.kind == "access":
        old = world.call("huge_ptep_get", None, [])
        wanted = session.pte("pte_mkyoung(pte_mkdirty(pte_mkwrite_novma(pte)))", pte=("pte_t", old))
        for request, text in ((WRITES, "pte_mkdirty(pte_mkwrite_novma(pte))"), (READS, "pte_mkyoung(pte)")):
            wanted = session.where(lanes.request == request, session.pte(text, pte=("pte_t", asked)), wanted)
        return world.call(helper.signature.name, helper.signature, [wanted])
    result = world.call(helper.signature.name, helper.signature, [])
    if helper.kind == "transaction":
        new = session.pte("pte_wrprotect(pte)", pte=("pte_t", result))
        world.call(helper.signature.name.replace("_start", "_commit"), None, [result, new])
    return result


def _touch(shared: Setting, batch: Batch, lanes: Space, page: Page) -> None:
    for entry in range(page.entries):
        for store in (False, True):
            here = (lanes.entry == entry) & (lanes.store == store)
            if bool(here.any()):
                new, changed = shared.hardware.touched(batch.entry(entry), store)
                offset = batch.where.base + entry * batch.where.size
                batch.table.blob.store(offset, batch.where.size, new, changed & here)


def _touches(shared: Setting, states: NDArray[np.uint64], lanes: Space) -> tuple[Mask, Mask]:
    """Return the lanes in which the page is young and those in which it is dirty after the MMU's access."""
    young, dirty = shared.colours.young[lanes.states[:, 0]], shared.colours.dirty[lanes.states[:, 0]]
    session = Session(shared.program, len(states))
    for store in (False, True):
        new, changed = shared.hardware.touched(states, store)
        here = changed & (lanes.entry >= 0) & (lanes.store == store)
        young = young | (here & session.holds("pte_young", new))
        dirty = dirty | (here & session.holds("pte_dirty", new))
    return young, dirty
