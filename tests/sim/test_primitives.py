"""What is modelled at the bottom does what the kernel's own does: accesses, exchanges, bits, assertions, locks."""

from collections.abc import Sequence

import numpy as np
import pytest

from ptlint.sim.session import Session
from tests.sim.native import program_of

UNIT = program_of(
    """
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { int held; } spinlock_t;
struct guard { spinlock_t *lock; };
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
static inline struct guard take(spinlock_t *lock) { spin_lock(lock); return (struct guard){ lock }; }
static inline void drop(struct guard *guard) { spin_unlock(guard->lock); }
static inline u64 guarded(u64 x) { spinlock_t lock; struct guard g __attribute__((cleanup(drop))) = take(&lock);
    if (x & 1) return 5; return x; }
static inline u64 checked(u64 x) { BUG_ON(x == 3); if (WARN_ON(x == 5)) return 50; VM_BUG_ON(x == 9); return x; }
static inline u64 counted(u64 x) { atomic_t n = { x }; bool last = atomic_dec_and_test(&n);
    u64 returned = atomic_add_return(5, &n), old = atomic_fetch_or(8, &n);
    return returned * 100 + old * 10 + last + atomic_add_negative(-90, &n); }
"""
)
VALUES = np.array([0, 1, 2, 3, 5, 8, 9], dtype=np.uint64)


def _run(text: str, values: Sequence[int] = tuple(map(int, VALUES))) -> tuple[Session, list[int]]:
    session = Session(UNIT, len(values))
    result = session.run(text, a=("unsigned long", np.array(values, dtype=np.uint64)))
    return session, session.lanes_of(result).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("({ u32 x = 5; WRITE_ONCE(x, a); READ_ONCE(x) + 1; })", [1, 2, 3, 4, 6, 9, 10]),
        ("({ u64 x = 7, old = xchg(&x, a); old * 100 + x; })", [700, 701, 702, 703, 705, 708, 709]),
        ("({ u64 x = 3, old = cmpxchg(&x, a, 40); old * 100 + x; })", [303, 303, 303, 340, 303, 303, 303]),
        (
            "({ u64 x = 3, old = a; bool done = try_cmpxchg(&x, &old, 40ul); done * 1000 + old * 100 + x; })",
            [303, 303, 303, 1340, 303, 303, 303],
        ),
        ("({ u64 x = a; set_bit(1, &x); clear_bit(0, &x); x; })", [2, 2, 2, 2, 6, 10, 10]),
        ("({ u64 x = a; test_and_clear_bit(0, &x) * 100 + x; })", [0, 100, 2, 102, 104, 8, 108]),
        ("({ u64 m[2] = { 0, 1 }; m[1] = a; (u64)test_bit(64, m) + test_bit(a & 63, m); })", [0, 1, 0, 1, 1, 0, 1]),
        ("({ u64 x = a; (u64)test_bit(0, &x) | (x & 2); })", [0, 1, 2, 3, 1, 0, 1]),
        ("(u64)__ffs(a | 8) * 100 + fls(a)", [300, 1, 102, 2, 3, 304, 4]),
        ("__builtin_choose_expr(1, a, nothing) + __builtin_expect(a == 2, 0)", [0, 1, 3, 3, 5, 8, 9]),
        ("guarded(a)", [0, 5, 2, 5, 5, 8, 5]),
    ],
)
def test_a_primitive_gives_each_lane_its_value(text: str, wanted: list[int]) -> None:
    assert _run(text)[1] == wanted


def test_atomic_counters_count_in_every_lane() -> None:
    def native(x: int) -> int:
        n = x - 1
        last, n = n == 0, n + 5
        returned, old, n = n, n, n | 8
        return (returned * 100 + old * 10 + last + (n - 90 < 0)) & ((1 << 64) - 1)

    assert _run("counted(a)")[1] == [native(int(x)) for x in VALUES]


def test_a_warning_is_noted_and_a_bug_stops_its_lanes() -> None:
    session, values = _run("checked(a)")
    fired = {record.name: np.flatnonzero(record.mask).tolist() for record in session.machine.log}
    assert fired == {"BUG_ON()": [3], "WARN_ON": [4], "VM_BUG_ON()": [6]}
    assert session.machine.dead is not None
    assert np.flatnonzero(session.machine.dead).tolist() == [3, 6]
    assert [values[lane] for lane in (0, 1, 2, 4, 5)] == [0, 1, 2, 50, 8]
