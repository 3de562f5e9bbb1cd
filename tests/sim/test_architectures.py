"""Every profile with an MMU: its entries can be made from its source, and the prot-modification transaction holds."""

import numpy as np
import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import all_profiles, profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.driving import FIRST, setting
from ptlint.sim.errors import CannotExecute
from ptlint.sim.explore import Breach
from ptlint.sim.program import Program
from ptlint.sim.roles import signature_of
from ptlint.sim.scenarios import protocol
from ptlint.sim.scenarios.protocol import Pair, run_pair
from ptlint.sim.space import raced, still
from tests.csrc.kernel import kernel_tree

UNSUPPORTED = {
    "arm/nommu": "the configuration has no MMU",
    "m68k/nommu": "the configuration has no MMU",
    "riscv/nommu": "the configuration has no MMU",
    "sh/nommu": "the configuration has no MMU",
}
"""Profiles whose entries are not modelled, with the reason that a run gives."""

DEFECTS = {"mips/xpa": {"pfn", "old-pte"}}
"""Profiles whose own code breaks the contract. The frame number of an XPA entry is in its upper word, and
pte_advance_pfn() adds to the lower one (Linux 7.3)."""

MAIN = {
    "arm", "arm64", "arm64+nocontpte", "loongarch", "mips", "powerpc/radix", "powerpc/hash", "riscv", "s390", "sparc",
    "x86", "x86+xen", "x86/pae",
}  # fmt: skip

NAMES = [profile.name for profile in all_profiles() if profile.name not in UNSUPPORTED]
PROFILES = [pytest.param(name, marks=() if name in MAIN else pytest.mark.slow) for name in NAMES]


def program_of(name: str) -> Program:
    return Program(load_universe(kernel_tree(), profile_named(name)))


def breaches(program: Program) -> set[str]:
    """Return the properties that the transaction breaks over up to three entries, with and without accesses."""
    shared = setting(program, 3)
    forms = []
    for helper in ("modify_prot_start_ptes", "modify_prot_commit_ptes"):
        definition = program.definition(helper)
        assert definition is not None
        forms.append(signature_of(program, helper, definition.type))
    found: list[Breach] = []
    for nr in (1, 2, 3):
        space = still(shared.colours, nr, 4096)
        trial = run_pair(shared, Pair(*forms), nr, FIRST, space)
        found += trial.breaches
        if nr < 3 and shared.hardware.updates:
            accessed = raced(space, nr, int(trial.machine.steps.max()) + 1)
            found += run_pair(shared, Pair(*forms), nr, FIRST, accessed).breaches
    return {breach.property for breach in found}


@pytest.mark.parametrize("name", PROFILES)
def test_the_transaction_holds_on_every_profile_and_every_kind_of_its_machines(name: str) -> None:
    program = program_of(name)
    assert breaches(program) == DEFECTS.get(name, set())
    for variant in program.variants():
        assert breaches(variant) == DEFECTS.get(name, set()), variant.facts


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_modelled_says_why(name: str) -> None:
    with pytest.raises(CannotExecute, match=UNSUPPORTED[name]):
        setting(program_of(name), 1)


@pytest.mark.parametrize("name", PROFILES)
def test_entries_are_young_dirty_and_writable_in_all_combinations(name: str) -> None:
    colours = setting(program_of(name), 1).colours
    states = {
        (bool(young), bool(dirty), bool(write))
        for young, dirty, write in zip(colours.young, colours.dirty, colours.write, strict=True)
    }
    assert len(states) == 8
    assert len(np.unique(colours.raw[:, 0])) == len(colours.raw)


def test_the_kinds_of_a_machine_are_facts_that_hold_throughout() -> None:
    program = program_of("arm64")
    setting(program, 1)
    assert program.facts == {"lpa2_is_enabled()": False}
    assert [variant.facts for variant in program.variants()] == [{"lpa2_is_enabled()": True}]


ADVANCE = b"\t\told_pte = pte_next_pfn(old_pte);\n\t\tpte = pte_next_pfn(pte);\n"


@pytest.mark.parametrize("name", ["s390", "arm", "x86+xen", "sparc"])
@pytest.mark.parametrize(
    ("kept", "broken"),
    [(b"\t\told_pte = pte_next_pfn(old_pte);\n", "pfn"), (b"\t\tpte = pte_next_pfn(pte);\n", "old-pte")],
)
def test_a_loop_that_forgets_to_advance_is_found_whatever_an_entry_is(name: str, kept: bytes, broken: str) -> None:
    path = "include/linux/pgtable.h"
    text = kernel_tree().read(path)
    assert text is not None
    assert ADVANCE in text
    changed = Snapshot(kernel_tree(), {path: text.replace(ADVANCE, kept)})
    assert breaches(Program(load_universe(changed, profile_named(name)))) == {broken}


def test_a_guest_of_xen_that_does_not_ask_for_the_bits_loses_them() -> None:
    path = "arch/x86/xen/mmu_pv.c"
    text = kernel_tree().read(path)
    assert text is not None
    changed = Snapshot(kernel_tree(), {path: text.replace(b"MMU_PT_UPDATE_PRESERVE_AD", b"MMU_NORMAL_PT_UPDATE")})
    assert breaches(Program(load_universe(changed, profile_named("x86+xen")))) == {"accessed-dirty"}


def breaks(profile: str, path: str, old: str, new: str) -> set[tuple[str, str]]:
    """Return property and detail of what the transaction breaks where *new* stands for *old* in a file of the tree."""
    text = kernel_tree().read(path)
    assert text is not None
    assert text.count(old.encode()) == 1
    changed = Snapshot(kernel_tree(), {path: text.replace(old.encode(), new.encode())})
    program = Program(load_universe(changed, profile_named(profile)))
    program.interest = frozenset({"ptep_modify_prot_start", "ptep_modify_prot_commit"})
    found = [protocol.judge(program, pair, profile) for pair in protocol.subjects(program)]
    return {(one.property, one.detail) for judgement in found for one in judgement.violations}


def test_a_valid_entry_of_s390_is_made_invalid_before_it_is_changed() -> None:
    old = "	return ptep_flush_lazy(vma->vm_mm, addr, ptep, 1);"
    found = breaks("s390", "arch/s390/mm/pgtable.c", old, "	return ptep_get(ptep);")
    assert ("live-entry", "entry 0 is changed while it is valid: the architecture wants it invalid first") in found


def test_an_entry_that_an_accelerator_may_hold_is_flushed_before_it_becomes_writable() -> None:
    path = "arch/powerpc/mm/book3s64/radix_pgtable.c"
    old = "is_pte_rw_upgrade(pte_val(old_pte), pte_val(pte)) &&"
    found = breaks("powerpc/radix", path, old, "is_pte_rw_upgrade(pte_val(pte), pte_val(old_pte)) &&")
    assert ("flush", "entry 0 becomes writable and no flush has taken its old translation out") in found
