"""The laws of an architecture's setters, predicates and encodings, over every state of an entry (``sim.algebra``).

One subject is one helper. A law that needs a name that the universe does not have is no subject. Page frames are looked
at on each kind of machine that makes its entries differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ptlint.csrc.ast import NOWHERE
from ptlint.csrc.reuse import MAX_HELD
from ptlint.csrc.segments import words_of
from ptlint.csrc.unit import Unit
from ptlint.sim import swapped
from ptlint.sim.algebra import agreement, flushing, invalid, modify, pageframes, setters, swap
from ptlint.sim.algebra.entries import LEVELS, Bench, Lanes, Level, levels_of
from ptlint.sim.algebra.laws import Broken, shown
from ptlint.sim.algebra.states import kernel_protections
from ptlint.sim.algebra.vocabulary import PREDICATES, SETTERS
from ptlint.sim.algebra.world import World, world_of
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, explore
from ptlint.sim.inventory import named_in, used_by
from ptlint.sim.judgement import Assumption, Judgement, Violation
from ptlint.sim.machine import Machine
from ptlint.sim.mmu import Hardware, hardware_of
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

Check = Callable[[Bench, Lanes], Iterator[Broken]]

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Law:
    """The laws of one helper: ``check`` runs over *lanes* lanes. ``world`` is None where there is none to run in."""

    helper: str
    program: Program
    level: Level
    world: World | None
    lanes: int
    check: Check


def subjects(program: Program) -> Iterator[Law]:
    """Yield the helpers that there are laws for, level by level; one whose entries cannot be made is a stopped one."""
    if not _concerned(program) or not program.matters(*_helpers(program)):
        return
    hardware = hardware_of(program, "some" if "some" in program.mmu else "")
    for level in levels_of(program):
        try:
            world = world_of(program, hardware, level)
            yield from _of_entries(world)
            if level.name == "pte":
                yield from _of_page_frames(world)
                yield from _of_swap(world)
                yield from _of_features(program, hardware, level, world)
                yield from _of_other_machines(program, hardware, level)
        except CannotExecute as error:
            yield _stopped(program, level, error)


def _concerned(program: Program) -> bool:
    """Return whether what is of interest can take part in a helper: headers name it, or an architecture has it."""
    if program.interest is None:
        return True
    universe = program.universe
    if not all(program.interest.isdisjoint(words_of(instance.scan)) for instance in universe.unit.instances):
        return True
    if any(name in program.interest and text.path.endswith(".h") for name, text in universe.overrides.items()):
        return True
    near = (
        name for name in program.interest if any(path.startswith("arch/") for path in universe.defining_files(name))
    )
    return any((universe.source_of(name) or "").startswith("arch/") for name in near)


def _helpers(program: Program) -> Iterator[str]:
    """Yield what the laws may call, whether or not the universe has it."""
    for level in LEVELS:
        for endings in (*PREDICATES, *(names for setter in SETTERS for names in (setter.names, setter.inverse))):
            yield from (f"{level}_{ending}" for ending in endings)
        further = ("modify", "same", "pfn", "advance_pfn", "mkinvalid", "trans_huge", "accessible", "access_permitted")
        yield from (f"{level}_{ending}" for ending in further)
        yield from (f"pfn_{level}", f"__{level}", f"{level}_val", flushing.NAMES[level])
        yield from _taking_one(program, level)
    yield from ("__pgprot", "pgprot_val", *swapped.NEEDS, *agreement.SETTERS)
    for predicate, marking in swapped.MARKS.items():
        yield from (predicate, *(name for name, _ in marking))


def _taking_one(program: Program, level: str) -> frozenset[str]:
    """Return the functions that take one entry and nothing else, by the looks of the raw text of the headers."""
    texts = [text.looked_at for text in program.universe.overrides.values()]
    return _headers_taking_one(program.universe.unit, level).union(*(_taken_in(text, level) for text in texts))


def _taken_in(text: str, level: str) -> Iterator[str]:
    for found in re.finditer(rf"{level}_\w++(?=\s*\(\s*{level}_t\s+\w+\s*\))", text):
        before = text[found.start() - 1 : found.start()]
        if not (before.isalnum() or before == "_"):
            yield found.group()


@lru_cache(maxsize=MAX_HELD)
def _headers_taking_one(unit: Unit, level: str) -> frozenset[str]:
    found: set[str] = set()
    for scan in {id(instance.scan): instance.scan for instance in unit.instances}.values():
        key = ("taking one", level)
        if key not in scan.item_cache:
            is_named = f"{level}_t" in words_of(scan)
            scan.item_cache[key] = frozenset(_taken_in(scan.text, level)) if is_named else frozenset()
        found |= scan.item_cache[key]
    return frozenset(found)


def _stopped(program: Program, level: Level, error: CannotExecute) -> Law:
    def check(bench: Bench, base: Lanes) -> Iterator[Broken]:
        raise error

    return Law(f"{level.name}_t", program, level, None, 1, check)


def _law(world: World, name: str, lanes: int, check: Callable[[Bench, World, str, Lanes], Iterator[Broken]]) -> Law:
    return Law(name, world.program, world.level, world, lanes, lambda bench, base: check(bench, world, name, base))


def _of_page_frames(world: World) -> Iterator[Law]:
    yield _law(world, "pfn_pte", len(pageframes.fresh_entries(world.states)[0]), pageframes.check_encoding)
    if world.program.has("pte_advance_pfn"):
        yield _law(world, "pte_advance_pfn", len(pageframes.jumps(world.states)[0]), pageframes.check_advance)


def _of_other_machines(program: Program, hardware: Hardware, level: Level) -> Iterator[Law]:
    """Yield the laws of page frames for machines that answer one question about themselves the other way."""
    for other in program.variants():
        try:
            protections = kernel_protections(other)
            world = world_of(other, hardware, level, protections) if protections else None
        except CannotExecute:  # no such machine: the profile's answers contradict it
            continue
        if world is not None:
            yield from _of_page_frames(world)


def _of_features(program: Program, hardware: Hardware, level: Level, usual: World) -> Iterator[Law]:
    """Yield the laws of setters for a machine that has marks which the usual one lacks (riscv's Svrsw60t59b)."""
    names = {word: usual.predicates[word] for word in ("soft_dirty", "uffd") if word in usual.predicates}
    missing = {word for word, name in names.items() if word not in usual.live and flushing.is_own(program, name)}
    for other in program.variants() if missing else ():
        try:
            world = world_of(other, hardware, level)
        except CannotExecute:
            continue
        if not missing.isdisjoint(world.live):
            for name in world.setters:
                yield _law(world, name, len(world.lanes), setters.check)
            if program.has(f"{level.name}_modify"):
                yield _law(world, f"{level.name}_modify", len(world.lanes), modify.check)
            return


def _of_entries(world: World) -> Iterator[Law]:
    count, level = len(world.lanes), world.level.name
    for name in world.setters:
        yield _law(world, name, count, setters.check)
    for ending, check in (("modify", modify.check), ("none", agreement.check_none), ("same", agreement.check_same)):
        if world.program.has(f"{level}_{ending}"):
            yield _law(world, f"{level}_{ending}", count, check)
    if world.program.has(flushing.NAMES[level]):
        yield _law(world, flushing.NAMES[level], flushing.pairs(world), flushing.check)
    for ending, check in (("accessible", flushing.check_accessible), ("access_permitted", flushing.check_permitted)):
        if flushing.is_own(world.program, f"{level}_{ending}"):
            yield _law(world, f"{level}_{ending}", count, check)
    if world.program.has(f"{level}_mkinvalid") and world.program.universe.profile.is_set("TRANSPARENT_HUGEPAGE"):
        yield _law(world, f"{level}_mkinvalid", count, invalid.check)
    if level == "pte" and all(world.program.has(name) for name in agreement.SETTERS):
        yield _law(world, agreement.SETTERS[0], count, agreement.check_setting)
    for name in agreement.predicates(world.program, world):
        yield _law(world, name, count, agreement.check_truncation)


def _of_swap(world: World) -> Iterator[Law]:
    if not swapped.has_swap(world.program):
        return
    types, offsets = swap.numbers(world.program, world)

    def encoding(bench: Bench, world: World, _name: str, base: Lanes) -> Iterator[Broken]:
        return swap.check_encoding(bench, world, types[base], offsets[base])

    def mark(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
        return swap.check_mark(bench, world, name, types[base], offsets[base])

    yield _law(world, "__swp_entry", len(types), encoding)
    for known in swapped.marks_of(world.program).values():
        for name, _ in known:
            yield _law(world, name, len(types), mark)


def name(law: Law) -> str:
    """Return the name of the helper."""
    return law.helper


def judge(program: Program, law: Law, arch: str) -> Judgement:
    """Run the laws of one helper. What stops a run is part of the judgement."""
    found: dict[str, Violation] = {}
    executed: set[str] = set()
    texts: set[str] = set()
    stopped, exhausted, scenarios, exhaustive = None, "", 0, True
    assumed: dict[str, Assumption] = {}

    def drive(base: Lanes, answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        session = Session(law.program, len(base), answers)
        bench = Bench(session, law.level)
        broken = [one for one in law.check(bench, base) if bool(one.mask.any())]
        executed.update(session.machine.executed)
        texts.update(bench.texts)
        return session.machine, [], (bench, broken)

    try:
        trial = explore(law.lanes, drive)
        scenarios, exhaustive = trial.scenarios, trial.exhaustive
        assumed = {name: Assumption(name, what, pos) for name, (what, pos) in sorted(trial.machine.assumed.items())}
        bench, broken = _results(trial.state)
        own = {law.helper} | named_in(program, texts) | {word for text in texts for word in _WORD.findall(text)}
        guessed = next((one for one in assumed.values() if one.function in own), None)
        if guessed is not None:  # an answer either way says nothing of a helper that the law is about
            stopped, broken = (guessed.what, guessed.pos, guessed.function), []
        for one in broken:
            if one.property not in found:
                found[one.property] = _violation(bench, law, one, arch)
    except CannotExecute as error:
        stopped = (error.what, error.pos or NOWHERE, error.function)
    except OutOfBounds as error:
        exhausted = error.what
    return Judgement(
        law.helper,
        arch,
        tuple(found.values()),
        scenarios,
        exhaustive and stopped is None and not exhausted,
        frozenset(executed),
        used_by(program, executed) | named_in(program, texts) | {law.helper},
        tuple(assumed.values()),
        stopped,
        exhausted,
    )


def _results(state: object) -> tuple[Bench, Sequence[Broken]]:
    assert isinstance(state, tuple)
    bench, broken = state
    assert isinstance(bench, Bench)
    return bench, broken


def _violation(bench: Bench, law: Law, broken: Broken, arch: str) -> Violation:
    assert law.world is not None
    example = shown(bench, law.world, broken, arch)
    return Violation(broken.property, False, broken.detail, example.expected[0], example, (), law.helper)
