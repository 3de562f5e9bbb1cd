"""68000: the additions of __pa() and __va() (arch/m68k/include/asm/page_mm.h), as they are linked.

Start-up code patches the offset of memory into them where it is not zero; the section that lists the places to patch is
left aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ptlint.sim.assembly.execution import Execution, Step
from ptlint.sim.assembly.template import Argument, Line
from ptlint.sim.values import arithmetic


def chosen(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that are not within another section."""
    kept, is_aside = [], False
    for line in lines:
        word = line.text.split()[0]
        if word in (".section", ".previous"):
            is_aside = word == ".section"
        elif not is_aside:
            kept.append(line)
    return kept


def _two_operands(op: str) -> Step:
    def step(run: Execution, args: tuple[Argument, ...]) -> None:
        source, target = args
        run.set(target, arithmetic(op, run.get(target), run.get(source), 4, False))

    return step


INSTRUCTIONS: Mapping[str, Step] = {"addl": _two_operands("+"), "subl": _two_operands("-")}
