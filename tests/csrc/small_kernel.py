"""A kernel of a few lines, in memory: one architecture overrides what the other leaves to generic code."""

from collections.abc import Mapping

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import SourceText, Universe, load_universe

GENERIC = """\
#ifndef _LINUX_PGTABLE_H
#define _LINUX_PGTABLE_H
#include <asm/pgtable.h>

#ifndef set_entries
static inline void set_entries(pte_t *ptep, pte_t pte, unsigned int nr)
{
\twhile (nr--)
\t\t*ptep++ = pte;
}
#endif

#ifndef __HAVE_ARCH_ENTRY_CLEAR
static inline pte_t entry_clear(unsigned long addr, pte_t *ptep)
{
\tpte_t pte = *ptep;

\tptep->pte = 0;
\treturn pte;
}
#endif

#define set_entry(ptep, pte) set_entries(ptep, pte, 1)
#endif
"""

ARCH = """\
#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H
typedef struct { unsigned long pte; } pte_t;
#define PTE_DIRTY (1UL << 7)
enum level { LEVEL_PTE, LEVEL_PMD = 4, LEVEL_PUD };
#define BIT_FUNC(name, op) static inline pte_t pte_##name(pte_t pte) { pte.pte op; return pte; }
BIT_FUNC(mkdirty, |= PTE_DIRTY)
BIT_FUNC(mkclean, &= ~PTE_DIRTY)
#undef BIT_FUNC
#ifdef CONFIG_X86_64
#define __HAVE_ARCH_ENTRY_CLEAR
extern pte_t entry_clear(unsigned long addr, pte_t *ptep);
#endif
static inline void __set_entries(pte_t *ptep, pte_t pte, unsigned int nr)
{
\t*ptep = pte;
}
#define set_entries __set_entries
#endif
"""

SOURCE = """\
#include <linux/pgtable.h>
#define LOCAL_MASK PTE_DIRTY
static unsigned long mask(pte_t pte)
{
\treturn pte.pte & LOCAL_MASK;
}
pte_t entry_clear(unsigned long addr, pte_t *ptep)
{
\tpte_t pte = *ptep;

\tptep->pte = mask(pte);
\treturn pte;
}
"""

FILES = {
    "include/linux/pgtable.h": GENERIC,
    "arch/x86/include/asm/pgtable.h": ARCH,
    "arch/riscv/include/asm/pgtable.h": "typedef struct { unsigned long pte; } pte_t;\n",
    "arch/x86/mm/entry.c": SOURCE,
    "arch/x86/mm/other.c": SOURCE.replace("mask(pte)", "0"),
    "arch/x86/mm/Makefile": "obj-y := entry.o\nobj-$(CONFIG_NEVER_SET) += other.o\n",
}


def universe(
    profile: str = "x86", changes: Mapping[str, str] | None = None, overrides: Mapping[str, SourceText] | None = None
) -> Universe:
    """Return the universe of the small kernel with some files replaced."""
    files = {path: text.encode() for path, text in {**FILES, **(changes or {})}.items()}
    return load_universe(MemoryTree(files), profile_named(profile), overrides=overrides)
