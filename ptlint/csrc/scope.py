"""Names of one translation unit: found by their text, expanded and parsed when somebody asks."""

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

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
from ptlint.csrc.cparse import Names, parse_expression, parse_external
from ptlint.csrc.datamodel import Constants, DataModel
from ptlint.csrc.directives import FileScan
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item
from ptlint.csrc.items import items_of
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.macros import expand
from ptlint.csrc.made import MadeNames
from ptlint.csrc.outermost import files_declaring, files_with_function, files_with_typedef, outer_words
from ptlint.csrc.recall import Asking, recalled
from ptlint.csrc.segments import files_holding, words_of
from ptlint.csrc.site import NOTHING, Site, definitions_within
from ptlint.csrc.tokens import Token, tokenize
from ptlint.csrc.unit import MacroState, Unit

__all__ = ["NOTHING", "Scope", "Site", "types_within"]

MAX_ITEM_BYTES = 1 << 18

_T = TypeVar("_T")

_IDENTIFIERS = frozenset({"ordinary", "typedef", "enumerator", "function"})
"""What a name that is no tag may be declared as."""

_FILES: dict[tuple[str, ...], Callable[[str], list[int]]] = {
    ("function",): files_with_function,
    ("typedef",): files_with_typedef,
}
"""What knows the files that may declare a name as one thing only."""


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
        self._typedefs: dict[str, bool] = {}
        self._files: list[FileScan] = []
        self._places: dict[int, list[int]] = {}
        self._written: dict[tuple[str, Callable[[str], list[int]]], list[Site]] = {}
        self._words_known: set[str] = set()
        self._made = MadeNames(self)
        self._parsed: dict[tuple[int, int, Container[str]], tuple[External, ...]] = {}
        self._states: dict[tuple[int, int], MacroState] = {}
        self._enums: dict[str, EnumType | None] = {}
        self._aliased: dict[str, Type | None] = {}

    # --- macros and expressions ---------------------------------------------------------------------------------

    def macro(self, name: str) -> Macro | None:
        """Return macro *name* as it is at the end of the unit, or None."""
        return self._end.lookup(name)

    def macro_line(self, name: str) -> Span | None:
        """Return the place of the ``#define`` that is in force at the end of the unit."""
        ref = self.unit.table.get(name)
        return None if ref is None else Span(ref.path, self.unit.line_of(ref))

    def expression(self, text: str, keep: Container[str] = NOTHING) -> Expr:
        """Return the expression *text*, its macros as they are at the end of the unit. Raises CSourceError."""

        def parse(asking: Asking) -> Expr:
            return parse_expression(expand(tokenize(text, "<expression>"), asking, keep), asking, asking)

        found: Expr = recalled(("expression", text, keep), self._end, self.is_typedef, self.model, parse)
        return found

    # --- where names stand --------------------------------------------------------------------------------------

    def sites(self, name: str, *wanted: str) -> list[Site]:
        """Return where *name* may be declared in this unit as one of *wanted* (as anything), in the order of its text.

        *wanted* are the words of ``ItemIndex.names``.
        """
        return list(self.each_site(name, *wanted))

    def each_site(self, name: str, *wanted: str) -> Iterator[Site]:
        """Yield the sites of *name*, those that macros make as they are asked for: macros are expanded to find them.

        Macros may bring the body of a function that the text declares; else an identifier is what the text, or a macro
        of that name, makes it.
        """
        found = self.written(name, *wanted)
        if found:
            yield from found
        elif not wanted or not self._is_settled(name, wanted):
            yield from self._made.sites(name, wanted)

    def _is_settled(self, name: str, wanted: tuple[str, ...]) -> bool:
        """Return whether *name* can be none of *wanted*: a macro that is called, or declared as something else."""
        if not _IDENTIFIERS.issuperset(wanted):
            return False
        macro = self._end.lookup(name)
        if macro is not None and macro.params is not None:
            return True
        return "function" not in wanted and bool(self.written(name, *_IDENTIFIERS))

    def written(self, name: str, *wanted: str) -> list[Site]:
        """Return those of the sites that the text shows, not those that macros make."""
        self.files()  # makes their words known
        files = _FILES.get(wanted, files_declaring)
        key = (name, files)
        found = self._written.get(key)
        if found is None:
            found = self._written[key] = [
                Site(instance, what, number, instance.active.segments.line_of(offset))
                for instance in self.instances_of(files(name))
                for what, number, offset in items_of(instance).places(name)
            ]
        return [site for site in found if site.what in wanted] if wanted else found

    def instances_with(self, name: str, but: str) -> list[Instance]:
        """Return the files that hold the word *name*, but those below folder *but*, in the order they were read."""
        if but not in self._words_known:
            self._words_known.add(but)
            for scan in self.files():
                if not scan.path.startswith(but):
                    words_of(scan)
        return [one for one in self.instances_of(files_holding(name)) if not one.path.startswith(but)]

    def instances_of(self, files: Iterable[int]) -> list[Instance]:
        """Return the readings of the files with these numbers (of their scans), in the order they were read."""
        self.files()
        places = [place for file in files for place in self._places.get(file, ())]
        return [self.unit.instances[place] for place in sorted(places)]

    def files(self) -> list[FileScan]:
        """Return the files of the unit, each once, their outer words and calls known."""
        if not self._files:
            for place, instance in enumerate(self.unit.instances):
                held = self._places.setdefault(instance.scan.number, [])
                if not held:
                    outer_words(instance.scan)
                    self._files.append(instance.scan)
                held.append(place)
        return self._files

    # --- parsing ------------------------------------------------------------------------------------------------

    def expanded(
        self, instance: Instance, item: Item, keep: Container[str], used: set[str] | None = None
    ) -> list[Token]:
        """Return the expanded tokens of an item; a ``#define`` inside it counts from its line on."""
        text, line, column = self._text_of(instance, item)
        tokens = tokenize(text, instance.path, line, column)
        out: list[Token] = []
        start = 0
        for until in (*definitions_within(instance, item), None):
            end = start
            while end < len(tokens) and (until is None or tokens[end].line < until):
                end += 1
            if end > start:
                piece = tokens[start:end]

                def make(asking: Asking, piece: list[Token] = piece) -> tuple[list[Token], set[str]]:
                    inner: set[str] = set()
                    return expand(piece, asking, keep, used=inner), inner

                key = ("tokens", instance.path, line, column, text, start, end, keep)
                found, macros = recalled(key, self.state_at(instance, piece[0].line), self.is_typedef, self.model, make)
                out += found
                if used is not None:
                    used |= macros
            start = end
        return out

    def state_at(self, instance: Instance, line: int) -> MacroState:
        """Return the macros at a line; the same object for all lines between two directives."""
        before = bisect_right(instance.scan.directives, line, key=lambda one: one.line)
        key = (id(instance), before)
        if key not in self._states:
            self._states[key] = MacroState(self.unit, instance, line)
        return self._states[key]

    def parsed(self, site: Site, keep: Container[str] = NOTHING) -> tuple[External, ...]:
        """Return what the item at *site* declares; empty, and noted as not understood, when it cannot be read."""
        key = (id(site.instance), site.number, keep)
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = self._parse(site, keep)
        return found

    def _parse(self, site: Site, keep: Container[str]) -> tuple[External, ...]:
        item = items_of(site.instance).items[site.number]
        if item.end - item.start > MAX_ITEM_BYTES:
            self._fault(Span(site.instance.path, item.line), f"an item of more than {MAX_ITEM_BYTES} bytes")
            return ()
        try:
            return self.expanding(site.instance, item, "parsed", keep=keep, make=self._externals)
        except CSourceError as error:
            self._fault(Span(error.pos.path or site.instance.path, error.pos.line or item.line), error.what)
            return ()

    @staticmethod
    def _externals(tokens: list[Token], names: Names, model: Constants, used: set[str]) -> tuple[External, ...]:
        parsed = parse_external(tokens, names, model)
        macros = frozenset(used)
        return tuple(replace(one, macros=macros) if isinstance(one, FunctionDef) else one for one in parsed)

    def expanding(
        self,
        instance: Instance,
        item: Item,
        what: str,
        make: Callable[[list[Token], Names, Constants, set[str]], _T],
        keep: Container[str] = NOTHING,
    ) -> _T:
        """Return what *make* makes of the expanded tokens of an item, names and constants there, and the macros used.

        It is kept as *what* for all places where the item comes to the same. Raises what expansion and *make* raise.
        """
        text, line, column = self._text_of(instance, item)
        path = instance.path

        def made(asking: Asking) -> _T:
            used: set[str] = set()
            return make(expand(tokenize(text, path, line, column), asking, keep, used=used), asking, asking, used)

        if definitions_within(instance, item):
            used: set[str] = set()
            return make(self.expanded(instance, item, keep, used), self, self.model, used)
        key = (what, path, line, column, text, keep)
        found: _T = recalled(key, self.state_at(instance, line), self.is_typedef, self.model, made)
        return found

    @staticmethod
    def _text_of(instance: Instance, item: Item) -> tuple[str, int, int]:
        """Return the active text of an item, and the line and column where it begins."""
        text = instance.active_text()
        return text[item.start : item.end], item.line, item.start - text.rfind("\n", 0, item.start)

    def _fault(self, span: Span, what: str) -> None:
        if (span, what) not in self.not_understood:
            self.not_understood.append((span, what))

    # --- names by what they are ---------------------------------------------------------------------------------

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name at file scope."""
        known = self._typedefs.get(name)
        if known is None:
            self.files()  # makes their words known
            candidates = self.instances_of(files_with_typedef(name))
            known = self._typedefs[name] = any(
                what == "typedef" for one in candidates for what, _, _ in items_of(one).places(name)
            )
        return known or (self.outer is not None and self.outer.is_typedef(name))

    def function_here(self, name: str, keep: Container[str] = NOTHING) -> FunctionDef | None:
        """Return the definition of function *name* in this unit, or None."""
        for site in self.each_site(name, "function"):
            for one in self.parsed(site, keep):
                if isinstance(one, FunctionDef) and one.name == name:
                    return one
        return None

    def declarator(self, name: str) -> tuple[Declaration, Declarator] | None:
        """Return the declaration of object, function or typedef *name*: one with an initialiser if there is one."""
        first: tuple[Declaration, Declarator] | None = None
        for site in self.each_site(name, "ordinary", "typedef"):
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
        if name not in self._aliased:
            self._aliased[name] = self._typedef(name)
        found = self._aliased[name]
        return self.outer.typedef(name) if found is None and self.outer is not None else found

    def _typedef(self, name: str) -> Type | None:
        for site in self.each_site(name, "typedef"):
            for one in self.parsed(site):
                if isinstance(one, Declaration) and "typedef" in one.storage:
                    for declared in one.declarators:
                        if declared.name == name:
                            return declared.type
        return None

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
        for site in self.each_site(tag, kind):
            for type_ in self._types(site):
                if isinstance(type_, RecordType) and type_.tag == tag and type_.members is not None:
                    return type_
        return self.outer.record(kind, tag) if self.outer is not None else None

    def enum(self, tag: str) -> EnumType | None:
        """Return ``enum tag`` with its constants, or None."""
        for site in self.each_site(tag, "enum"):
            for type_ in self._types(site):
                if isinstance(type_, EnumType) and type_.tag == tag and type_.members is not None:
                    return type_
        return self.outer.enum(tag) if self.outer is not None else None

    def enum_of(self, name: str) -> EnumType | None:
        """Return the enum that declares the constant *name*, or None."""
        if name not in self._enums:
            found = self._enum_with(name)
            self._enums[name] = self.outer.enum_of(name) if found is None and self.outer is not None else found
        return self._enums[name]

    def _enum_with(self, name: str) -> EnumType | None:
        for site in self.each_site(name, "enumerator"):
            for type_ in self._types(site):
                if isinstance(type_, EnumType) and any(one.name == name for one in type_.members or ()):
                    return type_
        return None

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
