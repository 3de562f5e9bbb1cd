"""Hooks that an architecture has to give and does not: what its entries need, the generic body does not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeGuard

from ptlint.calls.graph import function_in
from ptlint.core.span import Span
from ptlint.csrc.ast import (
    Asm,
    Assign,
    Call,
    Declaration,
    For,
    FunctionDef,
    IncDec,
    Index,
    MemberAccess,
    Name,
    PointerType,
    TypedefName,
    Unary,
    While,
)
from ptlint.csrc.nodes import nodes
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import Universe
from ptlint.passes.functions import Book
from ptlint.passes.overriding import Hook, Hooks, Misgiven, hooks_in
from ptlint.sim.program import hardware_data

MAX_DEPTH = 2  # calls that hand the entry on, when loops over entries are looked for
_ATOMIC = re.compile(
    r"(?:arch_|raw_|__)*(?:sync_)?(?:try_)?(?:cmp)?xchg\w*|\w*test_and_(?:set|clear|change)_bit\w*|"
    r"(?:arch_|raw_)*atomic\w*_(?:and|or|xor|andnot|add|sub|fetch_\w+|xchg\w*|cmpxchg\w*|try_cmpxchg\w*)"
)
MAX_REACH = 60  # functions that are looked through for an atomic step
MIN_SIBLINGS = 2  # overrides of a family that take several entries for one


def not_given(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield hook *name* when an entry of *profile* is several in a row, and the generic body looks at the first alone.

    That is so where siblings (hooks of the same generic header) of the architecture step through entries although they
    are given one and no number, and hardware sets accessed and dirty in any of them.
    """
    hook = hooks.get(profile, name)
    body = _body(hook)
    if hook.is_overridden or body is None or not _takes_one_entry(body):
        return
    yield from _torn(hook, profile, body)
    if not _sets_bits(profile):
        return
    home = body.pos.path
    if home.startswith("arch/") or not _touches_directly(hooks, profile, body) or not _looks(hook.universe, body):
        return
    siblings = [one for one in _siblings(hooks, profile, hook, home) if _steps(one.universe, one.name)]
    if len(siblings) >= MIN_SIBLINGS:
        first = siblings[0].definition
        places = [(first.prototype, f"{siblings[0].name}() of {profile.arch} steps through entries")] if first else []
        message = (
            f"{profile.arch} has no {name}() of its own: the generic one looks at one entry, and "
            f"{siblings[0].name}() and {siblings[1].name}() take several for one"
        )
        place = siblings[0].definition.prototype if siblings[0].definition is not None else Span(home, body.pos.line)
        related = ((Span(home, body.pos.line), f"the generic {name}()"), *places)
        yield Misgiven(name, profile.name, place, message, "several", related)


def _torn(hook: Hook, profile: Profile, body: FunctionDef) -> Iterator[Misgiven]:
    """Yield a generic body that reads or writes at once an entry that is too wide for one access."""
    universe = hook.universe
    size = universe.types.resolve(TypedefName("pte_t")).size if universe.is_typedef("pte_t") else 0
    if size <= 2 * universe.model.long_size or body.pos.path.startswith("arch/"):
        return
    entries = _entries(body, ("pte_t",))
    for node in nodes(body.body):
        if isinstance(node, Unary) and node.op == "*" and _is_name(node.operand) and node.operand.name in entries:
            span = Span(body.pos.path, body.pos.line)
            message = f"{profile.arch} has no {hook.name}() of its own: the generic one accesses {size} bytes at once"
            yield Misgiven(hook.name, profile.name, span, message, "torn")
            return


def taken_away(
    books: tuple[Book, Book], profile: Profile, name: str, losing: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Misgiven]:
    """Yield hook *name* when a patch takes an override away that did what the generic body does not.

    *losing* are the helpers, by profile, that lose in a run what the MMU sets meanwhile, and did not before.
    """
    before, after = (hooks_in(book) for book in books)
    old, new = before.get(profile, name), after.get(profile, name)
    if not old.is_overridden or new.definition is None or new.is_overridden or old.definition is None:
        return
    if any(one.is_arch and one.shape != "macro" for one in new.givers):
        return  # it is there, and does not win (PT303), or not under this configuration (PT307)
    former, body = _body(old), _body(new)
    if former is None or body is None:
        return
    loses = (profile.name, name) in losing
    reason = _lost(old, new, former, body, profile, loses) or _lost_step(before, after, profile, old, new, former)
    if reason:
        message = f"{profile.arch} runs the generic {name}() from here on: {reason}"
        generic = Span(body.pos.path, body.pos.line)
        yield Misgiven(name, profile.name, generic, message, "away", ((generic, f"the generic {name}()"),))


