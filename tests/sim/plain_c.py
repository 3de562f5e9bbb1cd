"""Code of a universe as one text for gcc: what the front end's own expansion makes of functions, and what they need.

What the simulator models, and what it answers of the machine, is told to gcc in macros. Code that needs more (assembly,
structures that nobody has) raises NotPlain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ptlint.csrc import ast
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.items import items_of
from ptlint.csrc.macros import expand
from ptlint.csrc.nodes import nodes
from ptlint.csrc.scope import Scope, Site
from ptlint.csrc.tokens import tokenize
from ptlint.csrc.unit import MacroState
from ptlint.sim.errors import CannotExecute
from ptlint.sim.primitives import KEEP, find_primitive
from ptlint.sim.primitives.features import spelled
from ptlint.sim.program import Program
from ptlint.sim.types import is_integer

MOST_NESTED = 60
"""Functions and types that lead from one to the next."""

PROLOGUE = """#define const
#define PTLINT_GIVEN(name, ...) static void __attribute__((constructor)) ptlint_set_##name(void) { \\
    __typeof__(__VA_ARGS__) value = __VA_ARGS__; \\
    unsigned long size = sizeof(name) < sizeof(value) ? sizeof(name) : sizeof(value); \\
    __builtin_memset(&name, 0, sizeof(name)); \\
    __builtin_memcpy(&name, &value, size); }
