"""Functions whose name no .c file spells: a macro of a header brings the whole definition."""

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe

HEADER = b"""
typedef unsigned long prot_t;
extern prot_t protection_of(unsigned long flags);
#define DECLARE_PROTECTION_OF \\
prot_t protection_of(unsigned long flags) \\
{ \\
	return table[flags & 3]; \\
}
"""
SOURCE = b"""
#include <linux/pgtable.h>
static prot_t table[4] = { 1, 2, 3, 4 };
DECLARE_PROTECTION_OF

int another(void)
{
	return 1;
}
"""


def test_a_function_that_a_lone_macro_brings_is_found_where_the_macro_stands() -> None:
    tree = MemoryTree({"include/linux/pgtable.h": HEADER, "arch/x86/mm/prot.c": SOURCE})
    universe = load_universe(tree, profile_named("x86"))

    assert universe.source_of("protection_of") == "arch/x86/mm/prot.c"
    made = universe.function("protection_of")
    assert made is not None
    assert [param.name for param in made.type.params] == ["flags"]


def test_the_function_behind_a_lone_macro_keeps_its_own_name() -> None:
    tree = MemoryTree({"include/linux/pgtable.h": HEADER, "arch/x86/mm/prot.c": SOURCE})
    universe = load_universe(tree, profile_named("x86"))

    another = universe.function("another")
    assert another is not None
    assert another.name == "another"


def test_a_structure_whose_name_begins_with_two_underscores_is_found() -> None:
    tree = MemoryTree({"include/linux/pgtable.h": b"struct __node { int value; };\nstruct __packed { int other; };\n"})
    universe = load_universe(tree, profile_named("x86"))

    found = universe.record("struct", "__node")
    assert found is not None
    assert [member.name for member in found.members or ()] == ["value"]