def _lost(old: Hook, new: Hook, former: FunctionDef, body: FunctionDef, profile: Profile, loses: bool) -> str:
    if _takes_one_entry(former) and _steps(old.universe, former.name) and not _steps(new.universe, body.name, "", 1):
        return "it looks at one entry where the one that goes stepped through several"
    if not _sets_bits(profile):
        return ""
    was_atomic = _is_atomic(old.universe, former)
    if was_atomic and (loses or (not _is_atomic(new.universe, body) and _writes(new.universe, body))):
        return "what hardware sets between its read and its write is lost, and the one that goes was atomic"
    return ""


def _lost_step(before: Hooks, after: Hooks, profile: Profile, old: Hook, new: Hook, former: FunctionDef) -> str:
    """Return in words which step on the entry the siblings of *old* still make and the generic body does not."""
    own = _handed_on(former)
    reached = _reached(new.universe, new.definition.function) if new.definition is not None else frozenset()
    siblings = [
        body
        for name in after.names(profile)
        if name != old.name and (sibling := after.get(profile, name)).is_overridden
        for body in [_body(sibling)]
        if body is not None and _takes_one_entry(body)
    ]
    for step in own:
        sharing = [one.name for one in siblings if step in _handed_on(one)]
        place = old.universe.site_of(step)
        if len(sharing) < MIN_SIBLINGS or step in reached or place is None or old.universe.macro(step) is not None:
            continue
        if place.instance.path.startswith("arch/"):
            return f"it does not call {step}(), as {sharing[0]}() and {sharing[1]}() do"
    return ""


def _sets_bits(profile: Profile) -> bool:
    """Return whether the hardware of *profile* sets accessed or dirty in entries."""
    hardware = hardware_data(profile)
    return any(hardware.get(key) for key in ("accessed", "dirty_set", "dirty_clear"))


# --- what a body does -----------------------------------------------------------------------------------------------


def _body(hook: Hook) -> FunctionDef | None:
    definition = hook.definition
    if definition is None or definition.definition is None or definition.shape == "macro":
        return None
    return hook.universe.function(definition.function)


_LEVELS = ("pte_t", "pmd_t", "pud_t")


def _entries(function: FunctionDef, levels: tuple[str, ...] = _LEVELS) -> tuple[str, ...]:
    """Return the parameters that point to an entry of one of *levels*."""
    return tuple(
        param.name
        for param in function.type.params
        if param.name and isinstance(param.type, PointerType) and isinstance(param.type.to, TypedefName)
        if param.type.to.name in levels
    )


def _takes_one_entry(function: FunctionDef) -> bool:
    """Return whether a function is given one entry, and no number of entries or end of a range."""
    names = {param.name or "" for param in function.type.params}
    return len(_entries(function)) == 1 and not any(name in ("nr", "end") or name.startswith("nr_") for name in names)


def _looks(universe: Universe, function: FunctionDef) -> bool:
    """Return whether *function*, or who gets the entry from it, reads or writes what the pointer leads to."""
    for body in _with_entry(universe, function):
        pointers = _entries(body)
        for node in nodes(body.body):
            inner = node.operand if isinstance(node, Unary) and node.op == "*" else None
            inner = node.base if isinstance(node, Index) or (isinstance(node, MemberAccess) and node.arrow) else inner
            if isinstance(inner, Name) and inner.name in pointers:
                return True
    return False


def _steps(universe: Universe, name: str, path: str = "", depth: int = 0) -> bool:
    """Return whether *name* walks over entries from the one that it is given, itself or by whom it hands it to."""
    function = function_in(universe, name, path)
    if function is None or not _entries(function):
        return False
    pointers = {_entries(function)[0]}
    for node in nodes(function.body):
        if isinstance(node, Declaration):
            pointers.update(
                one.name for one in node.declarators if isinstance(one.init, Name) and one.init.name in pointers
            )
    for loop in (node for node in nodes(function.body) if isinstance(node, For | While)):
        for node in nodes(loop):
            target = node.operand if isinstance(node, IncDec) else node.target if isinstance(node, Assign) else None
            base = node.base if isinstance(node, Index) else target
            if isinstance(base, Name) and base.name in pointers and (not isinstance(node, Assign) or node.op == "+"):
                return True
    if depth >= MAX_DEPTH:
        return False
    return any(_steps(universe, callee, function.pos.path, depth + 1) for callee in _handed_on(function))


