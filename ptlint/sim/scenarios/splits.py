"""Code that splits a huge page's entry: a ``pmd`` that maps one becomes one that leads to a table of single entries.

Such a function is known by what it is given (an entry of the level above, a mapping or its address space, an address)
and by what it does: it sets single entries and puts their table in the place of the entry. It runs over every state of
that entry, present and migrating, with an empty table that was kept for it (``Stage.kept``).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CType
from ptlint.sim.absent import MIGRATION, Words, absent_entries, with_absent
from ptlint.sim.batch import filled, layout, none_of
from ptlint.sim.blob import Blob
from ptlint.sim.bounds import LANES_OF_WORK, Limits
from ptlint.sim.calls import invoke
from ptlint.sim.driving import FIRST, Ran, Setting, common, setting
from ptlint.sim.errors import CannotExecute, NoEntries, OutOfBounds
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.functions import files_of_interest, function_of, functions_of
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.primitives.deposits import WITHDRAW
from ptlint.sim.program import Program
from ptlint.sim.properties import splits
from ptlint.sim.roles import points_to
from ptlint.sim.scenarios.upper import NEEDS
from ptlint.sim.session import Session, deep_recursion
from ptlint.sim.space import Space, raced_at
from ptlint.sim.stage import AFTER, BEFORE, Folios, StageWalker, set_stage
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask
from ptlint.sim.walkforms import arguments_of
from ptlint.sim.walklanes import between_neighbours

LEVEL = "pmd"

LIMITS = Limits(statements=200_000, work=400_000)

MOST_LANES = LANES_OF_WORK - 1
"""Lanes of one run: a table has hundreds of entries, and more would count twice as work."""

MOST_RACED = 12
"""States with which the MMU acts."""

_TESTED = re.compile(r"\b(?:softleaf_from_pmd|pmd_to_swp_entry|is_swap_pmd|pmd_is_\w+|is_pmd_migration_entry)\s*\(")
"""Questions of code that meets entries which map no page."""

_CALLED = re.compile(r"\b(\w+)\s*\(")
_PUTS = re.compile(r"\bpmd_populate\s*\(")
_SETS = re.compile(r"\b(?:set_ptes|set_pte_at|set_pte)\s*\(")


@dataclass(frozen=True, slots=True)
class Split:
    """A function that splits; ``program`` has the level of the entry, ``single`` that of the entries it becomes."""

    name: str
    definition: ast.FunctionDef
    types: tuple[CType, ...]
    path: str
    program: Program
    single: Program


@dataclass(slots=True)
class Watcher(StageWalker):
    """The MMU of a split. It sees how much of the table of single entries is set whenever the entry is touched:
    ``seen`` has the place in the log, and the lanes in which one of them is empty.
    """

    kept: Object | None = None
    empty: int = 0
    each: int = 8
    seen: list[tuple[int, Mask]] = field(default_factory=list)

    def before_step(self, machine: Machine, table: Object) -> None:
        """Look at the table, and do the accesses whose turn it is."""
        if self.kept is not None:
            unset = np.zeros(machine.lanes, dtype=bool)
            for at in range(0, self.kept.blob.size, self.each):
                unset = unset | (np.asarray(self.kept.blob.load(at, self.each, False)) == self.empty)
            self.seen.append((len(machine.log), unset))
        StageWalker.before_step(self, machine, table)


@dataclass(frozen=True, kw_only=True)
class Done(Ran):
    """A finished split. ``entries`` are those of the table, (entries, lanes), ``empty`` the bytes of one that is not
    set, ``table`` those of an entry that leads to it, ``pfn`` the first page frame of the huge page. ``moving`` tells
    migration entries of the level apart where some were, ``words`` those of single entries where the file has any.
    """

    split: Split
    entries: NDArray[np.uint64]
    empty: int
    table: NDArray[np.uint64]
    pfn: int
    seen: list[tuple[int, Mask]]
    moving: Words | None
    words: Words | None


def subjects(program: Program) -> Iterator[Split]:
    """Yield the functions that split an entry among what is of interest and those of their files that call it."""
    if program.interest is None or not program.walks or not (program.runs_callers or program.runs_generic):
        return
    if not program.universe.profile.is_set("TRANSPARENT_HUGEPAGE") or program.universe.typedef(f"{LEVEL}_t") is None:
        return
    twin: Program | None = None
    for path in sorted(files_of_interest(program)):
        for name in _splitting(program, path):
            twin = twin or program.at_level(LEVEL)
            if not all(map(twin.has, NEEDS)):
                return
            found = function_of(twin, path, name)
            if found is None:
                continue
            definition, resolved = found
            if any(points_to(param, f"{LEVEL}_t") for param in definition.type.params):
                yield Split(name, definition, resolved.params, path, twin, program)


def splits_entry(name: str, texts: Mapping[str, str]) -> bool:
    """Return whether a function of a file, whose bodies are *texts*, puts a table in place and sets single entries, or
    has one of the others set them.
    """
    if _PUTS.search(texts[name]) is None:
        return False
    called = set(_CALLED.findall(texts[name])) & texts.keys()
    return any(_SETS.search(texts[one]) is not None for one in (name, *called))


def _splitting(program: Program, path: str) -> Iterator[str]:
    """Yield the functions of *path* that set single entries and put their table in place, and are, or call, what is of
    interest.
    """
    texts = functions_of(program, path)
    wanted = set(program.interest or ())
    for name, text in texts.items():
        if splits_entry(name, texts) and (name in wanted or wanted & set(re.findall(r"\w+", text))):
            yield name


def name(split: Split) -> str:
    """Return the name of the function."""
    return split.name


def judge(_program: Program, split: Split, arch: str) -> Judgement:
    """Run the split over every state of an entry, then with the MMU in between, then over migrating entries."""
    tally = Tally(split.name, arch, general=True)
    try:
        shared = setting(split.program, BEFORE + 1 + AFTER)
        trial = _run_over(shared, split, _space(range(len(shared.colours.weight))), tally)
        if shared.hardware.updates:
            few = np.random.default_rng(1).permutation(len(shared.colours.weight))[:MOST_RACED]
            raced = raced_at(_space(sorted(few.tolist())), _around_first_write(trial.machine))
            _run_over(shared, split, raced, tally, raced=True)
        if _TESTED.search(functions_of(split.program, split.path).get(split.name, "")):
            absent = absent_entries(shared, split.path)
            kinds = () if absent is None else absent.kinds
            first = len(shared.colours.weight)
            rows = [first + at for at, kind in enumerate(kinds) if kind in MIGRATION]
            if absent is not None and rows:
                _run_over(with_absent(shared, absent), split, _space(rows), tally, moving=absent.words)
    except NoEntries:
        return Judgement(split.name, arch)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(split.program)


def _around_first_write(machine: Machine) -> range:
    """Return the steps near that which takes the entry away: what the MMU does before it is owed."""
    steps = np.zeros(machine.lanes, dtype=np.int64)
    first = np.full(machine.lanes, -1, dtype=np.int64)
    for record in machine.log:
        if record.kind == "write":
            first = np.where(record.mask & (first < 0), steps, first)
        if record.kind in ("read", "write"):
            steps += record.mask
    last = int(first.max())
    return range(max(0, last - 3), last + 2)


def _space(states: Iterable[int]) -> Space:
    """Return a lane for each state: in a private mapping, whose own protection lets nobody write."""
    rows = between_neighbours(np.array([[state] for state in states], dtype=np.int64))
    nothing = np.zeros(len(rows), dtype=np.int64)
    return Space(rows, nothing, nothing - 1, nothing, nothing.astype(bool), exhaustive=False)


def _run_over(
    shared: Setting, split: Split, space: Space, tally: Tally, *, raced: bool = False, moving: Words | None = None
) -> Trial:
    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        done = _finished(shared, split, space.take(base), space, answers, moving)
        return done.session.machine, splits.check(done), done

    trial = explore(len(space), drive, MOST_LANES)
    tally.add(trial, raced=raced)
    trial.machine.finish()
    return trial


def _finished(
    shared: Setting, split: Split, lanes: Space, space: Space, answers: dict[Hashable, Mask], moving: Words | None
) -> Done:
    program, count = split.program, len(lanes)
    where = layout(program, 1, FIRST)
    own = split.single.pte_size
    pages = where.page // program.constant("PAGE_SIZE")
    empty = none_of(split.single)
    walker = Watcher(shared.hardware, lanes.slot, lanes.entry, lanes.store, where.base, np.zeros(count, dtype=bool))
    session = Session(program, count, answers, walker, LIMITS)
    raw = shared.colours.entries(lanes.states)
    alike = np.ones(count, dtype=bool)
    folios = Folios(np.full(count, pages, dtype=np.int64), ~alike, alike, pages)
    first = shared.colours.pfn + BEFORE * pages
    stage = set_stage(session, where, raw, shared.none, first, folios, ~alike)
    stage.kept = _empty_table(session, own, pages, empty)
    walker.table, walker.kept, walker.empty, walker.each = stage.source.table, stage.kept, empty, own
    machine = session.machine
    arguments = arguments_of(stage, split.definition, split.types)
    table = _leading(session, split.path)
    session.begin()
    walker.seen.clear()
    with deep_recursion():
        invoke(program, machine, split.definition, arguments, list(split.types))
    drain(machine)
    walker.kept = None
    entries = np.stack([session.lanes_of(stage.kept.blob.load(at * own, own, False)) for at in range(pages)])
    return Done(
        **common(shared, stage.source, space, lanes, ~contradictory(machine.answers, count)),
        split=split,
        entries=entries,
        empty=empty,
        table=table,
        pfn=first,
        seen=walker.seen,
        moving=moving,
        words=_words_of(split),
    )


def _empty_table(session: Session, size: int, pages: int, empty: int) -> Object:
    """Return a table of *pages* single entries, none of which is set."""
    big_endian = session.program.model.big_endian
    return session.machine.memory.add("table", Blob(pages * size, big_endian, filled(empty, size, big_endian)))


def _leading(session: Session, path: str) -> NDArray[np.uint64]:
    """Return the bytes of an entry that leads to the table which is kept, in the words of a file."""
    program = session.program
    session.path = path
    size = program.pte_size
    cell = session.machine.memory.add("leading", Blob(size, program.model.big_endian, lambda _at, _size: 0))
    session.do(
        f"pmd_populate(mm, p, {WITHDRAW}(mm, p))",
        mm=("struct mm_struct *", session.opaque("vma->vm_mm", "struct mm_struct")),
        p=("pmd_t *", cell.base),
    )
    session.path = ""
    return session.lanes_of(cell.blob.load(0, size, False))


def _words_of(split: Split) -> Words | None:
    """Return how the file tells single entries that map no page apart, None where it has no words for them."""
    absent = absent_entries(setting(split.single, BEFORE + 1 + AFTER), split.path)
    return None if absent is None else absent.words
