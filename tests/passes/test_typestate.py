"""Automata over feasible paths: which forbidden moves are found, and with which story."""

import re

import pytest

from ptlint.passes.typestate import Automaton, Event, slips_of
from tests.passes.code import view

ORDER = Automaton(
    start="clean",
    events=(
        Event("take", re.compile("take"), 0),
        Event("done", re.compile("done")),
        Event("look", re.compile("look"), 0),
        Event("open", re.compile("open_all")),
    ),
    moves={
        ("clean", "take"): "taken",
        ("ready", "take"): "taken",
        ("taken", "done"): "clean",
        ("taken", "look"): "!looked",
        ("clean", "open"): "ready",
        ("ready", "look"): "!early",
    },
)
HEAD = "static void f(int a, pte_t *p, pte_t *q)\n{\n"


def faults(body: str, begins: str = "") -> list[str]:
    """Return the faults in a function with *body*."""
    return [slip.fault for slip in slips_of(view(HEAD + body + "\n}\n"), ORDER, begins)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("take(p); look(p);", ["looked"]),
        ("take(p); look(q);", []),
        ("take(p); done(); look(p);", []),
        ("if (a) take(p); if (!a) look(p);", []),
        ("if (a) take(p); if (a) look(p);", ["looked"]),
        ("take(p); p++; look(p);", []),
        ("while (a--) { look(p); take(p); }", ["looked"]),
        ("open_all(); look(q);", ["early"]),
        ("open_all(); take(p); look(p);", ["looked"]),
        ("open_all(); take(p); done(); look(p);", []),
    ],
)
def test_a_forbidden_move_is_found_on_feasible_paths_of_its_key(body: str, expected: list[str]) -> None:
    assert faults(body) == expected


def test_a_function_may_be_called_in_another_state() -> None:
    assert faults("look(p);") == []
    assert faults("look(p);", "ready") == ["early"]


def test_a_slip_tells_what_came_before() -> None:
    (slip,) = slips_of(view(HEAD + "take(p);\n\n\tlook(p);\n}\n"), ORDER)
    assert slip.since is not None
    assert (slip.since_name, slip.pos.line - slip.since.line) == ("take", 2)
