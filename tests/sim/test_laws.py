"""The laws of setters hold in trees that are right, and each breach is told of the helper that is at fault."""

import pytest

from ptlint.core.tree import MemoryTree, Snapshot, SourceTree
from ptlint.csrc.profile import Profile, profile_named
from ptlint.csrc.universe import SourceText, load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.reference import reference_tree
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import laws
from tests.csrc.kernel import kernel_tree

HEADER = "include/linux/pgtable.h"
ROOTS = ("asm/page.h", "linux/pgtable.h", "asm/tlbflush.h")


def judged(tree: SourceTree, profile: Profile, overrides: dict[str, SourceText] | None = None) -> list[Judgement]:
    program = Program(load_universe(tree, profile, ROOTS, overrides or {}))
    return [laws.judge(program, law, profile.name) for law in laws.subjects(program)]


def broken(function: str) -> set[tuple[str, str]]:
    """Return subject and property of what breaks when *function* stands in for that of the reference tree."""
    name = function.split("(")[0].split()[-1]
    text = SourceText(HEADER, 1, function)
    results = judged(reference_tree(), REFERENCE, {name: text})
    return {(one.subject, violation.property) for one in results for violation in one.violations}


def test_every_law_holds_in_the_reference_tree() -> None:
    results = judged(reference_tree(), REFERENCE)
    assert {"pte_wrprotect", "pte_modify", "pte_advance_pfn", "pfn_pte", "pte_same"} <= {one.subject for one in results}
    assert [(one.subject, one.violations, one.stopped) for one in results if one.violations or one.stopped] == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("pte_t pte_mkold(pte_t pte) { return __pte(pte_val(pte) & ~REF_DIRTY); }", ("pte_mkold", "setter")),
        ("pte_t pte_mkyoung(pte_t pte) { return __pte(pte_val(pte) | REF_WRITE); }", ("pte_mkyoung", "setter")),
        ("pte_t pte_mkspecial(pte_t pte) { return pte; }", ("pte_mkspecial", "setter")),
        (
            "pte_t pte_mkclean(pte_t p) { return __pte(pte_val(p) & ~(REF_DIRTY | 1UL << 55)); }",
            ("pte_mkclean", "setter"),
        ),
        (
            "pte_t pte_mkdirty(pte_t p) { return __pte(pte_val(p) ^ (REF_DIRTY | REF_SOFT_DIRTY)); }",
            ("pte_mkdirty", "setter"),
        ),
        ("int pte_special(pte_t pte) { return pte_val(pte) & REF_NX; }", ("pte_special", "truncation")),
        ("int pte_none(pte_t pte) { return !(pte_val(pte) & REF_DIRTY); }", ("pte_none", "agreement")),
        (
            "pte_t pte_modify(pte_t p, pgprot_t n) { return __pte(pte_val(p) & REF_KEPT | n.pgprot | REF_WRITE); }",
            ("pte_modify", "modify"),
        ),
        (
            "pte_t pte_advance_pfn(pte_t p, unsigned long nr) { return __pte(pte_val(p) + (nr << 13)); }",
            ("pte_advance_pfn", "pfn-encoding"),
        ),
        (
            "pte_t pfn_pte(unsigned long pfn, pgprot_t p) { return __pte((unsigned int)(pfn << 12) | p.pgprot); }",
            ("pfn_pte", "pfn-encoding"),
        ),
    ],
    ids=lambda value: value[0] + "-" + value[1] if isinstance(value, tuple) else "",
)
def test_a_helper_that_breaks_its_law_is_named(body: str, where: tuple[str, str]) -> None:
    assert where in broken("static inline " + body)


@pytest.mark.parametrize(
    "body",
    [
        "pte_t pte_mkold(pte_t pte) { pte_val(pte) &= ~REF_YOUNG; return pte; }",
        "bool pte_dirty(pte_t pte) { return pte_val(pte) >> 6 & 1; }",
        "pte_t pte_advance_pfn(pte_t p, unsigned long nr) { return __pte(pte_val(p) + nr * PAGE_SIZE); }",
        "pte_t pte_modify(pte_t p, pgprot_t n) { return __pte(n.pgprot ^ ((pte_val(p) ^ n.pgprot) & REF_KEPT)); }",
    ],
)
def test_other_words_for_the_same_law_are_silent(body: str) -> None:
    assert broken("static inline " + body) == set()


