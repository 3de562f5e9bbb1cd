"""Addresses of the entries that callers move, at both places."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.program import Program
from ptlint.sim.scenarios import walks
from tests.csrc.kernel import kernel_tree

MOVES = """#include <linux/mm.h>
#include <linux/pgtable.h>

static void move_one(struct vm_area_struct *vma, unsigned long old_addr, unsigned long new_addr, pte_t *old_pte,
		pte_t *new_pte)
{
	pte_t pte = ptep_get_and_clear(vma->vm_mm, old_addr, old_pte);

	set_pte_at(vma->vm_mm, %s, new_pte, pte_mksoft_dirty(pte));
	flush_tlb_page(vma, old_addr);
}
"""


@pytest.mark.parametrize(("addr", "holds"), [("new_addr", True), ("old_addr", False), ("new_addr + PAGE_SIZE", False)])
def test_what_is_moved_is_set_at_its_new_address(addr: str, holds: bool) -> None:
    text = MOVES % addr
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("arm64")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"move_one"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "arm64")
    assert judgement.is_whole, judgement.stopped
    assert ("address" not in {violation.property for violation in judgement.violations}) == holds
