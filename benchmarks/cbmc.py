"""Beside CBMC: what it proves from hand-written harnesses of the transaction of mprotect() and of its callers.

Run it as ``python benchmarks/cbmc.py [TREE]``; TREE is a kernel tree, for the callers. CBMC (the Debian package
``cbmc``) runs when it is installed, over ``benchmarks/harness``: ptlint's reference helpers, for the callers helpers
that do what x86's do, any page frames, batches of at most so many entries. ptlint runs over lanes, once the process is
up, with all its properties: the transaction in the same helpers, the callers with x86's own. Figures are CPU seconds of
this run; ptlint's are the best of several.
"""

from __future__ import annotations

import gc
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ptlint.core.patch import Series
from ptlint.core.tree import SourceTree
from ptlint.csrc.items import items_of
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.reference import reference_tree
from ptlint.sim.driving import FIRST, Setting, setting
from ptlint.sim.explore import Trial
from ptlint.sim.program import Program
from ptlint.sim.scenarios import protocol, walks
from ptlint.sim.space import Space, raced, still
from ptlint.sim.stage import AFTER, BEFORE
from ptlint.sim.tally import Tally
from ptlint.tree import open_base

HARNESSES = Path(__file__).with_name("harness")
ROUNDS = 5
EVERY_STATE = 1 << 17
SAMPLED = 4096
CALLER, FILE = "change_present_ptes", "mm/mprotect.c"
CHAIN = (
    *("maybe_change_pte_writable", "can_change_shared_pte_writable", "prot_commit_flush_ptes"),
    *("page_anon_exclusive_batch", "commit_anon_folio_batch", "set_write_prot_commit_flush_ptes", CALLER),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of one piece of ptlint's work, its scenarios, and whether they are every state."""

    seconds: float
    scenarios: int
    every: bool


def with_cbmc(harness: str, most: int, *, is_raced: bool = False, callers: str = "") -> float | None:
    """Return the CPU seconds of CBMC over at most *most* entries, None where it is not installed.

    *callers* is the C of the kernel's functions, for which the harness has helpers like those of x86.
    """
    program = shutil.which("cbmc")
    if program is None:
        return None
    reference = Path(reference_tree_folder(), "include/linux/pgtable.h")
    helpers = HARNESSES / "x86.h" if callers else reference
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "callers.h")
        path.write_text(callers)
        command = [program, "--unwind", str(most + 2), f"-DMOST={most}", *(["-DRACED"] if is_raced else [])]
        command += [f'-DHELPERS="{helpers}"', f'-DCALLERS="{path}"', str(HARNESSES / harness)]
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "VERIFICATION SUCCESSFUL" not in done.stdout:
        raise SystemExit(f"cbmc: {done.stdout[-300:]}{done.stderr[-300:]}")
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def reference_tree_folder() -> Path:
    """Return where the files of the reference tree are."""
    import ptlint.reference

    return Path(ptlint.reference.__file__).parent


def timed(run: Callable[[], Trial], every: Callable[[Trial], bool]) -> Measured:
    """Return what *run* takes at best. Raises SystemExit when a property breaks."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        trial = run()
        best = min(best, time.thread_time() - began)
    if trial.breaches:
        raise SystemExit(f"ptlint: {trial.breaches[0].detail}")
    return Measured(best, trial.machine.lanes, every(trial))


def summed(parts: list[Measured]) -> Measured:
    """Return the measures of several pieces of work as one."""
    return Measured(sum(p.seconds for p in parts), sum(p.scenarios for p in parts), all(p.every for p in parts))


def transaction(program: Program, pair: protocol.Pair, nr: int, limit: int, *, is_raced: bool = False) -> Measured:
    """Return what a start and a commit over *nr* entries take."""
    shared = setting(program, nr)
    space = still(shared.colours, nr, limit)
    if is_raced:
        slots = int(protocol.run_pair(shared, pair, nr, FIRST, space).machine.steps.max()) + 1
        space = raced(space, nr, slots)

    def run() -> Trial:
        return protocol.run_pair(shared, pair, nr, FIRST, space)

    return timed(run, lambda trial: trial.exhaustive and space.exhaustive)


def of_callers(tree: SourceTree) -> tuple[Program, walks.Walk, str]:
    """Return x86's program of *tree*, the caller, and the C of the functions from it down."""
    program = Program(load_universe(tree, profile_named("x86")))
    program.interest, program.everywhere = frozenset({CALLER}), True
    walk = next(walk for walk in walks.subjects(program) if walk.name == CALLER)
    texts = {}
    for instance in program.universe.in_file(FILE).unit.instances:
        if instance.path == FILE:
            index = items_of(instance)
            for name in CHAIN:
                for what, number, _ in index.names.get(name, ()):
                    if what == "function":
                        item = index.items[number]
                        texts[name] = instance.active_text()[item.start : item.end]
    return program, walk, "\n".join(texts[name] for name in CHAIN)


