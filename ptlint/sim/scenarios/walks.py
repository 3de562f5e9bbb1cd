"""Callers: functions of ``.c`` files that change page tables by the helpers, run whole.

A caller is known by what it is given (a page table's entry or its pmd, a mapping, an address), never by its name or
file; what it does by the protocol it uses: start and commit, clear and set, write-protect, flush. It runs over batches
on a stage (``ptlint.sim.stage``), with folios that end inside the batch, single pages, both protections asked for, and
every question about pages and mappings answered either way. Where a function of interest is called by others of its
file, those run as well: they form the batches that it gets.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction, CInt, CPointer, CRecord, CType
from ptlint.csrc.items import items_of
from ptlint.csrc.nodes import nodes
from ptlint.sim.absent import SWAP, Absent, Words, absent_entries, mixed_rows, with_absent
from ptlint.sim.batch import Layout, layout
from ptlint.sim.bounds import Limits
from ptlint.sim.calls import invoke
from ptlint.sim.driving import FIRST, Ran, Setting, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, again, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.grants import Grants
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine, Record
from ptlint.sim.opaque import opaque
from ptlint.sim.primitives import find_primitive
from ptlint.sim.program import Program
from ptlint.sim.properties import walks
from ptlint.sim.properties.facts import known_entry
from ptlint.sim.scenarios.blocks import LONGEST_BLOCK, block_size
from ptlint.sim.scenarios.protocol import pair_names
from ptlint.sim.session import Session, deep_recursion
from ptlint.sim.space import Space
from ptlint.sim.stage import AFTER, BEFORE, ORDER, TARGET, Folios, Stage, argument, set_stage, walker_for
from ptlint.sim.tally import Tally
from ptlint.sim.types import VOID
from ptlint.sim.values import Mask
from ptlint.sim.walklanes import (
    MOST_LANES,
    between_neighbours,
    blocks_of,
    flags_of,
    fold_blocks,
    folded_setting,
    space_of,
    with_accesses,
)

MIXED = 3
"""Entries of a table in which some map no page."""

ORDERED = (1, 2, 4)
"""Entries of batches whose number is a power of two."""

MOST_FOLDED = 32
"""Entries of a folded block that callers run over."""

CALLERS = 3
"""Levels of callers in the same file that run for a function of interest."""

LIMITS = Limits(work=240_000)

_COUNT = re.compile(r"_*(?:nr|nr_ptes|nr_pages|npages)_*")
_MOST = re.compile(r"_*max(?:_nr\w*)?")


@dataclass(frozen=True, slots=True)
class Walk:
    """A caller. ``form`` says what it is given: ``entry`` (one), ``batch`` (a count of entries of one folio, alike but
    for accessed and dirty), ``count`` (it finds one batch, of at most so many, and returns its length), ``range`` (it
    finds the batches itself), ``fault`` (one entry, in a description of the fault or the walk), ``fill`` (a count of
    empty entries, from such a description) or ``swapped`` (a swap entry to move).
    """

    name: str
    path: str
    definition: ast.FunctionDef
    types: tuple[CType, ...]
    form: str
    around: tuple[ast.FunctionDef | None, ast.FunctionDef | None] = (None, None)
    is_ordered: bool = False
    """Whether it is told how many entries there are by a power of two."""

    def sizes(self, program: Program) -> tuple[int, ...]:
        """Return the numbers of entries that the caller runs over."""
        if self.is_single:
            return (1,)
        return ORDERED if self.is_ordered else program.sizes

    @property
    def returns_entry(self) -> bool:
        """Return whether the caller returns an entry."""
        type = self.definition.type.ret
        return isinstance(type, ast.TypedefName) and type.name == "pte_t"

    @property
    def is_single(self) -> bool:
        """Return whether the caller is given one entry."""
        return self.form in ("entry", "fault", "swapped")


@dataclass(frozen=True, kw_only=True)
class Walked(Ran):
    """A finished run. ``grants`` are the lanes, by what a setter does, in which the code called one on purpose; in
    those of ``heeds`` it asked who watches the mapping. ``void`` are the questions about flags that no entry had
    which they met: name and record. ``starts`` and ``commits`` are the names of the transaction's helpers. With
    ``words`` some entries map no page.
    """

    walk: Walk
    stage: Stage
    returned: Value
    grants: dict[str, Mask]
    heeds: dict[str, Mask]
    void: tuple[tuple[str, Record], ...]
    starts: frozenset[str]
    commits: frozenset[str]
    endless: OutOfBounds | None = None
    words: Words | None = None


def subjects(program: Program) -> Iterator[Walk]:
    """Yield the callers among what is of interest and among those of their files that call them."""
    if program.interest is None or not program.walks or not program.runs_callers:
        return
    for path in sorted(files_of_interest(program)):
        yield from _walks(program, path)


def files_of_interest(program: Program) -> set[str]:
    """Return the ``.c`` files outside ``arch`` that define something of interest: below it are the helpers."""
    universe = program.universe
    found = set()
    for name in program.interest or ():
        if name in universe.overrides:
            found.add(universe.overrides[name].path)
        elif not program.places and not universe.headers.sites(name, "function"):
            found.add(universe.source_of(name) or "")
    found |= program.places
    return {path for path in found if path.endswith(".c") and not path.startswith("arch/")}


def _walks(program: Program, path: str) -> Iterator[Walk]:
    """Yield the callers of a file that are of interest, and those that call what is, nearest first.

    What finds its batches itself is called with a range: what calls that in turn adds nothing.
    """
    texts = functions_of(program, path)
    last = [name for name in texts if name in (program.interest or ())]
    seen = set(last)
    for level in range(CALLERS + 1):
        below = []
        for name in last:
            is_walk = _TEXT.search(texts[name]) is not None and not splits(name, texts)
            walk = _walk(program, path, name) if is_walk else None
            if walk is not None and (not level or walk.form != "fault"):
                yield walk
            if walk is None or walk.form in ("entry", "batch"):
                below.append(name)
        called = re.compile(r"\b(?:" + "|".join(map(re.escape, below)) + r")\b") if below else None
        last = [name for name, text in texts.items() if name not in seen and called and called.search(text)]
        seen.update(last)
    yield from _page_walks(program, path, seen)


_OPS = re.compile(r"struct\s+mm_walk_ops\s+\w+\s*=\s*\{([^{}]*)\}")
_FIELD = re.compile(r"\.\s*(\w+)\s*=\s*(\w+)")


def _page_walks(program: Program, path: str, wanted: set[str]) -> Iterator[Walk]:
    """Yield the page walks (include/linux/pagewalk.h) of a file that call one of *wanted* for each entry or around.

    What one notes of entries for its end (which range to flush) shows only there.
    """
    seen: set[tuple[str, ...]] = set()
    text = program.universe.text_of(path)
    for match in _OPS.finditer(text) if "mm_walk_ops" in text else ():
        fields = dict(_FIELD.findall(match.group(1)))
        names = tuple(fields.get(key, "") for key in ("pte_entry", "pre_vma", "post_vma"))
        if not names[0] or not any(names[1:]) or names in seen or not wanted & set(names):
            continue
        seen.add(names)
        one = _walk(program, path, names[0])
        if one is not None:
            before, after = (program.definition(name, path) if name else None for name in names[1:])
            yield replace(one, form="steps", around=(before, after))


def functions_of(program: Program, path: str) -> Mapping[str, str]:
    """Return the functions that a file defines: name -> body as text."""
    known: dict[str, dict[str, str]] = program.kept.setdefault("bodies", {})
    if path not in known:
        known[path] = _bodies(program, path)
    return known[path]


def _bodies(program: Program, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for instance in program.universe.in_file(path).unit.instances:
        if instance.path != path:
            continue
        text, index = instance.active_text(), items_of(instance)
        for name, places in index.names.items():
            for what, number, _ in places:
                if what == "function":
                    item = index.items[number]
                    found[name] = text[text.find("{", item.start) : item.end]
    for name, source in program.universe.overrides.items():
        if source.path == path:
            found[name] = source.looked_at[source.looked_at.find("{") :]
    return found


def splits(name: str, texts: Mapping[str, str]) -> bool:
    """Return whether a function of a file, whose bodies are *texts*, puts a table in place and sets single entries, or
    has one of the others set them: ``ptlint.sim.scenarios.splits``.
    """
    if _PUTS.search(texts[name]) is None:
        return False
    called = set(_CALLED.findall(texts[name])) & texts.keys()
    return any(_SETS.search(texts[one]) is not None for one in (name, *called))


_CALLED = re.compile(r"\b(\w+)\s*\(")
_PUTS = re.compile(r"\bpmd_populate\s*\(")
_SETS = re.compile(r"\b(?:set_ptes|set_pte_at|set_pte)\s*\(")

_TEXT = re.compile(r"\bpte_t\b|\bpmd_t\b|\bpvmw\b|\bvmf\b|ptep_|_ptes?\(")


def function_of(program: Program, path: str, name: str) -> tuple[ast.FunctionDef, CFunction] | None:
    """Return a function that *path* itself defines, and its type; None when it cannot be read."""
    definition = program.definition(name, path)
    if definition is None or definition.pos.path != path:
        return None
    try:
        resolved = program.resolve(definition.type)
    except CannotExecute:
        return None
    assert isinstance(resolved, CFunction)
    return definition, resolved


def _walk(program: Program, path: str, name: str) -> Walk | None:
    found = function_of(program, path, name)
    if found is None:
        return None
    definition, resolved = found
    form = _form(program, definition.type.params, resolved.params, resolved.ret)
    if _walks_itself(definition):  # an entry that it is given then is one to fill in
        form = "range" if {"folio", "vm_area_struct"} <= {tag_of(type) for type in resolved.params} else form
    ordered = form == "entry" and any(ORDER.fullmatch(param.name or "") for param in definition.type.params)
    form = "range" if ordered else form
    if not program.universe.profile.data.get("arch") and not _is_known(program, definition, path):
        return None  # without a tree the rest of the kernel is not there: the report says so once
    return Walk(name, path, definition, resolved.params, form, is_ordered=ordered) if form else None


def _walks_itself(definition: ast.FunctionDef) -> bool:
    """Return whether a function finds the entries of a folio by the reverse mapping."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.function, ast.Name)
        and node.function.name == "page_vma_mapped_walk"
        for node in nodes(definition.body)
    )


