"""The parser on every function of the kernel's memory management that a configuration builds."""

import pytest

from ptlint.core.tree import MemoryTree
from ptlint.csrc.ast import FunctionDef
from ptlint.csrc.items import items_of
from ptlint.csrc.profile import profile_named
from ptlint.csrc.scope import Scope, Site
from ptlint.csrc.universe import load_universe
from ptlint.sim.errors import CannotExecute
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from tests.csrc.kernel import kernel_tree


def functions_of(scope: Scope, paths: set[str] | None = None) -> tuple[int, list[str]]:
    """Return how many functions the files of *scope* define, and where those stand that cannot be read."""
    amount, unread = 0, []
    for instance in scope.unit.instances:
        if paths is not None and instance.path not in paths:
            continue
        index = items_of(instance)
        numbers = {number for places in index.names.values() for what, number, _ in places if what == "function"}
        for number in sorted(numbers):
            amount += 1
            line = index.items[number].line
            if not any(isinstance(one, FunctionDef) for one in scope.parsed(Site(instance, "function", number, line))):
                unread.append(f"{instance.path}:{line}")
    return amount, unread


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x86", "arm64", "powerpc", "s390", "riscv", "arm", "mips", "sparc/32"])
def test_kernel_functions_can_be_read(name: str) -> None:
    universe = load_universe(kernel_tree(), profile_named(name))
    amount, unread = functions_of(universe.headers)
    for path in universe.c_files():
        if path.startswith(f"arch/{universe.profile.folder}/mm/") or path in (
            "mm/mprotect.c",
            "mm/memory.c",
            "mm/rmap.c",
        ):
            more, missed = functions_of(universe.in_file(path), {path})
            amount, unread = amount + more, unread + missed
    assert amount > 3000
    assert len(unread) < amount * 0.002, unread


@pytest.mark.slow
def test_every_function_of_mm_can_be_read() -> None:
    universe = load_universe(kernel_tree(), profile_named("x86"))
    found = [functions_of(universe.in_file(path), {path}) for path in universe.c_files() if path.startswith("mm/")]
    assert sum(amount for amount, _ in found) == 3978
    assert [place for _, unread in found for place in unread] == []


def test_a_function_that_cannot_be_read_is_not_run() -> None:
    code = "static inline int half(int a)\n{\n\tint b = a @ 1;\n\n\treturn 2;\n}\n"
    tree = MemoryTree({"include/broken.h": code.encode()})
    program = Program(load_universe(tree, profile_named("x86"), roots=("broken.h",)))
    with pytest.raises(CannotExecute, match="cannot be read"):
        Session(program, 1).run("half(1)")
