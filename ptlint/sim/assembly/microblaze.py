"""MicroBlaze: the instructions of pte_update() (arch/microblaze/include/asm/pgtable.h). Register r0 is zero."""

from __future__ import annotations

from collections.abc import Mapping

from ptlint.sim.assembly.execution import Execution, Step, nothing, operation
from ptlint.sim.assembly.template import Argument


def _with_zero(run: Execution) -> None:
    run.registers["r0"] = 0


def _load(run: Execution, args: tuple[Argument, ...]) -> None:
    _with_zero(run)
    run.set(args[0], run.load(args[1:], 4))


def _store(run: Execution, args: tuple[Argument, ...]) -> None:
    _with_zero(run)
    run.store(args[1:], 4, run.get(args[0]))


INSTRUCTIONS: Mapping[str, Step] = {
    "lw": _load,
    "sw": _store,
    "and": operation("&"),
    "andn": operation("&", invert=True),
    "or": operation("|"),
    "xor": operation("^"),
    "nop": nothing,
}
