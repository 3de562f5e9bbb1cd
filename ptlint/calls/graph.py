"""What a function calls, and which of its parameters matter to what it does."""

from collections.abc import Container
from dataclasses import dataclass

from ptlint.calls.bodies import body_of
from ptlint.calls.ops import ops_targets
from ptlint.csrc.ast import FunctionDef
from ptlint.csrc.scope import NOTHING
from ptlint.csrc.universe import Universe

MAX_DEPTH = 40
MAX_FUNCTIONS = 5000


@dataclass(frozen=True, slots=True)
class Callee:
    """A function called, by the name that runs. ``through`` is the ops-table field it is reached by, if any."""

    name: str
    line: int
    through: str = ""


def function_in(universe: Universe, name: str, path: str = "", keep: Container[str] = NOTHING) -> FunctionDef | None:
    """Return the function that a call of *name* in file *path* runs, as ``Universe.function`` when no path is given."""
    if path.endswith(".c"):
        return universe.in_file(path).function(name, keep)
    return universe.function(name, keep)


def callees(universe: Universe, function: FunctionDef) -> tuple[Callee, ...]:
    """Return what the expanded body of *function* calls, in the order of its text, each name once."""
    found: dict[tuple[str, str], Callee] = {}
    for name, chain, line in body_of(function).calls:
        if chain:
            for target in ops_targets(universe, chain):
                found.setdefault((target.function, chain), Callee(target.function, line, chain))
        else:
            found.setdefault((name, ""), Callee(name, line))
    return tuple(found.values())


# --- parameters -------------------------------------------------------------------------------------------------


def used_parameters(universe: Universe, name: str) -> tuple[str, ...]:
    """Return the parameters of function *name* whose value matters to what it does, in order.

    A parameter does not matter when it is not named, when it is only handed to a function for which that parameter does
    not matter, or when it is only used to update itself. Where a callee is not known, it matters.
    """
    function = universe.function(name)
    if function is None:
        return ()
    memo: dict[tuple[str, int], bool] = {}
    params = [param.name for param in function.type.params]
    return tuple(param for at, param in enumerate(params) if param and _matters(universe, function, at, memo, 0))


def _matters(universe: Universe, function: FunctionDef, at: int, memo: dict[tuple[str, int], bool], depth: int) -> bool:
    key = (f"{function.pos.path}:{function.name}", at)
    if key in memo:
        return memo[key]
    if depth > MAX_DEPTH or len(memo) > MAX_FUNCTIONS:
        return True
    memo[key] = False  # a recursive call alone gives it no meaning
    use = body_of(function).use_of(at)
    memo[key] = use.is_read or any(
        _matters_to(universe, function_in(universe, callee, function.pos.path), number, memo, depth + 1)
        for callee, number in use.passed
    )
    return memo[key]


def _matters_to(
    universe: Universe, called: FunctionDef | None, at: int, memo: dict[tuple[str, int], bool], depth: int
) -> bool:
    return called is None or at >= len(called.type.params) or _matters(universe, called, at, memo, depth)