def _is_known(program: Program, definition: ast.FunctionDef, path: str) -> bool:
    """Return whether everything that a function calls is declared."""
    return all(
        find_primitive(node.function.name) is not None
        or program.definition(node.function.name, path) is not None
        or program.prototype(node.function.name, path) is not None
        for node in nodes(definition.body)
        if isinstance(node, ast.Call) and isinstance(node.function, ast.Name)
    )


def _form(program: Program, params: Sequence[ast.Param], types: Sequence[CType], returns: CType) -> str:
    """Return what a function with these parameters is given of a page table, empty when nothing."""
    names = [param.name or "" for param in params]
    entries = sum(_written(param) == "pte_t" for param in params)
    tags = {tag_of(type) for type in types}
    pointer = any(
        _written(param, pointed=True) == "pte_t" and isinstance(param.type, ast.PointerType) for param in params
    )
    counted = any(_COUNT.fullmatch(n) for n in names)
    if pointer:
        if any(_MOST.fullmatch(n) for n in names):
            return "count"
        if entries > 1 and _moves(params) and _of_folios(types):
            swapped = any(_written(param) in ("swp_entry_t", "softleaf_t") for param in params)
            return "swapped" if swapped else "range" if any(_LENGTH.fullmatch(n) for n in names) else "entry"
        if entries > 1:
            return ""  # between a start and a commit: ptlint.sim.scenarios.callers
        if counted:
            return "batch"
        ranged = "mm_walk" not in tags and any(n == "end" for n in names)
        return ("count" if isinstance(returns, CInt) else "range") if ranged else "entry"
    if any(_written(param, pointed=True) == "pmd_t" for param in params):
        return "range"
    if {"folio", "vm_area_struct"} <= tags and any("addr" in n for n in names):
        return "range"
    if any(tag_of(type) in ("vm_fault", "page_vma_mapped_walk") and _is_complete(type) for type in types):
        return "fill" if counted and "page" in tags else "fault"
    return ""


