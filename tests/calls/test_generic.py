"""The generic body of a helper that an architecture gives is found where no compiler of that architecture reads it."""

from dataclasses import replace

from ptlint.calls.generic import generic_body
from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import Universe, load_universe

HEADER = "include/linux/pgtable.h"
SOURCE = "mm/pgtable-generic.c"
ARCH = "arch/riscv/include/asm/pgtable.h"

FILES = {
    HEADER: """\
#ifndef _LINUX_PGTABLE_H
#define _LINUX_PGTABLE_H
#include <asm/pgtable.h>
#ifndef pte_read
static inline pte_t pte_read(pte_t *ptep)
{
	return *ptep;
}
#endif
#ifndef __HAVE_ARCH_PTE_STEP
#ifdef CONFIG_SMP
static inline void pte_step(pte_t *ptep)
{
	ptep->pte = 1;
}
#else
static inline void pte_step(pte_t *ptep)
{
	ptep->pte = 2;
}
#endif
#endif
#ifndef __HAVE_ARCH_PTE_FLUSH
void pte_flush(pte_t *ptep);
#endif
#ifndef pte_plain
static inline void pte_plain(pte_t *ptep)
{
}
#endif
#endif
""",
    SOURCE: """\
#include <linux/pgtable.h>
#ifndef __HAVE_ARCH_PTE_FLUSH
void pte_flush(pte_t *ptep)
{
	ptep->pte = 3;
}
#endif
""",
    "mm/Makefile": "obj-y := pgtable-generic.o\n",
    ARCH: """\
#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H
typedef struct { unsigned long pte; } pte_t;
#define pte_read(ptep) (*(volatile pte_t *)(ptep))
#define __HAVE_ARCH_PTE_STEP
static inline void pte_step(pte_t *ptep)
{
}
#define __HAVE_ARCH_PTE_FLUSH
static inline void pte_flush(pte_t *ptep)
{
}
#endif
""",
}


def universe(**config: str) -> Universe:
    tree = MemoryTree({path: text.encode() for path, text in FILES.items()})
    profile = profile_named("riscv")
    return load_universe(tree, replace(profile, config={**profile.config, **config}))


def test_the_body_of_a_branch_that_is_switched_off_is_given_with_its_line() -> None:
    body = generic_body(universe(), "pte_read")
    assert body is not None
    assert (body.path, body.line) == (HEADER, 5)
    assert " ".join(body.text.split()) == "static inline pte_t pte_read(pte_t *ptep) { return *ptep; }"


def test_of_several_branches_the_one_that_the_configuration_takes_comes_first() -> None:
    body = generic_body(universe(), "pte_step")
    assert body is not None
    assert "ptep->pte = 1;" in body.text


def test_a_body_of_a_c_file_is_found() -> None:
    body = generic_body(universe(), "pte_flush")
    assert body is not None
    assert (body.path, body.line) == (SOURCE, 3)


def test_a_helper_that_no_architecture_gives_has_none() -> None:
    assert generic_body(universe(), "pte_plain") is None
