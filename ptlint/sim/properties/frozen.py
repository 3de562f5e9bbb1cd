"""Entries that the CPU must not change while the hardware may use them, but by instructions made for it (s390).

The profile says so (``[mmu.frozen]``, for entries of huge pages ``[mmu.frozen_pmd]``): ``valid`` in C over the value
``v`` of an entry, ``bits`` that are frozen then, and ``invalid``, the bits that may be set to take it out of use.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.convert import scalar
from ptlint.sim.driving import Ran
from ptlint.sim.explore import Breach
from ptlint.sim.values import Unknown


def check(ran: Ran, since: int, suspect: str) -> Iterator[Breach]:
    """Yield plain writes to valid entries after record *since* of the log; *suspect* should have made them invalid."""
    program, where = ran.session.program, ran.where
    says = program.mmu.get("frozen" if program.level == "pte" else f"frozen_{program.level}")
    if not says:
        return
    bits = np.uint64(program.constant(says["bits"]) & (1 << 64) - 1)
    invalid = np.uint64(program.constant(says["invalid"]))
    for record in ran.session.machine.log[since:]:
        offset, old, new = (record.data.get(key) for key in ("offset", "old", "new"))
        if record.kind != "write" or "atomic" in record.data or not isinstance(offset, int):
            continue
        if old is None or new is None or isinstance(old, Unknown) or isinstance(new, Unknown):
            continue
        before, after = ran.session.raw(old), ran.session.raw(new)
        changes = ((before ^ after) & bits) != 0
        mask = record.mask & changes & (after != before | invalid) & _valid(ran, says["valid"], before)
        index = offset // where.size - where.first
        detail = f"entry {index} is changed while it is valid: the architecture wants it invalid first"
        yield Breach("live-entry", mask, index, detail, "invalid", None, suspect)


def _valid(ran: Ran, text: str, raw: NDArray[np.uint64]) -> NDArray[np.bool_]:
    run = ran.session.run(f"!!({text})", v=("unsigned long long", ran.session.number("pte_val(pte)", raw)))
    result: NDArray[np.bool_] = ran.session.lanes_of(scalar(run)) != 0
    return result
