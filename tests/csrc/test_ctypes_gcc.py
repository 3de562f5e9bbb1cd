"""Layout and constant expressions compared with gcc."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptlint.csrc.ctypes import CInt, CRecord, Field
from ptlint.csrc.datamodel import LP64, DataModel
from ptlint.csrc.errors import CSourceError
from tests.csrc.reading import Declared
from tests.shared import program

I386 = DataModel(long_size=4, pointer_size=4, long_long_align=4)
INTEGERS = ("char", "unsigned char", "short", "int", "unsigned", "long", "unsigned long", "long long", "_Bool")


def gcc(folder: Path, source: str, *options: str) -> str:
    """Return what gcc makes of *source*: the output of the program, or with ``-S`` the assembly."""
    compiler = program("gcc")
    machine = subprocess.run([compiler, "-dumpmachine"], capture_output=True, text=True, check=True).stdout
    if not machine.startswith("x86_64"):
        pytest.skip(f"gcc builds for {machine.strip()}, the expected values are those of x86-64")
    (folder / "a.c").write_text(source)
    command = [compiler, "-std=gnu11", "-w", "-fwrapv", *options, "a.c", "-o", "a.out"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "-S" in options:
        return (folder / "a.out").read_text()
    return subprocess.run([str(folder / "a.out")], capture_output=True, text=True, check=True).stdout


class Records:
    """Random records, each with all that it contains inside its own text."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = 0

    def record(self, tag: str, depth: int = 2) -> str:
        random = self.random
        members = "".join(self.member(depth) for _ in range(random.randint(1, 6)))
        packed = random.choice(("", "", "", " __attribute__((packed))"))
        aligned = random.choice(("", "", "", "", f" __attribute__((aligned({random.choice((2, 8, 32))})))"))
        return f"{random.choice(('struct', 'struct', 'union'))} {tag} {{ {members}}}{packed}{aligned}"

    def member(self, depth: int) -> str:
        random = self.random
        self.names += 1
        name = f"m{self.names}"
        type_ = random.choice(INTEGERS)
        width = random.randint(1, {"_Bool": 1, "char": 8, "unsigned char": 8, "short": 16}.get(type_, 32))
        match random.randint(0, 9):
            case 0 | 1 | 2:
                return f"{type_} {name}:{width}; "
            case 3:
                return f"{type_} :{random.choice((0, width))}; "
            case 4 if depth:
                return f"{self.record('', depth - 1)}{random.choice((' ' + name, ''))}; "
            case 5:
                return f"{type_} {name}[{random.randint(0, 5)}]; "
            case 6:
                return f"{type_} *{name}; "
            case 7:
                return f"{type_} {name} __attribute__(({random.choice(('packed', 'aligned(8)', 'aligned(4)'))})); "
        return f"{type_} {name}; "


def worlds(seed: int, amount: int, model: DataModel) -> Iterator[tuple[str, CRecord]]:
    """Yield declarations of records ``s0``, ``s1`` … with their types."""
    records = Records(seed)
    for number in range(amount):
        text = records.record(f"s{number}")
        found = Declared(text + ";", model=model).type(text[: text.index("{")])
        assert isinstance(found, CRecord)
        yield text, found


def leaves(record: CRecord) -> list[Field]:
    """Return the members that can be named with one dot."""
    found: list[Field] = []
    for field in record.fields:
        if field.name is not None:
            found.append(field)
        elif isinstance(field.type, CRecord):
            found += [one for inner in leaves(field.type) if (one := record.find(inner.name or "")) is not None]
    return found


