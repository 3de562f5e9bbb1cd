"""Random programs end with the same words in the simulator, over many lanes at once, and compiled by gcc."""

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptlint.sim.bounds import Limits
from tests.shared import program
from tests.sim.native import compiled, differences, interpreted, lanes_of_words, program_of
from tests.sim.random_c import SUPPORT, random_function

PATIENT = Limits(statements=10_000_000, work=10_000_000)
_QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def _disagreements(seed: int, programs: int, lanes: int) -> list[str]:
    """Return what differs between the two runs of each program; one call of gcc compiles them all."""
    names = [f"f{number}" for number in range(programs)]
    functions = {name: random_function(Random(f"{seed} {name}"), name) for name in names}
    text = SUPPORT + "".join(functions.values())
    words = lanes_of_words(lanes, seed)
    with tempfile.TemporaryDirectory() as folder:
        native = compiled(text, names, words, Path(folder))
    unit = program_of(text)
    return [
        f"{lane}\n{functions[name]}"
        for name in names
        for lane in differences(native[name], interpreted(unit, f"{name}(a, b, c, d)", words, PATIENT), words, most=1)
    ]


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=_QUIET)
@given(seed=st.integers(0, 1 << 32))
def test_random_programs_end_as_gcc_ends_them(seed: int) -> None:
    program("gcc")
    assert _disagreements(seed, programs=12, lanes=48) == []


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=_QUIET)
@given(seed=st.integers(0, 1 << 32))
def test_many_random_programs_end_as_gcc_ends_them(seed: int) -> None:
    program("gcc")
    assert _disagreements(seed, programs=20, lanes=64) == []
