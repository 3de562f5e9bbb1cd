"""From the lanes that break a property to the smallest run that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.core.outcome import Counterexample, Event
from ptlint.core.span import Span
from ptlint.csrc.ast import Pos
from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach, Trial
from ptlint.sim.machine import Record
from ptlint.sim.session import Session
from ptlint.sim.values import Scalar, Unknown, lane_of

if TYPE_CHECKING:
    from ptlint.sim.driving import Ran

MOST_EVENTS = 40
"""Steps of a run that are shown; the report says when there were more."""


def span_of(pos: Pos) -> Span:
    """Return a position as a span of one token."""
    return Span(pos.path, pos.line, pos.column)


def lightest(breach: Breach, weight: NDArray[np.int64]) -> int:
    """Return the lane of *breach* with the least weight, the first of equals."""
    lanes = np.flatnonzero(breach.mask)
    return int(lanes[np.argmin(weight[lanes])])


def build(ran: Ran, trial: Trial, breach: Breach, arch: str, verdict: str) -> Counterexample:
    """Return the run of the lightest lane that breaks *breach*."""
    lane = lightest(breach, trial.weight)
    raws: list[int] = []
    records = [r for r in ran.session.machine.log if _is_shown(r, lane)]
    for record in records:
        raws.extend(value for value in (_raw_of(record.data.get(k), lane) for k in _ENTRY_KEYS) if value is not None)
        raws.extend(
            value
            for value in (_raw_of(v, lane) for v in record.data.values() if isinstance(v, Blob))
            if value is not None
        )
    initial = [int(value) for value in ran.batch.initial[lane]]
    final = [int(one[lane]) for one in ran.final]
    marks = [(at, text, [int(one[lane]) for one in entries]) for at, text, entries in ran.landmarks]
    shown = show(ran, [*raws, *initial, *final, *(raw for _, _, entries in marks for raw in entries)])
    events = [_event(ran, record, lane, shown) for record in records]
    for at, text, entries in reversed(marks):
        line = text.format(*(shown[raw] for raw in entries))
        events.insert(_position(records, ran, at), Event("cpu", line, kind="mark"))
    arguments = (("nr", str(ran.where.nr)), ("addr", f"{ran.where.addr:#x}"))
    return Counterexample(
        property=breach.property,
        arch=arch,
        nr=ran.where.nr,
        initial=tuple(shown[value] for value in initial),
        events=tuple(events[:MOST_EVENTS]),
        final=tuple(shown[value] for value in final),
        expected=tuple(
            breach.expected if index == breach.entry or breach.entry is None else "" for index in range(ran.where.nr)
        ),
        arguments=arguments,
        choices=_choices(ran, trial, lane),
        verdict=verdict,
    )


_ENTRY_KEYS = ("old", "new")


def _position(records: list[Record], ran: Ran, at: int) -> int:
    """Return how many of the shown records come before position *at* of the log."""
    before = {id(record) for record in ran.session.machine.log[:at]}
    return sum(1 for record in records if id(record) in before)


def _is_shown(record: Record, lane: int) -> bool:
    if not bool(record.mask[lane]):
        return False
    if record.kind == "call":  # those that hand over an old and a new value: the rest shows in what is written
        return sum(isinstance(value, Blob) for value in record.data.values()) > 1
    return record.kind in ("write", "mmu", "flush", "warn", "fault")


def _raw_of(value: Scalar | Blob | None, lane: int) -> int | None:
    if isinstance(value, Blob):
        value = value.load(0, value.size, False) if value.size in (4, 8) else None
    found = None if value is None else lane_of(value, lane)
    return None if found is None else found & 0xFFFF_FFFF_FFFF_FFFF


def _event(ran: Ran, record: Record, lane: int, shown: dict[int, str]) -> Event:
    before, after = (_raw_of(record.data.get(key), lane) for key in _ENTRY_KEYS)
    agent = "mmu" if record.kind == "mmu" else "cpu"
    return Event(
        agent=agent,
        text=_text(record, lane, shown),
        span=None if record.kind == "mmu" or record.pos.path.startswith("<") else span_of(record.pos),
        function=record.function,
        entry=_entry_of(ran, record, lane),
        before=shown.get(before, "") if before is not None else "",
        after=shown.get(after, "") if after is not None and record.kind in ("write", "mmu") else "",
        kind=record.kind,
        within=record.stack[0][0] if record.stack else record.function,
    )


def _entry_of(ran: Ran, record: Record, lane: int) -> int | None:
    table, where = ran.batch.table, ran.where
    if "offset" in record.data and record.kind in ("write", "mmu"):
        offset = _raw_of(record.data["offset"], lane)
        return None if offset is None else offset // where.size - where.first
    for value in record.data.values():
        if isinstance(value, (Blob, Unknown)):
            continue
        address = lane_of(value, lane)
        if address is not None and table.base <= address < table.base + table.blob.size:
            return (address - table.base) // where.size - where.first
    return None


def _text(record: Record, lane: int, shown: dict[int, str]) -> str:
    match record.kind:
        case "mmu":
            return "a store sets accessed and dirty" if record.name == "store" else "an access sets accessed"
        case "write":
            return "writes the entry"
        case "call":
            entries = {name: _raw_of(value, lane) for name, value in record.data.items() if isinstance(value, Blob)}
            args = ", ".join(
                f"{name}={shown[raw]}" for name, raw in entries.items() if raw is not None and raw in shown
            )
            return f"{record.name}({args})"
        case "flush":
            return f"{record.name}({_flushed(record, lane)})"
        case _:
            return record.name


def _flushed(record: Record, lane: int) -> str:
    parts = []
    for name, value in record.data.items():
        if isinstance(value, (Blob, Unknown)) or name in ("vma", "mm", "tlb"):
            continue
        number = lane_of(value, lane)
        parts.append(f"{name}={number:#x}" if number is not None else name)
    return ", ".join(parts)


def _choices(ran: Ran, trial: Trial, lane: int) -> tuple[str, ...]:
    """Return the answers that the code of this lane asked for."""
    machine = ran.session.machine
    asked = (key for key in trial.questions if key not in machine.asked_in or machine.asked_in[key][lane])
    return tuple(f"{Unknown(key)} = {'true' if machine.answers[key][lane] else 'false'}" for key in asked)


def show(ran: Ran, raws: list[int]) -> dict[int, str]:
    """Return entries in words: page frame, then R or W, Y(oung), D(irty), or what keeps them from being used."""
    values = sorted(set(raws))
    if not values:
        return {}
    session = Session(ran.session.program, len(values))
    raw = np.array(values, dtype=np.uint64)
    present = session.holds("pte_present", raw)
    none = session.holds("pte_none", raw)
    write, young, dirty = (session.holds(p, raw) for p in ("pte_write", "pte_young", "pte_dirty"))
    pfn = session.number("pte_pfn(pte)", raw)
    usable = ran.hardware.is_valid(raw) if ran.hardware.valid else present
    result = {}
    for at, value in enumerate(values):
        if bool(none[at]):
            result[value] = "none"
            continue
        flags = ("W" if write[at] else "R") + ("A" if young[at] else "-") + ("D" if dirty[at] else "-")
        state = "" if usable[at] else " (invalid)" if present[at] else " (not present)"
        result[value] = f"pfn {int(pfn[at]):#x} {flags}{state}"
    return result