def test_the_entry_is_shown_before_and_after_with_what_was_expected() -> None:
    text = SourceText(HEADER, 1, "static inline pte_t pte_mkold(pte_t pte) { return __pte(pte_val(pte) & ~0x60UL); }")
    results = judged(reference_tree(), REFERENCE, {"pte_mkold": text})
    violation = next(one.violations[0] for one in results if one.subject == "pte_mkold")
    run = violation.counterexample
    assert violation.suspect == "pte_mkold"
    assert "dirty" in run.initial[0]
    assert ", dirty" not in run.final[0]
    assert run.expected == ("dirty",)
    assert run.arguments[0][0] == "pte"


DEFECTS = {
    # Real ones of the tree: csky's pte_modify() keeps the bit that lets the hardware store, hexagon's neither
    # accessed nor dirty, sh's adds the permissions of X2TLB entries to the old ones, and nios2's pte_none() holds for
    # the first swap slots of the first swap area.
    "csky": {("pte_modify", "modify")},
    "hexagon": {("pte_modify", "modify")},
    "sh": {("pte_modify", "modify")},
    "nios2": {("__swp_entry", "pfn-encoding"), ("pte_swp_clear_exclusive", "setter")},
}

QUICK = ("arm64", "x86", "powerpc/radix", "s390", "riscv", "loongarch")


@pytest.mark.parametrize("name", QUICK)
def test_the_laws_hold_in_the_kernel(name: str) -> None:
    results = judged(kernel_tree(), profile_named(name))
    assert {(one.subject, v.property) for one in results for v in one.violations} == set()
    assert sum(one.scenarios for one in results) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["alpha", "arc", "arm", "csky", "hexagon", "m68k", "microblaze", "mips", "nios2", "sh"]
)
def test_the_laws_hold_in_the_kernel_but_for_what_is_known(name: str) -> None:
    results = judged(kernel_tree(), profile_named(name))
    assert {(one.subject, v.property) for one in results for v in one.violations} == DEFECTS.get(name, set())


def test_dirty_that_only_the_hardware_sets_survives_write_protection_on_arm64() -> None:
    text = SourceText(
        "arch/arm64/include/asm/pgtable.h",
        1,
        "static inline pte_t pte_wrprotect(pte_t pte)\n{\n\tpte = clear_pte_bit(pte, __pgprot(PTE_WRITE));\n"
        "\treturn set_pte_bit(pte, __pgprot(PTE_RDONLY));\n}\n",
    )
    results = judged(kernel_tree(), profile_named("arm64"), {"pte_wrprotect": text})
    found = {one.subject: one.violations[0] for one in results if one.violations}
    assert found["pte_wrprotect"].detail == "pte_wrprotect() makes an entry that was dirty not dirty"
    assert "stored to" in found["pte_wrprotect"].counterexample.arguments[0][1]


@pytest.mark.parametrize(
    ("profile", "path", "body", "says"),
    [
        (
            "s390",
            "arch/s390/include/asm/pgtable.h",
            "pte_t pte_mkclean(pte_t pte) { return clear_pte_bit(pte, __pgprot(_PAGE_DIRTY)); }",
            "pte_mkclean() leaves a clean entry that is written unnoticed",
        ),
        (
            "s390",
            "arch/s390/include/asm/pgtable.h",
            "pte_t pte_mkold(pte_t pte) { return clear_pte_bit(pte, __pgprot(_PAGE_YOUNG)); }",
            "pte_mkold() leaves an old entry that is used unnoticed",
        ),
        (
            "arm64",
            "arch/arm64/include/asm/pgtable.h",
            "pte_t pte_mkdirty(pte_t pte) { return set_pte_bit(pte, __pgprot(PTE_DIRTY)); }",
            "pte_mkdirty() leaves a dirty entry that faults on each store",
        ),
    ],
)
def test_what_the_hardware_lets_through_is_what_the_predicates_say(
    profile: str, path: str, body: str, says: str
) -> None:
    name = body.split("(")[0].split()[-1]
    text = SourceText(path, 1, "static inline " + body)
    results = judged(kernel_tree(), profile_named(profile), {name: text})
    assert says in {violation.detail for one in results if one.subject == name for violation in one.violations}


