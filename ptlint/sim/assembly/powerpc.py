"""Power ISA: the instructions of pte_update() and set_pte_at() (arch/powerpc/include/asm/{book3s/32,nohash}/pgtable.h).

``0`` as the base of an address means zero. A branch back is never taken: the store-conditional succeeds, and the hash
table is not busy with the entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from ptlint.sim.assembly.execution import Execution, Step, nothing, operation
from ptlint.sim.assembly.template import Argument

Arguments = tuple[Argument, ...]


def _load(size: int) -> Step:
    return lambda run, args: run.set(args[0], run.load(args[1:], size))


def _store(size: int) -> Step:
    return lambda run, args: run.store(args[1:], size, run.get(args[0]))


def _reserve(size: int) -> Step:
    return lambda run, args: run.set(args[0], run.reserve(args[1:], size))


def _conditional(size: int) -> Step:
    return lambda run, args: run.conditional(args[1:], size, run.get(args[0]))


def _move(run: Execution, args: Arguments) -> None:
    run.set(args[0], run.get(args[1]))


INSTRUCTIONS: Mapping[str, Step] = {
    "lwz": _load(4),
    "ld": _load(8),
    "stw": _store(4),
    "std": _store(8),
    "lwarx": _reserve(4),
    "ldarx": _reserve(8),
    "stwcx.": _conditional(4),
    "stdcx.": _conditional(8),
    "and": operation("&"),
    "and.": operation("&"),
    "andc": operation("&", invert=True),
    "or": operation("|"),
    "xor": operation("^"),
    "add": operation("+"),
    "mr": _move,
    "bne-": nothing,
    "bne": nothing,
    "mbar": nothing,
    "eieio": nothing,
    "sync": nothing,
    "isync": nothing,
    "lwsync": nothing,
    "ptesync": nothing,
    "nop": nothing,
}
