"""C that never ends, grows without end or makes no sense comes to a stop: in time, in memory, with a sentence."""

import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ptlint.sim.errors import CannotExecute, OutOfBounds, SimError
from ptlint.sim.session import Session
from tests.shared import ROOT
from tests.sim.native import lanes_of_words, program_of

SECONDS = 2.0
MEGABYTES = 200
LANES = 1024

ENDLESS = {
    "while": "static u64 f(u64 a) { while (1) a++; return a; }",
    "empty for": "static u64 f(u64 a) { for (;;); return a; }",
    "goto": "static u64 f(u64 a) { again: a++; if (a) goto again; return 1; }",
    "goto without a statement": "static u64 f(u64 a) { again: goto again; }",
    "loops in loops": "static u64 f(u64 a) { u64 s = 0; for (int i = 0; i < 9999; i++) for (int j = 0; j < 9999; j++)"
    " for (int k = 0; k < 9999; k++) s += a; return s; }",
    "recursion": "static u64 f(u64 a) { return f(a + 1); }",
    "two recursions": "static u64 f(u64 a) { return f(a + 1) + f(a + 2); }",
    "wide recursion": "static u64 g(u64 n, u64 a) { return n ? g(n - 1, a) + g(n - 1, a + 1) : a; }"
    " static u64 f(u64 a) { return g(60, a); }",
    "functions that call each other": "static u64 g(u64 a); static u64 f(u64 a) { return g(a); }"
    " static u64 g(u64 a) { return f(a); }",
    "recursion through deep expressions": f"static u64 f(u64 a) {{ return {'a+(' * 190}f(a){')' * 190}; }}",
    "recursion through deep blocks": (
        f"static u64 f(u64 a) {{ {'if (a + 1) { ' * 150}return f(a);{'}' * 150} return 1; }}"
    ),
    "a large array filled": "static u64 f(u64 a) { u32 m[1000000]; for (int i = 0; i < 1000000; i++) m[i] = a + i;"
    " return m[5]; }",
    "an index that differs everywhere": "static u64 f(u64 a) { u32 m[65536] = { 0 };"
    " for (int i = 0; i < 1000; i++) m[(a + i * 77) & 65535] += i; return m[a & 65535]; }",
    "large structures copied": "struct s { u8 m[1 << 20]; }; static u64 f(u64 a) { struct s x = { { 1 } }, y;"
    " for (int i = 0; i < 5000; i++) { x.m[i] = i; y = x; x = y; } return y.m[3]; }",
    "objects": "static u64 g(u64 x) { u64 *p = &x; return *p; }"
    " static u64 f(u64 a) { for (int i = 0; i < 20000; i++) a += g(i); return a; }",
}

DEEP = {
    "expressions": ENDLESS["recursion through deep expressions"],
    "blocks": ENDLESS["recursion through deep blocks"],
    "loops": f"static u64 f(u64 a) {{ {'do { ' * 90}if (a) return f(a);{' } while (a);' * 90} return 1; }}",
    "switches": f"static u64 f(u64 a) {{ {'switch (a) { default: ' * 60}return f(a);{' }' * 60} return 1; }}",
}

