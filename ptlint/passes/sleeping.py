"""Calls that may sleep: by what they are, by the allocation flags that they get, or by what they call themselves."""

from __future__ import annotations

import re

from ptlint.csrc.ast import Call, Expr
from ptlint.passes.functions import View
from ptlint.passes.origins import flag_bits, folded
from ptlint.passes.wording import called, calls_in, names_in, walk

_SLEEPS = re.compile(
    r"cond_resched|might_sleep|schedule(_timeout\w*)?|msleep|usleep_range|io_schedule|mutex_lock\w*|"
    r"down_(read|write)\w*|mmap_(read|write)_lock\w*|(__)?(folio|lock)_(lock|page)(_killable)?|folio_wait_\w+|"
    r"wait_(event|for_completion|on_page)\w*|split_folio\w*|synchronize_rcu|migration_entry_wait\w*|"
    r"(v|kv)malloc|vfree|get_user_pages|pin_user_pages\w*|(p[u4m]?d|pte)_alloc(_kernel|_one|_map)?"
)
_ALLOCATES = re.compile(
    r"(__)?(get_free_pages?|alloc_pages?\w*|folio_alloc\w*)|get_zeroed_page|k[mz]alloc\w*|kcalloc\w*|kvm?[mz]alloc\w*|"
    r"kmem_cache_(z)?alloc\w*|vma_alloc_folio\w*"
)
_WAITS = re.compile(r"GFP_(KERNEL|USER|HIGHUSER|NOFS|NOIO|PGTABLE)\w*")
_NEVER = re.compile(r"(down_(read|write)|mmap_(read|write)|(__)?folio)_?(try|unlock|nested_trylock)\w*|\w*_trylock\w*")
MAX_DEPTH = 2


def may_sleep(view: View, call: Call, depth: int = 0) -> bool:
    """Return whether *call* in *view* may sleep, as far as names, flags and two levels of helpers say."""
    name = called(call).removesuffix("_noprof")  # what the macros of allocation profiling call
    if not name or _NEVER.fullmatch(name):
        return False
    if _SLEEPS.fullmatch(name):
        return True
    if _ALLOCATES.fullmatch(name):
        return any(_waits(view, arg) for arg in call.args)
    callee = view.lookup(called(call)) if depth < MAX_DEPTH else None
    if callee is None or not _is_near(view, callee):
        return False
    return any(may_sleep(callee, one, depth + 1) for one in calls_in(callee.definition.body))


def _is_near(view: View, callee: View) -> bool:
    """Return whether *callee* is of the same file: helpers further away have ways that this caller never takes."""
    return callee.path == view.path and "static" in callee.definition.storage


def _waits(view: View, arg: Expr) -> bool:
    """Return whether *arg* is written as flags that let an allocation wait."""
    words = {getattr(getattr(one, "pos", None), "macro", "") for one in walk(arg)} | names_in(arg)
    if any(map(_WAITS.fullmatch, words)):
        return True
    value, wait = folded(view, arg), flag_bits(view, "___GFP_DIRECT_RECLAIM")
    return value is not None and value & wait != 0
