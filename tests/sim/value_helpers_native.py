"""The helpers of one profile twice: interpreted over lanes, and compiled by gcc and run once a lane."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import load_universe
from ptlint.sim.bounds import Limits
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.frame import Value
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask
from tests.shared import program as installed
from tests.sim.native import FLAGS, Words, differences, lanes_of_words
from tests.sim.plain_c import Emitter, NotPlain
from tests.sim.value_helpers import WORDS, Helper, helpers_of

LANES = 48

QUICK = Limits(statements=2_000)
"""More than a helper of one value needs: what walks tables is left out."""

UNDEFINED = ("-fsanitize=shift-exponent,integer-divide-by-zero", "-fsanitize-undefined-trap-on-error")
"""Stop where C does not say what happens: nothing is compared there."""

DRIVER = """
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
extern unsigned long long (*const ptlint_tested[])(const unsigned long long *);
extern const unsigned long ptlint_count;
static sigjmp_buf back;
void ptlint_stop(void) { siglongjmp(back, 1); }
static void undefined(int number) { siglongjmp(back, 2); }
int main(void)
{
    signal(SIGILL, undefined);
    unsigned long long lanes, out[2];
    if (fread(&lanes, 8, 1, stdin) != 1)
        return 1;
    unsigned long long (*all)[%(words)d] = malloc(lanes * sizeof(*all));
    if (fread(all, sizeof(*all), lanes, stdin) != lanes)
        return 1;
    for (volatile unsigned long f = 0; f < ptlint_count; f++)
        for (volatile unsigned long i = 0; i < lanes; i++) {
            out[0] = 0;
            out[1] = sigsetjmp(back, 1);
            if (!out[1])
                out[0] = ptlint_tested[f](all[i]);
            fwrite(out, 8, 2, stdout);
        }
    return 0;
}
"""


@dataclass(slots=True)
class Comparison:
    """What one profile came to: helpers that agree, those that do not and where, and why others were not compared.

    ``defined`` is in how many lanes C says what happens, for the call that has the fewest.
    """

    profile: str
    defined: int = LANES
    agree: list[str] = field(default_factory=list)
    differ: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def words_of_lanes(seed: int) -> Words:
    """Return the words of every lane, one column for each of ``WORDS``."""
    return np.concatenate([lanes_of_words(LANES, seed), lanes_of_words(LANES, seed + 1)], axis=1)


def compare(tree: SourceTree, profile: Profile, folder: Path) -> Comparison:
    """Run every helper of *profile* both ways on the same words."""
    result = Comparison(profile.name)
    program = Program(load_universe(tree, profile))
    words = words_of_lanes(seed=7)
    emitter = Emitter(program)
    emitted: dict[str, str] = {}
    simulated: dict[str, tuple[Words, Mask]] = {}
    helpers = {helper.name: helper for helper in helpers_of(program)}
    for helper in helpers.values():
        try:
            values = [_interpreted(program, call, words, emitter.assumed) for call in helper.calls]
            texts = [emitter.expression(call, WORDS) for call in helper.calls]
        except (NotPlain, CannotExecute, OutOfBounds) as error:
            result.left_out[helper.name] = str(error)
            continue
        emitted.update(zip(helper.calls, texts, strict=True))
        simulated.update(zip(helper.calls, values, strict=True))
        result.agree.append(helper.name)
    native = _compiled(program, emitter.text, emitted, words, folder)
    for name in tuple(result.agree):
        _judge(result, helpers[name], native, simulated, words)
    return result


def _judge(
    result: Comparison,
    helper: Helper,
    native: Mapping[str, tuple[Words, Words]],
    simulated: Mapping[str, tuple[Words, Mask]],
    words: Words,
) -> None:
    for call in helper.calls:
        (there, ended), (here, dead) = native[call], simulated[call]
        stops, defined = ended == 1, ended != 2
        apart = np.flatnonzero((stops != dead) & defined)
        lines = [f"{'gcc' if stops[lane] else 'ptlint'} stops for {words[lane]}" for lane in apart[:3]]
        result.defined = min(result.defined, int(defined.sum()))
        both = defined & ~dead & ~stops
        lines += differences(there[both], here[both], words[both])
        if lines:
            result.differ.setdefault(helper.name, []).extend(lines)
    if helper.name in result.differ:
        result.agree.remove(helper.name)


def _interpreted(program: Program, call: str, words: Words, assumed: set[str]) -> tuple[Words, Mask]:
    """Return what a call gives in every lane, and the lanes that a BUG() stops; add to the functions *assumed*.

    Raises CannotExecute.
    """
    session = Session(program, len(words), limits=QUICK)
    variables: dict[str, tuple[str, Value]] = {
        name: ("unsigned long long", words[:, at].copy()) for at, name in enumerate(WORDS)
    }
    value = session.lanes_of(scalar(session.run(call, **variables)))
    machine = session.machine
    other = [record for record in machine.log if record.kind == "fault" and "BUG" not in record.name]
    if other:
        raise CannotExecute(other[0].name)
    assumed.update(machine.assumed)
    if any(bool(answer.any()) for answer in machine.answers.values()):
        raise CannotExecute("a question is answered yes")
    dead = machine.dead if machine.dead is not None else np.zeros(len(words), dtype=bool)
    return value, dead


def _compiled(
    program: Program, text: str, emitted: Mapping[str, str], words: Words, folder: Path
) -> dict[str, tuple[Words, Words]]:
    """Return what gcc's code gives for every call in every lane; and 1 where it stops, 2 where C says nothing."""
    bound = "".join(f"unsigned long long {name} = w[{at}]; " for at, name in enumerate(WORDS))
    bodies = "".join(
        f"static unsigned long long ptlint_f{number}(const unsigned long long *w) {{ {bound} return {body}; }}\n"
        for number, body in enumerate(emitted.values())
    )
    table = ", ".join(f"ptlint_f{number}" for number in range(len(emitted)))
    source = f"{text}{bodies}unsigned long long (*const ptlint_tested[])(const unsigned long long *) = {{ {table} }};\n"
    (folder / "unit.c").write_text(f"{source}const unsigned long ptlint_count = {len(emitted)};\n")
    (folder / "driver.c").write_text(DRIVER % {"words": len(WORDS)})
    command = [installed("gcc"), *FLAGS, *UNDEFINED, *flags_of(program), "-o", "run", "driver.c", "unit.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    given = np.uint64(len(words)).tobytes() + np.ascontiguousarray(words).tobytes()
    output = subprocess.run([str(folder / "run")], input=given, check=True, capture_output=True, timeout=60).stdout
    rows = np.frombuffer(output, dtype=np.uint64).reshape(len(emitted), len(words), 2)
    return {call: (rows[number, :, 0].copy(), rows[number, :, 1].copy()) for number, call in enumerate(emitted)}


def flags_of(program: Program) -> Sequence[str]:
    """Return the options that give gcc the data model of a profile, but for the order of bytes."""
    model = program.model
    return ("-m64" if model.long_size == 8 else "-m32", "-fsigned-char" if model.char_signed else "-funsigned-char")
