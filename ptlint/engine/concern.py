"""Whether a patch concerns page tables at all, by the words of the files it touches: cheap, and never a wrong no.

A file is none of ptlint's business when neither it nor what the patch does to it holds a word of page tables, and
when no helper can reach it unnamed: headers below ``include`` and ``arch`` are included by anyone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptlint.core.patch import Patch

_WORDS = re.compile(
    rb"pte(?![dr])|pmd|pud|p4d|pgd(?!at)|pgprot|pgtable|page_?table|tlb|(?<![a-z])mmu|mmu(?![a-z])|swp_|swap_?entr|softleaf",
    re.IGNORECASE,
)
_SOURCES = (".c", ".h", ".S")
_READ_BY_ANYONE = ("include/", "arch/")


def concerns_page_tables(path: str, texts: Iterable[bytes]) -> bool:
    """Return whether a change of *path* can concern page tables; *texts* is all that is known of its content."""
    if not path.endswith(_SOURCES):
        return False
    if path.endswith(".h") and path.startswith(_READ_BY_ANYONE):
        return True
    return any(_WORDS.search(text) for text in texts)


def may_concern(patch: Patch, read: Callable[[str], Iterable[bytes] | None]) -> bool:
    """Return whether *patch* can concern page tables.

    *read* gives what the tree has at a path, in one or several revisions, and None when it cannot tell.
    """
    if patch.damaged:
        return True
    for file in patch.files:
        shown = [part for hunk in file.hunks for part in (hunk.section, hunk.preimage(), hunk.postimage())]
        for path in {one for one in (file.old_path, file.new_path) if one}:
            if concerns_page_tables(path, shown):
                return True
            if not path.endswith(_SOURCES) or (file.old_path is None and path == file.new_path):
                continue
            there = read(path)
            if there is None or concerns_page_tables(path, there):
                return True
    return False