_LENGTH = re.compile(r"len|length|extent|end")


def _of_folios(types: Sequence[CType]) -> bool:
    """Return whether one of *types* leads to a folio: what has none is the zero page, or no memory of the kernel's."""
    return any("folio" in (tag_of(type), tag_of(type.to) if isinstance(type, CPointer) else "") for type in types)


def _moves(params: Sequence[ast.Param]) -> bool:
    """Return whether a function is given an entry and one to move it to, and what both hold."""
    pointers, values = (
        {
            TARGET.fullmatch(param.name) is not None
            for param in params
            if param.name and _written(param, pointed) == "pte_t"
        }
        for pointed in (True, False)
    )
    return pointers == values == {True, False}


def _written(param: ast.Param, pointed: bool = False) -> str:
    type = param.type
    if pointed:
        type = type.to if isinstance(type, ast.PointerType) else type
    return type.name if isinstance(type, ast.TypedefName) else ""


def _is_complete(type: CType) -> bool:
    return isinstance(type, CPointer) and isinstance(type.to, CRecord) and type.to.is_complete()


def tag_of(type: CType) -> str:
    return (type.to.tag or "") if isinstance(type, CPointer) and isinstance(type.to, CRecord) else ""


def name(walk: Walk) -> str:
    """Return the name of the function."""
    return walk.name


