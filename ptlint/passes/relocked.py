"""Entries that are set under a page-table lock that was given back in between, and that nobody has compared again."""

from __future__ import annotations

import re

from ptlint.csrc.ast import Call
from ptlint.passes.functions import View
from ptlint.passes.typestate import Automaton, Event, Slip, slips_of
from ptlint.passes.wording import called, text

_LOCKS = re.compile(
    r"pte_offset_map_(?:lock|rw_nolock)|pte_map_lock\w*|p[mu]d_lock|huge_pte_lock|p[mu]d_trans_huge_lock|"
    r"(?:raw_)?spin_lock(?:_nested)?"
)
_UNLOCKS = re.compile(r"pte_unmap_unlock|(?:raw_)?spin_unlock")
_SETS = re.compile(r"set_(?:huge_)?p(?:te|md|ud)_at|set_ptes|\w*_install_folio")
_ASKS = re.compile(
    r"\w*(?:_same|_none|_none_or_zero|_present|_changed|_stable|_leaf|_trans_huge|_val)(?:_\w+)?|"
    r"p(?:te|md|ud)_is_\w+|softleaf_\w+|is_\w+|page_vma_mapped_walk|hugetlb_walk"
)
_LOCK = re.compile(r"(?:.*(?:->|\.))?\w*ptl\d?|\*\w*ptlp?")


def _is_of_tables(view: View, call: Call) -> bool:
    """Return whether *call* takes, or gives back, a lock that is spelt as one of a page table."""
    name = called(call)
    return "spin_" not in name or bool(call.args and _LOCK.fullmatch(text(call.args[0]).lstrip("&")))


RELOCKED = Automaton(
    start="asked",
    events=(
        Event("unlock", _UNLOCKS, when=_is_of_tables),
        Event("lock", _LOCKS, when=_is_of_tables),
        Event("set", _SETS),
        Event("ask", _ASKS),
    ),
    moves={
        ("asked", "lock"): "held",
        ("held", "unlock"): "free",
        ("held", "lock"): "held",
        ("free", "lock"): "again",
        ("again", "ask"): "held",
        ("again", "unlock"): "free",
        ("again", "set"): "!unasked",
    },
)


def relocked(view: View) -> tuple[Slip, ...]:
    """Return where *view* sets an entry after it took a lock for the second time and asked nothing of any entry."""
    return slips_of(view, RELOCKED)
