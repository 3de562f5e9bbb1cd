"""x86's memory type ranges (arch/x86/kernel/cpu/mtrr): all memory is write-back."""

from __future__ import annotations

from collections.abc import Sequence

from ptlint.csrc.ctypes import CType
from ptlint.sim.convert import scalar
from ptlint.sim.frame import Frame, Value
from ptlint.sim.primitives.registry import runs

WRITE_BACK = 6
"""``MTRR_TYPE_WRBACK`` of asm/mtrr.h, as the processor encodes it (Intel SDM 3A 13.11)."""


@runs("mtrr_type_lookup", returns="char")
def lookup(frame: Frame, values: Sequence[Value], _types: Sequence[CType], _name: str) -> Value:
    """mtrr_type_lookup(start, end, &uniform): write-back, and the same over the whole range."""
    frame.machine.store(scalar(values[2]), 1, 1)
    return WRITE_BACK