def chain(program: Program, walk: walks.Walk, *, is_raced: bool) -> list[Measured]:
    """Return what runs of the caller over 1 to 4 entries take, or those with the MMU in between (2 entries)."""
    shared = setting(program, BEFORE + 4 + AFTER)
    found = []
    trial: Trial | None = None
    for nr in (1, 2) if is_raced else (1, 2, 3, 4):
        space = walks.space_of(shared, walk, nr, *([12] if is_raced else []))
        trial = walks.run_over(shared, walk, nr, space, trial, Tally(walk.name, "x86"))
        if is_raced:
            space = walks.with_accesses(space, nr, int(trial.machine.steps.max()) + 1)
        if nr == 2 or not is_raced:
            found.append(_of_chain(shared, walk, nr, space, trial, is_raced=is_raced))
    return found


def _of_chain(shared: Setting, walk: walks.Walk, nr: int, space: Space, after: Trial, *, is_raced: bool) -> Measured:
    best = float("inf")
    for _ in range(ROUNDS):
        tally = Tally(walk.name, "x86")
        began = time.thread_time()
        walks.run_over(shared, walk, nr, space, after, tally, raced=is_raced)
        best = min(best, time.thread_time() - began)
    judged = tally.judgement(shared.program)
    broken = [violation for violation in judged.violations if not violation.compared]
    if broken:
        raise SystemExit(f"ptlint: {broken[0].detail}")
    return Measured(best, judged.scenarios, judged.exhaustive)


def line(what: str, measured: Measured, proved: float | None, harness: str, aim: int) -> str:
    """Return one line of the report."""
    coverage = "every state" if measured.every else "samples"
    rate = f"{measured.scenarios / measured.seconds:,.0f} a second"
    text = f"{what}: {measured.seconds:.4f} s, {measured.scenarios:,} scenarios ({coverage}), {rate}"
    if proved is None:
        return text
    return f"{text}; cbmc, {harness}: {proved:.2f} s, {proved / measured.seconds:.0f} times as long (aim: {aim})"


def main() -> None:
    """Print the figures."""
    gc.disable()  # as a command does
    program = Program(load_universe(reference_tree(), REFERENCE))
    pair = next(pair for pair in protocol.subjects(program, every=True) if pair.is_batch)
    proved = {nr: with_cbmc("transaction.c", nr) for nr in (4, 16)}
    if proved[4] is None:
        print("cbmc is not installed: no ratios")
    small = summed([transaction(program, pair, nr, EVERY_STATE) for nr in (1, 2, 3, 4)])
    print(line("transaction, nr <= 4", small, proved[4], "nr <= 4", 30))
    for nr in (16, 64):
        print(line(f"transaction, nr = {nr}", transaction(program, pair, nr, SAMPLED), proved[16], "nr <= 16", 100))
    between = summed([transaction(program, pair, nr, EVERY_STATE, is_raced=True) for nr in (1, 2)])
    print(
        line("transaction with the MMU, nr <= 2", between, with_cbmc("transaction.c", 2, is_raced=True), "nr <= 2", 30)
    )
    if len(sys.argv) < 2:
        return
    x86, walk, text = of_callers(open_base(Path(sys.argv[1]), None, Series("", 1, "", "", (), 0)).tree)
    runs = chain(x86, walk, is_raced=False)
    plain = with_cbmc("chain.c", 4, callers=text)
    print(line(f"{CALLER}() and below, nr = 4", runs[-1], plain, "nr <= 4", 200))
    print(line(f"{CALLER}() and below, nr <= 4", summed(runs), plain, "nr <= 4", 200))
    both = summed([*runs, *chain(x86, walk, is_raced=True)])
    raced_too = with_cbmc("chain.c", 4, is_raced=True, callers=text)
    print(line(f"{CALLER}() and below, nr <= 4, and with the MMU", both, raced_too, "the same", 200))


if __name__ == "__main__":
    main()