def judge(program: Program, walk: Walk, arch: str) -> Judgement:
    """Run the caller over growing batches, then with the MMU in between."""
    tally = Tally(walk.name, arch)
    try:
        shared = setting(program, BEFORE + max(3, *walk.sizes(program)) + AFTER)
        if walk.form in ("fill", "swapped"):
            run_mixed(shared, walk, None, tally, frozenset({SWAP if walk.form == "swapped" else ""}))
            return tally.judgement(program)
        steps = raced = 0
        last: Trial | None = None
        for nr in walk.sizes(program):
            trial = last = run_over(shared, walk, nr, space_of(shared, walk.form, nr), last, tally)
            raced = nr if nr <= 2 or not steps else raced
            steps = int(trial.machine.steps.max()) + 1 if raced == nr else steps
        if shared.hardware.updates:
            nr = raced
            touched = with_accesses(space_of(shared, walk.form, nr, 12), nr, steps)
            run_over(shared, walk, nr, touched, trial, tally, raced=True)
        plain = walk.is_single or walk.form == "steps" or _batches(trial.machine)
        block = 1 if plain else block_size(program)
        if block > 1 and block <= MOST_FOLDED:
            folded = folded_setting(program, 2 * block)
            run_over(folded, walk, 2 * block, blocks_of(folded, block), trial, tally, block=block)
        if program.runs_generic and _meets_absent(program, walk, trial.machine):
            run_mixed(shared, walk, trial, tally)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


_TESTED = re.compile(r"\b(?:pte_present|softleaf_from_pte|pte_to_swp_entry|is_swap_pte)\s*\(")
_EMPTY = re.compile(r"\bpte_none\s*\(")


def _meets_absent(program: Program, walk: Walk, machine: Machine) -> bool:
    """Return whether a caller looks at entries that may map no page: it, or code of its file that ran, asks.

    One that is given an entry's value must ask about that, one that is given a single entry more than whether it is
    empty.
    """
    if walk.form in ("steps", "fault") or walk.is_ordered:  # what a huge page is made of has been looked at before
        return False
    texts = functions_of(program, walk.path)
    given = [param.name for param in walk.definition.type.params if _written(param) == "pte_t" and param.name]
    if given:
        asks = "pte_present|pte_none" + ("|softleaf_from_pte|pte_to_swp_entry" if walk.form == "count" else "")
        tested = rf"\b(?:{asks})\s*\(\s*(?:{'|'.join(map(re.escape, given))})\b"
        return re.search(tested, texts.get(walk.name, "")) is not None
    ran = (name for path, _, name in (one.rpartition(":") for one in machine.executed) if path == walk.path)
    found = [texts.get(name, "") for name in ran]
    return any(map(_TESTED.search, found)) or (walk.form == "range" and any(map(_EMPTY.search, found)))


