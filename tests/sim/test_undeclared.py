"""What nothing declares is found before a run as it would find it, and nothing else is."""

import numpy as np
import pytest

from ptlint.csrc.ast import FunctionDef
from ptlint.csrc.universe import SourceText
from ptlint.sim.errors import CannotExecute
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.undeclared import require_declared
from tests.sim.native import program_of

STOPS = [
    "return GONE;",
    "if (a) { return 1; } else { a = GONE; } return 0;",
    "while (a--) { if (!(GONE & 4) && a) return 1; } return 0;",
    "return a == 3 ? GONE : 0;",
    "if (twice(a)) return GONE; return 0;",
    "{ u64 b = a + GONE; return b; }",
    "return twice(GONE);",
    "return a && GONE;",
]
RUNS = [
    "if (0) return GONE; return 0;",
    "return 1 ? a : GONE;",
    "return 0 && GONE;",
    "{ u64 GONE = a; return GONE; }",
    "{ enum { GONE = 4 }; return GONE; }",
    "return GLOBAL + ONE;",
    "return a || twice(a);",
    "return ((u64 (*)(u64))twice)(a);",
]


def _program(body: str) -> tuple[Program, FunctionDef]:
    """Return a program with a function that was brought into it."""
    text = f"static inline u64 body(u64 a) {{ {body} }}"
    program = program_of(
        "static u64 GLOBAL; enum numbers { ONE = 1 };\nstatic inline u64 twice(u64 a) { return 2 * a; }\n" + text
    )
    program.universe.overrides["body"] = SourceText("body.h", 1, text)
    definition = program.definition("body")
    assert definition is not None
    return program, definition


@pytest.mark.parametrize("body", STOPS)
def test_a_name_that_nothing_declares_is_told_as_a_run_tells_it(body: str) -> None:
    program, definition = _program(body)
    with pytest.raises(CannotExecute, match=r"^GONE is not declared$") as found:
        require_declared(program, definition)
    with pytest.raises(CannotExecute) as run:
        Session(program, 4).run("body(a)", a=("unsigned long", np.array([0, 1, 2, 3], dtype=np.uint64)))
    assert (found.value.what, found.value.pos) == (run.value.what, run.value.pos)


@pytest.mark.parametrize("body", RUNS)
def test_what_can_be_run_is_let_through(body: str) -> None:
    program, definition = _program(body)
    require_declared(program, definition)
    Session(program, 4).run("body(a)", a=("unsigned long", np.array([0, 1, 2, 3], dtype=np.uint64)))


def test_a_function_of_the_tree_itself_is_run_as_far_as_it_goes() -> None:
    program, definition = _program("return a < 4 ? a : GONE;")
    program.universe.overrides.clear()
    require_declared(program, definition)
