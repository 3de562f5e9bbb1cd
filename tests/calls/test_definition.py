"""Which definition is effective, how it is given, and why."""

from collections.abc import Mapping

import pytest

from ptlint.calls.definition import locate
from ptlint.calls.facts import Definition
from ptlint.calls.guards import guard_of, reasons
from ptlint.calls.hooks import hooks, page_table_names
from tests.csrc.small_kernel import ARCH, universe

GENERIC = "include/linux/pgtable.h"
X86 = "arch/x86/include/asm/pgtable.h"


def found(name: str, profile: str = "x86", changes: Mapping[str, str] | None = None) -> Definition:
    definition = locate(universe(profile, changes), name)
    assert definition is not None
    return definition


def brief(one: Definition) -> tuple[str, str, str, str]:
    return one.kind, one.shape, str(one.definition), str(one.prototype)


@pytest.mark.parametrize(
    ("profile", "name", "expected"),
    [
        ("riscv", "set_entries", ("generic", "inline", f"{GENERIC}:6", f"{GENERIC}:6")),
        ("x86", "set_entries", ("arch", "alias", f"{X86}:14", f"{X86}:18")),
        ("x86", "entry_clear", ("arch", "extern", "arch/x86/mm/entry.c:7", f"{X86}:12")),
        ("riscv", "entry_clear", ("generic", "inline", f"{GENERIC}:14", f"{GENERIC}:14")),
        ("x86", "set_entry", ("generic", "macro", f"{GENERIC}:23", f"{GENERIC}:23")),
        ("x86", "pte_mkdirty", ("arch", "inline", f"{X86}:7", f"{X86}:7")),
        ("x86", "PTE_DIRTY", ("arch", "macro", f"{X86}:4", f"{X86}:4")),
    ],
)
def test_a_definition_is_found_with_its_kind_and_shape(
    profile: str, name: str, expected: tuple[str, str, str, str]
) -> None:
    assert brief(found(name, profile)) == expected


def test_a_name_that_nothing_declares_has_no_definition() -> None:
    assert locate(universe(), "nothing_at_all") is None
    assert locate(universe(), "CONFIG_X86_64") is None


def test_an_extern_without_a_file_that_is_built_has_no_body() -> None:
    one = found("entry_clear", changes={"arch/x86/mm/Makefile": "obj-$(CONFIG_NEVER_SET) := entry.o\n"})
    assert brief(one) == ("arch", "extern", "None", f"{X86}:12")


def test_an_architecture_that_declares_a_generic_body_early_has_its_prototype() -> None:
    text = "#define EARLY 1\nstatic inline void set_entries(pte_t *ptep, pte_t pte, unsigned int nr);\n"
    riscv = "arch/riscv/include/asm/pgtable.h"
    one = found("set_entries", "riscv", {riscv: "typedef struct { unsigned long pte; } pte_t;\n" + text})
    assert brief(one) == ("generic", "inline", f"{GENERIC}:6", f"{riscv}:3")


def test_an_identity_define_leaves_the_function_what_it_is() -> None:
    one = found("__set_entries", changes={X86: ARCH + "#define __set_entries __set_entries\n"})
    assert (one.shape, one.via) == ("inline", ())


def test_a_macro_with_arguments_that_calls_itself_is_a_macro() -> None:
    text = "typedef int pte_t;\nstatic inline int f(int a) { return a; }\n#define f(a) f(a)\n"
    assert brief(found("f", changes={X86: text})) == (
        "arch",
        "macro",
        f"{X86}:3",
        f"{X86}:3",
    )


def test_another_name_for_a_value_is_one_step_long() -> None:
    text = "typedef int pte_t;\n#define A B\n#define B CC\n#define CC 12\n"
    one = found("A", changes={X86: text})
    assert (one.via, str(one.definition), one.target_shape) == (("B",), f"{X86}:3", "macro")


def test_macros_that_name_each_other_end() -> None:
    text = "typedef int pte_t;\n#define A B\n#define B A\n"
    assert found("A", changes={X86: text}).shape == "alias"