def run_mixed(
    shared: Setting, walk: Walk, after: Trial | None, tally: Tally, kinds: frozenset[str] | None = None
) -> None:
    """Run the caller over tables in which entries that map no page stand beside and between mapped ones; with *kinds*,
    over single ones of these alone.
    """
    absent = absent_entries(shared, walk.path)
    if absent is None:
        return
    first = len(shared.colours.weight)
    flags = flags_of(shared)
    first_with = {0, *(int(np.argmax(flags[:, column])) for column in range(flags.shape[1]))}
    pages = sorted(first_with | {int(np.argmax(flags.sum(axis=1)))})  # no flag may stand in the way of another
    nr = 1 if walk.is_single else MIXED
    states: Sequence[int] = range(first, first + len(absent.kinds))
    if kinds is not None:
        pages, states = [], [at for at, kind in zip(states, absent.kinds, strict=True) if kind in kinds]
    rows = np.array(mixed_rows(pages, states, nr), dtype=np.int64)
    table = between_neighbours(rows)
    request = np.tile(np.array([writable | (nr + AFTER) << 3 for writable in (0, 1)], dtype=np.int64), len(table))
    off = np.full(len(request), -1, dtype=np.int64)
    entries = np.repeat(table, 2, axis=0)
    if not walk.is_single:  # the table is gone when it is mapped first, or for the second time
        same = np.flatnonzero((entries == entries[:, :1]).all(axis=1))
        off = np.concatenate([off, np.repeat([-2, -3], len(same))])
        entries = np.concatenate([entries, entries[same], entries[same]])
        request = np.concatenate([request, request[same], request[same]])
    nothing = np.zeros(len(request), dtype=np.int64)
    space = Space(entries, request, off, nothing, nothing.astype(bool), exhaustive=False)
    run_over(with_absent(shared, absent), walk, nr, space, after, tally, absent=absent)


# --- a run --------------------------------------------------------------------------------------------------------


def run_over(
    shared: Setting,
    walk: Walk,
    nr: int,
    space: Space,
    after: Trial | None,
    tally: Tally,
    *,
    raced: bool = False,
    block: int = 1,
    absent: Absent | None = None,
) -> Trial:
    """Run the caller over *space*, *after* a trial of its own; without one that fits, where not every answer does, once
    more with those that led to a change of an entry. Note both. Raises OutOfBounds for a run without an end.
    """
    where = layout(shared.program, nr, LONGEST_BLOCK if block > 1 else FIRST)
    starts, commits = pair_names(shared.program)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        ran = _finished(shared, walk, where, space.take(base), space, answers, starts, commits, block, absent)
        broken = walks.check(ran)
        return ran.session.machine, broken if ran.endless is None else list(broken), ran

    trial = explore(len(space), drive, MOST_LANES, after, _changing)
    tally.add(trial, raced=raced)
    trial.machine.finish()
    assert isinstance(trial.state, Walked)
    if trial.state.endless is not None:  # what it broke by then is noted, and longer batches have no end either
        raise trial.state.endless
    more = again(len(space), drive, trial, _changing(trial.machine), MOST_LANES)
    if more is not None:
        tally.add(more, raced=raced)
        more.machine.finish()
    return trial


def _batches(machine: Machine) -> bool:
    """Return whether a helper was called for more than one entry: then code does not need folded ones to batch."""
    return any(
        bool((np.asarray(value) > 1).any())
        for record in machine.log
        if record.kind == "call" and len(record.stack) > 0
        for name, value in record.data.items()
        if name.startswith("nr") and isinstance(value, (int, np.ndarray))
    )


def _changing(machine: Machine) -> Mask:
    """Return the lanes in which the CPU has written an entry."""
    masks = [record.mask for record in machine.log if record.kind == "write"]
    result: Mask = np.any(masks, axis=0) if masks else np.zeros(machine.lanes, dtype=bool)
    return result


def arguments_of(stage: Stage, definition: ast.FunctionDef, types: Sequence[CType]) -> list[Value]:
    """Return what a caller is given on *stage*, by the roles of its parameters."""
    walks_itself = _walks_itself(definition)
    found: list[Value] = []
    for at, (param, type) in enumerate(zip(definition.type.params, types, strict=True)):
        name, written = param.name or f"arg{at}", _written(param, pointed=True)
        if walks_itself and written == "pte_t" and isinstance(type, CPointer):
            found.append(opaque(stage.session.machine, name, type.to).base)
        else:
            found.append(argument(stage, name, _taken_for(stage, definition, param, type), written))
    return found


