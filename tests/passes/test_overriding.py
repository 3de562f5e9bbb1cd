"""Every way in which an architecture overrides a helper, broken in every way that makes it do something else."""

from collections.abc import Mapping

import pytest

from ptlint.api import Context
from ptlint.core.patch import PatchRef
from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.engine.gathered import Gathered
from ptlint.engine.rules import load_rules, select_rules
from ptlint.passes.changes import changes_between
from ptlint.passes.outcomes import Runs

GENERIC = "include/linux/pgtable.h"
ARCH = "arch/riscv/include/asm/pgtable.h"
BODY = "arch/riscv/mm/pgtable.c"
FALLBACK = "mm/pgtable-generic.c"

FILES = {
    GENERIC: """\
#ifndef _LINUX_PGTABLE_H
#define _LINUX_PGTABLE_H
#include <asm/pgtable.h>
static inline pte_t ptep_get(pte_t *ptep)
{
\treturn *ptep;
}
#ifndef pte_identity
static inline void pte_identity(pte_t *ptep, pte_t pte)
{
\t*ptep = pte;
}
#endif
#ifndef pte_alias
static inline void pte_alias(pte_t *ptep, pte_t pte)
{
\t*ptep = pte;
}
#endif
#ifndef pte_macro
#define pte_macro(ptep, pte) pte_identity(ptep, pte)
#endif
#if !defined(__HAVE_ARCH_PTE_INLINE)
static inline pte_t pte_inline(unsigned long addr, pte_t *ptep)
{
\tpte_t pte = ptep_get(ptep);

\t*ptep = (pte_t){ addr };
\treturn pte;
}
#endif
#ifndef __HAVE_ARCH_PTE_EXTERN
void pte_extern(pte_t *ptep, pte_t pte);
#endif
#ifdef __HAVE_ARCH_PTE_OTHERWISE
#else
static inline void pte_otherwise(pte_t *ptep)
{
\tpte_identity(ptep, (pte_t){ 0 });
}
#endif
#ifndef __HAVE_ARCH_PTE_TRANSACTION
static inline pte_t pte_prot_start(pte_t *ptep)
{
\treturn ptep_get(ptep);
}
static inline void pte_prot_commit(pte_t *ptep, pte_t pte)
{
\tpte_identity(ptep, pte);
}
#endif
static inline void change_pte(pte_t *ptep)
{
\tpte_prot_commit(ptep, pte_prot_start(ptep));
\tpte_extern(ptep, pte_inline(0, ptep));
}
#endif
""",
    ARCH: """\
#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H
typedef struct { unsigned long pte; } pte_t;
#define _PAGE_ACCESSED (1 << 6)
static inline unsigned long xchg(unsigned long *word, unsigned long value)
{
\treturn *word;
}
static inline void pte_identity(pte_t *ptep, pte_t pte)
{
\tptep->pte = pte.pte;
}
#define pte_identity pte_identity
static inline void __pte_alias(pte_t *ptep, pte_t pte)
{
\tptep->pte = pte.pte;
}
#define pte_alias __pte_alias
#define pte_macro(ptep, pte) __pte_alias(ptep, pte)
#define __HAVE_ARCH_PTE_INLINE
static inline pte_t pte_inline(unsigned long addr, pte_t *ptep)
{
\treturn (pte_t){ xchg(&ptep->pte, addr) };
}
#define __HAVE_ARCH_PTE_EXTERN
void pte_extern(pte_t *ptep, pte_t pte);
#define __HAVE_ARCH_PTE_OTHERWISE
static inline void pte_otherwise(pte_t *ptep)
{
\tptep->pte = 0;
}
#define __HAVE_ARCH_PTE_TRANSACTION
static inline pte_t pte_prot_start(pte_t *ptep)
{
\treturn *ptep;
}
static inline void pte_prot_commit(pte_t *ptep, pte_t pte)
{
\tptep->pte = pte.pte;
}
#endif
""",
    BODY: "#include <linux/pgtable.h>\nvoid pte_extern(pte_t *ptep, pte_t pte)\n{\n\tptep->pte = pte.pte;\n}\n",
    FALLBACK: """\
#include <linux/pgtable.h>
#ifndef __HAVE_ARCH_PTE_EXTERN
void pte_extern(pte_t *ptep, pte_t pte)
{
\t*ptep = pte;
}
#endif
""",
}


def found(changes: Mapping[str, str], files: Mapping[str, str] = FILES) -> list[tuple[str, str]]:
    """Return code and function of each finding of PT3 on a patch that makes *files* those of *changes*."""
    before, after = MemoryTree(_bytes(files)), MemoryTree(_bytes({**files, **changes}))
    profiles = (profile_named("riscv"),)
    rules = select_rules(load_rules(()), ("PT3",), ())
    gathered = Gathered(rules, profiles)
    changed = changes_between(before, after, changes)
    books = Runs(before).book(profiles), Runs(after).book(profiles)
    gathered.look(Context(PatchRef(1, 1, "", ""), before, after, changed, profiles, books=books, final=after))
    assert gathered.left_out == []
    return [(finding.code, finding.function) for finding in gathered.merged()]


def _bytes(files: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}


def edited(path: str, *edits: tuple[str, str]) -> dict[str, str]:
    text = FILES[path]
    for old, new in edits:
        assert text.count(old) == 1, (path, old, text.count(old))
        text = text.replace(old, new)
    return {path: text}