SENSELESS = {
    "deep parentheses": f"static u64 f(u64 a) {{ return {'(' * 20000}a{')' * 20000}; }}",
    "a long sum": f"static u64 f(u64 a) {{ return {'a + ' * 30000}a; }}",
    "deep blocks": f"static u64 f(u64 a) {{ {'{' * 20000}a++;{'}' * 20000} return a; }}",
    "deep ifs": f"static u64 f(u64 a) {{ {'if (a) ' * 8000}a++; return a; }}",
    "a long chain of else": f"static u64 f(u64 a) {{ {'if (a == 3) a++; else ' * 8000}a++; return a; }}",
    "deep statement expressions": f"static u64 f(u64 a) {{ return {'({' * 3000}a;{'});' * 3000} }}",
    "deep pointers": f"static u64 f(u64 a) {{ u64 {'*' * 3000}p = 0; return (u64)p; }}",
    "a macro that doubles": "#define A0 a\n"
    + "".join(f"#define A{i} A{i - 1} + A{i - 1}\n" for i in range(1, 40))
    + "static u64 f(u64 a) { return A39; }",
    "a chain of macros": "#define A0 a\n"
    + "".join(f"#define A{i} A{i - 1}\n" for i in range(1, 20_000))
    + "static u64 f(u64 a) { return A19999; }",
    "an enormous initialiser": "static u64 f(u64 a) { u32 m[1000000] = { [0 ... 999999] = 3 }; return m[a & 7]; }",
    "an enormous array": "static u64 f(u64 a) { u32 m[1ul << 38]; m[a & 1023] = 5; return m[3]; }",
    "a structure in itself": "struct s { struct s x; }; static u64 f(u64 a) { struct s x; return sizeof(x); }",
    "a type of itself": "typedef struct t t; struct t { t x; }; static u64 f(u64 a) { t x; return sizeof(x); }",
    "128 bits": "static u64 f(u64 a) { unsigned __int128 x = a; x *= x; return x >> 64; }",
    "floating point": "static u64 f(u64 a) { double x = a; return x * 2; }",
    "a computed goto": "static u64 f(u64 a) { void *p = &&x; if (a) goto *p; x: return 1; }",
    "a function in a function": "static u64 f(u64 a) { u64 g(u64 x) { return x + a; } return g(1); }",
    "an array of variable length": "static u64 f(u64 a) { u32 m[a]; m[0] = 1; return m[0]; }",
    "variable arguments": "static u64 f(u64 a, ...) { __builtin_va_list v; __builtin_va_start(v, a); return 1; }",
    "assembly that nobody knows": 'static u64 f(u64 a) { u64 *p = &a; asm("frobnicate %0" : "=r"(*p)); return a; }',
    "a goto to nowhere": "static u64 f(u64 a) { goto out; }",
    "no value returned": "static u64 f(u64 a) { if (a & 1) return 5; }",
    "a break without a loop": "static u64 f(u64 a) { break; return a; }",
    "a case without a switch": "static u64 f(u64 a) { case 1: return a; }",
    "a case that is not constant": "static u64 f(u64 a) { switch (a) { case (a): return 1; } return 2; }",
    "no such member": "struct s { int x; }; static u64 f(u64 a) { struct s v = { 1 }; return v.y; }",
    "a structure plus a number": "struct s { int x; }; static u64 f(u64 a) { struct s v = { 1 }; return v + a; }",
    "void as a number": "static void g(void) { } static u64 f(u64 a) { return g() + 1; }",
    "too many arguments": "static u64 g(u64 x) { return x; } static u64 f(u64 a) { return g(a, a); }",
    "an assignment to a number": "static u64 f(u64 a) { 5 = a; return a; }",
    "an assignment to an array": "static u64 f(u64 a) { int m[3], n[3]; m = n; return a; }",
    "a pointer that is none": "static u64 f(u64 a) { return *a; }",
    "an unknown name": "static u64 f(u64 a) { return b; }",
    "a negative length": "static u64 f(u64 a) { int m[-1]; return sizeof(m); }",
    "a variable read before it is set": "static u64 f(u64 a) { u64 x; return x + a; }",
    "an object read before it is set": "static u64 f(u64 a) { u64 x[2]; return x[1] + a; }",
    "a cleanup that a label precedes": "static void g(u64 *p) { } static u64 f(u64 a)"
    " { again: a++; u64 x __attribute__((cleanup(g))) = 1; if (a < 5) goto again; return a; }",
}

LARGE = (
    *("a large array filled", "an index that differs everywhere", "objects", "an enormous array"),
    *("a macro that doubles", "a chain of macros", "a long sum", "recursion through deep blocks"),
)

FAULTS = {
    "a null pointer": ("static u64 f(u64 a) { u64 *p = 0; return *p; }", "read through an invalid pointer"),
    "any number as a pointer": ("static u64 f(u64 a) { *(u64 *)a = 5; return a; }", "write through an invalid pointer"),
    "an index past the end": ("static u64 f(u64 a) { u8 m[4] = { 1 }; return m[5]; }", "read outside m"),
    "a write past the end": ("static u64 f(u64 a) { u8 m[4] = { 1 }; m[7] = 2; return 0; }", "write outside m"),
    "a division by zero": ("static u64 f(u64 a) { return 1 / (a & 0); }", "division by zero"),
    "a call of a number": ("static u64 f(u64 a) { return ((u64 (*)(u64))8)(5); }", "call through an invalid pointer"),
}


