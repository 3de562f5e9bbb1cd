"""Helpers of hugetlb entries: what a huge page of every size that the universe has goes through.

A huge page is set by the kernel's own ``set_huge_pte_at()`` in tables that its own ``*_populate()`` links, so helpers
may walk them; the MMU touches it at some entry; then the helper runs. A kind follows from the name as the kernel builds
it (include/asm-generic/hugetlb.h), the place of an entry from the size of the page.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.items import items_of
from ptlint.csrc.universe import Universe, load_universe
from ptlint.sim.batch import Batch, Layout
from ptlint.sim.convert import scalar
from ptlint.sim.driving import Ran, Setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.inventory import names_with
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import AT_ENTRY, drain
from ptlint.sim.machine import Machine
from ptlint.sim.mmu import hardware_of
from ptlint.sim.palette import palette
from ptlint.sim.program import Program
from ptlint.sim.properties import huge
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.space import Space
from ptlint.sim.tables import empty_of, linked, number
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask

ROOTS = ("asm/page.h", "linux/pgtable.h", "asm/tlbflush.h", "asm/pgalloc.h", "linux/hugetlb.h")

KINDS: tuple[tuple[str, str], ...] = (
    ("set", r"set_huge_pte_at"),
    ("get", r"huge_ptep_get"),
    ("collect", r"huge_ptep_get_and_clear|huge_ptep_clear_flush"),
    ("clear", r"huge_pte_clear"),
    ("wrprotect", r"huge_ptep_set_wrprotect"),
    ("access", r"huge_ptep_set_access_flags"),
    ("transaction", r"huge_ptep_modify_prot_start"),
)

USER = 0x7F00_0000_0000
NONPRESENT, WRITES, READS, OVER = 1, 2, 3, 4
"""Requests: a migration entry is set instead of a page; the fault that changes access flags is a store, or a load, and
has seen the entry before the MMU touched it; a page is set where one is.
"""

NONPRESENT_IN = ("ARCH_ENABLE_HUGEPAGE_MIGRATION", "MEMORY_FAILURE", "USERFAULTFD")
"""Configurations in which a huge page's entry may be there and not present: migrated, poisoned, a marker."""

TELLING = ("get", "collect", "transaction")
"""Kinds that return an entry."""

SIZES = 0
"""Under which a program keeps the sizes of its huge pages; a program for one size stands under that, in bytes."""

MOST_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Page:
    """A size of huge pages: ``level`` of its entries in the tables, each of which maps ``step`` bytes.

    ``needs`` are the questions about the machine that are yes where it has such pages.
    """

    size: int
    level: str
    step: int
    needs: tuple[Hashable, ...] = ()

    @property
    def entries(self) -> int:
        """Return how many entries map it."""
        return self.size // self.step


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


# --- subjects ---------------------------------------------------------------------------------------------------------


def subjects(program: Program) -> Iterator[Helper]:
    """Yield the helpers of hugetlb entries, where something of interest has to do with hugetlb."""
    if not _concerned(program):
        return
    twin = _with_hugetlb(program)
    if not twin.universe.profile.is_set("HUGETLB_PAGE") or twin.model.pointer_size != 8:
        return
    for name in names_with(twin, "huge_pte"):
        kind = next((kind for kind, pattern in KINDS if re.fullmatch(pattern, name)), "")
        definition = twin.definition(name) if kind and twin.matters(name, *_partner(name)) else None
        if definition is not None:
            yield Helper(kind, signature_of(twin, name, definition.type), twin)


def _partner(name: str) -> tuple[str, ...]:
    return (name.replace("_start", "_commit"),) if name.endswith("_start") else ()


def _concerned(program: Program) -> bool:
    if program.interest is None:
        return True
    universe = program.universe
    for name in program.interest:
        if "huge" in name or "hugetlb" in _path_of(universe, name):
            return True
        if _SIZED.search(_text_of(program, name)):
            return True
    return False


_SIZED = re.compile(r"\bpgsize\b")
"""What code says that is for entries of any level."""


def _path_of(universe: Universe, name: str) -> str:
    """Return the ``.c`` file that defines *name*, where that may be one of hugetlb's."""
    text = universe.overrides.get(name)
    if text is not None:
        return text.path
    may_be = any("hugetlb" in path for path in universe.defining_files(name))
    return universe.source_of(name) or "" if may_be else ""


def _text_of(program: Program, name: str) -> str:
    """Return the text of a function of the architecture's own, empty for others."""
    universe, own = program.universe, f"arch/{program.universe.profile.folder}/"
    if not any(path.startswith(own) for path in universe.defining_files(name)) and not universe.headers.sites(
        name, "function"
    ):
        return ""
    site = universe.site_of(name)
    if site is None or not site.instance.path.startswith(own):
        return ""
    item = items_of(site.instance).items[site.number]
    return site.instance.active_text()[item.start : item.end]


def _with_hugetlb(program: Program) -> Program:
    universe = program.universe
    twin = Program(load_universe(universe.tree, universe.profile, ROOTS, universe.overrides))
    twin.interest = program.interest
    twin.facts[AT_ENTRY] = False  # hugetlb code does not enter it
    return twin


def name(helper: Helper) -> str:
    """Return the name of the helper."""
    return helper.signature.name


