"""Litmus tests: what can come out, and how often."""

from pathlib import Path

import pytest

from ptlint.errors import InputError
from ptlint.sim.litmus import parsed, run
from tests.shared import FIXTURES
from tests.sim.reference_program import program_with

FILES = sorted((FIXTURES / "litmus").glob("*.litmus"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_litmus_file_gives_the_verdict_it_expects(path: Path) -> None:
    test = parsed(path.name, path.read_text(encoding="utf-8"))
    assert test.expect, "a fixture says what it expects"
    verdict = run(program_with(), test, "reference")
    assert verdict.word == test.expect, [(state.entries, state.run) for state in verdict.states if state.holds]


def test_the_shortest_run_that_loses_the_dirty_bit_has_one_store_between_load_and_store() -> None:
    path = FIXTURES / "litmus/load-then-store.litmus"
    verdict = run(program_with(), parsed(path.name, path.read_text(encoding="utf-8")), "reference")
    lost = [state for state in verdict.states if state.holds]
    assert [step.split()[0] for step in lost[0].run] == ["cpu", "mmu", "cpu"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("init: writable\nquestion: dirty lost\n\n", "no code"),
        ("init: red\nquestion: dirty lost\n\n;", "cannot be red"),
        ("init: none writable\nquestion: dirty lost\n\n;", "cannot be"),
        ("init: writable\nquestion: why\n\n;", "the question is one of"),
        ("init: writable\nhardware: steam\nquestion: dirty lost\n\n;", "hardware is one of"),
        ("colour\n\n;", "followed by a colon"),
    ],
)
def test_a_header_that_is_not_understood_is_refused_in_a_sentence(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        parsed("demo.litmus", text)
