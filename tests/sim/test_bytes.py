"""Runs of bytes, per-CPU variables and assertions that cannot be decided."""

import numpy as np
import pytest

from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.session import Session
from tests.sim.native import program_of

UNIT = program_of(
    """
#define __percpu
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
struct pair { u32 low; u64 high; };
struct opaque;
extern int secret(void);
void *memset(void *p, int byte, unsigned long n);
void *memcpy(void *to, const void *from, unsigned long n);
int memcmp(const void *a, const void *b, unsigned long n);
bool __bitmap_equal(const u64 *a, const u64 *b, unsigned int bits);
bool __bitmap_subset(const u64 *a, const u64 *b, unsigned int bits);
bool __bitmap_intersects(const u64 *a, const u64 *b, unsigned int bits);
static DEFINE_PER_CPU(struct pair, mine);
static inline u64 filled(u64 a) { struct pair p; memset(&p, 0xA5, sizeof(p)); p.low = a; return p.high + p.low; }
static inline u64 copied(u64 a) { u64 from[3] = { 1, a, 3 }, to[3];
    memcpy(to, from, sizeof(to)); return to[1] + to[2]; }
static inline u64 compared(u64 a) { u64 x[2] = { 7, a }, y[2] = { 7, 2 }; return memcmp(x, y, 16) != 0; }
static inline u64 masks(u64 a) { u64 x[2] = { a, 6 }, y[2] = { 3, 4 };
    return __bitmap_equal(x, y, 2) | __bitmap_subset(x, y, 64) << 1 | __bitmap_intersects(x, y, 64) << 2; }
static inline u64 per_cpu(u64 a) { struct pair *p = this_cpu_ptr(&mine); p->high = a; this_cpu_add(mine.high, 2);
    return __this_cpu_read(mine.high); }
static inline u64 unsure(u64 a) { if (WARN_ON(secret())) return 9; return a; }
"""
)


@pytest.mark.parametrize(
    ("call", "native"),
    [
        ("filled(a)", lambda a: 0xA5A5A5A5A5A5A5A5 + a),
        ("copied(a)", lambda a: a + 3),
        ("compared(a)", lambda a: int(a != 2)),
        ("masks(a)", lambda a: (a & 3 == 3) | (not a & ~3) << 1 | bool(a & 3) << 2),
        ("per_cpu(a)", lambda a: a + 2),
    ],
)
def test_each_lane_has_its_bytes(call: str, native: object) -> None:
    values = [0, 1, 2, 3, 7]
    session = Session(UNIT, len(values))
    result = session.run(call, a=("unsigned long", np.array(values, dtype=np.uint64)))
    assert callable(native)
    assert session.lanes_of(result).tolist() == [native(a) & 0xFFFF_FFFF_FFFF_FFFF for a in values]  # type: ignore[arg-type]


def test_a_length_that_differs_between_lanes_is_not_guessed() -> None:
    session = Session(UNIT, 2)
    with pytest.raises(CannotExecute, match="length"):
        session.run("({ u64 x; memset(&x, 0, a); x; })", a=("unsigned long", np.array([1, 2], dtype=np.uint64)))
    with pytest.raises(OutOfBounds, match="bytes"):
        Session(UNIT, 1).run("({ u64 x; memset(&x, 0, a); x; })", a=("unsigned long", 1 << 40))


def test_an_assertion_that_nobody_can_decide_is_neither_fired_nor_passed() -> None:
    session = Session(UNIT, 1)
    assert session.run("unsure(a)", a=("unsigned long", 4)) == 4
    assert [(one.kind, one.name) for one in session.machine.log if one.kind != "unseen"] == [
        ("unsure", "WARN_ON(secret())")
    ]