def touched(field: Field, size: int) -> str:
    """Return the bytes of a zeroed record of *size* bytes after the bit-field was set to all ones, in hexadecimal."""
    bits = ((1 << (field.bit_width or 0)) - 1) << (field.offset * 8 + field.bit_offset)
    return bits.to_bytes(size, "little").hex()


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_random_records_lie_as_gcc_lays_them_out(seed: int, tmp_path: Path) -> None:
    declarations: list[str] = []
    statements: list[str] = []
    expected: list[str] = []
    for number, (text, record) in enumerate(worlds(seed, 60, LP64)):
        name = f"{record.kind} s{number}"
        declarations.append(text + ";")
        statements.append(f'printf("%zu %zu\\n", sizeof({name}), _Alignof({name}));')
        expected.append(f"{record.size} {record.align}")
        for field in leaves(record):
            if field.bit_width is None:
                statements.append(f'printf("%zu\\n", __builtin_offsetof({name}, {field.name}));')
                expected.append(str(field.offset))
            else:
                statements.append(f"{{ {name} v; memset(&v, 0, sizeof v); v.{field.name} = -1; dump(&v, sizeof v); }}")
                expected.append(touched(field, record.size))
    source = "\n".join(
        [
            "#include <stdio.h>\n#include <string.h>",
            *declarations,
            'static void dump(void *p, int n) { for (int i = 0; i < n; i++) printf("%02x", ((unsigned char *)p)[i]);',
            'printf("\\n"); }\nint main(void) {',
            *statements,
            "return 0; }",
        ]
    )
    assert gcc(tmp_path, source).splitlines() == expected


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_random_records_lie_as_on_i386(seed: int, tmp_path: Path) -> None:
    source: list[str] = []
    expected: list[int] = []
    for number, (text, record) in enumerate(worlds(seed, 60, I386)):
        name = f"{record.kind} s{number}"
        values = [(f"sizeof({name})", record.size), (f"_Alignof({name})", record.align)]
        values += [
            (f"__builtin_offsetof({name}, {field.name})", field.offset)
            for field in leaves(record)
            if field.bit_width is None
        ]
        source.append(f"{text}; void f{number}(void) {{")
        source += [f'asm volatile("@@%c0" : : "i"({value}));' for value, _ in values] + ["}"]
        expected += [value for _, value in values]
    assembly = gcc(tmp_path, "\n".join(source), "-m32", "-S")
    assert [int(value) for value in re.findall(r"@@(\d+)", assembly)] == expected


class Expressions:
    """Random integer expressions."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def expression(self, depth: int = 4) -> str:
        random = self.random
        if depth == 0 or random.random() < 0.15:
            value = random.choice((0, 1, 2, 3, 7, 31, 127, 255, 4095, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40))
            suffix = random.choice(("", "", "u", "l", "ul", "ull", "ll"))
            return random.choice((f"{value}{suffix}", f"{value:#x}{suffix}", "'a'", "sizeof(long)", "A", "B"))
        one, two = self.expression(depth - 1), self.expression(depth - 1)
        match random.randint(0, 6):
            case 0:
                return f"{random.choice(('-', '~', '!', '+'))}({one})"
            case 1:
                return f"({random.choice(INTEGERS)})({one})"
            case 2:
                return f"({one} ? {two} : {self.expression(depth - 1)})"
            case 3:
                return f"(({one}) {random.choice(('<<', '>>'))} ({two} & 31))"
            case 4:
                return f"(({one}) {random.choice(('==', '!=', '<', '>', '<=', '>=', '&&', '||'))} ({two}))"
        return f"(({one}) {random.choice(('+', '-', '*', '/', '%', '&', '|', '^'))} ({two}))"


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_random_constants_have_the_value_and_type_gcc_gives_them(seed: int, tmp_path: Path) -> None:
    text = "enum e { A = -5, B = 200 };"
    world = Declared(text)
    expressions = Expressions(seed)
    statements: list[str] = []
    expected: list[str] = []
    while len(expected) < 200:
        one = expressions.expression()
        try:
            value = world.value(one)
        except CSourceError:
            continue  # divided by zero
        type_ = world.type_of(one)
        assert isinstance(type_, CInt)
        shown = value - (1 << 64) if value >> 63 > 0 else value
        statements.append(
            f'{{ static long long v = (long long)({one}); printf("%lld %zu %d\\n", v, sizeof({one}),'
            f" (typeof({one}))-1 < (typeof({one}))1); }}"
        )
        expected.append(f"{shown} {type_.size} {int(type_.signed)}")
    source = f"#include <stdio.h>\n{text}\nint main(void) {{\n" + "\n".join(statements) + "\nreturn 0; }"
    assert gcc(tmp_path, source).splitlines() == expected
