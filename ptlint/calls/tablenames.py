"""The page-table functions and macros of one file, by its text: names that are about page tables by their words."""

import re
from collections.abc import Iterator, Set
from functools import lru_cache

from ptlint.csrc.directives import FileScan
from ptlint.csrc.instance import Instance
from ptlint.csrc.items import ItemIndex, index_of_text, items_of
from ptlint.csrc.outermost import outer_words, outer_words_like
from ptlint.csrc.segments import segments_of, words_of
from ptlint.csrc.words import WordPlaces

_WORDS = [
    "pte",
    "ptes",
    "ptep",
    "pmd",
    "pmds",
    "pmdp",
    "pud",
    "puds",
    "pudp",
    "p4d",
    "p4ds",
    "p4dp",
    "pgd",
    "pgds",
    "pgdp",
    "pgprot",
    "prot",
    "pgtable",
    "pgtables",
    "pgtbl",
    "pagetable",
    "page_table",
    "page_tables",
    "mmu",
    "tlb",
    "young",
    "softleaf",
    "hugepage",
    "hugetlb",
    "uffd",
    "swp",
    "swap",
    "PTE",
    "PMD",
    "PUD",
    "PFN",
]
PAGE_TABLE = re.compile(rf"(?:^|_)(?:{'|'.join(_WORDS)})(?:_|$)")
_TYPE_NAMES = ("pte_t", "pmd_t", "pud_t", "p4d_t", "pgd_t", "pgprot_t", "pgtable_t")
_TYPES = re.compile(rf"\b(?:{'|'.join(_TYPE_NAMES)})\b")
_DEFINED = re.compile(r"\s*([A-Za-z_]\w*)")
_CALL = re.compile(r"\b([a-z_]\w*+)\(")


@lru_cache(maxsize=1 << 17)
def is_page_table_name(name: str) -> bool:
    """Return whether a name is about page tables by its words."""
    return PAGE_TABLE.search(name) is not None and not name.isupper()


def declared(scan: FileScan) -> tuple[tuple[str, int], ...]:
    """Return name and line of the page-table functions and macros of all branches of a file."""
    found: tuple[tuple[str, int], ...] | None = scan.item_cache.get("declared")
    if found is None:
        words = telling(scan)
        found = scan.item_cache["declared"] = tuple(_declarations(scan, words)) if words else ()
    return found


def telling(scan: FileScan) -> frozenset[str]:
    """Return what tells of page tables in a file: outer words, macros it defines, and types."""
    found: frozenset[str] | None = scan.item_cache.get("telling")
    if found is None:
        names = [name for step in scan.steps if step.defs for name in step.defs]
        types = [one for one in _TYPE_NAMES if one in scan.text]
        words = outer_words(scan) & outer_words_like(PAGE_TABLE)
        found = scan.item_cache["telling"] = words.union(filter(is_page_table_name, names), types)
    return found


def raw_items(scan: FileScan) -> tuple[str, ItemIndex]:
    """Return the text of all branches of a file, directives blanked, and its items.

    Where branches open a block that they close together, the items after it may be cut wrongly.
    """
    found: tuple[str, ItemIndex] | None = scan.item_cache.get("raw")
    if found is None:
        text = segments_of(scan).plain
        found = scan.item_cache["raw"] = text, index_of_text(text)
    return found


def _declarations(scan: FileScan, words: Set[str]) -> Iterator[tuple[str, int]]:
    """Yield what ``declared`` returns; *words* are those of the file that tell of page tables."""
    text, index = raw_items(scan)
    places = WordPlaces(text)
    numbers = {index.number_at(at) for word in words for at in places.at(word)} - {-1}
    line, counted = 1, 0
    for number in sorted(numbers):
        item = index.items[number]
        line, counted = line + text.count("\n", counted, item.start), item.start
        for what, name, offset in index.declared_by(number):
            follows = text[offset + len(name) : offset + len(name) + 2].lstrip()
            if what in ("function", "ordinary") and follows.startswith("(") and offset - item.start < 400:
                head = text[item.start : min(item.end, offset + 300)].split("{", 1)[0]
                if PAGE_TABLE.search(name) or _TYPES.search(head):
                    yield name, line + text.count("\n", counted, offset)
    for one in scan.directives:
        defined = _DEFINED.match(one.text) if one.kind == "define" else None
        if defined is not None and defined[1] in words and is_page_table_name(defined[1]):
            yield defined[1], one.line


def called(scan: FileScan) -> frozenset[str]:
    """Return the page-table names that stand before a bracket anywhere in a file."""
    found: frozenset[str] | None = scan.item_cache.get("called")
    if found is None:
        found = frozenset(name for name in _CALL.findall(scan.text) if PAGE_TABLE.search(name))
        scan.item_cache["called"] = found
    return found


def active(instance: Instance) -> Iterator[str]:
    """Yield the page-table functions of the active text, whose braces balance where those of all branches may not."""
    if outer_words(instance.scan).isdisjoint(outer_words_like(PAGE_TABLE)):
        return
    facts = instance.active.facts
    if "functions" not in facts:
        facts["functions"] = [name for name, _, _ in items_of(instance).functions if PAGE_TABLE.search(name)]
    yield from facts["functions"]


def shifts(scan: FileScan) -> tuple[str, ...]:
    """Return the page-table constants of a file that say where a level begins: ``PMD_SHIFT``."""
    found: tuple[str, ...] | None = scan.item_cache.get("shifts")
    if found is None:
        words = (word for word in words_of(scan) if word.endswith("_SHIFT") and word.isupper())
        found = scan.item_cache["shifts"] = tuple(word for word in words if PAGE_TABLE.search(word))
    return found