def _handed_on(function: FunctionDef) -> tuple[str, ...]:
    """Return the functions that get the entry pointer of *function* as it is."""
    entries = set(_entries(function))
    found = [
        node.function.name
        for node in nodes(function.body)
        if isinstance(node, Call) and isinstance(node.function, Name)
        if any(isinstance(arg, Name) and arg.name in entries for arg in node.args)
    ]
    return tuple(dict.fromkeys(found))


def _siblings(hooks: Hooks, profile: Profile, hook: Hook, home: str) -> Iterator[Hook]:
    """Yield the hooks of the generic header *home* that the architecture gives and that take one entry."""
    for name in hooks.names(profile):
        other = hooks.get(profile, name) if name != hook.name else hook
        if other.is_overridden and any(one.span.path == home for one in other.generic):
            body = _body(other)
            if body is not None and _takes_one_entry(body):
                yield other


def _touches_directly(hooks: Hooks, profile: Profile, body: FunctionDef) -> bool:
    """Return whether a generic body reads its entry by generic means alone, through no override that knows better."""
    known = hooks.names(profile)
    handed = _handed_on(body)
    overridden = [name for name in handed if name in known and hooks.get(profile, name).is_overridden]
    return bool(handed) and not overridden and not any(_is_arch(hooks.universe(profile), name) for name in handed)


def _is_arch(universe: Universe, name: str) -> bool:
    site = universe.site_of(name)
    return site is not None and site.instance.path.startswith("arch/")


def _reached(universe: Universe, name: str) -> frozenset[str]:
    """Return the functions that a call of *name* may lead to, up to a bound."""
    return frozenset(function for function, _ in _walk(universe, name))


def _walk(universe: Universe, name: str) -> Iterator[tuple[str, FunctionDef | None]]:
    pending, seen = [(name, "")], {name}
    while pending and len(seen) < MAX_REACH:
        current, path = pending.pop(0)
        function = function_in(universe, current, path)
        yield current, function
        for node in nodes(function.body) if function is not None else ():
            if isinstance(node, Call) and isinstance(node.function, Name) and node.function.name not in seen:
                seen.add(node.function.name)
                pending.append((node.function.name, function.pos.path if function is not None else ""))


def _is_atomic(universe: Universe, function: FunctionDef) -> bool:
    """Return whether *function* changes its entry in one step: by a primitive, or by assembly of the architecture.

    Only who gets the entry's address is looked at: counters that are kept on the way change atomically too.
    """
    for body in _with_entry(universe, function):
        names = [node.function.name for node in nodes(body.body) if isinstance(node, Call) and _is_name(node.function)]
        if any(_ATOMIC.fullmatch(one) for one in (*names, *body.macros)):
            return True
        if any(isinstance(node, Asm) and node.outputs for node in nodes(body.body)):
            return True
    return False


def _is_name(node: object) -> TypeGuard[Name]:
    return isinstance(node, Name)


def _with_entry(universe: Universe, function: FunctionDef) -> Iterator[FunctionDef]:
    """Yield *function* and those that get the address of its entry from it, however it is spelled, up to a bound."""
    pending, seen = [(function, frozenset(_entries(function)))], {function.name}
    while pending and len(seen) < MAX_REACH:
        current, pointers = pending.pop(0)
        yield current
        for node in nodes(current.body):
            if not isinstance(node, Call) or not isinstance(node.function, Name) or node.function.name in seen:
                continue
            at = [n for n, arg in enumerate(node.args) if any(_is_name(x) and x.name in pointers for x in nodes(arg))]
            callee = function_in(universe, node.function.name, current.pos.path) if at else None
            if callee is not None:
                seen.add(node.function.name)
                params = callee.type.params
                handed = [params[n] for n in at if n < len(params)]
                names = frozenset(one.name for one in handed if one.name and isinstance(one.type, PointerType))
                pending += [(callee, names)] if names else []


def _writes(universe: Universe, function: FunctionDef) -> bool:
    """Return whether *function* stores to its entry: itself, or by the words of the functions that it calls."""
    entries = set(_entries(function))
    stores = (node.target for node in nodes(function.body) if isinstance(node, Assign) and not _is_name(node.target))
    if any(_is_name(one) and one.name in entries for target in stores for one in nodes(target)):
        return True
    words = {word for name in _reached(universe, function.name) for word in name.split("_")}
    return bool(words & {"set", "clear"})
