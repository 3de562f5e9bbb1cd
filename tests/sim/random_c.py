"""Random programs of the C that the simulator runs, each with one meaning: no shift too far, no unsequenced writes.

A function declares all it uses at its top, so that a goto may lead anywhere. Loops and jumps back are bounded by fuel.
"""

from dataclasses import dataclass, field
from random import Random

SUPPORT = """
struct box { u8 a; s16 b; u32 c; u64 d; };
struct bits { u32 p : 5; s32 q : 7; u16 r : 9; u64 s : 20; bool t : 1; };
struct nest { s8 k; struct box in[2]; union { u64 w; struct { u16 low; s32 high; }; }; };
union pun { u64 w; u32 h[2]; u16 q[4]; s8 b[8]; };
static u32 mix(u32 x, s8 y) { if (x & 1) return x * 3 + y; return y - x; }
static s64 steps(u64 n, s32 k)
{
    s64 s = k;
    for (u64 i = 0; i < (n & 3); i++) {
        if (s & 4)
            return s;
        s += i * n;
    }
    return s;
}
static void put(u32 *p, u32 v) { if (v & 2) { *p = v; return; } *p ^= v >> 1; }
static struct box turn(struct box x, u64 by)
{
    x.a += by;
    x.d ^= x.c;
    if (by & 1) {
        x.b = by;
        return x;
    }
    x.c--;
    return x;
}
static u64 sum(u64 x, u64 y) { return x + y; }
static u64 product(u64 x, u64 y) { return x * y + 1; }
static u64 (*const pick[])(u64, u64) = { sum, product };
static struct nest grow(struct nest n, u16 by) { n.in[by & 1].d += by; n.k -= by; n.high = n.low; return n; }
static u16 depth(u16 n, u64 x) { if (!(n & 3)) return x; return depth(n - 1, x * 3 + n) + 1; }
"""

_KINDS = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "bool")
_FIELDS = (
    *("x.a", "x.b", "x.c", "x.d", "y.b", "y.d"),
    *("f.p", "f.q", "f.r", "f.s", "f.t"),
    *("h.k", "h.in[0].b", "h.in[1].d", "h.w", "h.low", "h.high"),
    *("z.w", "z.h[1]", "z.q[2]", "z.b[5]", "g->c", "g->a"),
)
_BINARY = ("+", "-", "*", "&", "|", "^", "==", "!=", "<", ">", "<=", ">=", "&&", "||")