def part(path: str, start: str, end: str) -> str:
    """Return the text of a file from *start* to the end of *end*, which follows it."""
    text = FILES[path][FILES[path].index(start) :]
    return text[: text.index(end) + len(end)]


START = part(ARCH, "static inline pte_t pte_prot_start", "}\n")
COMMIT = part(ARCH, "static inline void pte_prot_commit", "}\n")
INLINE = part(ARCH, "#define __HAVE_ARCH_PTE_INLINE", "}\n")
IDENTITY = part(ARCH, "static inline void pte_identity", "#define pte_identity pte_identity\n")
DEFINE = "#define pte_identity pte_identity\n"
MARK = "#define __HAVE_ARCH_PTE_"
PROTOTYPE = "void pte_extern(pte_t *ptep, pte_t pte);"
OTHERWISE = "static inline void pte_otherwise(pte_t *ptep)"
ADDRESS = "static inline pte_t pte_inline(unsigned long addr, pte_t *ptep)"

BROKEN = {
    "no define": (edited(ARCH, (DEFINE, "")), "PT303", "pte_identity"),
    "misspelt define": (edited(ARCH, (DEFINE, "#define pte_idenity pte_idenity\n")), "PT303", "pte_identity"),
    "misspelt guard of an inline": (edited(ARCH, (MARK + "INLINE", MARK + "INLIN")), "PT303", "pte_inline"),
    "misspelt guard of a prototype": (edited(ARCH, (MARK + "EXTERN", MARK + "EXTREN")), "PT303", "pte_extern"),
    "guard with an else": (edited(ARCH, (MARK + "OTHERWISE\n", "")), "PT303", "pte_otherwise"),
    "misspelt macro": (edited(ARCH, ("#define pte_macro(", "#define pte_marco(")), "PT303", "pte_macro"),
    "start without commit": (edited(ARCH, (COMMIT, "")), "PT302", "pte_prot_commit"),
    "commit without start": (edited(ARCH, (START, "")), "PT302", "pte_prot_start"),
    "an atomic override goes": (edited(ARCH, (INLINE, "")), "PT306", "pte_inline"),
    "under a symbol": (
        edited(ARCH, (IDENTITY, f"#ifdef CONFIG_RISCV_ISA_SVNAPOT\n{IDENTITY}#endif\n")),
        "PT307",
        "pte_identity",
    ),
    "prototype without a parameter": (
        edited(ARCH, (PROTOTYPE, "void pte_extern(pte_t *ptep);")),
        "PT301",
        "pte_extern",
    ),
    "body with another type": (
        edited(BODY, ("pte_t *ptep, pte_t pte)", "pte_t *ptep, unsigned long *pte)")),
        "PT301",
        "pte_extern",
    ),
    "the generic one gains a parameter": (
        edited(GENERIC, (OTHERWISE, OTHERWISE.replace(")", ", int nr)"))),
        "PT305",
        "pte_otherwise",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_override_gives_its_finding_and_no_other(name: str) -> None:
    changes, code, function = BROKEN[name]
    assert set(found(changes)) == {(code, function)}


SOUND = {
    "another order": edited(ARCH, (START + COMMIT, COMMIT + START)),
    "define before the body": edited(ARCH, (IDENTITY, DEFINE + IDENTITY.replace(DEFINE, ""))),
    "a guard with a value": edited(ARCH, (MARK + "EXTERN", MARK + "EXTERN 1")),
    "parameters without names": edited(ARCH, (PROTOTYPE, "void pte_extern(pte_t *, pte_t value);")),
    "an override goes that did the same": {
        **edited(ARCH, (MARK + "EXTERN\n" + PROTOTYPE + "\n", "")),
        BODY: "\n",
    },
    "both halves go": edited(ARCH, (MARK + "TRANSACTION\n" + START + COMMIT, "")),
    "a contract that changes everywhere": {
        **edited(GENERIC, (ADDRESS, ADDRESS.replace("unsigned long", "pte_t"))),
        **edited(ARCH, (ADDRESS, ADDRESS.replace("unsigned long", "pte_t"))),
    },
}


@pytest.mark.parametrize("name", SOUND)
def test_an_override_that_still_holds_gives_none(name: str) -> None:
    assert found(SOUND[name]) == []


WIDE = "typedef struct { unsigned long pte, pte1, pte2, pte3; } pte_t;\ntypedef struct { unsigned long pmd; } pmd_t;\n"
READERS = """\
#include <asm/pgtable.h>
#ifndef pte_read
static inline pte_t pte_read(pte_t *ptep)
{
\treturn *ptep;
}
#endif
#ifndef pmd_read
static inline pmd_t pmd_read(pmd_t *pmdp)
{
\treturn *pmdp;
}
#endif
"""


def test_an_entry_of_four_words_is_not_read_at_once_and_one_of_another_level_may_be() -> None:
    own = WIDE + "#define pte_read pte_read\npte_t pte_read(pte_t *ptep);\n"
    own += "#define pmd_read pmd_read\npmd_t pmd_read(pmd_t *pmdp);\n"
    assert found({ARCH: WIDE}, {ARCH: own, GENERIC: READERS}) == [("PT306", "pte_read")]