def _taken_for(stage: Stage, definition: ast.FunctionDef, param: ast.Param, type: CType) -> CType:
    """Return the type of a parameter; of a plain pointer, that of the variable which takes it."""
    if not isinstance(type, CPointer) or type.to != VOID:
        return type
    for node in nodes(definition.body):
        if isinstance(node, ast.Declaration):
            for one in node.declarators:
                if isinstance(one.init, ast.Name) and one.init.name == param.name:
                    found = stage.session.program.resolve(one.type)
                    return found if isinstance(found, CPointer) else type
    return type


def _stepped(stage: Stage, walk: Walk, arguments: list[Value]) -> None:
    """Call what a page walk does before its entries, for each of them, and after them.

    The parameters of what it calls for an entry are the entry, its address, the address of the next, and the walk.
    """
    session, where = stage.session, stage.where
    before, after = walk.around
    _around(stage, before)
    for index in range(where.nr):
        addr = where.addr + index * where.page
        own: list[Value] = [stage.source.ptep + index * where.size, addr, addr + where.page]
        invoke(session.program, session.machine, walk.definition, [*own, *arguments[3:]], list(walk.types))
    drain(session.machine)  # the lock of the table is dropped
    _around(stage, after)


def _around(stage: Stage, definition: ast.FunctionDef | None) -> None:
    if definition is None:
        return
    program = stage.session.program
    resolved = program.resolve(definition.type)
    assert isinstance(resolved, CFunction)
    arguments = arguments_of(stage, definition, resolved.params)
    invoke(program, stage.session.machine, definition, arguments, list(resolved.params))


def _finished(
    shared: Setting,
    walk: Walk,
    where: Layout,
    lanes: Space,
    space: Space,
    answers: dict[Hashable, Mask],
    starts: frozenset[str],
    commits: frozenset[str],
    block: int,
    absent: Absent | None,
) -> Walked:
    count, nr = len(lanes), where.nr
    walker = walker_for(shared.hardware, lanes.slot, lanes.entry, lanes.store, where.base)
    raced = bool((lanes.slot >= 0).any())
    session = Session(shared.program, count, answers, walker if raced else None, LIMITS)
    raw = np.stack([shared.colours.raw[lanes.states[:, i], i] for i in range(lanes.states.shape[1])], axis=1)
    request = lanes.request
    folios = Folios(request >> 3, (request & 2).astype(bool), (request & 4).astype(bool), nr)
    pages = where.page // shared.program.constant("PAGE_SIZE")
    if pages > 1:  # one huge page is one folio
        alike = np.ones(count, dtype=bool)
        folios = Folios(np.full(count, pages, dtype=np.int64), ~alike, alike, pages)
    writable = (lanes.request & 1).astype(bool)
    stage = set_stage(session, where, raw, shared.none, shared.colours.pfn + BEFORE * pages, folios, writable)
    if block > 1:
        fold_blocks(session, stage, block)
    walker.table = stage.source.table
    if absent is not None:
        stage.absent = absent.words
        stage.lost = -1 - lanes.slot  # nothing else needs the MMU's schedule here
    machine = session.machine
    arguments = arguments_of(stage, walk.definition, walk.types)
    machine.steps = np.zeros_like(machine.steps)
    machine.log.clear()
    grants = Grants(session, walk.path, absent is not None)
    machine.intercept = grants
    returned: Value = None
    endless: OutOfBounds | None = None
    try:
        with deep_recursion():
            if walk.form == "steps":
                _stepped(stage, walk, arguments)
            else:
                returned = invoke(shared.program, machine, walk.definition, arguments, list(walk.types))
    except OutOfBounds as error:  # what it has done to entries beside the batch by then is not undone
        endless = error
    machine.intercept = None
    if endless is None:
        drain(machine)
    return Walked(
        session=session,
        batch=stage.source,
        where=where,
        colours=shared.colours,
        space=space,
        lanes=lanes,
        hardware=shared.hardware,
        usable=~contradictory(machine.answers, count),
        final=tuple(known_entry(session, stage.source.table, where, i, shared.none)[0] for i in range(nr)),
        walk=walk,
        stage=stage,
        returned=returned,
        grants=grants.lanes(),
        heeds=grants.heeds,
        void=tuple((name, one) for (name, _), one in grants.flags.items() if one is not None),
        starts=starts,
        commits=commits,
        endless=endless,
        words=None if absent is None else absent.words,
    )