@dataclass
class Writer:
    """Writes one function. ``written`` and ``seen`` are the variables of the expression being written."""

    random: Random
    labels: int = 0
    loops: int = 0
    inside: int = 0
    targets: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    # --- expressions

    def full(self, depth: int = 3) -> str:
        """Return an expression between two sequence points."""
        self.written, self.seen = set(), set()
        return self.value(depth)

    def leaf(self) -> str:
        kind = self.random.randrange(10)
        if kind < 4:
            name = f"v{self.random.randrange(9)}"
            if name in self.written:
                return "a"
            self.seen.add(name)
            return name
        if kind < 6:
            return self.one("a", "b", "c", "d")
        if kind < 8:
            return self.one(*_FIELDS, "*p", "p[0]", "m[1]", "m[3]", "n[1][2]", "n[0][1]")
        return self.one("0", "1", "3", "-1", "7u", "255", "0x80000000", "-5L", "0xfffffffful", "(1ul << 63)", "(s8)-3")

    def value(self, depth: int) -> str:
        if depth <= 0:
            return self.leaf()
        kind = self.random.randrange(17)
        if kind < 6:
            return f"({self.value(depth - 1)} {self.one(*_BINARY)} {self.value(depth - 1)})"
        if kind < 7:
            count = f"({self.value(depth - 2)} & {self.one('7', '15', '31')})"
            return f"({self.value(depth - 1)} {self.one('<<', '>>')} {count})"
        if kind < 8:
            return f"({self.value(depth - 1)} {self.one('/', '%')} (({self.value(depth - 2)} & 15) + 1))"
        if kind < 9:
            return f"({self.one(*_KINDS)})({self.value(depth - 1)})"
        if kind < 10:
            return f"{self.one('-', '~', '!', '+', '!!')}({self.value(depth - 1)})"
        if kind < 12:
            return f"({self.value(depth - 1)} ? {self.value(depth - 1)} : {self.value(depth - 1)})"
        if kind < 13:
            return f"({self.value(depth - 1)} ?: {self.value(depth - 1)})" if self.chance(30) else self.effect(depth)
        if kind < 14:
            return self.effect(depth)
        if kind < 15:
            return self.call(depth)
        return f"{self.one('m[{}]', 'n[1][{}]', 'p[({}) & 0]').format(f'({self.value(depth - 1)}) & 1')}"

    def effect(self, depth: int) -> str:
        """Return an expression with a side effect on a variable that nothing else of the full expression touches."""
        name = f"v{self.random.randrange(9)}"
        if name in self.written or name in self.seen or name == "v4":  # *p may be v4
            return self.leaf()
        self.written.add(name)
        kind = self.random.randrange(4)
        if kind == 0:
            return f"{name}{self.one('++', '--')}"
        if kind == 1:
            return f"{self.one('++', '--')}{name}"
        if kind == 2:
            return f"({name} = {self.value(depth - 1)})"
        return f"({name} {self.one('+', '-', '^', '|', '&', '*')}= {self.value(depth - 1)})"

    def call(self, depth: int) -> str:
        kind = self.random.randrange(6)
        first, second = self.value(depth - 1), self.value(depth - 2)
        return (
            f"mix({first}, {second})",
            f"steps({first}, {second})",
            f"turn(x, {first}).{self.one('a', 'b', 'c', 'd')}",
            f"depth({first}, {second})",
            f"pick[({first}) & 1]({second}, 3)",
            f"grow(h, {first}).{self.one('k', 'w', 'high')}",
        )[kind]

    # --- statements

    def block(self, depth: int, loop: bool, switch: bool = False) -> str:
        return " ".join(self.statement(depth, loop, switch) for _ in range(self.random.randrange(1, 4)))

    def statement(self, depth: int, loop: bool, switch: bool) -> str:
        text = self.plain(depth, loop, switch)
        if self.chance(8) and not self.inside:
            label = f"l{self.labels}"
            self.labels += 1
            self.targets.append(label)
            return f"{label}: {text}"
        return text

    def plain(self, depth: int, loop: bool, switch: bool) -> str:
        kind = self.random.randrange(24)
        if depth <= 0 or kind < 9:
            return self.assignment()
        if kind < 13:
            other = f" else {{ {self.block(depth - 1, loop, switch)} }}" if self.chance(50) else ""
            return f"if ({self.full()}) {{ {self.block(depth - 1, loop, switch)} }}{other}"
        if kind < 16:
            return self.loop(depth)
        if kind < 18:
            return self.switch(depth, loop)
        if kind < 19:
            jump = "break" if (loop or switch) and self.chance(60) else "continue" if loop else "return v1"
            return f"if ({self.full(2)}) {jump};"
        if kind < 20:
            return f"if ({self.full(2)}) return {self.full(2)};"
        if kind < 22:
            return f"if (fuel-- > 0 && {self.full(2)}) goto @{self.random.randrange(1000)};"
        self.inside += 1  # no goto may lead into a statement expression
        inner = self.block(depth - 1, loop, switch)
        self.inside -= 1
        return f"v{self.random.randrange(9)} = ({{ {inner} {self.full(2)}; }});"

    def assignment(self) -> str:
        value = self.full()
        kind = self.random.randrange(12)
        if kind < 4:
            target = f"v{self.random.randrange(9)}"
            if target in self.written:
                return f"{value};"
            return f"{target} {self.one('', '', '+', '-', '*', '^', '&', '|')}= {value};"
        if kind < 6:
            return f"{self.one(*_FIELDS)} {self.one('', '', '+', '^')}= {value};"
        if kind < 8:
            target = self.one("m[v8 & 3]", "*p", "n[v7 & 1][v8 & 1]", "m[2]")
            return f"{target} = {value};" if not {"v7", "v8"} & self.written else f"{value};"
        return self.one(
            f"p = &m[({value}) & 3];",
            f"p = ({value}) & 1 ? &v4 : &m[2];",
            f"g = ({value}) & 1 ? &x : &y;",
            f"g = &h.in[({value}) & 1];",
            f"h = grow(h, {value});",
            "h.in[v8 & 1] = *g;",
            f"h = (struct nest){{ .in = {{ [1] = {{ .c = v3 }} }}, .low = {value} }};",
            f"fuel -= __builtin_{self.one('add', 'sub', 'mul')}_overflow(v6, v5, &v4);",
            f"put(({value}) & 1 ? &v4 : &m[1], a);",
            f"put(p, {value});",
            "x = y;",
            f"y = turn(x, {value});",
            f"if ({value}) y = (struct box){{ .b = v2, .d = 5 }};",
            f"*g = turn(*g, {value});",
            f"z = (union pun){{ {value} }};",
            f"f = (struct bits){{ v1, .r = v3 }}; f.q += {value};",
        )

    def loop(self, depth: int) -> str:
        name = f"i{self.loops}"
        self.loops += 1
        times, body = self.random.randrange(1, 4), self.block(depth - 1, True)
        kind = self.random.randrange(3)
        if kind == 0:
            return f"for ({name} = 0; {name} < {times}; {name}++) {{ {body} }}"
        if kind == 1:
            return f"{name} = 0; while ({name}++ < {times} && {self.full(1)}) {{ {body} }}"
        return f"{name} = 0; do {{ {body} }} while (++{name} < {times} && {self.full(1)});"

    def switch(self, depth: int, loop: bool) -> str:
        arms: list[str] = []
        numbers = self.random.sample(range(8), self.random.randrange(1, 5))
        for at, number in enumerate(numbers):
            label = f"case {number}:"
            if self.chance(20):
                label = f"case {2 * at + 8} ... {2 * at + 9}:"
            if self.chance(20) and not any("default" in arm for arm in arms):
                label += " default:"
            arms.append(f"{label} {self.block(depth - 1, loop, True)}{' break;' if self.chance(50) else ''}")
        return f"switch (({self.full(2)}) & {self.one('7', '15', '31')}) {{ {' '.join(arms)} }}"

    def function(self, name: str) -> str:
        body = self.block(4, False) + " " + self.block(3, False) + " " + self.block(4, False)
        while "@" in body:
            start, _, rest = body.partition("@")
            number, _, rest = rest.partition(";")
            target = self.targets[int(number) % len(self.targets)] if self.targets else "end"
            body = f"{start}{target};{rest}"
        kinds = [self.one(*_KINDS) for _ in range(9)]
        kinds[4] = "u32"  # its address is taken
        variables = " ".join(f"{kind} v{at} = {'abcd'[at % 4]} >> {at};" for at, kind in enumerate(kinds))
        loops = "".join(f" u32 i{at} = 0;" for at in range(self.loops))
        objects = (
            "u32 m[4] = { a, b, c, d }; u16 n[2][3] = { 1, 2, a, b }; struct box x = { a, b, c, d }, y = { .c = b };"
            " struct bits f = { a, b, c, d }; union pun z = { a }; u32 *p = &m[b & 3]; struct box *g = &y;"
            " struct nest h = { a, { { b }, { .d = c } }, { .low = d } }; int fuel = 4;"
        )
        total = "v0" + "".join(f" + v{at} * {2 * at + 1}ul" for at in range(1, 9))
        rest = "m[0] ^ m[1] * 3ul ^ m[2] * 5ul ^ m[3] * 7ul ^ n[0][1] ^ n[1][2] ^ n[1][1] * 9ul ^ *p ^ g->d ^ z.w"
        fields = (
            "x.a + x.b + x.c * 3ul + x.d + y.a + y.b * 5 + y.c * 7ul + y.d + f.p + f.q * 3 + f.r + f.s * 5 + f.t"
            " + h.k + h.in[0].d + h.in[1].c * 3 + h.w"
        )
        return (
            f"static u64 {name}(u64 a, u64 b, u64 c, u64 d)\n{{\n{objects}\n{variables}{loops}\n{body}\n"
            f"end: return ({total}) * 31 ^ ({rest}) * 17 ^ ({fields});\n}}\n"
        )


def random_function(random: Random, name: str) -> str:
    """Return the text of a function of four words called *name*."""
    return Writer(random).function(name)
