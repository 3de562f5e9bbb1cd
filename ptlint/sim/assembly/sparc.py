"""SPARC: the instructions of the entry's setters (arch/sparc/include/asm/pgtable_{32,64}.h), sun4v as patched at boot.

The source register comes first and the destination last. ``.section .sun4v_2insn_patch`` holds, behind the ``.word`` of
a label, the instructions that replace those at the label (arch/sparc/kernel/setup_64.c); sun_m7 is left as sun4v.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ptlint.sim.assembly.execution import Execution, Step, nothing
from ptlint.sim.assembly.template import Argument, Line
from ptlint.sim.errors import CannotExecute
from ptlint.sim.values import Scalar, arithmetic

_SECTION = re.compile(r"\.section\s+\.(\w+)\s*,.*")
_PATCHES = ("sun4v_1insn_patch", "sun4v_2insn_patch")
_WORD = re.compile(r"\.word\s+(\w+)b")


def chosen(lines: Sequence[Line]) -> list[Line]:
    """Return the lines as they are on sun4v: those in a patch section in place of the ones at their label."""
    code: list[Line] = []
    patches: dict[str, list[Line]] = {}
    section, label = "", ""
    for line in lines:
        entered = _SECTION.fullmatch(line.text)
        word = _WORD.fullmatch(line.text)
        if entered is not None:
            section, label = entered.group(1), ""
        elif line.text == ".previous":
            section = ""
        elif not section:
            code.append(line)
        elif word is not None:
            label = word.group(1)
        elif section in _PATCHES:
            patches.setdefault(label, []).append(line)
    for at, line in enumerate(code):
        for name in line.labels:
            for number, patch in enumerate(patches.get(name, ())):
                code[at + number] = replace(code[at + number], text=patch.text)
    return code


_PARTS = {"hi": (10, 22), "lo": (0, 10), "uhi": (42, 22), "ulo": (32, 10)}
"""Parts of a 64-bit value: lowest bit and number of bits; sethi shifts the upper ones into place."""


def _value(run: Execution, arg: Argument) -> Scalar:
    if arg.kind != "part":
        return run.get(arg)
    if arg.form not in _PARTS:
        raise CannotExecute(f"%{arg.form}() in inline assembly")
    low, bits = _PARTS[arg.form]
    whole = run.get(Argument("operand", arg.index))
    return arithmetic("&", arithmetic(">>", whole, low, 8, False), (1 << bits) - 1, 8, False)


def _three(op: str, invert: bool = False) -> Step:
    def step(run: Execution, args: tuple[Argument, ...]) -> None:
        left, right, target = args
        value = _value(run, right)
        if invert:
            value = arithmetic("^", value, (1 << 8 * run.width) - 1, run.width, False)
        run.set(target, arithmetic(op, run.get(left), value, run.width, False))

    return step


def _sethi(run: Execution, args: tuple[Argument, ...]) -> None:
    """Set bits 10 to 31 and clear the rest."""
    run.set(args[1], arithmetic("<<", _value(run, args[0]), 10, run.width, False))


def _move(run: Execution, args: tuple[Argument, ...]) -> None:
    run.set(args[1], _value(run, args[0]))


def _swap(run: Execution, args: tuple[Argument, ...]) -> None:
    """Exchange a register and a word of memory in one step."""
    new = run.get(args[1])
    with run.machine.atomic(run.address(args[:1]), 4):
        old = run.load(args[:1], 4)
        run.store(args[:1], 4, new)
    run.set(args[1], old)


INSTRUCTIONS: Mapping[str, Step] = {
    "mov": _move,
    "sethi": _sethi,
    "or": _three("|"),
    "and": _three("&"),
    "andn": _three("&", invert=True),
    "sllx": _three("<<"),
    "srlx": _three(">>"),
    "swap": _swap,
    "nop": nothing,
}