extern void ptlint_stop(void) __attribute__((noreturn));
#define PTLINT_FIRST(x, ...) (x)
#define PTLINT_TRUTH(x, ...) ({ int ptlint_truth = !!(x); ptlint_truth; })
#define PTLINT_STOP_IF(x, ...) ({ if (x) ptlint_stop(); })
#define PTLINT_STOP(...) ptlint_stop()
#define PTLINT_NOTHING(...) ((void)0)
#define PTLINT_ZERO(...) 0
"""

_HINTS = ("likely", "unlikely", "READ_ONCE", "__READ_ONCE", "READ_ONCE_NOCHECK", "data_race")
_STOPS = ("BUG", "__BUG", "panic", "unreachable")
_ZEROS = ("BUILD_BUG_ON_ZERO", "__must_be_array", "BUILD_BUG_ON_INVALID", "__is_constexpr_check")
_EXACT = {
    "ALT_SVPBMT": ("ALT_SVPBMT(value, name)", "((value) = 0)"),
    "ALT_THEAD_PMA": ("ALT_THEAD_PMA", "PTLINT_NOTHING"),
    **{name: (name, "PTLINT_FIRST") for name in _HINTS},
    **{name: (name, "PTLINT_STOP") for name in _STOPS},
    **{name: (name, "PTLINT_ZERO") for name in _ZEROS},
}
"""Macros for what primitives do, by the name of the primitive."""

_NAMES_ARGUMENTS = ("ALT_SVPBMT", "ALT_THEAD_PMA")
"""Macros whose arguments are parts of names."""


_SWAPS = {
    f"{prefix}swab{bits}": f"__builtin_bswap{bits}"
    for prefix in ("", "__", "___constant_", "__fswab")
    for bits in (16, 32, 64)
}


_WORDS = {"ordinary": "variable"}


class NotPlain(Exception):
    """Why a piece of code cannot be given to gcc."""


Key = tuple[str, str]


class Emitter:
    """Collects the items that pieces of code need, each behind those that it needs itself.

    ``assumed`` are functions that the simulator could not run and took for one that returns 0.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.assumed: set[str] = set()
        self.universe = program.universe
        self._state = MacroState(self.universe.unit)
        self._texts: dict[Key | tuple[str, int], str] = {}
        self._refused: dict[Key, str] = {}
        self._macros: dict[str, str] = {}
        self._open: list[Key] = []

    def expression(self, text: str, variables: Iterable[str] = ()) -> str:
        """Return the expansion of expression *text* over *variables* and keep what it needs. Raises NotPlain."""
        try:
            self._need(self.universe.expression(text, KEEP), self.universe.headers, variables)
            return self._expanded(text)
        except (CSourceError, CannotExecute) as error:
            raise NotPlain(error.what) from None

    @property
    def text(self) -> str:
        """Return the C of all that was needed so far."""
        macros = "".join(f"#define {name} {body}\n" for name, body in self._macros.items())
        return PROLOGUE + macros + "".join(f"{text}\n" for text in self._texts.values() if text)

    def _expanded(self, text: str) -> str:
        return " ".join(token.text for token in expand(tokenize(text, "<expression>"), self._state, KEEP))

    # --- what code needs ----------------------------------------------------------------------------------------------

    def _need(self, root: object, scope: Scope, declared: Iterable[str] = ()) -> None:
        """Emit what stands behind the names in *root*, but for those that are *declared*."""
        every = nodes(root)
        own = {node.name for node in every if isinstance(node, (ast.Declarator, ast.Param)) and node.name}.union(
            declared
        )
        follows = any(
            (isinstance(n, ast.MemberAccess) and n.arrow) or (isinstance(n, ast.Unary) and n.op == "*") for n in every
        )
        pointed = set() if follows else {id(node.to) for node in every if isinstance(node, ast.PointerType)}
        left_out = {id(node) for call in every if self._drops_arguments(call) for node in nodes(call.args)}
        for node in every:
            match node:
                case _ if id(node) in left_out:
                    pass
                case ast.Asm():
                    raise NotPlain("assembly")
                case ast.Offsetof():
                    raise NotPlain("the offset of a member")
                case ast.TypedefName():
                    self._item(("typedef", node.name), scope)
                case ast.RecordType(members=None, tag=str(tag)) if id(node) not in pointed:
                    self._item((node.kind, tag), scope)
                case ast.EnumType(members=None, tag=str(tag)):
                    self._item(("enum", tag), scope)
                case ast.Call(function=ast.Name(name=name)) if name not in own and find_primitive(name) is not None:
                    self._modelled(node, name)
                case ast.Name(name=name) if name not in own and find_primitive(name) is None:
                    self._named(name, scope)
                case _:
                    pass

    def _drops_arguments(self, node: object) -> bool:
        """Return whether *node* is a call of which gcc is told the answer alone."""
        if not isinstance(node, ast.Call) or not isinstance(node.function, ast.Name):
            return False
        primitive = find_primitive(node.function.name)
        family = "" if primitive is None else primitive.lower.__module__.rpartition(".")[2]
        name = node.function.name
        return name in self.program.answers or name in _NAMES_ARGUMENTS or family in ("features", "silent")

    def _modelled(self, call: ast.Call, name: str) -> None:
        """Emit a macro for what a primitive does. Raises NotPlain where that is not known to be plain."""
        primitive = find_primitive(name)
        assert primitive is not None
        family = primitive.lower.__module__.rpartition(".")[2]
        if name in _EXACT:
            self._macro(*_EXACT[name])
        elif name in _SWAPS:
            self._macro(name, _SWAPS[name])
        elif family == "features":
            question = f"{name}({', '.join(spelled(arg) for arg in call.args)})"
            answer = self.program.answers.get(question, self.program.answers.get(name, False))
            self._macro(f"{name}(...)", str(int(answer)))
        elif family == "silent":
            self._macro(name, "PTLINT_NOTHING")
        elif family == "assertions":
            self._macro(name, "PTLINT_STOP_IF" if "BUG" in name else "PTLINT_TRUTH")
        elif not name.startswith("__builtin_"):
            raise NotPlain(f"{name}() is modelled")

    def _macro(self, name: str, body: str) -> None:
        if self._macros.setdefault(name, body) != body:
            raise NotPlain(f"{name} has two answers")

    def _named(self, name: str, scope: Scope) -> None:
        path = getattr(scope, "path", "")
        if name in self.program.answers:
            self._macro(f"{name}(...)", str(int(self.program.answers[name])))
        elif name.startswith("__builtin_") or name == "__func__":
            pass
        elif self.program.enumerator(name) is not None:
            self._item(("enumerator", name), scope)
        elif (definition := self.program.definition(name, path)) is not None:
            if name in self.assumed or self._asks(definition):
                self._macro(f"{name}(...)", "0")
            else:
                self._item(("function", name), scope)
        elif self.program.variable(name, path) is not None:
            self._variable(name, scope, path)
        else:
            prototype = self.program.prototype(name, path)
            if prototype is None or not isinstance(prototype.ret, (ast.BuiltinType, ast.TypedefName)):
                raise NotPlain(f"{name} is not there")
            self._macro(f"{name}(...)", "0")  # what unknown code answers first

    def _asks(self, definition: ast.FunctionDef) -> bool:
        """Return whether the simulator asks what a function in assembly says, which it answers first with 0."""
        if not any(isinstance(node, ast.Asm) for node in nodes(definition.body)):
            return False
        lowered = self.program.lowered(definition)
        return lowered.hardware and is_integer(lowered.returns) and all(is_integer(one.type) for one in lowered.params)

    def _variable(self, name: str, scope: Scope, path: str) -> None:
        written = self.program.variable(name, path)
        assert written is not None
        where = written.pos.path
        self._item(("ordinary", name), self.universe.in_file(where) if where.endswith(".c") else scope)
        if name in self.program.values:
            given = self.program.values[name]
            braces = isinstance(given, str) and given.startswith("{")
            whole = (
                self._expanded(f"(__typeof__({name})){given}") if braces else f"{self.program.boot_value(name):#x}ULL"
            )
            extern = f"__typeof__({name}) {name};\n" if self.program.is_extern(name, path) else ""
            self._texts["value", name] = f"{extern}PTLINT_GIVEN({name}, {whole})"
        elif self.program.is_extern(name, path):
            raise NotPlain(f"the value of {name} is not known")

    # --- items --------------------------------------------------------------------------------------------------------

    def _item(self, key: Key, scope: Scope) -> None:
        """Emit the item of file scope that declares something. Raises NotPlain."""
        if key in self._refused:
            raise NotPlain(self._refused[key])
        if key in self._texts or key in self._open:
            return
        self._open.append(key)
        try:
            if len(self._open) > MOST_NESTED:
                raise NotPlain("it needs too much")
            self._emit(key, scope)
        except (NotPlain, CSourceError, CannotExecute) as error:
            self._refused[key] = str(error)
            raise NotPlain(str(error)) from None
        finally:
            self._open.pop()
        self._texts[key] = ""

    def _emit(self, key: Key, scope: Scope) -> None:
        what, name = key
        if what == "function":
            definition = self.program.definition(name, getattr(scope, "path", ""))
            assert definition is not None
            where = definition.pos.path
            scope = self.universe.in_file(where) if where.endswith(".c") else self.universe.headers
        found = next(self._sites(what, name, scope), None)
        if found is None:
            raise NotPlain(f"{_WORDS.get(what, what)} {name} is not there")
        site, scope = found
        whole = (site.instance.path, site.number)
        if whole not in self._texts:
            item = items_of(site.instance).items[site.number]
            for one in scope.parsed(site, KEEP):
                self._need(one, scope, (one.name,) if isinstance(one, ast.FunctionDef) else ())
            self._texts[whole] = " ".join(token.text for token in scope.expanded(site.instance, item, KEEP))

    def _sites(self, what: str, name: str, scope: Scope) -> Iterator[tuple[Site, Scope]]:
        inner: Scope | None = scope
        while inner is not None:
            for site in inner.sites(name, what):
                if any(_declares(one, what, name, self.program.values) for one in inner.parsed(site, KEEP)):
                    yield site, inner
            inner = inner.outer


def _declares(one: ast.External, what: str, name: str, values: object) -> bool:
    """Return whether an item is the one that defines *name* as *what*."""
    if isinstance(one, ast.FunctionDef):
        return what == "function" and one.name == name
    if what in ("struct", "union", "enum"):
        return any(getattr(n, "tag", None) == name and getattr(n, "members", None) is not None for n in nodes(one))
    if what == "enumerator":
        return any(isinstance(node, ast.Enumerator) and node.name == name for node in nodes(one))
    if not isinstance(one, ast.Declaration):
        return False
    declared = [declarator for declarator in one.declarators if declarator.name == name]
    if what == "typedef":
        return bool(declared) and "typedef" in one.storage
    given = isinstance(values, dict) and name in values
    return any(given or d.init is not None or "extern" not in one.storage for d in declared)
