"""Every place that gives a name, in force or not: the generic body, an architecture's, their prototypes and macros."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.calls.guards import Guard, enclosing
from ptlint.calls.tablenames import raw_items
from ptlint.core.span import Span
from ptlint.csrc.ast import Declaration, FunctionDef, FunctionType
from ptlint.csrc.cparse import parse_external
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.instance import Instance
from ptlint.csrc.items import items_of
from ptlint.csrc.macrodefs import define_from
from ptlint.csrc.macros import expand
from ptlint.csrc.scope import Site
from ptlint.csrc.segments import words_of
from ptlint.csrc.sources import linkage
from ptlint.csrc.tokens import tokenize
from ptlint.csrc.unit import MacroState
from ptlint.csrc.universe import Universe

MAX_GIVERS = 64


@dataclass(frozen=True, slots=True)
class Giver:
    """One place that gives a name.

    ``shape`` is ``function`` (has a body), ``prototype`` or ``macro``; ``linkage`` is ``strong``, ``weak`` or
    ``static``, empty for a macro. ``active`` tells whether the preprocessor lets it through; ``guards`` are the
    conditionals around it, outermost first. ``type`` is None for a macro and for what cannot be read; ``params`` is the
    number of parameters, None for an object-like macro. ``text`` is the item without white space at its ends. ``order``
    is smaller for what the compiler reads earlier, None in a ``.c`` file.
    """

    name: str
    span: Span
    shape: str
    linkage: str
    active: bool
    guards: tuple[Guard, ...]
    type: FunctionType | None
    params: int | None
    text: str
    order: tuple[int, int, int] | None = None

    @property
    def is_arch(self) -> bool:
        """Return whether an architecture's folder holds it."""
        return self.span.path.startswith("arch/")


def givers(universe: Universe, name: str) -> tuple[Giver, ...]:
    """Return the places in the headers that were read, and in built ``.c`` files, that give *name*."""
    found: dict[tuple[str, int, str], Giver] = {}
    for instance in universe.unit.instances:
        if name in words_of(instance.scan):
            for one in (*_active(universe, instance, name), *_inactive(universe, instance, name)):
                key = (one.span.path, one.span.line, one.shape)
                if key not in found or (one.active and not found[key].active):
                    found[key] = one
        if len(found) > MAX_GIVERS:
            break
    for one in _sources(universe, name):
        found.setdefault((one.span.path, one.span.line, one.shape), one)
    return tuple(found.values())


def _order(universe: Universe, instance: Instance, line: int) -> tuple[int, int, int] | None:
    if instance.path.endswith(".c"):
        return None
    return instance.seq_at(line), -universe.unit.place_of(instance), line


def _active(universe: Universe, instance: Instance, name: str) -> Iterator[Giver]:
    for what, number, offset in items_of(instance).places(name):
        if what in ("function", "ordinary"):
            line = instance.scan.text.count("\n", 0, offset) + 1
            site = Site(instance, what, number, line)
            type_ = _declared(universe.headers.parsed(site, frozenset({name})), name)
            if type_ is not None:
                yield _from_site(universe, site, name, type_)
    yield from (one for one in _macros(universe, instance, name) if one.active)


def _from_site(universe: Universe, site: Site, name: str, type_: FunctionType) -> Giver:
    item = items_of(site.instance).items[site.number]
    text = site.instance.active_text()[item.start : item.end]
    shape = "function" if site.what == "function" else "prototype"
    return Giver(
        name=name,
        span=Span(site.instance.path, site.line),
        shape=shape,
        linkage=linkage(text.split("{", 1)[0]),
        active=True,
        guards=enclosing(site.instance.scan, site.line),
        type=type_,
        params=len(type_.params),
        text=text.strip(),
        order=_order(universe, site.instance, site.line),
    )


def _macros(universe: Universe, instance: Instance, name: str) -> Iterator[Giver]:
    scan = instance.scan
    reached = {start for start, _ in instance.blanks()}
    for index, one in enumerate(scan.directives):
        if one.kind != "define" or name not in one.text:
            continue
        try:
            macro = define_from(scan.argument(index), scan.path, one.line)
        except CSourceError:
            continue
        if macro.name != name or (macro.params is None and [token.text for token in macro.body] in ([name], [])):
            continue  # a macro that only says that the name is taken gives nothing
        yield Giver(
            name=name,
            span=Span(scan.path, one.line),
            shape="macro",
            linkage="",
            active=one.start in reached,
            guards=enclosing(scan, one.line),
            type=None,
            params=None if macro.params is None else len(macro.params),
            text=" ".join(scan.argument(index).split()),
            order=_order(universe, instance, one.line),
        )


def _inactive(universe: Universe, instance: Instance, name: str) -> Iterator[Giver]:
    scan = instance.scan
    text, index = raw_items(scan)
    for what, number, offset in index.names.get(name, ()):
        if what not in ("function", "ordinary"):
            continue
        item = index.items[number]
        head = text[item.start : item.end].split("{", 1)[0].rstrip().rstrip(";")
        type_ = _type_of(universe, head, name, scan.path, item.line)
        if type_ is None:
            continue
        line = text.count("\n", 0, offset) + 1
        yield Giver(
            name=name,
            span=Span(scan.path, line),
            shape="function" if what == "function" else "prototype",
            linkage=linkage(head),
            active=False,
            guards=enclosing(scan, line),
            type=type_,
            params=len(type_.params),
            text=scan.text[item.start : item.end].strip(),
        )
    yield from (one for one in _macros(universe, instance, name) if not one.active)


def _type_of(universe: Universe, head: str, name: str, path: str, line: int) -> FunctionType | None:
    """Return the type that the *head* of a definition declares, in the terms of this universe; None for no function."""
    keep = frozenset({name})
    try:
        tokens = expand(tokenize(head + ";", path, line), MacroState(universe.unit), keep)
        return _declared(tuple(parse_external(tokens, universe.headers, universe.model)), name)
    except CSourceError:
        return None


def _declared(parsed: tuple[object, ...], name: str) -> FunctionType | None:
    for one in parsed:
        if isinstance(one, FunctionDef) and one.name == name:
            return one.type
        if isinstance(one, Declaration) and "typedef" not in one.storage:
            for declared in one.declarators:
                if declared.name == name and isinstance(declared.type, FunctionType):
                    return declared.type
    return None


def _sources(universe: Universe, name: str) -> Iterator[Giver]:
    for path in universe.defining_files(name):
        view = universe.in_file(path)
        for site in view.sites(name, "function"):
            if site.instance.path == path:
                type_ = _declared(view.parsed(site, frozenset({name})), name)
                if type_ is not None:
                    yield _from_site(universe, site, name, type_)
