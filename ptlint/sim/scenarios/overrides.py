"""Overrides beside the generic bodies that they stand in for: both run on the same entries, and are compared.

The generic body is taken from the branch that the architecture's definition switches off, and runs over the
architecture's own setters and per-entry helpers. Where it needs what the architecture does not have (``set_pte()``), a
batch is compared with itself called entry by entry. Helpers whose generic body is no model of what an architecture does
(``pte_accessible()``, ``pte_needs_flush()``, ``ptep_try_set()``, hugetlb helpers) are not among them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.calls.generic import generic_body
from ptlint.calls.hooks import asked
from ptlint.calls.tablenames import telling
from ptlint.csrc.directives import FileScan
from ptlint.csrc.universe import SourceText
from ptlint.sim.batch import Layout, layout
from ptlint.sim.driving import FIRST, PFN, Ran, Setting, called, common, prepare, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, explore
from ptlint.sim.inventory import used_names
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.primitives import find_primitive
from ptlint.sim.program import Program
from ptlint.sim.properties import overrides
from ptlint.sim.properties.overrides import Side
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.scenarios.batches import KINDS, REQUESTS, Form, empty, finished, fits, space_of
from ptlint.sim.scenarios.protocol import Pair, advanced, driven
from ptlint.sim.scenarios.protocol import subjects as pairs
from ptlint.sim.space import Space, joined, mixed, still
from ptlint.sim.tally import Tally
from ptlint.sim.touching import is_concerned, touching
from ptlint.sim.values import Mask

MOST_LANES = 512
"""Lanes of one run before questions multiply them: what an override does otherwise, it does in few states."""

MOST_MIXED = 128
MIXED = frozenset({"collect", "clear", "wrprotect", "young", "youngdirty"})
"""Kinds of batches whose entries may differ in all but the page frame."""

ADVANCED = (1, 2, 3, 17, 512, 0x1FFF)
"""By how many page frames an entry is advanced."""

PREFIX = "generic__"
_ADVANCE = re.compile(r"pte_(?:advance|next)_pfn")
_PAIRED = re.compile(r"_(?:start|commit)(?=_|$)")


@dataclass(frozen=True, slots=True)
class Override:
    """A helper, or both of a transaction, that an architecture gives; ``program`` also has the generic bodies.

    ``generic`` is None where that does not fit the architecture: then the helper, called once an entry, stands for it.
    """

    name: str
    program: Program
    own: Form | Pair
    generic: Form | Pair | None


def subjects(program: Program) -> Iterator[Override]:
    """Yield what the architecture overrides of the helpers that there are scenarios for."""
    interest = touching(program, _kind_of)
    if interest is not None and not interest:
        return
    guards = asked(program.universe, _may_have_some)
    names = sorted(filter(_is_helper, {*guards, *program.universe.overrides}))
    wanted = [name for name in names if is_concerned(program, interest, name, guards.get(name, frozenset()))]
    bodies = {name: body for name in wanted if (body := generic_body(program.universe, name)) is not None}
    if not bodies:
        return
    known = list(pairs(program, every=True)) if any(map(_PAIRED.search, bodies)) else []
    halves = {half.name for pair in known for half in (pair.start, pair.commit)}
    bodies |= {name: body for name in halves if (body := generic_body(program.universe, name)) is not None}
    twin = program.with_functions({PREFIX + name: _renamed(name, body) for name, body in bodies.items()})
    for name in wanted:
        form = _form(twin, name) if name in bodies and program.is_asked_for(name) else None
        if form is None:
            continue
        own = replace(form, signature=replace(form.signature, name=name))
        if _is_whole(twin, name):
            yield Override(name, twin, own, form)
        elif form.kind == "set" and form.signature.of("nr"):
            yield Override(name, twin, own, None)
    for pair in known:
        name, both = f"{pair.start.name}+{pair.commit.name}", (pair.start, pair.commit)
        if program.is_asked_for(name) and {one.name for one in both} & bodies.keys() & {*wanted}:
            start, commit = ((_generic(twin, one.name) if _is_whole(twin, one.name) else None) or one for one in both)
            yield Override(name, twin, pair, Pair(start, commit))


def _is_helper(name: str) -> bool:
    return _kind_of(name) is not None or _PAIRED.search(name) is not None


def _may_have_some(scan: FileScan) -> bool:
    """Return whether a file may declare a helper that there are scenarios for."""
    found: bool | None = scan.item_cache.get("may have helpers")
    if found is None:
        found = scan.item_cache["may have helpers"] = any(map(_is_helper, telling(scan)))
    return found


def _renamed(name: str, body: SourceText) -> SourceText:
    text = re.sub(rf"\b{re.escape(name)}(?=\s*\()", PREFIX + name, body.text, count=1)
    return replace(body, text=text)


def _kind_of(name: str) -> tuple[str, str, int] | None:
    """Return kind, result and number of entries of a helper by its name, None for one without a scenario."""
    for kind, _, pattern, result, values in KINDS:
        if re.fullmatch(pattern, name):
            return kind, result, values
    return ("advance", "pte", 1) if _ADVANCE.fullmatch(name) else None


def _form(twin: Program, name: str) -> Form | None:
    """Return how the generic body of *name* is called, None when that is not as its kind is."""
    signature, known = _generic(twin, name), _kind_of(name)
    if signature is None or known is None:
        return None
    kind, result, values = known
    if kind == "advance":
        fitting = signature.returns == "pte" and signature.roles() in (("pte", "nr"), ("pte",))
        return Form(kind, signature) if fitting else None
    return Form(kind, signature) if fits(signature, result, values) else None


def _is_whole(twin: Program, name: str) -> bool:
    """Return whether the architecture has every function and constant that the generic body of *name* is made of."""
    definition = twin.definition(PREFIX + name)
    return definition is not None and all(
        twin.has(word) or twin.is_function(word) or twin.variable(word) or twin.enumerator(word) is not None
        for word in used_names(definition)
        if find_primitive(word) is None
    )


def _generic(twin: Program, name: str) -> Signature | None:
    definition = twin.definition(PREFIX + name)
    return None if definition is None else signature_of(twin, PREFIX + name, definition.type)


# --- the runs ---------------------------------------------------------------------------------------------------------


def name(override: Override) -> str:
    """Return the name of the helper, or of both of a transaction."""
    return override.name


def judge(program: Program, override: Override, arch: str) -> Judgement:
    """Run both over growing batches and compare what they leave and return."""
    tally, twin = Tally(override.name, arch), override.program
    try:
        shared = replace(setting(program, max(3, *program.sizes)), program=twin)
        for nr in program.sizes if _is_batch(override) else program.sizes[:1]:
            tally.add(_run(shared, override, nr), raced=False)
            if tally.is_idle(twin):
                break
    except (CannotExecute, OutOfBounds) as error:
        error.function = error.function.removeprefix(PREFIX)
        tally.stop(error)
    return tally.judgement(twin)


def _is_batch(override: Override) -> bool:
    form = override.own.start if isinstance(override.own, Pair) else override.own.signature
    return bool(form.of("nr")) and bool(form.of("ptep"))


def _run(shared: Setting, override: Override, nr: int) -> Trial:
    where = layout(shared.program, nr, FIRST)
    space = _space(shared, override.own, nr)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        if override.generic is None:
            assert isinstance(override.own, Form)
            generic = _set_singly(shared, override.own, where, space, base, answers)
        else:
            generic = _driven(shared, override.generic, where, space, base, answers)
        own = _driven(shared, override.own, where, space, base, answers)
        how = "entry by entry" if override.generic is None else "with the generic body"
        is_open = any(key not in answers for ran in (own.ran, generic.ran) for key in ran.session.machine.asked)
        breaches = [] if is_open else list(overrides.check(override.name, _kind(override.own), own, generic, how))
        return _joined(own.ran, generic.ran), breaches, overrides.beside(own, generic, how)

    return explore(len(space), drive)


def _space(shared: Setting, form: Form | Pair, nr: int) -> Space:
    """Return the lanes: as for the helper by itself, with every flag, and entries that differ in other bits too."""
    if isinstance(form, Pair):
        return still(shared.colours, nr, MOST_LANES)
    if form.kind == "advance":
        return still(shared.colours, 1, MOST_LANES, len(ADVANCED))
    if form.kind not in MIXED:
        return space_of(shared, form, nr, MOST_LANES)
    requests = 2 if form.signature.of("other") else 1
    space = (
        space_of(shared, form, nr, MOST_LANES)
        if form.kind in REQUESTS
        else still(shared.colours, nr, MOST_LANES, requests)
    )
    if nr == 1:
        return space
    space = joined(space, mixed(shared.colours, nr, MOST_MIXED, REQUESTS.get(form.kind, requests)))
    return space.take(np.flatnonzero(space.request > 0)) if form.kind == "youngdirty" else space


def _driven(
    shared: Setting,
    form: Form | Pair,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    answers: dict[Hashable, Mask],
) -> Side:
    """Return the finished run of one of the two; both see the same entries and the same answers."""
    if isinstance(form, Pair):
        pair = driven(shared, form, where, space, base, answers)
        return Side(pair, tuple(np.ascontiguousarray(pair.batch.initial[:, i]) for i in range(where.nr)), pair.returned)
    run = prepare(shared, where, space, base, answers)
    first = run.batch.entry(0)
    if form.kind == "set":
        empty(run.batch)
    if form.kind != "advance":
        ran = finished(shared, form, run, where, space, first, PFN, {})
        value = ran.returned if form.signature.returns == "pte" else None
        return Side(ran, ran.before, value, ran.told if form.signature.returns == "bool" else None)
    session = run.session
    numbers = np.array(ADVANCED, dtype=np.uint64)[run.lanes.request]
    text = f"{form.signature.name}(pte, nr)" if form.signature.of("nr") else f"{form.signature.name}(pte)"
    raw = session.raw(session.run(text, pte=("pte_t", session.entry(first)), nr=("unsigned long", numbers)))
    return Side(Ran(**common(shared, run.batch, space, run.lanes, run.usable, (first,))), (first,), raw)


def _set_singly(
    shared: Setting, form: Form, where: Layout, space: Space, base: NDArray[np.int64], answers: dict[Hashable, Mask]
) -> Side:
    """Return the finished run of a batch that is set by one call an entry, each with its own page frame."""
    run = prepare(shared, where, space, base, answers)
    first = run.batch.entry(0)
    empty(run.batch)
    before = tuple(run.batch.entry(index) for index in range(where.nr))
    single = copy.copy(run.batch)
    single.where = replace(where, nr=1)
    for index in range(where.nr):
        called(run.session, form.signature, single, index, [advanced(run.session, run.session.entry(first), index)])
    drain(run.session.machine)
    return Side(Ran(**common(shared, run.batch, space, run.lanes, run.usable)), before)


def _kind(form: Form | Pair) -> str:
    return "pair" if isinstance(form, Pair) else form.kind


def _joined(ran: Ran, expected: Ran) -> Machine:
    """Return the machine of the override's run, with what the generic body asked and ran."""
    machine, other = ran.session.machine, expected.session.machine
    machine.asked.update(other.asked)
    for mine, more in ((machine.asked_in, other.asked_in), (machine.used_in, other.used_in)):
        for key, mask in more.items():
            mine[key] = mine[key] | mask if key in mine else mask
    machine.assumed.update(other.assumed)
    machine.executed |= other.executed | {one.replace(f":{PREFIX}", ":") for one in other.executed}
    return machine
