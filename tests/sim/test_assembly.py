"""Inline assembly of page-table code is executed, instruction by instruction."""

import pytest

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.assembly.template import lines_of
from ptlint.sim.errors import CannotExecute
from ptlint.sim.program import Program
from ptlint.sim.session import Session


def session(profile: str, source: str) -> Session:
    tree = MemoryTree({"include/linux/pgtable.h": source.encode()})
    return Session(Program(load_universe(tree, profile_named(profile))), 1)


UPDATE = r"""
static inline unsigned long update(unsigned long *p, unsigned long clr, unsigned long set)
{
	unsigned long old, tmp;
	__asm__ __volatile__(
	"1:	lwarx	%0,0,%3\n"
	"	andc	%1,%0,%4\n"
	"	or	%1,%1,%5\n"
	"	stwcx.	%1,0,%3\n"
	"	bne-	1b"
	: "=&r" (old), "=&r" (tmp), "=m" (*p)
	: "r" (p), "r" (clr), "r" (set), "m" (*p)
	: "cc");
	return old;
}
"""


def test_a_reserved_load_and_its_conditional_store_change_a_word() -> None:
    run = session("powerpc/book3s32", UPDATE)
    assert run.run("({ unsigned long w = 0xf0; update(&w, 0x30, 1); w; })") == 0xC1
    assert run.run("({ unsigned long w = 0xf0; update(&w, 0x30, 1); })") == 0xF0


def test_another_instruction_has_another_result() -> None:
    wrong = UPDATE.replace("andc", "and")
    assert session("powerpc/book3s32", wrong).run("({ unsigned long w = 0xf0; update(&w, 0x30, 1); w; })") == 0x31


HALVES = r"""
struct entry { unsigned long long value; };
static inline void store(struct entry *p, unsigned long long value)
{
	__asm__ __volatile__("stw%X0 %2,%0\n mbar\n stw%X1 %L2,%1"
	: "=m" (*p), "=m" (*((unsigned char *)p + 4)) : "r" (value) : "memory");
}
"""


def test_a_value_in_two_registers_is_stored_by_halves() -> None:
    run = session("powerpc/44x", HALVES)
    assert run.run("({ struct entry e = { 0 }; store(&e, 0x1122334455667788ULL); e.value; })") == 0x1122334455667788


PATCHED = r"""
static inline unsigned long mask(void)
{
	unsigned long mask;
	__asm__ __volatile__(
	"\n661:	mov		%1, %0\n"
	"	nop\n"
	"	.section	.sun4v_2insn_patch, \"ax\"\n"
	"	.word		661b\n"
	"	sethi		%%uhi(%2), %0\n"
	"	sllx		%0, 32, %0\n"
	"	.previous\n"
	: "=r" (mask)
	: "i" (0x40UL), "i" (0x0400000000000000UL));
	return mask;
}
"""


def test_instructions_that_are_patched_at_boot_are_those_of_sun4v() -> None:
    assert session("sparc", PATCHED).run("mask()") == 0x0400000000000000


SWAP = r"""
static inline unsigned long swap(unsigned long *addr, unsigned long value)
{
	__asm__ __volatile__("swap [%2], %0" : "=&r" (value) : "0" (value), "r" (addr) : "memory");
	return value;
}
"""


def test_an_exchange_returns_what_was_there() -> None:
    assert session("sparc/32", SWAP).run("({ unsigned long w = 5; swap(&w, 7) * 16 + w; })") == 0x57


def test_an_instruction_that_is_not_known_stops_the_lane_that_reaches_it() -> None:
    source = 'static inline long f(long *x) { if (*x) __asm__("frob %0" : "=r" (*x)); return *x; }'
    run = session("powerpc/44x", source)
    assert run.run("({ long w = 0; f(&w); })") == 0
    with pytest.raises(CannotExecute, match=r"inline assembly \(frob\)"):
        run.run("({ long w = 1; f(&w); })")


def test_labels_belong_to_the_line_behind_them() -> None:
    lines = lines_of("\n661:\tmov %1, %0\n\n1:\n2: nop; sync")
    assert [(line.labels, line.text) for line in lines] == [(("661",), "mov %1, %0"), (("1", "2"), "nop"), ((), "sync")]
