"""Beside CBMC: the same properties of the transaction of mprotect(), proved by CBMC from a harness and run by ptlint.

Run it as ``python benchmarks/cbmc.py``. CBMC (the Debian package ``cbmc``) runs when it is installed: a start and a
commit over at most 4 and 16 entries, symbolic. ptlint runs the helpers of its reference tree over lanes, once the
process is up: every state of 1 to 4 entries, samples of 16 and 64. Figures are CPU seconds of this run.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ptlint.csrc.universe import load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.reference import reference_tree
from ptlint.sim.driving import FIRST, setting
from ptlint.sim.program import Program
from ptlint.sim.scenarios import protocol
from ptlint.sim.space import still

LIMITS = {4: 1 << 17, 16: 4096, 64: 4096}
"""Lanes by the number of entries: those of 4 are every state."""

HARNESS = """
typedef unsigned long u64;
enum { YOUNG = 32, DIRTY = 64, WRITE = 2, PRESENT = 1, SHIFT = 12 };
u64 table[MOST], before[MOST];
unsigned int nondet_uint(void);
static u64 start_one(u64 *p) { u64 old = *p; *p = 0; return old; }
static u64 start(u64 *p, unsigned int nr)
{
	u64 all = start_one(p), one;

	while (--nr) {
		one = start_one(++p);
		all |= one & (YOUNG | DIRTY);
	}
	return all;
}
static void commit(u64 *p, u64 value, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++, value += 1UL << SHIFT)
		p[i] = value;
}
int main(void)
{
	unsigned int nr = nondet_uint(), write = nondet_uint() % 2;
	u64 old, any = 0;

	__CPROVER_assume(nr >= 1 && nr <= MOST);
	for (unsigned int i = 0; i < nr; i++) {
		before[i] = table[i] = ((0x1ffeUL + i) << SHIFT) | PRESENT | (nondet_uint() & (YOUNG | DIRTY | WRITE));
		any |= before[i];
	}
	old = start(table, nr);
	__CPROVER_assert((old & (YOUNG | DIRTY)) == (any & (YOUNG | DIRTY)), "start collects");
	commit(table, (old & ~(u64)WRITE) | (write ? WRITE : 0), nr);
	for (unsigned int i = 0; i < nr; i++) {
		__CPROVER_assert(table[i] >> SHIFT == 0x1ffeUL + i, "page frame");
		__CPROVER_assert((table[i] & before[i] & (YOUNG | DIRTY)) == (before[i] & (YOUNG | DIRTY)), "bits kept");
	}
	return 0;
}
"""


def with_cbmc(most: int) -> float | None:
    """Return the CPU seconds of CBMC over at most *most* entries, None where it is not installed."""
    program = shutil.which("cbmc")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "harness.c")
        path.write_text(HARNESS)
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "--unwind", str(most + 1), f"-DMOST={most}", "--no-standard-checks", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "VERIFICATION SUCCESSFUL" not in done.stdout:
            command.remove("--no-standard-checks")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "VERIFICATION SUCCESSFUL" not in done.stdout:
            raise SystemExit(f"cbmc: {done.stdout[-300:]}{done.stderr[-300:]}")
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def with_ptlint(program: Program, pair: protocol.Pair, nr: int) -> tuple[float, int, bool]:
    """Return CPU seconds, scenarios and whether they are every state, for *nr* entries (for 4, at most as many).

    No property may break.
    """
    if nr == 4:
        parts = [_once(program, pair, count, LIMITS[4]) for count in (1, 2, 3, 4)]
        return sum(part[0] for part in parts), sum(part[1] for part in parts), all(part[2] for part in parts)
    return _once(program, pair, nr, LIMITS[nr])


def _once(program: Program, pair: protocol.Pair, nr: int, limit: int) -> tuple[float, int, bool]:
    shared = setting(program, nr)
    space = still(shared.colours, nr, limit)
    best = 1e9
    for _ in range(3):
        began = time.thread_time()
        trial = protocol.run_pair(shared, pair, nr, FIRST, space)
        best = min(best, time.thread_time() - began)
    if trial.breaches:
        raise SystemExit(f"ptlint: {trial.breaches[0].detail}")
    return best, trial.machine.lanes, trial.exhaustive and space.exhaustive


def main() -> None:
    """Print the figures."""
    program = Program(load_universe(reference_tree(), REFERENCE))
    pair = next(pair for pair in protocol.subjects(program, every=True) if pair.is_batch)
    proved = {nr: with_cbmc(nr) for nr in (4, 16)}
    if proved[4] is None:
        print("cbmc is not installed: no ratios")
    for nr in LIMITS:
        seconds, scenarios, is_every = with_ptlint(program, pair, nr)
        coverage = "every state" if is_every else "samples"
        line = f"nr = {nr:2}: {seconds:.4f} s, {scenarios} scenarios ({coverage}), {scenarios / seconds:,.0f} a second"
        other = proved[4] if nr == 4 else proved[16]
        if other is not None:
            line += f"; cbmc with nr <= {min(nr, 16)}: {other:.2f} s, {other / seconds:.0f} times as long"
        print(line)


if __name__ == "__main__":
    main()
