"""From lanes to a verdict: run a scenario until no question about unknown code is left open."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ast import Pos
from ptlint.sim.bounds import Limits
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.machine import Answers, Machine, Record
from ptlint.sim.paths import OPEN, YES, Ways, different_ways, seeded, started
from ptlint.sim.values import Mask, depends_on_lanes

MAX_LANES = 1 << 17
"""Lanes of one run; more states than this are sampled."""

MAX_QUESTIONS = 10
"""Questions about unknown code that are answered in every combination; with more, answers are drawn."""

DRAWN = 16
"""Lanes for each base lane where answers are drawn."""

ANYWAYS = 4
"""One in so many of the lanes that follow another trial answers anything, whatever came of it there."""

MOST_FOLLOWED = 32
"""Questions that are answered when they are asked; of more, many answers that are drawn contradict each other."""

MAX_ROUNDS = 12
MOST_ASKED = 400
"""Questions after which the rest is given up: what asks so many asks more with each answer, and samples say little."""

SEED = 0x7074_6C69


@dataclass(slots=True)
class Breach:
    """A broken property in some lanes. ``entry`` is the index in the batch, None when it concerns none.

    ``record`` is what broke it, if one thing did, else ``suspect`` the function that should have seen to it; ``detail``
    and ``expected`` are for the reader. ``kind`` tells apart breaches of one property that are reported one by one.
    ``compared`` marks what code may do on purpose: it is a fault only where the code before a patch did otherwise.
    """

    property: str
    mask: Mask
    entry: int | None
    detail: str
    expected: str = ""
    record: Record | None = None
    suspect: str = ""
    kind: str = ""
    compared: bool = False


def stopped(breach: Breach) -> bool:
    """Return whether what broke the property ended its lanes as well."""
    return breach.record is not None and breach.record.kind == "fault"


@dataclass(slots=True)
class Trial:
    """One finished run of a scenario: its machine, and which base lane each lane stands for.

    ``scenarios`` are the combinations of base lanes and answers: a lane stands for all answers that it does not ask.
    ``ways`` are the answers that lanes were asked for, None where they are drawn. ``followed`` tells that these follow
    another trial.
    """

    machine: Machine
    lane: NDArray[np.int64]
    breaches: list[Breach]
    questions: tuple[Hashable, ...]
    exhaustive: bool
    state: Any
    scenarios: int
    ways: Ways | None = None
    followed: bool = False
    weight: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


HELD = 24 << 20
"""Bytes of a block after whose end the C library gives the system less back at once."""


@cache
def _keep_memory() -> None:
    """Let the memory of a run serve the next one.

    The GNU library gives the free end of its heap back to the system from some bytes on, which it raises to twice the
    largest block of the system's that was freed (mallopt(3), M_MMAP_THRESHOLD): a fifth of a run went into getting
    pages anew. Nothing is written to the block.
    """
    np.empty(HELD, dtype=np.uint8)


Drive = Callable[[NDArray[np.int64], dict[Hashable, Mask]], tuple[Machine, Iterable[Breach], object]]


def explore(
    lanes: int,
    drive: Drive,
    most: int = MAX_LANES,
    after: Trial | None = None,
    worth: Callable[[Machine], Mask] | None = None,
) -> Trial:
    """Run *drive* over *lanes* base lanes, multiplied by every combination of answers that the code asks for.

    *drive* takes the base lane of each lane and the answers, and returns the machine and the breaches, which are looked
    for when no question is open; at most *most* lanes run at once. *after* is a trial of less of the same code, which
    asks as much at least; where combinations are too many, most lanes answer as those of it that *worth* names. Raises
    CannotExecute and OutOfBounds as the run does.
    """
    _keep_memory()
    if after is not None and worth is not None and _are_too_many(lanes, after.questions, most):
        followed = _following(lanes, drive, most, after, worth)
        if followed is not None:
            return followed
    questions = [] if after is None else list(after.questions)
    paths = started(lanes)
    if after is not None and after.ways is not None and lanes * len(after.ways) <= most:
        paths = seeded(lanes, questions, after.ways)
    for _ in range(MAX_ROUNDS):
        if _are_too_many(lanes, questions, most):
            break
        machine, breaches, state = drive(paths.lane, paths.answers)
        questions += _unanswered(machine, dict.fromkeys(questions))
        if _are_too_many(lanes, questions, most):  # before as many lanes are made
            machine.finish()
            break
        more = paths.parted(machine)
        if more is None and not paths.are_all(machine):
            more = started(lanes)
        found = [] if more is not None else list(breaches)  # which ask, too
        questions += _unanswered(machine, dict.fromkeys(questions))
        if _are_too_many(lanes, questions, most):
            machine.finish()
            break
        more = more or paths.parted(machine)
        if more is None:
            asked, ways = tuple(paths.answers), paths.ways(machine)
            return Trial(machine, paths.lane, found, asked, True, state, lanes << len(asked), ways)
        machine.finish()
        paths = more
    if worth is not None and len(questions) <= MOST_FOLLOWED:
        trial = _at_once(lanes, drive, *_any_answers(lanes, questions, most))
        if trial is not None:
            return trial
    return _drawn(lanes, drive, most, questions)


def _are_too_many(lanes: int, questions: Sequence[Hashable], most: int) -> bool:
    """Return whether there are more combinations of answers than are run."""
    return len(questions) > MAX_QUESTIONS or lanes << len(questions) > most


def _drawn(lanes: int, drive: Drive, most: int, questions: list[Hashable]) -> Trial:
    """Run *drive* with answers that are drawn, where combinations of all are too many."""
    for _ in range(MAX_ROUNDS):
        lane, answers, exhaustive = _answered(lanes, questions, most)
        machine, breaches, state = drive(lane, answers)
        new = _unanswered(machine, answers)
        found = [] if new else list(breaches)
        new = new or _unanswered(machine, answers)
        if not new:
            return Trial(machine, lane, found, tuple(questions), exhaustive, state, machine.lanes)
        machine.finish()
        questions = [*questions, *new]
        if len(questions) > MOST_ASKED:
            break
    raise OutOfBounds(f"more than {len(questions)} questions about unknown code")


def _unanswered(machine: Machine, answers: Mapping[Hashable, object]) -> list[Hashable]:
    return [key for key in machine.asked if key not in answers]


def _answered(
    lanes: int, questions: Sequence[Hashable], most: int = MAX_LANES
) -> tuple[NDArray[np.int64], dict[Hashable, Mask], bool]:
    """Return the base lane and the answers of every lane, and whether all combinations are there."""
    count = len(questions)
    if count <= MAX_QUESTIONS and lanes << count <= most:
        total = lanes << count
        index = np.arange(total, dtype=np.int64)
        answers = {key: (index // lanes >> at & 1).astype(bool) for at, key in enumerate(questions)}
        return index % lanes, answers, True
    total = max(lanes, min(most, lanes * DRAWN))
    index = np.arange(total, dtype=np.int64)
    draw = np.random.default_rng(SEED)
    answers = {key: draw.integers(0, 2, total).astype(bool) for key in questions}
    for key in questions:  # both constant answers stay among the drawn ones
        answers[key][:lanes] = False
    return index % lanes, answers, False


def _following(lanes: int, drive: Drive, most: int, after: Trial, worth: Callable[[Machine], Mask]) -> Trial | None:
    """Run *drive* once: most lanes answer as lanes of *worth* in *after* did, each way as often as any other, the rest
    anything. None when there are too many questions for that.
    """
    if len(after.questions) > MOST_FOLLOWED or any(map(depends_on_lanes, after.questions)):
        return None
    ways = different_ways(after.machine, after.questions, worth(after.machine))
    answers, total = _any_answers(lanes, after.questions, most)
    follows = np.arange(total) % ANYWAYS != 0
    follows[:lanes] = False
    pick = np.random.default_rng(SEED).integers(0, len(ways), total)
    for at, key in enumerate(after.questions):
        way = ways[:, at][pick]
        answers[key] = np.where(follows & (way != OPEN), way == YES, answers[key])
    return _at_once(lanes, drive, answers, total, followed=True)


def _any_answers(lanes: int, questions: Sequence[Hashable], most: int) -> tuple[Answers, int]:
    """Return any answers, in some lanes no to all, and the number of lanes; what is asked anew is drawn as well."""
    total = max(lanes, min(most, lanes * DRAWN))
    answers = Answers(np.random.default_rng(SEED + 1), lanes)
    for key in questions:
        answers[key] = answers.drawn(total)
    return answers, total


def _at_once(lanes: int, drive: Drive, answers: Answers, total: int, *, followed: bool = False) -> Trial | None:
    """Run *drive* over *total* lanes. None when it asks too much for answers that are drawn when it does, or what
    depends on the values of all lanes: another run does not ask that.
    """
    known = tuple(answers)
    lane = np.arange(total, dtype=np.int64) % lanes
    machine, breaches, state = drive(lane, answers)

    def new() -> list[Hashable] | None:
        asked = _unanswered(machine, answers)
        return None if len(known) + len(asked) > MOST_FOLLOWED or any(map(depends_on_lanes, asked)) else asked

    found = list(breaches) if new() is not None else []  # which ask, too
    asked = new()
    if asked is None:
        machine.finish()
        return None
    return Trial(machine, lane, found, (*known, *asked), False, state, machine.lanes, followed=followed)


def again(lanes: int, drive: Drive, first: Trial, worth: Mask, most: int = MAX_LANES) -> Trial | None:
    """Run *drive* once more with the answers that lanes of *worth* gave in a trial on samples, over all base lanes.

    Answers that are drawn leave most lanes on paths that do nothing. None when there is nothing to choose, or when the
    run asks more.
    """
    if first.exhaustive or first.followed or not bool(worth.any()) or not first.questions:
        return None
    table = np.stack([first.machine.answers[key] for key in first.questions], axis=1)[worth]
    rows = _distinct_rows(table)
    count = max(1, most // max(lanes, 1))
    if len(rows) > count:
        rows = rows[np.random.default_rng(SEED).permutation(len(rows))[:count]]
    pick = np.repeat(np.arange(len(rows)), lanes)
    answers: dict[Hashable, Mask] = {key: rows[pick, at] for at, key in enumerate(first.questions)}
    machine, breaches, state = drive(np.tile(np.arange(lanes, dtype=np.int64), len(rows)), answers)
    lane = np.tile(np.arange(lanes, dtype=np.int64), len(rows))
    found = [] if _unanswered(machine, answers) else list(breaches)
    if _unanswered(machine, answers):
        machine.finish()
        return None
    return Trial(machine, lane, found, first.questions, False, state, machine.lanes)


def _distinct_rows(table: Mask) -> Mask:
    """Return the different rows in order: as numbers of 63 bits, which sort much faster than rows do."""
    words = [table[:, at : at + 63] for at in range(0, table.shape[1], 63)]
    numbers = [word @ (1 << np.arange(word.shape[1], dtype=np.int64)[::-1]) for word in words]
    order = np.lexsort(numbers[::-1])
    sorted_rows = table[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = np.any([number[order[1:]] != number[order[:-1]] for number in numbers], axis=0)
    rows: Mask = sorted_rows[fresh]
    return rows


def contradictory(answers: dict[Hashable, Mask], lanes: int) -> Mask:
    """Return the lanes whose answers contradict each other: one unknown equal to two different constants."""
    result = np.zeros(lanes, dtype=bool)
    equal: dict[Hashable, list[Mask]] = {}
    for key, answer in answers.items():
        if isinstance(key, tuple) and len(key) == 3 and key[0] == "==" and isinstance(key[2], int):
            equal.setdefault(key[1], []).append(answer)
    for masks in equal.values():
        result |= np.sum(masks, axis=0) > 1
    return result


__all__ = ["Breach", "CannotExecute", "Limits", "OutOfBounds", "Pos", "Trial", "contradictory", "explore", "stopped"]