@pytest.fixture(scope="module", autouse=True)
def _garbage_of_other_tests() -> Iterator[None]:
    """Keep what other tests hold out of collections here: one pass over it takes longer than the bounds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _run(text: str) -> Session:
    session = Session(program_of(text), LANES)
    session.run("f(a)", a=("unsigned long", lanes_of_words(LANES, seed=5)[:, 0].copy()))
    return session


@pytest.mark.parametrize("name", list(ENDLESS))
def test_c_without_end_is_given_up_in_time(name: str) -> None:
    began = time.thread_time()
    with pytest.raises(OutOfBounds):
        _run(ENDLESS[name])
    assert time.thread_time() - began < SECONDS + 0.5  # the run's bound, and reading the text


_ON_A_SMALL_STACK = """
import sys
sys.path.insert(0, sys.argv[1])
from ptlint.compiled import use
use()
from tests.sim import test_hostile as hostile
try:
    hostile._run(hostile.DEEP[sys.argv[2]])
except hostile.OutOfBounds as error:
    print(error.what)
"""


@pytest.mark.parametrize("name", list(DEEP))
def test_deep_recursion_is_given_up_before_the_stack_is(name: str) -> None:
    command = ["sh", "-c", 'ulimit -s 3072 && exec "$0" "$@"', sys.executable, "-c", _ON_A_SMALL_STACK, str(ROOT), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "calls and expressions nested too deeply\n"), done.stderr


@pytest.mark.parametrize("name", list(SENSELESS))
def test_c_that_is_not_understood_is_said_not_to_be(name: str) -> None:
    began = time.thread_time()
    with pytest.raises(SimError) as caught:
        _run(SENSELESS[name])
    assert caught.value.what
    assert time.thread_time() - began < SECONDS + 0.5


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_wild_access_is_a_fault_that_stops_its_lanes(name: str) -> None:
    text, what = FAULTS[name]
    session = _run(text)
    assert {record.name for record in session.machine.log if record.kind == "fault"} == {what}
    assert not session.machine.mask.any()


def test_what_no_lane_reaches_stops_nothing() -> None:
    text = (
        'static u64 f(u64 a) { if (sizeof(a) == 4) asm("mov %0" : "=r"(a)); double x; if (a != a) { void *p = &&out;'
        " goto *p; } out: return 7; }"
    )
    assert Session(program_of(text), 4).run("f(a)", a=("unsigned long", 5)) == 7


def test_a_function_whose_text_cannot_be_read_is_never_taken_for_one_without_source() -> None:
    text = "static int g(int x) { return x +; }\nstatic int f(int *a) { return g(*a); }\n"
    with pytest.raises(CannotExecute, match=r"g\(\) cannot be read"):
        Session(program_of(text), 4).run("({ int x = 1; f(&x); })")


_MEMORY = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.sim import test_hostile as hostile
for name in hostile.LARGE:
    try:
        hostile._run({**hostile.ENDLESS, **hostile.SENSELESS}[name])
    except hostile.SimError:
        pass
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_what_grows_stays_small() -> None:
    # getrusage() would count the memory of the process that started this one
    done = subprocess.run([sys.executable, "-c", _MEMORY, str(ROOT)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MEGABYTES


def test_a_function_that_is_too_much_to_read_is_lowered_once() -> None:
    text = "static u64 f(u64 a) { " + "a=a+a;" * 40_000 + "return a; }"
    program = program_of(text)
    times = []
    for _ in range(3):
        began = time.thread_time()
        with pytest.raises(OutOfBounds, match="expressions to read"):
            Session(program, 4).run("f(a)", a=("unsigned long", 5))
        times.append(time.thread_time() - began)
    assert max(times[1:]) < times[0] / 4


@pytest.mark.parametrize("wide", [False, True])
def test_a_switch_of_many_cases_goes_where_the_value_says(wide: bool) -> None:
    cases = "".join(f"case {i * 3}: return {i}; " for i in range(300)) + "case 2000 ... 2010: return 7; "
    text = f"static u64 f(u64 a) {{ switch (a) {{ {cases} default: return 9999; }} }}"
    values = np.array([0, 1, 3, 897, 898, 2000, 2005, 2011], dtype=np.uint64)
    expected = [0, 9999, 1, 299, 9999, 7, 7, 9999]
    program = program_of(text)
    if wide:
        found = Session(program, len(values)).run("f(a)", a=("unsigned long", values))
        assert list(np.asarray(found)) == expected
    else:
        assert [Session(program, 1).run("f(a)", a=("unsigned long", int(v))) for v in values] == expected
