"""Declarations of a hook that do not agree: the architecture's, its body's, the generic one's, and calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.calls.givers import Giver
from ptlint.calls.signatures import disagreement
from ptlint.core.span import Span
from ptlint.csrc.ast import Pos
from ptlint.csrc.profile import Profile
from ptlint.passes.functions import Book, View, functions_around
from ptlint.passes.overriding import Hook, Hooks, Misgiven, hooks_in
from ptlint.passes.wording import called, calls_in


def drifted(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield where the architecture of *profile* declares or defines *name* otherwise than generic code does."""
    hook = hooks.get(profile, name)
    own = hook.arch
    if not own:
        return
    for one in own:
        generic = _nearest(hook, one)
        what = disagreement(hook.universe, one, generic) if generic is not None else ""
        if what and generic is not None:
            related = ((generic.span, f"the generic {name}()"),)
            yield Misgiven(name, profile.name, one.span, f"{name}() {what}", f"generic {what}", related)
    yield from _body(hook, profile)


def _nearest(hook: Hook, own: Giver) -> Giver | None:
    """Return the generic declaration to compare with: one that agrees if there is one, else a body before others."""
    generic = sorted(hook.generic, key=lambda one: (one.shape != "function", not one.active))
    agreeing = [one for one in generic if not disagreement(hook.universe, own, one)]
    return next(iter(agreeing or generic), None)


def _body(hook: Hook, profile: Profile) -> Iterator[Misgiven]:
    """Yield the body in a ``.c`` file that is not what the architecture's header declares."""
    prototypes = [one for one in hook.arch if one.shape == "prototype"]
    for body in (one for one in hook.arch if one.shape == "function" and one.order is None):
        for prototype in prototypes:
            what = disagreement(hook.universe, body, prototype)
            if what:
                related = ((prototype.span, "the prototype that callers see"),)
                message = f"{hook.name}() {what.replace('the other one', 'its prototype')}"
                yield Misgiven(hook.name, profile.name, body.span, message, f"prototype {what}", related)


def contract_of(hooks: Hooks, profile: Profile, name: str) -> Giver | None:
    """Return the generic declaration of *name*: a body before a prototype, what is in force before what is not."""
    generic = sorted(hooks.get(profile, name).generic, key=lambda one: (one.shape == "prototype", not one.active))
    return generic[0] if generic else None


def has_new_contract(books: tuple[Book, Book], profile: Profile, name: str) -> str:
    """Return in words what the generic *name* takes or returns otherwise than before the patch, ``""`` for nothing."""
    old, new = (contract_of(hooks_in(book), profile, name) for book in books)
    if old is None or new is None:
        return ""
    return disagreement(hooks_in(books[1]).universe(profile), new, old)


def left_behind(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield what still has the former contract of *name*: its overrides, and calls with another number of arguments."""
    generic = contract_of(hooks, profile, name)
    if generic is None:
        return
    for fault in drifted(hooks, profile, name):
        if fault.key.startswith("generic"):
            related = ((fault.span, f"{profile.arch} still has the former contract"),)
            message = f"the contract of {name}() changes, and {profile.arch}'s {fault.message}"
            yield Misgiven(name, profile.name, generic.span, message, fault.key, related)
    if generic.params is None or (generic.type is not None and generic.type.variadic):
        return
    for view in _callers(hooks, profile, name):
        for call in calls_in(view.definition.body):
            if called(call) == name and len(call.args) != generic.params:
                message = f"the contract of {name}() changes, and {view.name}() still passes {len(call.args)} arguments"
                related = ((Span(view.path, call.pos.line, call.pos.column), "this call is left as it was"),)
                yield Misgiven(name, profile.name, generic.span, message, f"call {view.path} {view.name}", related)


def _callers(hooks: Hooks, profile: Profile, name: str) -> Iterator[View]:
    """Yield the functions of files that the profile builds whose text calls *name*."""
    universe, word = hooks.universe(profile), re.compile(rf"\b{re.escape(name)}\s*\(")
    for path in universe.c_files():
        text = universe.text_of(path)
        for function in functions_around(text, word) if word.search(text) else ():
            view = hooks.book.view(path, function) if function != name else None
            if view is not None:
                yield view


def wrong_calls(view: View, hooks: Hooks, profile: Profile) -> Iterator[tuple[str, Pos, int, Giver]]:
    """Yield the calls in *view* that pass another number of arguments than the hook takes.

    Name, place, number, and the hook as generic code has it. A function that stands in for the tree's was written for
    another tree: what differs there says nothing of the patch.
    """
    if view.name in view.book.overrides:
        return
    calls = [(called(call), call) for call in calls_in(view.definition.body)]
    known = hooks.named(profile, frozenset(name for name, _ in calls if name is not None))
    for name, call in calls:
        generic = contract_of(hooks, profile, name) if name in known else None
        if generic is None or generic.params is None or generic.type is None or generic.type.variadic:
            continue
        if len(call.args) != generic.params:
            yield name, call.pos, len(call.args), generic
