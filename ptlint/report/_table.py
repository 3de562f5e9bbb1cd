"""A counterexample as a table: one column an entry, one row a step, time downwards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ptlint.core.outcome import Counterexample, Event
from ptlint.report._text import one_line

MOST_ROWS = 40
"""A run has few steps when it is minimal; a longer one is cut in the middle, and the table says so."""

WIDEST_LABEL = 16
"""Columns for the name of a step; of a longer function name its last words are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a label, a cell per shown entry, and remarks to the right. ``bad`` marks a mismatch."""

    label: str
    cells: tuple[str, ...]
    remark: str = ""
    place: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows over the shown entries. ``omitted`` counts the entries that nothing happens to and that come out right."""

    head: Row
    rows: tuple[Row, ...]
    omitted: int


def table_of(run: Counterexample, max_width: int) -> Table:
    """Return the table of *run* with the columns that *max_width* takes: wrong entries first, then those that moved."""
    cell = _widest_cell(run, max_width - WIDEST_LABEL - 2)
    most_entries = (max_width - WIDEST_LABEL) // (cell + 2)
    count = max(len(run.initial), len(run.final), len(run.expected))
    wrong = [index for index in range(count) if _at(run.expected, index) != _at(run.final, index)]
    moved = sorted({event.entry for event in run.events if event.entry is not None and 0 <= event.entry < count})
    ranked = list(dict.fromkeys([*wrong, *moved, *range(count)]))
    shown = sorted(ranked[: max(most_entries, 1)])
    rows = [Row("init", tuple(_clipped(_at(run.initial, index), cell) for index in shown))]
    rows += _cut([_step(event, shown, cell) for event in merged(run.events)])
    rows.append(Row("final", tuple(_clipped(_at(run.final, index), cell) for index in shown)))
    expected = tuple(_clipped(_at(run.expected, index), cell) if index in wrong else "" for index in shown)
    if any(expected):
        rows.append(Row("expected", expected, bad=True))
    head = Row(f"nr={run.nr}", tuple(f"entry {index}" for index in shown))
    return Table(head, tuple(rows), count - len(shown))


def _at(entries: tuple[str, ...], index: int) -> str:
    return one_line(entries[index]) if index < len(entries) else ""


def _widest_cell(run: Counterexample, most: int) -> int:
    states = [*run.initial, *run.final, *run.expected, *(event.after or event.before for event in run.events)]
    return max(min(max((len(one_line(state)) for state in states), default=0), most), len("entry 999"))


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def merged(events: Sequence[Event]) -> list[Event]:
    """Return the events with a call, the flushes in it and the write it makes as one, as a reader tells them.

    The write tells the new value, so the call keeps only its other arguments; a call that only hands on to another with
    the same arguments is left out.
    """
    found: list[Event] = []
    at = 0
    while at < len(events):
        event, rest = events[at], events[at + 1 :]
        if event.kind == "call" and rest and rest[0].kind == "call" and _same(event, rest[0]):
            at += 1
            continue
        flushes = next((n for n, one in enumerate(rest) if one.kind != "flush"), len(rest))
        last = rest[flushes] if flushes < len(rest) else None
        if event.kind == "call" and last is not None and last.kind == "write" and last.entry == event.entry:
            told = [*_others(event, last.after), *(f"{_name(one)}()" for one in rest[:flushes])]
            found.append(replace(last, text=", ".join(told), span=event.span, function=""))
            at += flushes + 2
            continue
        found.append(event)
        at += 1
    return found


def _same(event: Event, other: Event) -> bool:
    return event.entry == other.entry and _arguments(event) == _arguments(other)


def _name(event: Event) -> str:
    return event.text.partition("(")[0]


def _arguments(event: Event) -> list[str]:
    return event.text.partition("(")[2].removesuffix(")").split(", ")


def _others(call: Event, value: str) -> list[str]:
    return [one for one in _arguments(call) if one.partition("=")[2] != value or "old" in one.partition("=")[0]]


def _step(event: Event, shown: list[int], cell: int) -> Row:
    changed = event.after or event.before
    if event.kind not in ("call", "flush"):
        cells = tuple(_clipped(one_line(changed), cell) if index == event.entry else "" for index in shown)
    else:
        cells = tuple("" for _ in shown)
    remark = one_line(event.text)
    if event.kind == "write" and event.function:
        remark = f"{one_line(event.function)}()"
    if event.entry is not None and event.entry not in shown:
        remark = f"entry {event.entry}: {one_line(changed)} {remark}".rstrip()
    place = f"{event.span.path.rsplit('/', 1)[-1]}:{event.span.line}" if event.span else ""
    return Row(_label(event), cells, remark, one_line(place))


def _label(event: Event) -> str:
    """Return a short word for whose step it is: the agent, or the part of the function's name that tells it apart."""
    if event.kind == "mark":
        return ""
    if event.agent != "cpu":
        return one_line(event.agent)
    name = one_line(event.within or event.function or event.agent)
    words = name.split("_")
    told = next((word for word in words if word in ("start", "commit")), "")
    if told or len(name) <= WIDEST_LABEL:
        return told or name
    while len(words) > 1 and len("_".join(words)) > WIDEST_LABEL - 1:
        words.pop(0)
    return _clipped("…" + "_".join(words), WIDEST_LABEL)


def _cut(rows: list[Row]) -> Iterable[Row]:
    if len(rows) <= MOST_ROWS:
        return rows
    half = MOST_ROWS // 2
    gap = Row("...", tuple("" for _ in rows[0].cells), f"{len(rows) - 2 * half} steps left out")
    return [*rows[:half], gap, *rows[-half:]]
