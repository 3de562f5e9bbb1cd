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


def test_a_function_that_the_last_line_of_a_file_brings_is_found() -> None:
    last = SOURCE.split(b"\nint another", 1)[0] + b"\nstatic const int behind = 1;\n"
    tree = MemoryTree({"include/linux/pgtable.h": HEADER, "arch/x86/mm/prot.c": last})

    assert load_universe(tree, profile_named("x86")).function("protection_of") is not None


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


def test_a_kept_name_that_is_an_alias_stays_where_it_is_called() -> None:
    header = b"""
#define store_entry vtable[0]->store
static inline void set(int *p) { store_entry(p); }
static inline void *address(void) { return store_entry; }
"""
    universe = load_universe(MemoryTree({"include/linux/pgtable.h": header}), profile_named("x86"))

    kept = universe.function("set", frozenset({"store_entry"}))
    assert kept is not None
    assert "Name(name='store_entry'" in repr(kept.body)
    used = universe.function("address", frozenset({"store_entry"}))
    assert used is not None
    assert "Name(name='store_entry'" not in repr(used.body)


def test_the_last_constant_that_a_macro_makes_in_a_long_enum_is_found() -> None:
    made = "".join(f"\tDECLARE_FLAG(NUMBER_{number}, {number}),\n" for number in range(200))
    text = f"enum {{\n#define DECLARE_FLAG(name, at) FLAG_ ## name ## _AT = at\n{made}\tDECLARE_FLAG(LAST, 200),\n}};\n"
    tree = MemoryTree({"include/linux/pgtable.h": text.encode()})
    assert load_universe(tree, profile_named("x86")).enumerator("FLAG_LAST_AT") == 200
