"""Names of one translation unit: found by their text, expanded and parsed when somebody asks."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from ptlint.core.span import Span
from ptlint.csrc.ast import (
    ArrayType,
    Declaration,
    Declarator,
    EnumType,
    Expr,
    External,
    FunctionDef,
    FunctionType,
    PointerType,
    RecordType,
    Type,
)
from ptlint.csrc.cparse import parse_expression, parse_external
from ptlint.csrc.datamodel import DataModel
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.items import Item, ItemIndex, items_of, words_of
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.macros import expand
from ptlint.csrc.made import MadeNames
from ptlint.csrc.site import NOTHING, Site, definitions_within
from ptlint.csrc.tokens import Token, tokenize
from ptlint.csrc.unit import Instance, MacroState, Unit

__all__ = ["NOTHING", "Scope", "Site", "types_within"]

MAX_ITEM_BYTES = 1 << 18


class Scope:
    """The names of a unit, those of *outer* (the headers common to all) behind them.

    ``not_understood`` lists what was asked for and could not be read: place and reason.
    """

    def __init__(self, unit: Unit, model: DataModel, outer: "Scope | None" = None) -> None:
        self.unit = unit
        self.model = model
        self.outer = outer
        self.not_understood: list[tuple[Span, str]] = []
        self._end = MacroState(unit)
        self._typedefs: set[str] | None = None
        self._by_word: dict[str, list[Instance]] = {}
        self._made = MadeNames(self)
        self._parsed: dict[tuple[int, int, frozenset[str]], tuple[External, ...]] = {}
        self._states: dict[tuple[int, int], MacroState] = {}

    # --- macros and expressions ---------------------------------------------------------------------------------

    def macro(self, name: str) -> Macro | None:
        """Return macro *name* as it is at the end of the unit, or None."""
        return self._end.lookup(name)

    def macro_line(self, name: str) -> Span | None:
        """Return the place of the ``#define`` that is in force at the end of the unit."""
        ref = self.unit.table.get(name)
        return None if ref is None else Span(ref.path, self.unit.line_of(ref))

    def expression(self, text: str, keep: frozenset[str] = NOTHING) -> Expr:
        """Return the expression *text*, its macros as they are at the end of the unit. Raises CSourceError."""
        return parse_expression(expand(tokenize(text, "<expression>"), self._end, keep), self, self.model)

    # --- where names stand --------------------------------------------------------------------------------------

    def sites(self, name: str, *wanted: str) -> list[Site]:
        """Return where *name* may be declared in this unit as one of *wanted* (as anything), in the order of its text.

        *wanted* are the words of ``ItemIndex.names``.
        """
        found: list[Site] = []
        for instance in self._instances_with(name):
            if name in items_of(instance).names:
                for what, number, offset in items_of(instance).names.get(name, ()):
                    if not wanted or what in wanted:
                        found.append(Site(instance, what, number, instance.scan.text.count("\n", 0, offset) + 1))
        return found or [site for site in self._made.sites(name, wanted) if not wanted or site.what in wanted]

    def _instances_with(self, name: str) -> list[Instance]:
        """Return the files that hold the word *name*, in the order they were read."""
        if name not in self._by_word:
            self._by_word[name] = [one for one in self.unit.instances if name in words_of(one.scan)]
        return self._by_word[name]

    # --- parsing ------------------------------------------------------------------------------------------------

    def expanded(
        self, instance: Instance, item: Item, keep: frozenset[str], used: set[str] | None = None
    ) -> list[Token]:
        """Return the expanded tokens of an item; a ``#define`` inside it counts from its line on."""
        text = instance.active_text()
        column = item.start - text.rfind("\n", 0, item.start)
        tokens = tokenize(text[item.start : item.end], instance.path, item.line, column)
        out: list[Token] = []
        start = 0
        for line in (*definitions_within(instance, item), None):
            end = start
            while end < len(tokens) and (line is None or tokens[end].line < line):
                end += 1
            if end > start:
                out += expand(tokens[start:end], self.state_at(instance, tokens[start].line), keep, used=used)
            start = end
        return out

    def state_at(self, instance: Instance, line: int) -> MacroState:
        """Return the macros at a line; the same object for all lines between two directives."""
        before = bisect_right(instance.scan.directives, line, key=lambda one: one.line)
        key = (id(instance), before)
        if key not in self._states:
            self._states[key] = MacroState(self.unit, instance, line)
        return self._states[key]

    def parsed(self, site: Site, keep: frozenset[str] = NOTHING) -> tuple[External, ...]:
        """Return what the item at *site* declares; empty, and noted as not understood, when it cannot be read."""
        key = (id(site.instance), site.number, keep)
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = self._parse(site, keep)
        return found

    def _parse(self, site: Site, keep: frozenset[str]) -> tuple[External, ...]:
        item = items_of(site.instance).items[site.number]
        if item.end - item.start > MAX_ITEM_BYTES:
            self._fault(Span(site.instance.path, item.line), f"an item of more than {MAX_ITEM_BYTES} bytes")
            return ()
        try:
            used: set[str] = set()
            parsed = parse_external(self.expanded(site.instance, item, keep, used), self, self.model)
            macros = frozenset(used)
            return tuple(replace(one, macros=macros) if isinstance(one, FunctionDef) else one for one in parsed)
        except CSourceError as error:
            self._fault(Span(error.pos.path or site.instance.path, error.pos.line or item.line), error.what)
            return ()

    def _fault(self, span: Span, what: str) -> None:
        if (span, what) not in self.not_understood:
            self.not_understood.append((span, what))

    # --- names by what they are ---------------------------------------------------------------------------------

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name at file scope."""
        if self._typedefs is None:
            self._typedefs = set()
            for instance in self.unit.instances:
                if "typedef" in words_of(instance.scan):
                    index: ItemIndex = items_of(instance)
                    self._typedefs.update(
                        key for key, places in index.names.items() if any(one[0] == "typedef" for one in places)
                    )
        return name in self._typedefs or (self.outer is not None and self.outer.is_typedef(name))

    def function_here(self, name: str, keep: frozenset[str] = NOTHING) -> FunctionDef | None:
        """Return the definition of function *name* in this unit, or None."""
        for site in self.sites(name, "function"):
            for one in self.parsed(site, keep):
                if isinstance(one, FunctionDef) and one.name == name:
                    return one
        return None

    def declarator(self, name: str) -> tuple[Declaration, Declarator] | None:
        """Return the declaration of object, function or typedef *name*: one with an initialiser if there is one."""
        first: tuple[Declaration, Declarator] | None = None
        for site in self.sites(name, "ordinary", "typedef"):
            for one in self.parsed(site):
                if not isinstance(one, Declaration):
                    continue
                for declared in one.declarators:
                    if declared.name == name and declared.init is not None:
                        return one, declared
                    if declared.name == name:
                        first = first or (one, declared)
        return first or (self.outer.declarator(name) if self.outer is not None else None)

    def typedef(self, name: str) -> Type | None:
        """Return the type that typedef *name* stands for, or None."""
        for site in self.sites(name, "typedef"):
            for one in self.parsed(site):
                if isinstance(one, Declaration) and "typedef" in one.storage:
                    for declared in one.declarators:
                        if declared.name == name:
                            return declared.type
        return self.outer.typedef(name) if self.outer is not None else None

    def prototype(self, name: str) -> FunctionType | None:
        """Return the type of function *name* from a prototype or its definition, or None."""
        found = self.declarator(name)
        if found is not None and isinstance(found[1].type, FunctionType):
            return found[1].type
        function = self.function_here(name)
        if function is not None:
            return function.type
        return self.outer.prototype(name) if self.outer is not None else None

    def variable(self, name: str) -> tuple[Declaration, Declarator] | None:
        """Return the declaration of variable *name* at file scope, or None."""
        found = self.declarator(name)
        if found is None or isinstance(found[1].type, FunctionType) or "typedef" in found[0].storage:
            return None
        return found

    def record(self, kind: str, tag: str) -> RecordType | None:
        """Return ``struct tag`` or ``union tag`` with its members, None when it is only declared."""
        for site in self.sites(tag, kind):
            for type_ in self._types(site):
                if isinstance(type_, RecordType) and type_.tag == tag and type_.members is not None:
                    return type_
        return self.outer.record(kind, tag) if self.outer is not None else None

    def enum(self, tag: str) -> EnumType | None:
        """Return ``enum tag`` with its constants, or None."""
        for site in self.sites(tag, "enum"):
            for type_ in self._types(site):
                if isinstance(type_, EnumType) and type_.tag == tag and type_.members is not None:
                    return type_
        return self.outer.enum(tag) if self.outer is not None else None

    def enum_of(self, name: str) -> EnumType | None:
        """Return the enum that declares the constant *name*, or None."""
        for site in self.sites(name, "enumerator"):
            for type_ in self._types(site):
                if isinstance(type_, EnumType) and any(one.name == name for one in type_.members or ()):
                    return type_
        return self.outer.enum_of(name) if self.outer is not None else None

    def _types(self, site: Site) -> Iterator[Type]:
        for one in self.parsed(site):
            if isinstance(one, FunctionDef):
                yield from types_within(one.type)
            elif isinstance(one, Declaration):
                yield from types_within(one.type)
                for declared in one.declarators:
                    yield from types_within(declared.type)


def types_within(type_: Type) -> Iterator[Type]:
    """Yield *type_* and every type that is written inside it."""
    pending: list[Type] = [type_]
    while pending:
        one = pending.pop()
        yield one
        match one:
            case RecordType(members=members) if members is not None:
                pending.extend(member.type for member in reversed(members))
            case PointerType(to=inner) | ArrayType(of=inner):
                pending.append(inner)
            case FunctionType(ret=ret, params=params):
                pending.append(ret)
                pending.extend(param.type for param in params)
            case _:
                pass
