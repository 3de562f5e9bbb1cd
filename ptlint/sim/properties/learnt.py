"""What code has learnt by its questions: of pages, of the folio, of the mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.machine import Machine
from ptlint.sim.values import Mask, Unknown

_PAGE_QUESTION = re.compile(r"\w+\(page(?: \+ (\d+))?\)")
_IS_ANONYMOUS = re.compile(r"(?:folio_test_anon|PageAnon)\(")

VM_SHARED = 8
VM_SOFTDIRTY = 0x8000000
"""Flags of a mapping: its owner may want to know of writes; soft-dirty is not tracked in it (include/linux/mm.h)."""


def has_flag(machine: Machine, flag: int, has: bool = True) -> Mask:
    """Return the lanes in which code has learnt that its mapping has a flag, or that it has it not."""
    found = np.zeros(machine.lanes, dtype=bool)
    for key, answer in machine.answers.items():
        match key:
            case ("&", str(name), int(bit)) if name.endswith("vm_flags") and bit == flag:
                found |= (answer == has) & machine.asked_in.get(key, found)
            case ("==", ("&", str(name), int(bit)), 0) if name.endswith("vm_flags") and bit == flag:
                found |= (answer != has) & machine.asked_in.get(key, found)
    return found


def kinds_of(machine: Machine) -> tuple[Mask, Mask]:
    """Return the lanes in which code has learnt that its folio is anonymous, and those where it has learnt otherwise.

    The data of an anonymous folio is gone with its last mapping, that of a file is to be written back.
    """
    anonymous, from_file = np.zeros((2, machine.lanes), dtype=bool)
    for key, answer in machine.answers.items():
        if isinstance(key, str) and key in machine.asked_in and _IS_ANONYMOUS.match(key):
            anonymous |= answer & machine.asked_in[key]
            from_file |= ~answer & machine.asked_in[key]
    return anonymous, from_file


def _of_pages(machine: Machine, pfn: int, prefix: str) -> Iterator[tuple[int, Mask, Mask | None]]:
    """Yield page (that at frame *pfn* is 0), answer and asking lanes of each question that begins with *prefix*."""
    for key, answer in machine.answers.items():
        match = _PAGE_QUESTION.fullmatch(key) if isinstance(key, str) and key.startswith(prefix) else None
        if match is not None:
            yield int(match.group(1) or 0) - (pfn - machine.page_base_pfn), answer, machine.asked_in.get(key)


def page_answers(machine: Machine, pfn: int, prefix: str = "") -> tuple[dict[int, Mask], Mask]:
    """Return, by entry, the lanes in which a question about its page was answered yes, and those with any question.

    *pfn* is the page frame of the first entry; only questions that begin with *prefix* count.
    """
    found: dict[int, Mask] = {}
    consulted = np.zeros(machine.lanes, dtype=bool)
    for index, answer, asked in _of_pages(machine, pfn, prefix):
        found[index] = found[index] | answer if index in found else answer
        consulted = consulted if asked is None else consulted | asked
    return found, consulted


def exclusive_pages(machine: Machine, pfn: int) -> dict[int, Mask]:
    """Return, by entry (*pfn* is the first one's), the lanes in which code has learnt that nobody else has its page."""
    pages = _of_pages(machine, pfn, "PageAnonExclusive")
    return {index: answer & asked for index, answer, asked in pages if asked is not None}


def answered_alike(machine: Machine) -> Mask:
    """Return the lanes in which questions that differ in their arguments alone have the same answers."""
    result = np.ones(machine.lanes, dtype=bool)
    yes: dict[str, Mask] = {}
    no: dict[str, Mask] = {}
    for key, answer in machine.answers.items():
        if key in machine.asked_in:
            text, asked = str(Unknown(key)), machine.asked_in[key]
            name = text.split("(", 1)[0] if isinstance(key, str) else text
            yes[name] = yes[name] | (asked & answer) if name in yes else asked & answer
            no[name] = no[name] | (asked & ~answer) if name in no else asked & ~answer
    for name, mask in yes.items():
        result &= ~(mask & no[name])
    return result
