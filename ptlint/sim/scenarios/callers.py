"""Code between a caller and the commit of a started batch: it gets the old and the new value, and decides the rest.

Such functions are found among what is of interest and in the files around it, by their roles: an entry pointer, two
entries, a count and an address. They are run after a start of the universe's own. Whatever else they ask (is this page
exclusive, is the mapping shared) is explored both ways.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Layout, layout
from ptlint.sim.driving import FIRST, Prepared, Setting, called, common, prepare, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import MAX_LANES, Breach, Trial, explore
from ptlint.sim.frame import Value
from ptlint.sim.functions import all_files_of_interest, overrides_of, written_in
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.program import Program
from ptlint.sim.properties import callers
from ptlint.sim.roles import Parameter, Signature, signature_of
from ptlint.sim.scenarios.protocol import Pair, Transacted, requested, start_batch
from ptlint.sim.scenarios.protocol import subjects as pairs
from ptlint.sim.session import Session
from ptlint.sim.space import Space, lanes_over, still
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask

MOST_STATES = 512
_POINTER = re.compile(r"\bpte_t\s*\*")
_ENTRY = re.compile(r"\bpte_t\b(?!\s*\*)")


@dataclass(frozen=True, slots=True)
class Caller:
    """A function that commits a batch for somebody, and the pair whose start comes before it."""

    signature: Signature
    pair: Pair


@dataclass(frozen=True, kw_only=True)
class Called(Transacted):
    """A finished run. ``granted`` are the lanes in which a boolean argument said yes."""

    form: Signature
    granted: Mask


def subjects(program: Program) -> Iterator[Caller]:
    """Yield the committing functions of the ``.c`` files that hold something of interest."""
    if program.interest is None:
        return
    forms = [form for path in _files(program) for form in _forms(program, path)]
    pair = next((pair for pair in pairs(program, every=True) if pair.is_batch), None) if forms else None
    if pair is not None:
        yield from (Caller(form, pair) for form in forms if form.name not in (pair.start.name, pair.commit.name))


def _forms(program: Program, path: str) -> Iterator[Signature]:
    for name in _candidates(program, path):
        wanted = program.is_asked_for(name) and program.matters(name)
        definition = program.definition(name, path) if wanted else None
        if definition is not None and _fits(form := signature_of(program, name, definition.type)):
            yield form


def _files(program: Program) -> list[str]:
    """Return the ``.c`` files that define something of interest and whose text has a head that may fit."""
    universe = program.universe
    brought = {text.path for text in universe.overrides.values() if _may_fit(text.looked_at)}
    return sorted(
        path
        for path in all_files_of_interest(program)
        if (program.runs_callers or path.startswith("arch/")) and (path in brought or _has_head(universe.text_of(path)))
    )


def _may_fit(head: str) -> bool:
    """Return whether a text has a pointer to entries and, behind it, two entries."""
    first = _POINTER.search(head)
    return first is not None and next(islice(_ENTRY.finditer(head, first.end()), 1, None), None) is not None


@lru_cache(maxsize=256)
def _has_head(text: str) -> bool:
    """Return whether a file, which is not preprocessed, has such a text before the brace that opens a block."""
    heads = (piece.rpartition("}")[2] for piece in text.split("{")[:-1] if "pte_t" in piece)
    return any(map(_may_fit, heads))


def _candidates(program: Program, path: str) -> Iterator[str]:
    """Yield the functions of a file whose heads name an entry pointer and two entries."""
    brought = overrides_of(program, path)
    yield from (name for name, source in brought.items() if _may_fit(source.looked_at))
    for name, text in written_in(program, path):
        if name not in program.universe.overrides and _may_fit(text[: text.find("{")]):
            yield name


def _fits(form: Signature) -> bool:
    once = all(len(form.of(role)) == 1 for role in ("ptep", "addr", "nr"))
    return form.returns == "void" and once and len(form.of("pte")) == 2


def name(caller: Caller) -> str:
    """Return the name of the function."""
    return caller.signature.name


def judge(program: Program, caller: Caller, arch: str) -> Judgement:
    """Run the function over growing batches."""
    tally = Tally(name(caller), arch)
    try:
        shared = setting(program, max(3, *program.sizes))
        trial: Trial | None = None  # a longer batch asks what a shorter one asks, and more
        for nr in program.sizes:
            trial = _run(shared, caller, nr, still(shared.colours, nr, MOST_STATES, 4), trial)
            tally.add(trial, raced=False)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def _run(shared: Setting, caller: Caller, nr: int, space: Space, after: Trial | None) -> Trial:
    where = layout(shared.program, nr, FIRST)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, where, space, base, answers)
        ran = _finished(shared, caller, run, where, space)
        return ran.session.machine, callers.check(ran), ran

    return explore(len(space), drive, lanes_over(nr, MAX_LANES), after)


def _finished(shared: Setting, caller: Caller, run: Prepared, where: Layout, space: Space) -> Called:
    session, batch = run.session, run.batch
    returned = start_batch(session, caller.pair, batch)
    after = tuple(batch.entry(i) for i in range(where.nr))
    asked = requested(session, returned, run.lanes.request & 1)
    granted = (run.lanes.request & 2).astype(bool)
    commit_from = len(session.machine.log)
    others = [_other(session, p, shared.colours.pfn, granted) for p in caller.signature.of("other")]
    called(session, caller.signature, batch, 0, [returned, asked], others)
    drain(session.machine)
    raws = (session.raw(returned), session.raw(asked))
    has_flag = any(_is_flag(p) for p in caller.signature.parameters)
    return Called(
        **common(shared, batch, space, run.lanes, run.usable),
        landmarks=((commit_from, "start returned {}; to be set: {}", raws),),
        pair=caller.pair,
        returned=raws[0],
        asked=raws[1],
        after_start=after,
        commit_from=commit_from,
        form=caller.signature,
        granted=granted if has_flag else np.zeros(len(granted), dtype=bool),
    )


def _is_flag(parameter: Parameter) -> bool:
    return parameter.role == "other" and parameter.written == "_Bool"


def _other(session: Session, parameter: Parameter, pfn: int, granted: Mask) -> Value:
    """Return the value of a parameter without a role: the first page, its folio, a flag both ways, an index of 0."""
    if parameter.written == "struct page *":
        return session.run("pfn_to_page(pfn)", pfn=("unsigned long", pfn))
    if parameter.written.endswith("*"):
        return session.opaque(parameter.name, parameter.written.removesuffix("*").strip())
    return granted.astype(np.uint64) if _is_flag(parameter) else 0
