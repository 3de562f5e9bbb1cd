"""What the hardware lets through must be what the predicates say: no store goes unnoticed, none faults for ever.

The profile says in C, over the value ``v`` of an entry, when a load and a store go through without anybody noticing
(``[mmu.lets]``): where hardware keeps accessed and dirty itself, when they are already set. ``strict`` says that
nothing below the generic code mends an entry on a fault: then one that may be written must let stores through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ptlint.sim.algebra.entries import Bench, Lanes, Raw
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.world import World
from ptlint.sim.mmu import lets_through
from ptlint.sim.values import Mask


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A disagreement between the hardware and the predicate *word*: where, what it is, and what would be right."""

    word: str
    mask: Mask
    detail: str
    expected: str


def check(
    bench: Bench,
    world: World,
    property: str,
    name: str,
    usual: Mask,
    before: Raw,
    after: Raw,
    states: Lanes,
    fresh: Raw | None = None,
) -> Iterator[Broken]:
    """Yield where *name* makes of an entry that hardware and software agree on one on which they do not.

    *fresh* is the entry as it is made with a new protection: one that lets loads through may make a page young.
    """
    if not has_walker(world):
        return
    agreed = [one.mask for one in _wrong(bench, world, before)]
    for was, now in zip(agreed, _wrong(bench, world, after), strict=True):
        if now.word == "young" and fresh is not None:
            was = was | passes(bench, world, "load", fresh)
        yield Broken(property, usual & now.mask & ~was, f"{name}() {now.detail}", before, after, now.expected, states)


def has_walker(world: World) -> bool:
    """Return whether the profile says what the hardware lets through an entry of this level."""
    word = "store" if world.level.name == "pte" else "store_huge"
    return bool(world.program.mmu.get("lets", {}).get(word))


def passes(bench: Bench, world: World, access: str, raw: Raw) -> Mask:
    """Return the lanes in which the hardware lets an access through unnoticed."""
    value = bench.number(f"{world.level.name}_val(x)", raw)
    return lets_through(bench.session, access, world.level.name, value)


def _wrong(bench: Bench, world: World, raw: Raw) -> tuple[_Wrong, ...]:
    lets = world.program.mmu["lets"]

    def holds(word: str) -> Mask:
        if word not in world.predicates:
            return np.zeros(len(raw), dtype=bool)
        return bench.holds(world.predicates[word], raw)

    load, store = passes(bench, world, "load", raw), passes(bench, world, "store", raw)
    present = holds("present") & ~holds("protnone")
    write, dirty, young = (present & holds(word) for word in ("write", "dirty", "young"))
    strict = np.full(len(raw), bool(lets.get("strict")))
    forbidden = holds("present") & holds("protnone")
    return (
        _Wrong("protnone", forbidden & (load | store), "leaves an entry of PROT_NONE that can be used", "a fault"),
        _Wrong("write", present & store & ~write, "leaves a read-only entry that can be written", "no store"),
        _Wrong("dirty", store & write & ~dirty, "leaves a clean entry that is written unnoticed", "a fault"),
        _Wrong("young", present & load & ~young, "leaves an old entry that is used unnoticed", "a fault"),
        _Wrong(
            "store",
            strict & write & dirty & young & ~store,
            "leaves a dirty entry that faults on each store",
            "no fault",
        ),
    )
