"""Speed of the interpreter of C alone: statements over lanes in a second, and what one call costs.

Run it as ``python benchmarks/interpreter.py``. Each figure is the best of several runs, in CPU time of this thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.machine import Limits
from ptlint.sim.program import Program
from ptlint.sim.session import Session

ROUNDS = 1000
LANES = (1, 64, 1024, 32_768)
UNHURRIED = Limits(statements=10_000_000, iterations=1_000_000, work=1_000_000_000)

SOURCE = b"""
typedef struct { unsigned long pte; } pte_t;
static inline void nothing(void) { }
static inline unsigned long pte_val(pte_t pte) { return pte.pte; }
static inline pte_t make_pte(unsigned long val) { return (pte_t){ val }; }
static inline int pte_young(pte_t pte) { return !!(pte_val(pte) & 32); }
static inline pte_t pte_mkold(pte_t pte) { return make_pte(pte_val(pte) & ~32ul); }
static inline pte_t pte_mkdirty(pte_t pte)
{
	unsigned long val = pte_val(pte);

	if (val & 2)
		val &= ~128ul;
	else
		val |= 128;
	return make_pte(val | 64);
}
static inline unsigned long calls(int n) { while (n-- > 0) nothing(); return 0; }
static inline unsigned long loop(int n) { while (n-- > 0) ; return 0; }
static inline unsigned long arithmetic(unsigned long a, int n)
{
	unsigned long b = 1;

	while (n-- > 0) {
		a = a * 3 + b;
		b ^= a >> 7;
		a &= ~64ul;
		b += a | 1;
	}
	return b;
}
static inline unsigned long branches(unsigned long a, int n)
{
	unsigned long b = 1;

	while (n-- > 0) {
		if (a & 1)
			b += a;
		else if (a & 2)
			b ^= 5;
		a = a * 3 + 1;
	}
	return b;
}
static inline unsigned long memory(unsigned long a, int n)
{
	unsigned long entry = a, *p = &entry;

	while (n-- > 0) {
		*p |= 4;
		*p += n;
	}
	return *p;
}
static inline unsigned long entries(unsigned long a, int n)
{
	pte_t pte = make_pte(a);

	while (n-- > 0) {
		if (pte_young(pte))
			pte = pte_mkold(pte);
		pte = pte_mkdirty(pte);
	}
	return pte_val(pte);
}
"""

STATEMENTS = {"arithmetic": 5, "branches": 4, "memory": 3, "entries": 11}
"""Statements of one round, of helpers too, as far as a lane runs them (about)."""


def best_of(runs: int, body: Callable[[], object]) -> float:
    """Return the least CPU time of *runs* runs, in seconds."""
    times = []
    for _ in range(runs):
        began = time.thread_time()
        body()
        times.append(time.thread_time() - began)
    return min(times)


def main() -> None:
    """Print the figures."""
    tree = MemoryTree({"include/bench.h": SOURCE})
    program = Program(load_universe(tree, profile_named("x86"), roots=("bench.h",)))

    def seconds(text: str, lanes: int) -> float:
        words = np.random.default_rng(1).integers(0, 1 << 63, size=lanes, dtype=np.uint64)
        return best_of(
            3,
            lambda: Session(program, lanes, limits=UNHURRIED).run(text, a=("unsigned long", words)),
        )

    loop = seconds(f"loop({ROUNDS})", 64) / ROUNDS
    call = seconds(f"calls({ROUNDS})", 64) / ROUNDS - loop
    print(f"an empty call: {call * 1e6:.2f} us; a round of an empty loop: {loop * 1e6:.2f} us")
    print(f"{'':12}" + "".join(f"{lanes:>22} lanes" for lanes in LANES))
    for name, statements in STATEMENTS.items():
        cells = []
        for lanes in LANES:
            rounds = ROUNDS if lanes < 10_000 else 50
            taken = seconds(f"{name}(a, {rounds})", lanes)
            done = statements * rounds
            cells.append(f"{taken / done * 1e6:9.2f} us {done * lanes / taken / 1e6:9.1f} M/s")
        print(f"{name:12}" + "".join(f"{cell:>28}" for cell in cells))


if __name__ == "__main__":
    main()
