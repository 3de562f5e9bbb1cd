"""Functions that detect a batch and change no entry: how many entries are one, and what bits they have in common.

Such a function is known by what it is given (an entry pointer, the first entry or a copy of it to merge bits into, the
most that it may count) and by what it returns, a number. Where a patch changes one, or what one calls in its file, it
runs over entries that differ from the first in one thing, with every flag, up to every border of a folio. Which bits a
flag lets differ or merges is in its name (``FPB_RESPECT_WRITE``, ``FPB_IGNORE_DIRTY``, ``FPB_MERGE_YOUNG_DIRTY``).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction, CInt, CPointer, CType
from ptlint.csrc.directives import MAX_FILE_BYTES
from ptlint.csrc.items import index_of_text
from ptlint.sim.batch import Layout, layout
from ptlint.sim.blob import Blob
from ptlint.sim.bounds import Limits
from ptlint.sim.calls import invoke
from ptlint.sim.convert import scalar
from ptlint.sim.driving import FIRST, Ran, Setting, common, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.flagwords import Flag, bits_of, flags_of, meanings_of
from ptlint.sim.frame import Value
from ptlint.sim.functions import CALLERS, overrides_of
from ptlint.sim.judgement import Judgement
from ptlint.sim.machine import Machine
from ptlint.sim.odd import ALIKE, BLOCKS, MOST_LANES, NOWHERE, NR, folded, raws, spaced, swapped, unpacked
from ptlint.sim.program import Program
from ptlint.sim.properties import forming
from ptlint.sim.roles import points_to, tag_of, typedef_of
from ptlint.sim.scenarios.blocks import LONGEST_BLOCK, block_size
from ptlint.sim.scenarios.protocol import advanced
from ptlint.sim.session import Session, deep_recursion
from ptlint.sim.space import Space
from ptlint.sim.stage import AFTER, BEFORE, TARGET, Folios, Stage, argument, set_stage
from ptlint.sim.swapped import has_swap
from ptlint.sim.tally import Tally
from ptlint.sim.undeclared import require_declared
from ptlint.sim.values import Mask
from ptlint.sim.walklanes import MOST_FOLDED, fold_blocks, folded_setting, one_off

LONG_RUN = Limits(statements=2 * Limits().statements, records=2 * Limits().records)
"""Bounds of a run over folded blocks: each read of an entry there reads the whole block."""

_MOST = re.compile(r"_*max(?:_nr\w*)?")
_WRITTEN = re.compile(r"\bpte_t\s*\*[^{};]*\)\s*\{")
_HEAD = re.compile(r"(?:\A|[{}])[^{}(]*+\([^{}]*\bpte_t\s*\*[^{}]*\)")
_BOUND = re.compile(r"\bmax\w*|\bend\b")
_OF_SWAP = re.compile(r"sw(?:a)?p_|softleaf")


@dataclass(frozen=True, slots=True)
class Former:
    """A function that detects a batch. ``roles`` are those of its parameters: ``ptep``, ``pte``, ``copy``, ``most``,
    ``end``, ``flags``, ``told`` (a bool to tell of a bit in) and ``other``. With ``of_swap`` it counts swap entries.
    """

    name: str
    definition: ast.FunctionDef
    types: tuple[CType, ...]
    roles: tuple[str, ...]
    has_folio: bool
    of_swap: bool
    flags: tuple[Flag, ...]


@dataclass(frozen=True, kw_only=True)
class Formed(Ran):
    """A finished call. ``count`` is what it returned, ``most`` how many entries it may count, ``border`` how many the
    folio of the first has from there on; ``entries`` are those of the table from ``start`` of it on, ``given`` is the
    first as the function got it and ``copy`` what it made of it. ``alike`` are the lanes whose entries differ in
    nothing. ``free`` are the lanes, by bit, in which entries may differ in it, ``merges`` those in which it is merged,
    ``keeps`` those in which it is not; ``told`` is what was told of each. ``fits`` says of swap entries which go on
    from the first. ``block`` is the number of entries that are folded.
    """

    former: Former
    count: NDArray[np.int64]
    most: NDArray[np.int64]
    border: NDArray[np.int64]
    entries: tuple[NDArray[np.uint64], ...]
    given: NDArray[np.uint64]
    copy: NDArray[np.uint64] | None
    alike: Mask
    free: Mapping[str, Mask]
    merges: Mapping[str, Mask]
    keeps: Mapping[str, Mask]
    told: Mapping[str, Mask]
    fits: tuple[Mask, ...] = ()
    start: int = 0
    block: int = 1

    @cached_property
    def nothing(self) -> Mask:
        """Return no lane."""
        return np.zeros(len(self.count), dtype=bool)

    @property
    def unfolded(self) -> Mask:
        """Return the lanes in which no entry shares bits with others."""
        return np.full(len(self.count), self.block == 1)

    def index_of(self, offset: object) -> NDArray[np.int64]:
        """Return the entries, counted from the first, at byte offsets in the table."""
        index = np.asarray(offset, dtype=np.int64) // self.where.size - self.where.first - self.start
        return np.broadcast_to(index, (len(self.count),))


# --- subjects -----------------------------------------------------------------------------------------------------


def subjects(program: Program) -> Iterator[Former]:
    """Yield the functions that detect batches among what is of interest and among those of its file that call it."""
    if not program.interest or not program.walks or not program.runs_generic:
        return
    brought = {text.path for text in program.universe.overrides.values() if _HEAD.search(text.looked_at)}
    for path in sorted({*program.places, *brought}):
        text = program.universe.text_of(path) if path.endswith((".c", ".h")) else ""
        text = text if len(text) <= MAX_FILE_BYTES else ""  # longer than any that is read as C
        if path in brought or (_WRITTEN.search(text) and _BOUND.search(text)):
            yield from _formers(program, path, text)


def _formers(program: Program, path: str, text: str) -> Iterator[Former]:
    functions = _functions(program, path, text)
    last = [name for name in functions if name in (program.interest or ())]
    seen = set(last)
    for _ in range(CALLERS):
        for name in last:
            if program.is_asked_for(name) and _may_form(functions[name]):
                former = _former(program, path, name)
                if former is not None:
                    yield former
        called = re.compile(r"\b(?:" + "|".join(map(re.escape, last)) + r")\s*\(") if last else None
        last = [
            name
            for name, body in functions.items()
            if name not in seen and called and any(one in body for one in last) and called.search(body)
        ]
        seen.update(last)


def _functions(program: Program, path: str, text: str) -> dict[str, str]:
    """Return the functions that a file defines under any conditional, by name."""
    return _functions_in(text) | {name: one.looked_at for name, one in overrides_of(program, path).items()}


@lru_cache(maxsize=16)
def _functions_in(text: str) -> dict[str, str]:
    index = index_of_text(text)
    found = {}
    for name, places in index.names.items():
        for what, number, _ in places:
            if what == "function":
                found[name] = text[index.items[number].start : index.items[number].end]
    return found


def _may_form(text: str) -> bool:
    head = text[: text.find("{")]
    return _HEAD.search(head) is not None and _BOUND.search(head) is not None


def _former(program: Program, path: str, name: str) -> Former | None:
    """Return function *name* of *path* as one that detects a batch, None when it is given something else."""
    caller = path if path.endswith(".c") or program.universe.headers.written(name, "function") else ""
    caller = caller or _reader(program, path, name)
    definition = program.definition(name, caller)
    if definition is None or definition.pos.path != path:
        return None
    resolved = program.resolve(definition.type)
    assert isinstance(resolved, CFunction)
    if not isinstance(resolved.ret, CInt) or resolved.ret.name == "_Bool":
        return None
    params = definition.type.params
    roles = tuple(_roles(program, params, resolved.params))
    given = [role for role in roles if role in ("pte", "copy")]
    bounds = [role for role in roles if role in ("most", "end")]
    if roles.count("ptep") != 1 or len(given) != 1 or len(bounds) != 1 or "target" in roles:
        return None
    text = program.universe.text_of(path)
    body = _functions(program, path, text).get(name, "")
    kind = next((param for param, role in zip(params, roles, strict=True) if role == "flags"), None)
    of_type = typedef_of(kind) if kind is not None else ""
    tags = {tag_of(type) for type in resolved.params}
    return Former(
        name,
        definition,
        resolved.params,
        roles,
        bool(tags & {"folio", "page", "vm_area_struct"}),
        _OF_SWAP.search(body[body.find("{") :]) is not None and "folio" not in tags,
        tuple(flags_of(program, caller or path, of_type)) if of_type else (),
    )


def _reader(program: Program, path: str, name: str) -> str:
    """Return a ``.c`` file that includes header *path* and uses *name*, empty when none is built."""
    include = re.compile(rf'^[ \t]*#[ \t]*include[ \t]*["<](?:[^">]*/)?{re.escape(path.rpartition("/")[2])}[">]', re.M)
    for one in program.universe.sources.files():
        text = program.universe.text_of(one)
        if name in text and include.search(text):
            found = program.definition(name, one)
            if found is not None and found.pos.path == path:
                return one
    return ""


def _roles(program: Program, params: Sequence[ast.Param], types: Sequence[CType]) -> Iterator[str]:
    pointers = 0
    for param, type in zip(params, types, strict=True):
        name = param.name or ""
        if points_to(param, "pte_t"):
            pointers += 1
            yield "target" if TARGET.fullmatch(name) or pointers > 2 else "ptep" if pointers == 1 else "copy"
        elif typedef_of(param) == "pte_t":
            yield "pte"
        elif isinstance(type, CPointer):
            bit = bits_of(name.upper())
            is_bool = isinstance(type.to, CInt) and type.to.name == "_Bool"
            yield "told" if is_bool and bit else "target" if tag_of(type) == "mmu_gather" else "other"
        elif isinstance(type, CInt) and _MOST.fullmatch(name):
            yield "most"
        elif isinstance(type, CInt) and name == "end":
            yield "end"
        elif isinstance(type, CInt) and "flags" in name:
            yield "flags"
        else:
            yield "other"


def name(former: Former) -> str:
    """Return the name of the function."""
    return former.name


# --- a run --------------------------------------------------------------------------------------------------------


def _combinations(former: Former) -> NDArray[np.uint64]:
    """Return every combination of the flags, no more than 64 of them."""
    values = np.zeros(1, dtype=np.uint64)
    for flag in former.flags[:6]:
        values = np.concatenate([values, values | np.uint64(flag.value)])
    return values


def judge(program: Program, former: Former, arch: str) -> Judgement:
    """Run the function over the table of every lane, and over folded blocks where there are such."""
    tally = Tally(former.name, arch)
    try:
        require_declared(program, former.definition)
        shared = setting(program, BEFORE + NR + AFTER)
        if former.of_swap:
            if has_swap(program):
                tally.add(_run(shared, former, *swapped(shared)), raced=False)
            return tally.judgement(program)
        pairs, flags = one_off(shared), len(_combinations(former))
        states = len(shared.colours.weight)
        space = spaced(states, pairs, flags)
        tally.add(_run(shared, former, space, raws(shared, space)), raced=False)
        block = block_size(program)
        if 1 < block <= MOST_FOLDED:
            shared = folded_setting(program, BLOCKS * block)
            space = folded(len(shared.colours.weight), one_off(shared), flags, block)
            for start in (0, block - 3):
                tally.add(_run(shared, former, space, raws(shared, space), block=block, start=start), raced=False)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def _run(
    shared: Setting, former: Former, space: Space, raw: NDArray[np.uint64], *, block: int = 1, start: int = 0
) -> Trial:
    nr = raw.shape[1] - BEFORE - AFTER
    where = layout(shared.program, nr, LONGEST_BLOCK if block > 1 else FIRST)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        ran = _finished(shared, former, where, space, base, raw[base], answers, block, start)
        return ran.session.machine, forming.check(ran) if ran is not None else (), ran

    return explore(len(space), drive, MOST_LANES * 4)


def _finished(
    shared: Setting,
    former: Former,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    raw: NDArray[np.uint64],
    answers: dict[Hashable, Mask],
    block: int,
    start: int,
) -> Formed:
    lanes, program = space.take(base), shared.program
    rows = unpacked(lanes.request)
    session = Session(program, len(base), answers, limits=LONG_RUN if block > 1 else None)
    nothing = np.zeros(len(base), dtype=bool)
    folios = Folios(rows.border, nothing, nothing, where.nr)
    stage = set_stage(session, where, raw, shared.none, shared.colours.pfn + BEFORE, folios, ~nothing)
    stage.missing = np.where(rows.how == NOWHERE, stage.pfn + rows.border, np.iinfo(np.int64).max)
    if block > 1:
        fold_blocks(session, stage, block)
    most = np.maximum(rows.most - start, 1)
    combination = _combinations(former)[np.zeros_like(rows.flags) if former.of_swap else rows.flags]
    first = stage.source.ptep + start * where.size
    given = session.raw(session.run("ptep_get(ptep)", ptep=("pte_t *", first)))
    alike = rows.how == ALIKE if former.of_swap else _alike(session, stage, given, start, most)
    machine = session.machine
    session.begin()
    copy = machine.memory.add("a copy of the first entry", Blob(where.size, program.model.big_endian), program.pte_type)
    copy.blob.store(0, where.size, given)
    named: dict[str, Value] = {
        "ptep": first,
        "pte": session.entry(given),
        "copy": copy.base,
        "most": most.view(np.uint64),
        "end": (where.addr + (start + most) * where.page).view(np.uint64),
        "flags": combination,
    }
    told: dict[str, int] = {}
    arguments: list[Value] = []
    for param, type, role in zip(former.definition.type.params, former.types, former.roles, strict=True):
        name = param.name or role
        value = named[role] if role in named else argument(stage, name, type, typedef_of(param, pointed=True))
        if role == "other" and isinstance(value, int) and value == where.addr:
            value += start * where.page
        if role == "told":
            assert isinstance(value, int)
            told |= dict.fromkeys(bits_of(name.upper()), value)
        arguments.append(value)
    with deep_recursion():
        returned = invoke(program, machine, former.definition, arguments, list(former.types))
    count = session.lanes_of(scalar(returned)).astype(np.int64)
    meanings = meanings_of(former.flags, combination)
    entries = _entries(stage, where, start)
    return Formed(
        **common(shared, stage.source, space, lanes, ~contradictory(answers, len(base))),
        former=former,
        count=count,
        most=most,
        border=rows.border - start,
        entries=entries,
        given=given,
        copy=session.lanes_of(copy.blob.load(0, where.size, False)) if "copy" in former.roles else None,
        alike=alike,
        fits=tuple((rows.how == ALIKE) | (index < rows.odd) for index in range(where.nr)) if former.of_swap else (),
        told={bit: session.lanes_of(machine.load(at, 1, False)) != 0 for bit, at in told.items()},
        start=start,
        block=block,
        free=meanings.free,
        merges=meanings.merges,
        keeps=meanings.keeps,
    )


def _alike(session: Session, stage: Stage, given: NDArray[np.uint64], start: int, most: NDArray[np.int64]) -> Mask:
    """Return the lanes in which all entries that may be counted are what the first one makes expect."""
    result = np.ones(len(most), dtype=bool)
    where, first = stage.where, stage.source.ptep + start * stage.where.size
    equal = "pte_same(a, b)" if session.program.has("pte_same") else "pte_val(a) == pte_val(b)"
    for index in range(1, int(most.max())):
        same = session.run(
            f"!!({equal})",
            a=("pte_t", session.run("ptep_get(ptep)", ptep=("pte_t *", first + index * where.size))),
            b=("pte_t", advanced(session, session.entry(given), index)),
        )
        result &= (session.lanes_of(scalar(same)) != 0) | (most <= index)
    return result


def _entries(stage: Stage, where: Layout, start: int) -> tuple[NDArray[np.uint64], ...]:
    return tuple(stage.source.entry(index) for index in range(start, where.nr + AFTER))
