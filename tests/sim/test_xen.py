"""Updates of entries by hypercall: which function an operations table leads to, and what waits in the lazy MMU mode."""

import numpy as np

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim import lazy
from ptlint.sim.program import Program
from ptlint.sim.session import Session

HEADER = b"""
typedef unsigned long u64;
typedef struct { unsigned long pte; } pte_t;
typedef struct { u64 maddr; } xmaddr_t;
#define _PAGE_ACCESSED 0x20UL
#define _PAGE_DIRTY 0x40UL
#define PVOP_CALL2(type, array, op, a, b) ((type)__builtin_trap())
#define PVOP_VCALL2(array, op, a, b) __builtin_trap()
struct mmu_update { u64 ptr; u64 val; };
struct mmu_ops {
	unsigned long (*start)(pte_t *ptep, int way);
	void (*commit)(pte_t *ptep, pte_t pte);
};
struct all_ops { struct mmu_ops mmu; };
extern struct all_ops pv_ops;
_Bool is_lazy_mmu_mode_active(void);
void lazy_mmu_mode_enable(void);
void lazy_mmu_mode_disable(void);
static inline unsigned long start(pte_t *ptep, int way)
{
	return PVOP_CALL2(unsigned long, pv_ops, mmu.start, ptep, way);
}
static inline void commit(pte_t *ptep, pte_t pte)
{
	PVOP_VCALL2(pv_ops, mmu.commit, ptep, pte.pte);
}
"""
NATIVE = b"""
#include <linux/pgtable.h>
static unsigned long native_start(pte_t *ptep, int way) { unsigned long old = ptep->pte; ptep->pte = 0; return old; }
static void native_commit(pte_t *ptep, pte_t pte) { *ptep = pte; }
struct all_ops pv_ops = { .mmu.start = native_start, .mmu.commit = native_commit, };
"""
GUEST = b"""
#include <linux/pgtable.h>
void xen_mc_batch(void);
void xen_extend_mmu_update(const struct mmu_update *update);
void xen_mc_issue(_Bool now);
xmaddr_t virt_to_machine(void *v);
static unsigned long xen_start(pte_t *ptep, int way) { return ptep->pte; }
static void xen_commit(pte_t *ptep, pte_t pte)
{
	struct mmu_update u;

	xen_mc_batch();
	u.ptr = virt_to_machine(ptep).maddr | KIND;
	u.val = pte.pte;
	xen_extend_mmu_update(&u);
	xen_mc_issue(!is_lazy_mmu_mode_active());
}
static void xen_commit_init(pte_t *ptep, pte_t pte) { ptep->pte = 99; }
void setup(void)
{
	pv_ops.mmu.start = xen_start;
	pv_ops.mmu.commit = xen_commit;
	pv_ops.mmu.commit = xen_commit_init;
}
"""
PRESERVE = b"2"


def guest(kind: bytes = PRESERVE, lanes: int = 1, answers: dict[object, bool] | None = None) -> Session:
    files = {
        "include/linux/pgtable.h": HEADER,
        "arch/x86/kernel/paravirt.c": NATIVE,
        "arch/x86/xen/mmu_pv.c": GUEST.replace(b"KIND", kind),
    }
    program = Program(load_universe(MemoryTree(files), profile_named("x86+xen")))
    given = {question: np.full(lanes, answer) for question, answer in (answers or {}).items()}
    return Session(program, lanes, given)


def test_a_call_through_the_table_runs_what_the_booted_guest_has_there() -> None:
    run = guest()
    assert run.run("({ pte_t e = { 0x1020 }; start(&e, 1); })") == 0x1020
    assert run.run("({ pte_t e = { 0x1020 }; start(&e, 1); e.pte; })") == 0x1020


def test_outside_the_lazy_mode_a_commit_is_done_at_once_and_keeps_the_bits_of_the_mmu() -> None:
    assert guest().run("({ pte_t e = { 0x1060 }; pte_t n = { 0x2001 }; commit(&e, n); e.pte; })") == 0x2061


def test_a_plain_update_loses_the_bits_of_the_mmu() -> None:
    assert guest(b"0").run("({ pte_t e = { 0x1060 }; pte_t n = { 0x2001 }; commit(&e, n); e.pte; })") == 0x2001


def test_inside_the_lazy_mode_a_commit_waits_until_the_scenario_drains_it() -> None:
    run = guest(answers={lazy.AT_ENTRY: True})
    address = run.run("({ static pte_t e = { 0x1060 }; pte_t n = { 0x2001 }; commit(&e, n); &e; })")
    assert run.run("p->pte", p=("pte_t *", address)) == 0x1060
    lazy.drain(run.machine)
    assert run.run("p->pte", p=("pte_t *", address)) == 0x2061


def test_leaving_a_section_flushes_even_when_another_one_is_around_it() -> None:
    text = """({ pte_t e = { 0x1000 }; pte_t n = { 0x2000 };
        lazy_mmu_mode_enable(); lazy_mmu_mode_enable(); commit(&e, n);
        unsigned long inside = e.pte; lazy_mmu_mode_disable(); inside + e.pte; })"""
    assert guest().run(text) == 0x3000


def test_how_a_scenario_begins_is_asked_only_where_it_matters() -> None:
    run = guest()
    run.run("({ lazy_mmu_mode_enable(); is_lazy_mmu_mode_active(); })")
    assert lazy.AT_ENTRY not in run.machine.asked
    run = guest()
    run.run("is_lazy_mmu_mode_active()")
    assert lazy.AT_ENTRY in run.machine.asked


def test_what_a_guest_has_in_the_table_is_reached_from_what_calls_through_it() -> None:
    program = guest().program
    program.interest = frozenset({"xen_commit"})
    assert program.matters("commit")
    program.interest = frozenset({"native_commit"})
    assert not program.matters("commit")
    program.interest = frozenset({"xen_extend_mmu_update"})
    assert program.matters("commit")
