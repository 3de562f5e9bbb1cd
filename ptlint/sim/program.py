"""The code of one universe, lowered on demand and kept for all runs."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptlint.core.twins import given
from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CPointer, CType
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import SourceText, Universe
from ptlint.sim import data, objects
from ptlint.sim.assembly import is_understood
from ptlint.sim.blob import Blob
from ptlint.sim.bounds import Ration
from ptlint.sim.calls import boxed, lower_call
from ptlint.sim.errors import CannotExecute
from ptlint.sim.expressions import Expressions
from ptlint.sim.flow import Returned, Step
from ptlint.sim.frame import Frame, Op, Place, Run, Value
from ptlint.sim.lookup import Lookup
from ptlint.sim.machine import Machine
from ptlint.sim.names import Names
from ptlint.sim.primitives import KEEP, keep_but
from ptlint.sim.primitives.registry import written
from ptlint.sim.reach import Reach
from ptlint.sim.scope import Local, Scope, address_taken, has_labels
from ptlint.sim.statements import Statements
from ptlint.sim.types import has_array

_OF_LAST = re.compile(r"\b(|__|pfn_|set_)pte(p?_\w+|(?<=__pte)\b|(?<=pfn_pte)\b)")
"""The names of helpers of the last level: ``pte_dirty``, ``ptep_get``, ``__pte``, ``pfn_pte``, ``set_pte_at``."""

ARGUMENT = "ptlint_argument"
"""The variable that stands for the argument of a macro."""


@dataclass(slots=True)
class Lowered:
    """A function ready to run. ``hardware`` tells that it holds assembly that is not understood; ``where`` is its path
    and name, ``names`` are its parameters'. ``slots`` are those of its parameters when all are held by value.
    ``returned`` is what it returns when it does nothing else. ``nesting`` is how deep its syntax is nested.
    """

    name: str
    where: str
    definition: ast.FunctionDef
    params: tuple[Local, ...]
    names: tuple[str, ...]
    slots: tuple[int, ...] | None
    returns: CType
    size: int
    body: Step
    returned: Returned | None
    hardware: bool
    tables: tuple[int, ...]
    boxes: tuple[int, ...]
    nesting: int


@dataclass(frozen=True, slots=True)
class Snippet:
    """A lowered expression over variables, which take the first slots in order of their names."""

    op: Op
    size: int


class Program(Names):
    """Functions, types and data of a universe as the simulator runs them.

    ``facts`` are the answers to questions about the machine that hold in every lane of every run: those on which the
    representation of an entry depends (52-bit addresses or not). They are fixed when the entries are made.
    ``interest`` are the functions and macros whose effect is asked for, None for all: a subject whose first runs use
    none of them needs no more. ``only`` are the subjects that are asked for, None for all. ``places`` are ``.c`` files
    that hold some of it, built or not; ``everywhere`` asks for callers also where other profiles stand for this one.
    ``sizes`` are the batches that run; with ``trace`` a run of each is kept, whatever it shows. ``level`` is that
    of the entries that scenarios are about (``at_level``). What others find out of it they may keep in ``kept``.
    """

    def __init__(self, universe: Universe) -> None:
        super().__init__(universe)
        self.facts: dict[Hashable, bool] = {}
        self.kept: dict[str, Any] = {}
        self._lowered: dict[tuple[str, str], Lowered] = {}
        self._snippets: dict[tuple[str, tuple[tuple[str, str], ...], str], Snippet] = {}
        self._costs: dict[tuple[str, str], int] = {}  # expressions of functions that were lowered
        self.expressions = 0
        self.settings: dict[int, object] = {}
        self.ration = Ration()
        self.interest: frozenset[str] | None = None
        self.only: frozenset[str] | None = None
        self.places: frozenset[str] = frozenset()
        self.everywhere = False
        self.sizes: tuple[int, ...] = (1, 2, 3)
        self.trace = False
        self.walks = True
        self.level = "pte"
        self._reach = Reach(self)
        self._lookup: tuple[dict[Hashable, bool], int, Lookup] = (self.facts, 0, Lookup())
        self.mmu = hardware_data(universe.profile)
        self.answers: Mapping[str, bool] = self.mmu.get("answers", {})
        self.values: Mapping[str, int | str] = self.mmu.get("values", {})

    @property
    def lookup(self) -> Lookup:
        """Return what expressions over entries give under the facts that are settled now."""
        facts, count, lookup = self._lookup
        if facts is not self.facts or count != len(facts):
            lookup = Lookup()
            self._lookup = (self.facts, len(self.facts), lookup)
        return lookup

    def settle(self, questions: Iterable[Hashable]) -> None:
        """Fix the answers that were given to *questions* while entries were made: no."""
        for question in questions:
            self.facts.setdefault(question, False)

    def is_asked_for(self, subject: str) -> bool:
        """Return whether the judgement of *subject* is wanted: looking for what it may use is not worth it else."""
        return self.only is None or subject in self.only

    def matters(self, *helpers: str) -> bool:
        """Return whether running *helpers* may use something that is of interest."""
        return self.interest is None or self._reach.meets(helpers, self.interest)

    def leads_to(self, helpers: Iterable[str], wanted: frozenset[str]) -> bool:
        """Return whether running *helpers* may use one of the names *wanted*."""
        return self._reach.meets(helpers, wanted)

    def twin(self) -> Program:
        """Return a program of the same code that shares all but what others found out of it, and what they settled."""
        twin = given(Program(self.universe), self)
        twin.settings, twin.kept = {}, {}
        return twin

    def variants(self) -> Iterator[Program]:
        """Yield programs of the same code for the machines on which one of the facts is the other way."""
        for question, answer in self.facts.items():
            twin = self.twin()
            twin.facts = {question: not answer}
            yield twin

    def with_functions(self, more: Mapping[str, SourceText]) -> Program:
        """Return a program of the same code with functions of its own under new names; what was lowered is shared."""
        twin = self.twin()
        twin.universe = self.universe.with_functions(more)
        twin._reach = Reach(twin)
        return twin

    @property
    def runs_callers(self) -> bool:
        """Return whether generic callers of helpers run here: others stand for most profiles (``[arch] callers``)."""
        arch = self.universe.profile.data.get("arch")
        return not arch or self.everywhere or self.universe.profile.name in arch.get("callers", ())

    @property
    def runs_generic(self) -> bool:
        """Return whether code runs here that hardly differs by architecture (``[arch] generic``)."""
        arch = self.universe.profile.data.get("arch")
        return not arch or self.everywhere or self.universe.profile.name in arch.get("generic", ())

    def at_level(self, level: str) -> Program:
        """Return a program of the same code whose entries are those of *level* (``pmd``, ``pud``).

        What scenarios say of ``pte_t`` and of helpers named after it they then say of that level.
        """
        twin = self.twin()
        twin.level, twin.facts = level, dict(self.facts)
        twin._snippets, twin._lowered = {}, dict(self._lowered)
        twin._pte = self.resolve(ast.TypedefName(f"{level}_t"))
        return twin

    def worded(self, text: str) -> str:
        """Return C or a type over entries, written for the last level, in the words of this program's level."""
        if self.level == "pte":
            return text
        return _OF_LAST.sub(lambda match: f"{match.group(1)}{self.level}{match.group(2)}", text)

    @property
    def mapped(self) -> int:
        """Return how many bytes an entry maps."""
        return self.constant("PAGE_SIZE" if self.level == "pte" else f"{self.level.upper()}_SIZE")

    # --- functions ------------------------------------------------------------------------------------------------

    def lowered(self, definition: ast.FunctionDef, machine: Machine | None = None) -> Lowered:
        """Return the lowered form of a definition, made on first use, which *machine* counts."""
        key = (definition.name, definition.pos.path)
        found = self._lowered.get(key)
        if found is None:
            before = self.expressions
            if machine is not None and self._costs.get(key, 0) > machine.limits.reading:
                machine.read(self._costs[key])
            found = self._lower(definition)
            self._costs[key] = self.expressions - before
            if machine is not None:
                machine.read(self._costs[key])
            self._lowered[key] = found
        return found

    def _lower(self, definition: ast.FunctionDef) -> Lowered:
        scope = Scope(address_taken(definition.body), falls=not has_labels(definition.body))
        expressions = Expressions(self, scope, definition.name)
        expressions.path = definition.pos.path
        returns = expressions.returns = self.resolve(definition.type.ret, expressions)
        params = []
        for number, param in enumerate(definition.type.params):
            type = _decayed(self.resolve(param.type, expressions), self)
            params.append(scope.declare(param.name or f"(parameter {number})", type, boxed=has_array(type)))
        statements = Statements(expressions, self, returns)
        body = statements.block(definition.body)
        folder = self.universe.profile.folder
        hardware = any((asm.outputs or asm.labels) and not is_understood(folder, asm) for asm in expressions.assembly)
        tables = tuple(i for i, local in enumerate(params) if self._is_table_pointer(local.type))
        return Lowered(
            name=definition.name,
            where=f"{definition.pos.path}:{definition.name}",
            definition=definition,
            params=tuple(params),
            names=tuple(local.name for local in params),
            slots=None if scope.boxes else tuple(local.slot for local in params),
            returns=returns,
            size=scope.size,
            body=body,
            returned=None if scope.boxes else statements.returned(definition.body),
            hardware=hardware,
            tables=tables,
            boxes=tuple(scope.boxes),
            nesting=expressions.deepest,
        )

    def _is_table_pointer(self, type: CType) -> bool:
        return isinstance(type, CPointer) and self.pte_type is not None and type.to == self.pte_type

    def file_scope(self, path: str = "") -> Expressions:
        """Return what lowers expressions outside functions, in the file *path* or at the end of the unit."""
        expressions = Expressions(self, Scope(frozenset(), in_function=False), "")
        expressions.path = path
        return expressions

    def snippet(self, text: str, variables: tuple[tuple[str, str], ...], path: str = "") -> Snippet:
        """Return expression *text* lowered at the end of the unit, or as code in the ``.c`` file *path* has it.

        Raises CannotExecute when it is not understood.
        """
        key = (text, variables, path)
        found = self._snippets.get(key)
        if found is None:
            scope_of_names = self.universe.in_file(path) if path else self.universe
            try:
                parsed = scope_of_names.expression(text, KEEP)
            except CSourceError as error:
                raise CannotExecute(f"{text}: {error.what}") from None
            scope = Scope(address_taken(parsed) - {name for name, _ in variables})
            expressions = Expressions(self, scope, "")
            expressions.path = path
            for name, type in variables:
                scope.declare(name, self.resolve(written(type)), boxed=False)
            op = expressions.expr(parsed)
            found = self._snippets[key] = Snippet(op, scope.size)
        return found

    def expanded(self, expressions: Expressions, call: ast.Call, name: str) -> Op | None:
        """Return the op of the tree's own macro *name* of one parameter, which a primitive stands for; None without."""
        macro = self.universe.macro(name)
        if macro is None or macro.params is None or len(call.args) != 1:
            return None
        try:
            parsed = self.universe.expression(f"{name}({ARGUMENT})", keep_but(name))
        except CSourceError as error:
            raise CannotExecute(f"{name}(): {error.what}", call.pos) from None
        argument, scope = expressions.expr(call.args[0]), Scope(frozenset())
        inner = Expressions(self, scope, "")
        is_boxed = ARGUMENT in address_taken(parsed)
        slot = scope.declare(ARGUMENT, argument.type, boxed=is_boxed).slot
        op = inner.expr(parsed)

        def run(frame: Frame) -> Value:
            own = Frame(frame.machine, scope.size)
            value = argument.run(frame)
            own.slots[slot] = boxed(frame.machine, ARGUMENT, argument.type, value) if is_boxed else value
            return op.run(own)

        return Op(op.type, run)

    def constant(self, text: str) -> int:
        """Return the value of a constant expression in the universe (``_PAGE_DIRTY``, ``PAGE_SIZE``)."""
        from ptlint.sim.session import Session

        known = self.lookup.constants.get(text)
        if known is not None:
            return known
        session = Session(self, 1)
        value = session.run(text)
        self.settle(session.machine.asked)
        if not isinstance(value, int):
            raise CannotExecute(f"{text} is not constant")
        self.lookup.constants[text] = value
        return value

    def boot_value(self, name: str) -> int:
        """Return the value that start-up code gives to a variable, as the profile says (a number or C)."""
        value = self.values[name]
        return self.constant(value) if isinstance(value, str) else value

    def initial_value(self, frame: Frame, text: str, type: CType) -> Blob:
        """Return the object of *type* that an initialiser in braces, written in C, describes."""
        try:
            parsed = self.universe.expression(f"(int[]){text}", KEEP)
        except CSourceError as error:
            raise CannotExecute(f"{text}: {error.what}") from None
        assert isinstance(parsed, ast.CompoundLiteral)
        value = data.initialiser(self, self.file_scope(), type, parsed.init)(frame)
        assert isinstance(value, Blob)
        return value

    def has(self, name: str) -> bool:
        """Return whether the universe has a function or function-like macro *name*."""
        name = self.worded(name)
        return self.universe.macro(name) is not None or self.universe.function(name, KEEP) is not None

    def call(self, expressions: Expressions, expr: ast.Call) -> Op:
        """Return the op of a call."""
        return lower_call(self, expressions, expr)

    def statement_expression(self, expressions: Expressions, expr: ast.StmtExpr) -> Op:
        """Return the op of ``({ … })``: the value of its last statement."""
        return Statements(expressions, self, expressions.returns).valued_block(expr.body)

    def function_address(self, machine: Machine, name: str) -> int:
        """Return the address of a function: one object a name."""
        return objects.function_address(machine, name)

    # --- data -----------------------------------------------------------------------------------------------------

    def global_place(self, expressions: Expressions, name: ast.Name) -> Place:
        """Return the place of a file-scope variable."""
        return objects.global_place(self, expressions, name)

    def literal_place(self, expressions: Expressions, expr: ast.CompoundLiteral) -> Place:
        """Return the place of a compound literal in memory."""
        return objects.literal_place(self, expressions, expr)

    def initialiser(self, expressions: Expressions, type: CType, init: ast.InitList | ast.Expr) -> Run:
        """Return what builds an object of *type* from an initialiser."""
        return data.initialiser(self, expressions, type, init)

    def completed(self, expressions: Expressions, type: CArray, init: ast.InitList | ast.Expr) -> CArray:
        """Return an array type with the length its initialiser gives."""
        return data.completed(self, expressions, type, init)

    def single(self, init: ast.InitList) -> ast.Expr:
        """Return the one expression of ``{ expression }`` for a scalar."""
        return data.single(init)

    def static(self, frame: Frame, key: str, type: CType, init: Run | None) -> int:
        """Return the address of a static variable of a function."""
        return objects.static(frame, key, type, init)

    def string(self, machine: Machine, text: bytes) -> int:
        """Return the address of a string literal."""
        return objects.string(machine, text)


def hardware_data(profile: Profile) -> Mapping[str, Any]:
    """Return the ``[mmu]`` table of a profile, that of its own name laid over the architecture's."""
    table = dict(profile.data.get("mmu", {}))
    own = table.pop("profile", {}).get(profile.name, {})
    answers = {**table.get("answers", {}), **own.get("answers", {})}
    return {**table, **own, "answers": answers}


def _decayed(type: CType, program: Program) -> CType:
    if isinstance(type, CArray):
        return program.pointer_to(type.of)
    if isinstance(type, CFunction):
        return program.pointer_to(type)
    return type