def test_the_guard_of_an_override_is_the_one_it_switches_off() -> None:
    here = universe("x86")
    one = locate(here, "entry_clear")
    assert one is not None
    guard = guard_of(here, one)
    assert guard is not None
    assert (guard.macro, guard.span.line) == ("__HAVE_ARCH_ENTRY_CLEAR", 13)
    assert [str(reason.span) for reason in reasons(here, one, guard_of(here, one))] == [
        f"{X86}:11",
        f"{GENERIC}:13",
        "arch/x86/mm/entry.c:7",
    ]


def test_the_guard_of_a_generic_body_stands_around_it() -> None:
    here = universe("riscv")
    one = locate(here, "set_entries")
    assert one is not None
    assert [reason.text for reason in reasons(here, one, guard_of(here, one))] == [
        "'#ifndef set_entries': set_entries is not defined"
    ]


def test_hooks_are_found_from_the_guards_and_not_from_a_list() -> None:
    text = (
        "#ifndef frobnicate_ptes\nstatic inline void frobnicate_ptes(int *p) { }\n#endif\n"
        "#ifndef unrelated\nstatic inline void unrelated(int a) { }\n#endif\n"
        "static inline int pte_plain(int a) { return a; }\n"
    )
    here = universe("riscv", {GENERIC: text})
    assert hooks(here) == ("frobnicate_ptes",)
    assert set(page_table_names(here)) >= {"frobnicate_ptes", "pte_plain"}
    assert "unrelated" not in page_table_names(here)


LEVELS = """\
#ifndef __ASSEMBLER__
static inline int pte_plain(int a) { return a; }
#ifdef CONFIG_ARCH_HAS_THING
#else
static inline void pte_thing(void) { }
static inline void pte_in_mm(void) { }
#endif
#ifdef CONFIG_SWAP
#else
static inline void swap_stub(void) { }
#endif
#ifndef __PAGETABLE_PUD_FOLDED
void pud_walk(void);
#endif
#ifndef __HAVE_ARCH_TWO
static inline void pte_first(void) { }
static inline void pte_second(void) { }
#endif
#ifndef pte_section
#define pte_section __page_aligned
#endif
#ifndef arch_prot_bits
#define arch_prot_bits(prot) (prot)
#endif
static inline void pte_given(void) { }
#include <asm-generic/pgtable-nopud.h>
#endif
"""


def test_only_what_an_architecture_can_give_is_a_hook() -> None:
    """Guards of assembler, of generic code's own choices and of folded levels are for no architecture to define."""
    files = {
        GENERIC: LEVELS,
        "include/asm-generic/pgtable-nopud.h": "#define __PAGETABLE_PUD_FOLDED 1\n"
        "typedef struct { p4d_t p4d; } pud_t;\nstatic inline int pud_none(pud_t pud) { return 0; }\n",
        "mm/pte.c": "void pte_in_mm(void)\n{\n}\n",
    }
    here = universe("riscv", files)
    assert hooks(here) == ("pte_first", "pte_second", "pte_thing", "pud_none")
    assert set(page_table_names(here)) >= {"pte_plain", "pud_walk", "pte_in_mm", "pte_given"}


def test_a_name_without_a_guard_is_a_hook_where_the_architecture_gives_it_all_the_same() -> None:
    files = {
        GENERIC: "#include <asm/pgtable.h>\n" + LEVELS,
        "arch/riscv/include/asm/pgtable.h": "#define pte_given() 0\n",
    }
    assert "pte_given" in hooks(universe("riscv", files))


def test_a_hook_is_listed_where_the_architecture_overrides_it_too() -> None:
    text = "#define frobnicate_ptes frobnicate_ptes\nvoid frobnicate_ptes(int *p);\n"
    generic = "#ifndef frobnicate_ptes\nstatic inline void frobnicate_ptes(int *p) { }\n#endif\n"
    assert hooks(universe("riscv", {GENERIC: text + generic})) == ("frobnicate_ptes",)
