"""Which functions of a file have to do with page tables: those that a scan looks at."""

from __future__ import annotations

import re

from ptlint.core.tree import SourceTree
from ptlint.passes.changes import Change, functions_in

SOURCES = (".c", ".h")

_WORD = re.compile(
    r"(?<![A-Za-z])(?:pte|pmd|pud|p4d|pgd|ptl|tlb|mmu_gather|lazy_mmu|swp|softleaf|hugetlb|hugepd)(?:[psv]|es|eps)?"
    r"(?![A-Za-z])|PTRS_PER_|FPB_",
    re.IGNORECASE,
)
"""A part of an identifier that only code about page tables has."""


def names_page_tables(text: str) -> bool:
    """Return whether a piece of C names page tables, their entries, their locks or the TLB."""
    return _WORD.search(text) is not None


def concerned(tree: SourceTree, path: str) -> tuple[Change, ...]:
    """Return the functions of *path* that name page tables, in the order of the text, each as newly added."""
    data = tree.read(path)
    text = "" if data is None else data.decode("latin-1")
    if not names_page_tables(text):
        return ()
    return tuple(one for one in functions_in(path, text) if names_page_tables(one.text))
