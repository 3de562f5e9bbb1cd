"""Which definition of a name is effective in a universe, and how it is given."""

import re

from ptlint.calls.facts import Definition
from ptlint.core.span import Span
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.scope import Site
from ptlint.csrc.universe import MAX_ALIASES, Universe
from ptlint.csrc.words import words_at

_PARAMETERS = re.compile(r"\s*\)?\s*\(")


def locate(universe: Universe, name: str) -> Definition | None:
    """Return the effective definition of *name* without parsing any body, None when nothing declares it."""
    macro = universe.macro(name)
    if macro is None or _is_identity(macro, name):
        return _function(universe, name)
    place = universe.headers.macro_line(name)
    if place is None or not place.line:
        return None
    as_macro = Definition(name, _kind(place), "macro", place, place, body=_body(macro))
    via = _aliases(universe, name)
    if not via:
        return as_macro
    target = _function(universe, via[-1])
    if target is None:  # another name for a value or a macro with arguments: the first one says what it is
        first = universe.headers.macro_line(via[0])
        return as_macro if first is None else Definition(name, _kind(place), "alias", first, place, via[:1], "macro")
    if _takes_nothing(universe, via[-1]):
        return as_macro
    return Definition(name, _kind(place), "alias", target.definition, place, via, target.shape)


def _aliases(universe: Universe, name: str) -> tuple[str, ...]:
    """Return the names that *name* leads through, one object-like macro after the other."""
    via: list[str] = []
    while len(via) < MAX_ALIASES:
        macro = universe.macro(name)
        if macro is None or macro.params is not None or _is_identity(macro, name):
            break
        body = macro.body
        if len(body) != 1 or body[0].kind != "id" or body[0].text in via:
            break
        if _is_predefined(universe, body[0].text):
            break
        name = body[0].text
        via.append(name)
    return tuple(via)


def _is_predefined(universe: Universe, name: str) -> bool:
    """Return whether the compiler or the configuration defines *name*: such a macro is a value."""
    place = universe.headers.macro_line(name)
    return place is not None and not place.line


def _is_identity(macro: Macro, name: str) -> bool:
    """Return whether the macro only says that the name is taken: ``#define f f``."""
    return macro.params is None and len(macro.body) == 1 and macro.body[0].text == name


def _takes_nothing(universe: Universe, name: str) -> bool:
    """Return whether function *name* has no parameters: a condition under another name, not a hook."""
    type_ = universe.prototype(name)
    return type_ is not None and not type_.params and not type_.variadic


def _function(universe: Universe, name: str) -> Definition | None:
    sites = [one for one in universe.headers.sites(name, "function", "ordinary") if _declares_function(one, name)]
    if not sites:
        return None
    first = min(enumerate(sites), key=lambda one: _when(universe, *one))[1].span
    body = next((site for site in sites if site.what == "function"), None)
    if body is not None:
        return Definition(name, _kind(body.span), "inline", body.span, first)
    definition = universe.source_span(name)
    return Definition(name, _kind(definition or first), "extern", definition, first)


def _when(universe: Universe, number: int, site: Site) -> tuple[int, int, int]:
    """Return when a reader of the whole unit comes by *site*: a header is read where it is included."""
    return site.instance.seq_at(site.line), -universe.unit.place_of(site.instance), number


def _declares_function(site: Site, name: str) -> bool:
    """Return whether the name at *site* is followed by parameters."""
    if site.what == "function":
        return True
    text, start = site.instance.active_text(), site.instance.active.segments.begins[site.line - 1]
    return any(_PARAMETERS.match(text, at + len(name)) for at in words_at(text, name, start))


def _kind(span: Span) -> str:
    return "arch" if span.path.startswith("arch/") else "generic"


def _body(macro: Macro) -> str:
    return " ".join(macro.text.replace("\\\n", " ").split())
