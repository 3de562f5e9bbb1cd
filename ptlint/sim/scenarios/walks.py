"""Callers: functions of ``.c`` files that change page tables by the helpers, run whole.

A caller is known by what it is given (a page table's entry or its pmd, a mapping, an address), never by its name or
file; what it does by the protocol it uses: start and commit, clear and set, write-protect, flush. It runs over batches
on a stage (``ptlint.sim.stage``), with folios that end inside the batch, single pages, both protections asked for, and
every question about pages and mappings answered either way. Where a function of interest is called by others of its
file, those run as well: they form the batches that it gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ptlint.sim.absent import SWAP
from ptlint.sim.driving import setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Trial
from ptlint.sim.functions import CALLERS, files_of_interest, functions_of
from ptlint.sim.judgement import Judgement
from ptlint.sim.machine import Machine
from ptlint.sim.program import Program
from ptlint.sim.roles import typedef_of
from ptlint.sim.scenarios.blocks import block_size
from ptlint.sim.scenarios.splits import splits_entry
from ptlint.sim.stage import AFTER, BEFORE
from ptlint.sim.tally import Tally
from ptlint.sim.walkforms import Walk, walk_of
from ptlint.sim.walklanes import MOST_FOLDED, blocks_of, folded_setting, space_of, with_accesses
from ptlint.sim.walkruns import run_mixed, run_over

_TEXT = re.compile(r"\bpte_t\b|\bpmd_t\b|\bpvmw\b|\bvmf\b|ptep_|_ptes?\(")
"""What the text of a caller has of a page table."""


def subjects(program: Program) -> Iterator[Walk]:
    """Yield the callers among what is of interest and among those of their files that call them."""
    if program.interest is None or not program.walks or not program.runs_callers:
        return
    for path in sorted(files_of_interest(program)):
        yield from _walks(program, path)


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
            is_walk = _TEXT.search(texts[name]) is not None and not splits_entry(name, texts)
            walk = walk_of(program, path, name) if is_walk else None
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
        one = walk_of(program, path, names[0])
        if one is not None:
            before, after = (program.definition(name, path) if name else None for name in names[1:])
            yield replace(one, form="steps", around=(before, after))


def name(walk: Walk) -> str:
    """Return the name of the function."""
    return walk.name


def judge(program: Program, walk: Walk, arch: str) -> Judgement:
    """Run the caller over growing batches, then with the MMU in between."""
    tally = Tally(walk.name, arch, general=True)
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
        if _may_go_on(program, walk, trial.machine):
            beyond = 2 * program.constant("PMD_SIZE")
            run_over(shared, walk, 1, space_of(shared, walk.form, 1, 12), trial, tally, beyond=beyond)
        plain = walk.is_single or walk.is_described or walk.form == "steps" or _batches(trial.machine)
        block = 1 if plain else block_size(program)
        if block > 1 and block <= MOST_FOLDED:
            folded = folded_setting(program, 2 * block)
            run_over(folded, walk, 2 * block, blocks_of(folded, block), trial, tally, block=block)
        if program.runs_generic and _meets_absent(program, walk, trial.machine):
            run_mixed(shared, walk, trial, tally)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def _may_go_on(program: Program, walk: Walk, machine: Machine) -> bool:
    """Return whether the end of the mapping decides how many entries code of the caller's file looks at."""
    texts = functions_of(program, walk.path)
    names = {one.rpartition(":")[2] for one in machine.executed if one.rpartition(":")[0] == walk.path}
    return walk.form in ("range", "fault") and any("vm_end" in texts.get(name, "") for name in names)


def _batches(machine: Machine) -> bool:
    """Return whether a helper was called for more than one entry: then code does not need folded ones to batch."""
    return any(
        bool((np.asarray(value) > 1).any())
        for record in machine.log
        if record.kind == "call" and len(record.stack) > 0
        for name, value in record.data.items()
        if name.startswith("nr") and isinstance(value, (int, np.ndarray))
    )


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
    given = [param.name for param in walk.definition.type.params if typedef_of(param) == "pte_t" and param.name]
    if given:
        asks = "pte_present|pte_none" + ("|softleaf_from_pte|pte_to_swp_entry" if walk.form == "count" else "")
        tested = rf"\b(?:{asks})\s*\(\s*(?:{'|'.join(map(re.escape, given))})\b"
        return re.search(tested, texts.get(walk.name, "")) is not None
    ran = (name for path, _, name in (one.rpartition(":") for one in machine.executed) if path == walk.path)
    found = [texts.get(name, "") for name in ran]
    return any(map(_TESTED.search, found)) or (walk.form == "range" and any(map(_EMPTY.search, found)))
