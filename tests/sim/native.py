"""The same C twice: interpreted over lanes, and compiled by gcc and run once a lane."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.bounds import Limits
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from tests.shared import program

Words = NDArray[np.uint64]

TYPES = """
typedef _Bool bool;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;
"""

TYPES_32 = TYPES.replace("unsigned long", "unsigned long long").replace("typedef long", "typedef long long")

EDGES = (
    *range(12),
    *(1 << bit for bit in (4, 7, 8, 15, 16, 31, 32, 63)),
    *((1 << bit) - 1 for bit in (7, 8, 15, 16, 31, 32, 63, 64)),
    *((1 << 64) - small for small in range(1, 9)),
)
"""Values at which widths and signs matter."""

FLAGS = ("-O1", "-fwrapv", "-fno-strict-aliasing", "-std=gnu11", "-w")

_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    unsigned long long lanes, in[4], out;
    if (fread(&lanes, 8, 1, stdin) != 1)
        return 1;
    unsigned long long *all = malloc(lanes * sizeof(in));
    if (fread(all, sizeof(in), lanes, stdin) != lanes)
        return 1;
    for (unsigned long f = 0; f < sizeof(tested) / sizeof(tested[0]); f++)
        for (unsigned long i = 0; i < lanes; i++) {
            out = tested[f](all[4 * i], all[4 * i + 1], all[4 * i + 2], all[4 * i + 3]);
            fwrite(&out, 8, 1, stdout);
        }
    return 0;
}
"""


def lanes_of_words(lanes: int, seed: int) -> Words:
    """Return four random words a lane: a mixture of edges, small numbers and any bits."""
    random = np.random.default_rng(seed)
    edges = np.array(EDGES, dtype=np.uint64)
    any_bits = random.integers(0, 1 << 64, size=(lanes, 4), dtype=np.uint64)
    small = any_bits % np.uint64(24)
    kind = random.integers(0, 3, size=(lanes, 4))
    return np.where(kind == 0, any_bits, np.where(kind == 1, small, edges[any_bits % np.uint64(len(edges))]))


def function_names(text: str) -> list[str]:
    """Return the names of the functions of four words in *text*."""
    return re.findall(r"static u64 (\w+)\(u64 a, u64 b, u64 c, u64 d\)", text)


def program_of(text: str, profile: str = "x86", types: str = TYPES) -> Program:
    """Return the simulator's view of a header with this text."""
    tree = MemoryTree({"include/unit.h": (types + text).encode()})
    return Program(load_universe(tree, profile_named(profile), roots=("unit.h",)))


def interpreted(
    unit: Program, call: str, words: Words, limits: Limits | None = None, word: str = "unsigned long"
) -> Words:
    """Return the value of *call* in every lane: an expression over ``a``, ``b``, ``c`` and ``d``.

    A lane alone gives its words as Python integers, as all values are that do not differ between lanes.
    """
    session = Session(unit, len(words), limits=limits)
    columns = [int(words[0, at]) if len(words) == 1 else words[:, at].copy() for at in range(4)]
    values = {name: (word, column) for name, column in zip("abcd", columns, strict=True)}
    result = session.lanes_of(session.run(call, **values))  # type: ignore[arg-type]
    assert not [record.name for record in session.machine.log if record.kind == "fault"]
    return result


def compiled(
    text: str, names: Sequence[str], words: Words, folder: Path, types: str = TYPES, flags: Sequence[str] = ()
) -> dict[str, Words]:
    """Return what each function gives for each lane when gcc compiles it."""
    gcc = program("gcc")
    table = "".join(f"{name}, " for name in names)
    source = folder / "unit.c"
    source.write_text(f"{types}{text}\nstatic u64 (*const tested[])(u64, u64, u64, u64) = {{ {table} }};\n{_DRIVER}")
    binary = folder / "unit"
    subprocess.run([gcc, *FLAGS, *flags, "-o", str(binary), str(source)], check=True, capture_output=True, timeout=120)
    given = np.uint64(len(words)).tobytes() + np.ascontiguousarray(words).tobytes()
    output = subprocess.run([str(binary)], input=given, check=True, capture_output=True, timeout=120).stdout
    rows = np.frombuffer(output, dtype=np.uint64).reshape(len(names), len(words))
    return dict(zip(names, rows, strict=True))


def differences(native: Words, simulated: Words, words: Words, most: int = 5) -> list[str]:
    """Return a line for each of the first lanes that differ, empty when all agree."""
    lanes = np.flatnonzero(native != simulated)[:most]
    return [f"{[hex(w) for w in words[lane]]}: gcc {native[lane]:#x}, here {simulated[lane]:#x}" for lane in lanes]