def test_an_entry_whose_page_frame_is_split_is_advanced_past_the_split() -> None:
    text = SourceText(
        "arch/arm64/include/asm/pgtable.h",
        1,
        "static inline pte_t pte_advance_pfn(pte_t pte, unsigned long nr)\n{\n"
        "\treturn __pte(pte_val(pte) + (nr << PAGE_SHIFT));\n}\n",
    )
    results = judged(kernel_tree(), profile_named("arm64"), {"pte_advance_pfn": text})
    assert "pte_advance_pfn" in {one.subject for one in results if one.violations}


def test_an_entry_set_alone_is_filtered_as_one_of_a_batch_is() -> None:
    text = SourceText(
        "arch/s390/include/asm/pgtable.h",
        1,
        "static inline void set_pte(pte_t *ptep, pte_t pte)\n{\n"
        "\tWRITE_ONCE(*ptep, pte_none(pte) ? pte : set_pte_bit(pte, __pgprot(_PAGE_UNUSED)));\n}\n",
    )
    own = (
        "static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int n)"
    )
    batch = SourceText(text.path, 9, own + "\n{\n\tWRITE_ONCE(*ptep, pte);\n}\n")
    results = judged(kernel_tree(), profile_named("s390"), {"set_pte": text, "set_ptes": batch})
    assert "set_pte" in {one.subject for one in results if one.violations}


def test_a_modified_entry_gives_the_hardware_the_access_that_setters_give() -> None:
    tree = kernel_tree()
    path = "arch/arm64/include/asm/pgtable.h"
    header = tree.read(path)
    assert header is not None
    body = header.decode().split("static inline pte_t pte_modify(")[1].split("\n}")[0]
    whole = "static inline pte_t pte_modify(" + body.replace("pte_sw_dirty(pte)", "0") + "\n}\n"
    results = judged(tree, profile_named("arm64"), {"pte_modify": SourceText(path, 1, whole)})
    assert "pte_modify" in {one.subject for one in results if one.violations}


def test_dirty_that_only_the_hardware_sets_in_an_entry_of_a_huge_page_survives_write_protection() -> None:
    text = SourceText(
        "arch/loongarch/include/asm/pgtable.h",
        1,
        "static inline pmd_t pmd_wrprotect(pmd_t pmd)\n{\n"
        "\tpmd_val(pmd) &= ~(_PAGE_WRITE | _PAGE_DIRTY);\n\treturn pmd;\n}\n",
    )
    results = judged(kernel_tree(), profile_named("loongarch"), {"pmd_wrprotect": text})
    assert "pmd_wrprotect" in {one.subject for one in results if one.violations}


def test_a_constant_of_an_enum_is_used_by_what_takes_it() -> None:
    header = reference_tree().read(HEADER)
    assert header is not None
    text = header.decode().replace(
        "#define REF_DIRTY	(1UL << 6)",
        "enum ref_bits { REF_A, REF_DIRTY_SHIFT = 6 };\n#define REF_DIRTY (1UL << REF_DIRTY_SHIFT)",
    )
    results = judged(MemoryTree({HEADER: text.encode()}), REFERENCE)
    used = next(one.used for one in results if one.subject == "pte_mkdirty")
    assert {"REF_DIRTY", "REF_DIRTY_SHIFT", "REF_A", "ref_bits"} <= used


def test_a_helper_that_cannot_be_run_gets_no_verdict_from_a_guess() -> None:
    text = SourceText(HEADER, 1, "int pte_special(pte_t pte) { return !!(pte_val(pte) & NOBODY_DECLARES_THIS); }")
    results = judged(reference_tree(), REFERENCE, {"pte_special": text})
    assert {one.subject for one in results if one.violations} == set()
    reasons = {one.stopped[0] for one in results if one.stopped is not None}
    assert reasons == {"NOBODY_DECLARES_THIS is not declared"}


@pytest.mark.parametrize(("when", "holds"), [("pte_val(pte) & _PAGE_ACCESSED", True), ("1", False)])
def test_a_new_protection_leaves_no_old_entry_that_is_used_unnoticed(when: str, holds: bool) -> None:
    body = (
        "\tpte_val(pte) = (pte_val(pte) & _PAGE_CHG_MASK) | (pgprot_val(newprot) & ~_PAGE_CHG_MASK);\n"
        f"\tif (({when}) && !(pte_val(pte) & _PAGE_NO_READ))\n\t\tpte_val(pte) |= _PAGE_SILENT_READ;\n\treturn pte;\n"
    )
    text = f"static inline pte_t pte_modify(pte_t pte, pgprot_t newprot)\n{{\n{body}}}\n"
    source = SourceText("arch/mips/include/asm/pgtable.h", 1, text)
    results = judged(kernel_tree(), profile_named("mips"), {"pte_modify": source})
    (found,) = (one for one in results if one.subject == "pte_modify")
    assert found.is_whole
    assert any("used unnoticed" in one.detail for one in found.violations) is not holds


