"""Macro expansion compared with gcc's preprocessor."""

import re
import subprocess
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.csrc.errors import MacroError, MacroLimit
from ptlint.csrc.macros import Macro, define_from, expand
from ptlint.csrc.tokens import tokenize
from tests.shared import program

NAMES = ("f", "g", "h", "a", "b")
PARAMS = ("x", "y")


@dataclass(frozen=True)
class Program:
    """Definitions (texts after ``#define``) and one text that uses them."""

    definitions: tuple[str, ...]
    use: str


class Definitions(dict[str, Macro]):
    """Macros by name."""

    def lookup(self, name: str) -> Macro | None:
        return self.get(name)


def ours(case: Program) -> list[str] | None:
    """Return the tokens that ptlint makes, None when it refuses."""
    try:
        macros = [define_from(" " + text, "a.h", 1) for text in case.definitions]
        tokens = expand(tokenize(case.use, "a.c"), Definitions({macro.name: macro for macro in macros}))
    except MacroError:
        return None
    return [token.text for token in tokens]


def is_large(case: Program) -> bool:
    """Return whether the expansion is more than a test needs (gcc has no bound of its own)."""
    macros: list[Macro] = []
    try:
        macros += [define_from(" " + text, "a.h", 1) for text in case.definitions]
        expand(tokenize(case.use, "a.c"), Definitions({macro.name: macro for macro in macros}), limit=1000)
    except MacroLimit:
        return True
    except MacroError:
        return len(macros) == len(case.definitions)  # the refusal may have come before the growth
    return False


def theirs(cases: list[Program]) -> list[list[str] | None]:
    """Return the tokens that gcc makes of each program, None where it reports an error."""
    lines: list[str] = []
    owner: dict[int, int] = {}
    for number, case in enumerate(cases):
        block = [f"#define {text}" for text in case.definitions]
        block += [f"@{number}@ {case.use}", *(f"#undef {re.split('[ (]', text)[0]}" for text in case.definitions)]
        for line in block:
            lines.append(line)
            owner[len(lines)] = number
    lines.append("@end@")
    done = subprocess.run(
        [program("gcc"), "-E", "-P", "-x", "c", "-std=gnu11", "-fmax-errors=0", "-"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = {owner[int(line)] for line in re.findall(r"<stdin>:(\d+):\d+: error", done.stderr)}
    parts = re.split(r"@(\d+|end)@", done.stdout)
    made = {int(parts[at]): parts[at + 1] for at in range(1, len(parts) - 1, 2) if parts[at] != "end"}
    return [
        None if number in wrong else [token.text for token in tokenize(made[number], "a.c")]
        for number in range(len(cases))
    ]


def compare(cases: list[Program]) -> None:
    for case, expected in zip(cases, theirs(cases), strict=True):
        if expected is not None:
            assert ours(case) == expected, case


def group(random: Random, tokens: list[str], depth: int = 2) -> str:
    """Return a text of tokens in which parentheses are balanced and white space comes and goes."""
    parts: list[str] = []
    for _ in range(random.randint(0, 6)):
        if depth and random.random() < 0.35:
            inside = ",".join(group(random, tokens, depth - 1) for _ in range(random.randint(0, 3)))
            parts.append(random.choice((*NAMES, *NAMES, "", "q ")) + f"({inside})")
        else:
            parts.append(random.choice(tokens))
        parts.append(random.choice(("", " ", " ")) if parts[-1][-1:] in "+-)(," else " ")
    return "".join(parts)


def words(*more: str) -> list[str]:
    return [*NAMES, *NAMES, *more, "+", "1", "'c'", '"s\\n"', "-", "q"]


def definition(random: Random, name: str) -> str:
    """Return a random definition of *name*."""
    shape = random.choice(("object", "()", "(x)", "(x, y)", "(...)", "(x, ...)", "(x, y...)"))
    if shape == "object":
        return f"{name} {group(random, words('1 ## f', 'f ## 1'))}"
    params = [param for param in PARAMS if param in shape]
    if "(...)" in shape or "(x, ...)" in shape:
        params.append("__VA_ARGS__")
    more = [
        text
        for param in params
        for text in (param, param, param, f"#{param}", f"q ## {param}", f"{param} ## 1", f", ## {param}", f"f({param})")
    ]
    if "..." in shape:
        more += ["__VA_OPT__(,)", "__VA_OPT__(f(1) g)"]
    return f"{name}{shape} {group(random, words(*more))}"


def programs(seed: int, amount: int) -> list[Program]:
    """Return random programs, without those that expand to very much."""
    random = Random(seed)
    made: list[Program] = []
    while len(made) < amount:
        macros = tuple(definition(random, name) for name in NAMES if name == "f" or random.random() < 0.7)
        case = Program(macros, group(random, words("f(1)", "f(a, b)", "g(f)(2)", "h()", "f(g(1),)"), 3))
        if not is_large(case):
            made.append(case)
    return made


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 1 << 32))
def test_random_programs_expand_as_gcc_expands_them(seed: int) -> None:
    compare(programs(seed, 400))


