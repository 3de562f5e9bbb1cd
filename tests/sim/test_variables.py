"""A variable is in the lanes of its call: what holds in all of them is one number, whatever other lanes do."""

import numpy as np
import pytest

from ptlint.sim.convert import scalar
from ptlint.sim.session import Session
from tests.sim.native import program_of

UNIT = program_of(
    """
struct pair { u32 low; u64 high; };
extern u64 secret(void);
static inline void add(u64 *to, u64 what) { *to |= what; }
static inline int boxed(u64 a) { u64 flags = 0; add(&flags, 5); add(&flags, 8); return (flags & secret()) ? 1 : 0; }
static inline int record(u64 a) { struct pair p = { 1, 2 }, *at = &p;
    at->high |= 4; return (p.high & secret()) ? 1 : 0; }
static inline int looped(u64 a) { int found = 0; u64 i;
    for (i = 0; i < a; i++) { u64 own = 3; add(&own, 4); found = (own & secret()) ? 1 : 0; } return found; }
static inline int jumped(u64 a) { u64 sum = 0;
    again: { u64 own = sum; if (sum < a) { sum++; goto again; } return own; } }
static inline int kept(u64 a) { u64 i, last = 9;
    for (i = 0; i < 3; i++) { u64 own = i + a; u64 *at = &own; if (i == a) continue; last = *at; } return last; }
"""
)


@pytest.mark.parametrize("name", ["boxed", "record", "looped"])
def test_what_some_lanes_compute_alike_is_one_question(name: str) -> None:
    session = Session(UNIT, 4)
    lanes = np.array([0, 1, 2, 3], dtype=np.uint64)
    session.run(f"(a & 1) ? {name}(a) : 0", a=("unsigned long", lanes))
    session.run(f"(a & 2) ? {name}(a) : 0", a=("unsigned long", lanes))
    assert len(session.machine.asked) == 1


@pytest.mark.parametrize(("name", "native"), [("jumped", [0, 1, 2, 3]), ("kept", [2, 3, 3, 5])])
def test_lanes_that_are_elsewhere_keep_what_they_have(name: str, native: list[int]) -> None:
    session = Session(UNIT, 4)
    result = session.run(f"{name}(a)", a=("unsigned long", np.array([0, 1, 2, 3], dtype=np.uint64)))
    assert session.lanes_of(scalar(result)).tolist() == native


@pytest.mark.parametrize("asm", ["asm", "__asm__"])
def test_a_register_of_the_cpu_that_has_a_name_may_hold_anything(asm: str) -> None:
    unit = program_of(
        f'struct task {{ int id; }};\nregister struct task *current {asm}("r2");\n'
        "static inline int runs(u64 a) { return current->id == 5; }\n"
    )
    session = Session(unit, 2)
    session.run("runs(a)", a=("unsigned long", np.array([0, 1], dtype=np.uint64)))
    assert unit.variable("current") is not None
    assert not [record.name for record in session.machine.log if record.kind == "fault"]
