"""Loops over entries: what moves on, what stays, and what was made too early."""

import pytest

from ptlint.passes.rounds import made_before, out_of_step
from tests.passes.code import view

HEAD = (
    "static void f(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, int nr, void *buf)\n{\n\tint i;\n"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for (i = 0; i < nr; i++, ptep++) set_pte_at(mm, addr, ptep, pte);", [("set_pte_at", "ptep", "addr")]),
        ("for (i = 0; i < nr; i++) set_pte_at(mm, addr, ptep + i, pte);", [("set_pte_at", "ptep + i", "addr")]),
        ("for (i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) set_pte_at(mm, addr, ptep, pte);", []),
        ("for (i = 0; i < nr; i++) set_pte_at(mm, addr + i * PAGE_SIZE, ptep + i, pte);", []),
        ("while (nr--) { set_pte_at(mm, addr, ptep, pte); ptep++; addr += PAGE_SIZE; }", []),
        ("do { pte_clear(mm, addr, ptep++); } while (--nr);", [("pte_clear", "ptep++", "addr")]),
        ("for (i = 0; i < nr; i++, ptep++) set_pte(ptep, pte);", []),
        ("while (addr < 9) { pte_clear(mm, addr, ptep); ptep += nr; addr += nr * PAGE_SIZE; }", []),
        (
            "while (addr < 9) { pte_clear(mm, addr, ptep); ptep += nr; addr += PAGE_SIZE; }",
            [("pte_clear", "ptep", "addr")],
        ),
        (
            "while (addr < 9) { pte_clear(mm, addr, ptep); ptep++; addr += nr << PAGE_SHIFT; }",
            [("pte_clear", "ptep", "addr")],
        ),
        ("for (i = 0; i < nr; i++, ptep++) set_pte_at(&init_mm, addr, ptep, pte);", []),
    ],
)
def test_an_entry_that_moves_on_without_its_address(body: str, expected: list[tuple[str, str, str]]) -> None:
    found = out_of_step(view(HEAD + body + "\n}\n"))
    assert [(one.helper, one.moves, one.stays) for one in found] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "unsigned long pa = to_phys(buf); while (nr--) { map_one(addr, pa); addr += 4096; buf += 4096; }",
            [("pa", "buf")],
        ),
        ("while (nr--) { map_one(addr, to_phys(buf)); addr += 4096; buf += 4096; }", []),
        (
            "unsigned long pa = to_phys(buf); while (nr--) { map_one(addr, pa); addr += 8; pa += 8; buf += 8; }",
            [],
        ),
        ("unsigned long pa = to_phys(buf); while (nr--) { map_one(addr, pa); addr += 4096; }", []),
        (
            "unsigned long pa = to_phys(buf); while (nr--) { map_one(addr, pa); buf += 4096; addr += 4096; use(buf); }",
            [],
        ),
        (
            "unsigned long pa = to_phys(buf); while (nr--) { map_one(addr, pa); buf += 4096; addr += 4096; } use(buf);",
            [],
        ),
    ],
)
def test_a_value_made_before_its_source_moves_on(body: str, expected: list[tuple[str, str]]) -> None:
    found = made_before(view(HEAD + body + "\n}\n"))
    assert [(one.value, one.source) for one in found] == expected
