"""The call model: for each name and profile its effective definition, why, what it calls and what it uses."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ptlint.calls.callers import callers_of
from ptlint.calls.definition import locate
from ptlint.calls.facts import Call, Definition, ProfileModel, Row
from ptlint.calls.graph import callees, used_parameters
from ptlint.calls.guards import guard_of, reasons
from ptlint.calls.hooks import kernel_only, page_table_names
from ptlint.calls.signatures import signature_of
from ptlint.core.span import Span
from ptlint.csrc.universe import Universe


def profile_model(universe: Universe, names: Sequence[str] = (), callers: bool = False) -> ProfileModel:
    """Return the rows of one universe; names that it does not have are left out.

    *callers* asks for who calls each name. Without names, bodies are read only of what generic headers give under a
    conditional; the other rows have no calls and uses. Of very many the rest is told as not understood.
    """
    rows: dict[str, Row] = {}
    wanted = names or page_table_names(universe)
    with_bodies = frozenset(names or kernel_only(universe))
    most = MOST_NAMES if names else MOST_WITHOUT_BODIES
    for name in wanted[:most]:
        definition = locate(universe, name)
        if definition is not None:
            rows[name] = row(universe, definition, name in with_bodies)
            if callers:
                rows[name] = replace(rows[name], callers=callers_of(universe, name))
    not_understood = (*universe.not_understood, *_beyond(universe, wanted, most))
    return ProfileModel(universe.profile.name, universe.profile.arch, rows, not_understood)


MOST_NAMES = 1_000
"""Names of one profile that are looked at: the kernel has 450 that can be overridden."""

MOST_WITHOUT_BODIES = 2_000
"""Page-table names of one profile that are looked at where most bodies are left aside: the kernel has 1,100."""


def _beyond(universe: Universe, names: Sequence[str], most: int) -> Iterator[tuple[Span, str]]:
    for name in names[most : most + 1]:
        definition = locate(universe, name)
        place = Span("", 1) if definition is None else definition.prototype
        what = f"{len(names)} page-table names are more than the {most} that are looked at: {name} and later ones"
        yield place, f"{what} in the alphabet were not"


def row(universe: Universe, definition: Definition, bodies: bool = True) -> Row:
    """Return all there is to say of one definition; without *bodies* neither calls, parameters, uses nor reasons."""
    guard = guard_of(universe, definition)
    calls: tuple[Call, ...] = ()
    parameters: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    has_function = bodies and definition.definition is not None and not _is_only_macro(universe, definition)
    function = universe.function(definition.function) if has_function else None
    signature = ""
    if function is not None:
        signature = signature_of(universe, function.type)
        calls = tuple(Call(one.name, one.through) for one in callees(universe, function))
        parameters = tuple(param.name or "" for param in function.type.params)
        uses = used_parameters(universe, definition.function)
    elif bodies and definition.body:
        calls = _macro_calls(universe, definition)
    why = reasons(universe, definition, guard) if bodies else ()
    return Row(definition, (guard.macro or guard.text) if guard else "", calls, parameters, uses, why, signature)


def _is_only_macro(universe: Universe, definition: Definition) -> bool:
    """Return whether a call expands a macro with parameters, and leads to no function of the same name."""
    if "macro" not in (definition.shape, definition.target_shape):
        return False
    macro = universe.macro(definition.function)
    return macro is not None and macro.params is not None and definition.function not in macro.pieces


def _macro_calls(universe: Universe, definition: Definition) -> tuple[Call, ...]:
    """Return the names that stand before a bracket in the body of a macro."""
    macro = universe.macro(definition.name)
    body = macro.body if macro is not None else ()
    names = [one.text for one, following in pairwise(body) if one.kind == "id" and following.text == "("]
    params = set(macro.parameters) if macro is not None else set()
    return tuple(Call(name) for name in dict.fromkeys(names) if name not in params and name not in _KEYWORDS)


_KEYWORDS = frozenset(
    ["if", "while", "for", "switch", "sizeof", "typeof", "__typeof__", "defined", "return", "__attribute__"]
)