def test_the_random_programs_are_worth_comparing() -> None:
    cases = programs(1, 300)
    expected = theirs(cases)
    accepted = [case for case, tokens in zip(cases, expected, strict=True) if tokens is not None]
    changed = [case for case in accepted if ours(case) != [token.text for token in tokenize(case.use, "a.c")]]
    assert len(accepted) > 100
    assert len(changed) > 50


@pytest.mark.parametrize(
    ("definitions_", "use"),
    [
        (("f(x) x f", "g f"), "f(1)(2) g(3)(4)"),
        (("f(x) x*g", "g(x) f(x)"), "f(2)(9)(3)"),
        (("a b", "b a"), "a b"),
        (("nil", "f(x) x", "lp ("), "f nil (1) f lp 2) f\n(3)"),
        (("q(x) #x", "v(x) q(x)", "n", "p(x,y) x y"), "v(1 n 2) v(1 n() 2) v(p(,) 3) v(n n) q( a  /**/ b\n c )"),
        (("q(x) #x",), r"""q("a\b" '"' \n '\\') q(@)"""),
        (("c(x,y) x##y", "xc(x,y) c(x,y)", "ab AB", "A B"), "c(a,b) xc(A,b) c(,b) c(a,) c(,) c(1,e)+3 c(-,>) c(L,'x')"),
        (("e(x,...) f(x, ##__VA_ARGS__)", "d(...) f(0, ##__VA_ARGS__)"), "e(1) e(1,) e(1,2) e(1,2,3) d() d(1)"),
        (("e(x,r...) f(x, ##r)", "n"), "e(1) e(1,n) e(n) e()"),
        (("o(x,...) f(x __VA_OPT__(,) __VA_ARGS__)", "n"), "o(1) o(1,) o(1,n) o(1,2) o()"),
        (("o(x,...) #__VA_OPT__(x , __VA_ARGS__)",), "o(1) o(1,2)"),
        (("o(x,...) a##__VA_OPT__(x)##b",), "o(1) o(1,2)"),
        (("hash(x) %x", "s(x) #x", "j # ## #", "m(x) s(x)"), "m(j) hash(1)"),
        (("f(x) #x x##1 x", "a b", "b c"), "f(a) f( a ) f(b)"),
        (("t(x,y,z) x##y##z",), "t(1,2,3) t(,4,5) t(6,,7) t(8,9,) t(,,)"),
        (("f() nothing", "g(x) [x]"), "f() f( ) g() g( )"),
        (("f(x, y) x y",), "f((1,2),3) f([1],2)"),
        (("f(x) x x", "g(x) f(f(x))"), "g(g(1))"),
        (("f(x, ...) g(__VA_ARGS__, x)", "g(x, ...) x | __VA_ARGS__"), "f(1, 2, 3) f(1, (2, 3))"),
        (("first(x, ...) x", "all first(1, 2", "f(x) x"), "all )"),
        (("e", "s(x) #x", "t(x) s(f(x))"), "t(a e) t(a e b e) t(a)"),
    ],
)
def test_tricky_programs_expand_as_gcc_expands_them(definitions_: tuple[str, ...], use: str) -> None:
    case = Program(definitions_, use)
    (expected,) = theirs([case])
    assert expected is not None
    assert ours(case) == expected