def pages(program: Program) -> tuple[Page, ...]:
    """Return the sizes of huge pages that the universe says are valid."""
    kept = program.settings.get(SIZES)  # asked once: later runs settle what the machine can do
    if isinstance(kept, tuple):
        return kept
    shifts = {level: program.constant(f"{level.upper()}_SHIFT") for level in ("pmd", "pud")}
    base = program.constant("PAGE_SHIFT")
    found = []
    for shift in range(base + 1, shifts["pud"] + 1):
        needs = _needs(program, 1 << shift)
        if needs is None:
            continue
        level, step = "pte", base
        for upper in ("pmd", "pud"):
            if shift >= shifts[upper]:
                level, step = upper, shifts[upper]
        found.append(Page(1 << shift, level, 1 << step, needs))
    sizes = tuple(page for page in found if page.entries <= MOST_ENTRIES)
    program.settings[SIZES] = sizes
    return sizes


def _needs(program: Program, size: int) -> tuple[Hashable, ...] | None:
    """Return what a machine must be able to do to have huge pages of *size*, None where none has them."""
    answers: dict[Hashable, Mask] = {}
    for _ in range(2):
        session = Session(program, 1, answers)
        valid = session.run("!!arch_hugetlb_valid_size(size)", size=("unsigned long", size))
        if bool(np.any(session.machine.truth(scalar(valid)))):
            return tuple(answers)
        answers = {question: np.ones(1, dtype=bool) for question in session.machine.asked}
    return None


def _machine(program: Program, page: Page) -> Program:
    """Return the program on a machine that has pages of this size."""
    if not page.needs:
        return program
    twin = program.settings.get(page.size)
    if twin is None:
        twin = program.twin()
        twin.facts = {**program.facts, **dict.fromkeys(page.needs, True)}
        program.settings[page.size] = twin
    assert isinstance(twin, Program)
    return twin


# --- runs -------------------------------------------------------------------------------------------------------------


def judge(program: Program, helper: Helper, arch: str) -> Judgement:
    """Run the helper on pages of every size."""
    tally = Tally(helper.signature.name, arch)
    twin = helper.program
    try:
        if not pages(twin):
            raise CannotExecute("no size of huge pages is valid before start-up code has asked the machine")
        for page in pages(twin):
            tally.add(_run(_machine(twin, page), helper, page), raced=False)
            if tally.is_idle(twin):
                break
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(twin)


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
    if helper.kind == "access" and page.entries > 1:  # the MMU may have set a bit in another entry than the one read
        rows += [(state, request, entry, store) for state, _, entry, store in rows for request in (WRITES, READS)]
    table = np.array(rows, dtype=np.int64)
    off = np.full(len(rows), -1, dtype=np.int64)
    return Space(table[:, :1], table[:, 1], off, table[:, 2], table[:, 3].astype(bool), exhaustive=True)


def _run(program: Program, helper: Helper, page: Page) -> Trial:
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
    world = _World(session, bare, page, where)
    states = shared.colours.raw[lanes.states[:, 0], 0]
    shift = page.size.bit_length() - 1
    made = session.pte(f"arch_make_huge_pte(pte, {shift}, 0)", pte=("pte_t", session.entry(states)))
    gone = session.pte(
        "swp_entry_to_pte(make_readable_migration_entry(pfn))", pfn=("unsigned long", shared.colours.pfn)
    )
    asked = session.where(lanes.request != NONPRESENT, made, gone)
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
        session=session,
        batch=bare,
        where=where,
        colours=shared.colours,
        space=space,
        lanes=lanes,
        hardware=shared.hardware,
        usable=usable,
        final=tuple(bare.entry(i) for i in range(where.nr)),
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


def _act(world: _World, helper: Helper, lanes: Space, asked: Value) -> Value:
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


class _World:
    """A mapping of huge pages and its tables, and calls of helpers at the page's first entry."""

    def __init__(self, session: Session, batch: Batch, page: Page, where: Layout) -> None:
        self.session, self.page, self.where = session, page, where
        self.mm = session.opaque("vma->vm_mm", "struct mm_struct")
        self.vma = session.opaque("vma", "struct vm_area_struct")
        order = (page.size // session.program.constant("PAGE_SIZE")).bit_length() - 1
        session.do(f"hstate_vma(vma)->order = {order}", vma=("struct vm_area_struct *", self.vma))
        session.do("vma->vm_mm = mm", vma=("struct vm_area_struct *", self.vma), mm=("struct mm_struct *", self.mm))
        entry = linked(session, self.mm, where.addr, batch.table, page.level)
        self.ptep = batch.table.base + where.base
        holder = session.machine.memory.find(number(session, entry))[0]
        is_typed = holder is not None and holder.name.startswith("pgd")  # entries tell their level (s390): nobody walks
        if number(session, entry) != self.ptep and not is_typed:
            raise CannotExecute(f"the {page.level} of an address is not where the tables put it")

    def call(self, name: str, form: Signature | None, ptes: list[Value]) -> Value:
        """Return what helper *name* returns, its arguments by their roles."""
        program = self.session.program
        if form is None:
            definition = program.definition(name)
            if definition is None:
                raise CannotExecute(f"{name}() is not in sight")
            form = signature_of(program, name, definition.type)
        rest, typed = list(ptes), {}
        for at, parameter in enumerate(form.parameters):
            roles: dict[str, Value] = {"vma": self.vma, "mm": self.mm, "addr": self.where.addr, "ptep": self.ptep}
            value = roles.get(parameter.role)
            if parameter.role == "pte":
                value = rest.pop(0)
            elif value is None:
                value = self.page.size if re.fullmatch(r".*si?ze?", parameter.name) else 1
            typed[f"a{at}"] = (parameter.written, value)
        text = f"{name}({', '.join(typed)})"
        if form.returns == "void":
            self.session.do(text, **typed)
            return None
        return self.session.run(text, **typed)
