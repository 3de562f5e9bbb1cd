"""Helpers of hugetlb entries: what a huge page of every size that the universe has goes through.

A huge page is set by the kernel's own ``set_huge_pte_at()`` in tables that its own ``*_populate()`` links, so helpers
may walk them; the MMU touches it at some entry; then the helper runs. A kind follows from the name as the kernel builds
it (include/asm-generic/hugetlb.h), the place of an entry from the size of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.csrc.items import items_of
from ptlint.csrc.universe import Universe, load_universe
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.hugepages import on_machine, pages
from ptlint.sim.hugeruns import Helper, run_on
from ptlint.sim.inventory import names_with
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import AT_ENTRY
from ptlint.sim.program import Program
from ptlint.sim.roles import signature_of
from ptlint.sim.tally import Tally

ROOTS = ("asm/page.h", "linux/pgtable.h", "asm/tlbflush.h", "asm/pgalloc.h", "linux/hugetlb.h")

KINDS: tuple[tuple[str, str], ...] = (
    ("set", r"set_huge_pte_at"),
    ("get", r"huge_ptep_get"),
    ("collect", r"huge_ptep_get_and_clear|huge_ptep_clear_flush"),
    ("clear", r"huge_pte_clear"),
    ("wrprotect", r"huge_ptep_set_wrprotect"),
    ("access", r"huge_ptep_set_access_flags"),
    ("transaction", r"huge_ptep_modify_prot_start"),
)


def subjects(program: Program) -> Iterator[Helper]:
    """Yield the helpers of hugetlb entries, where something of interest has to do with hugetlb."""
    if not _concerned(program):
        return
    twin = _with_hugetlb(program)
    if not twin.universe.profile.is_set("HUGETLB_PAGE") or twin.model.pointer_size != 8:
        return
    for name in names_with(twin, "huge_pte"):
        kind = next((kind for kind, pattern in KINDS if re.fullmatch(pattern, name)), "")
        definition = twin.definition(name) if kind and twin.matters(name, *_partner(name)) else None
        if definition is not None:
            yield Helper(kind, signature_of(twin, name, definition.type), twin)


def _partner(name: str) -> tuple[str, ...]:
    return (name.replace("_start", "_commit"),) if name.endswith("_start") else ()


def _concerned(program: Program) -> bool:
    if program.interest is None:
        return True
    universe = program.universe
    for name in program.interest:
        if "huge" in name or "hugetlb" in _path_of(universe, name):
            return True
        if _SIZED.search(_text_of(program, name)):
            return True
    return False


_SIZED = re.compile(r"\bpgsize\b")
"""What code says that is for entries of any level."""


def _path_of(universe: Universe, name: str) -> str:
    """Return the ``.c`` file that defines *name*, where that may be one of hugetlb's."""
    text = universe.overrides.get(name)
    if text is not None:
        return text.path
    may_be = any("hugetlb" in path for path in universe.defining_files(name))
    return universe.source_of(name) or "" if may_be else ""


def _text_of(program: Program, name: str) -> str:
    """Return the text of a function of the architecture's own, empty for others."""
    universe, own = program.universe, f"arch/{program.universe.profile.folder}/"
    if not any(path.startswith(own) for path in universe.defining_files(name)) and not universe.headers.sites(
        name, "function"
    ):
        return ""
    site = universe.site_of(name)
    if site is None or not site.instance.path.startswith(own):
        return ""
    item = items_of(site.instance).items[site.number]
    return site.instance.active_text()[item.start : item.end]


def _with_hugetlb(program: Program) -> Program:
    universe = program.universe
    twin = Program(load_universe(universe.tree, universe.profile, ROOTS, universe.overrides))
    twin.interest = program.interest
    twin.facts[AT_ENTRY] = False  # hugetlb code does not enter it
    return twin


def name(helper: Helper) -> str:
    """Return the name of the helper."""
    return helper.signature.name


def judge(program: Program, helper: Helper, arch: str) -> Judgement:
    """Run the helper on pages of every size."""
    tally = Tally(helper.signature.name, arch)
    twin = helper.program
    try:
        if not pages(twin):
            raise CannotExecute("no size of huge pages is valid before start-up code has asked the machine")
        for page in pages(twin):
            tally.add(run_on(on_machine(twin, page), helper, page), raced=False)
            if tally.is_idle(twin):
                break
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(twin)