@pytest.mark.parametrize(
    ("arch", "path", "old", "new", "where"),
    [
        (
            "x86+full",
            "arch/x86/include/asm/pgtable.h",
            "return pfn_pmd(pmd_pfn(pmd),\n\t\t      __pgprot(pmd_flags(pmd) & ~(_PAGE_PRESENT|_PAGE_PROTNONE)));",
            "return pmd_clear_flags(pmd, _PAGE_PRESENT | _PAGE_PROTNONE);",
            ("pmd_mkinvalid", "setter"),
        ),
        (
            "mips/64r6+full",
            "arch/mips/include/asm/pgtable.h",
            "(pmd_val(pmd) & (_PAGE_CHG_MASK | _PAGE_HUGE)) |",
            "(pmd_val(pmd) & _PAGE_CHG_MASK) |",
            ("pmd_modify", "modify"),
        ),
        (
            "x86",
            "arch/x86/include/asm/tlbflush.h",
            "if (diff & oldflags & flush_on_clear)",
            "if (diff & newflags & flush_on_clear)",
            ("pte_needs_flush", "needs-flush"),
        ),
        (
            "arm64",
            "arch/arm64/include/asm/pgtable.h",
            "pte_present(pte) : pte_valid(pte))",
            "pte_present(pte) : pte_valid(pte) && pte_young(pte))",
            ("pte_accessible", "needs-flush"),
        ),
        (
            "powerpc/8xx",
            "arch/powerpc/include/asm/nohash/pgtable.h",
            "if (!pte_present(pte) || !pte_read(pte))",
            "if (!pte_present(pte))",
            ("pte_access_permitted", "agreement"),
        ),
        (
            "arm64",
            "arch/arm64/include/asm/pgtable.h",
            "#define __SWP_TYPE_SHIFT\t6",
            "#define __SWP_TYPE_SHIFT\t2",
            ("__swp_entry", "pfn-encoding"),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_change_of_the_kernels_headers_that_breaks_a_law_is_told(
    arch: str, path: str, old: str, new: str, where: tuple[str, str]
) -> None:
    text = (kernel_tree().read(path) or b"").decode()
    assert text.count(old) == 1
    tree = Snapshot(kernel_tree()).with_files({path: text.replace(old, new).encode()})
    program = Program(load_universe(tree, profile_named(arch), ROOTS))
    found = [laws.judge(program, law, arch) for law in laws.subjects(program) if law.helper == where[0]]
    assert where in {(one.subject, violation.property) for one in found for violation in one.violations}


def test_page_frames_come_back_beside_a_type_of_memory() -> None:
    path, old = "arch/riscv/include/asm/pgtable.h", "(((_val) & _PAGE_PFN_MASK) >> _PAGE_PFN_SHIFT)"
    text = (kernel_tree().read(path) or b"").decode()
    assert text.count(old) == 1
    tree = Snapshot(kernel_tree()).with_files({path: text.replace(old, "((_val) >> _PAGE_PFN_SHIFT)").encode()})
    program = Program(load_universe(tree, profile_named("riscv"), ROOTS))
    found = [laws.judge(program, law, "riscv") for law in laws.subjects(program) if law.helper == "pfn_pte"]
    assert any("pgprot_noncached()" in violation.detail for one in found for violation in one.violations)


def test_marks_that_not_every_machine_has_are_looked_at_on_one_that_has_them() -> None:
    path, old = "arch/riscv/include/asm/pgtable.h", "return __pte(pte_val(pte) | _PAGE_DIRTY | _PAGE_SOFT_DIRTY);"
    text = (kernel_tree().read(path) or b"").decode()
    assert text.count(old) == 1
    new = "return __pte(pte_val(pte) | _PAGE_DIRTY);"
    tree = Snapshot(kernel_tree()).with_files({path: text.replace(old, new).encode()})
    program = Program(load_universe(tree, profile_named("riscv+full"), ROOTS))
    found = [laws.judge(program, law, "riscv+full") for law in laws.subjects(program) if law.helper == "pte_mkdirty"]
    assert any(one.violations for one in found)
