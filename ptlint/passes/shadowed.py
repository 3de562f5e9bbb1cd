"""Definitions of an architecture that never win: what generic code gives is in force beside them, or instead."""

from __future__ import annotations

from collections.abc import Iterator

from ptlint.calls.givers import Giver
from ptlint.core.span import Span
from ptlint.csrc.profile import Profile
from ptlint.csrc.segments import words_of
from ptlint.csrc.universe import Universe
from ptlint.passes.overriding import Books, Hook, Hooks, Misgiven, hooks_in

_SIMILAR = 2  # letters that a misspelt guard may differ in


def shadowed(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield the definitions of hook *name* by the architecture of *profile* that generic code does not give way to."""
    hook = hooks.get(profile, name)
    winner = next((pair for pair in _beside(hook)), None)
    if winner is not None:
        own, generic = winner
        guard = _guard_of(generic)
        what = (
            f"the generic one is in force as well: {guard} is not defined before it"
            if guard
            else "so is generic code's"
        )
        related = [(generic.span, f"the generic {name}()")]
        near = _near_miss(hook, guard)
        if near is not None:
            related.append((near[1], f"{near[0]} is defined, and nothing asks for it"))
        message = f"this {name}() never takes effect: {what}"
        yield Misgiven(name, profile.name, own.span, message, f"beside {own.span.path}", tuple(related), _help(guard))
    elif is_announced(hook) and not _given_besides(hooks, profile, hook):
        guard, place = announcement(hook)
        message = f"{guard} switches the generic {name}() off, and nothing gives another one"
        related = [(one.span, f"the generic {name}()") for one in hook.generic if one.shape != "prototype"][:1]
        yield Misgiven(name, profile.name, place, message, "nothing", tuple(related))


def misspelt(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield hook *name* when a patch takes its override away and brings a macro that looks like it misspelt."""
    old, new = (hooks_in(book).get(profile, name) for book in books)
    if not old.is_overridden or new.is_overridden or new.definition is None:
        return
    near = next((one for guard in (name, *new.guards) if (one := _near_miss(new, guard, any_macro=True))), None)
    if near is not None and old.universe.macro(near[0]) is None:
        related = ((new.definition.prototype, f"the generic {name}()"),)
        message = f"{profile.arch} runs the generic {name}() from here on: nothing asks for {near[0]}"
        yield Misgiven(name, profile.name, near[1], message, "misspelt", related)


def _help(guard: str) -> str:
    return f"define {guard} in a header that is read before the generic one" if guard else ""


def _beside(hook: Hook) -> Iterator[tuple[Giver, Giver]]:
    """Yield the pairs of an architecture's and a generic giver that are in force together and exclude one another."""
    for own in hook.arch:
        for generic in hook.generic:
            if generic.active and _collide(hook, own, generic):
                yield own, generic


def _collide(hook: Hook, own: Giver, generic: Giver) -> bool:
    if generic.linkage == "weak" or own.linkage == "weak":
        return False
    earlier = own.order is not None and generic.order is not None and own.order < generic.order
    match own.shape, generic.shape:
        case "macro", "macro":
            return own.text != generic.text and hook.definition is not None and hook.definition.kind == "generic"
        case "macro", "function":
            return earlier and not _is_replaced(hook)
        case "function", "macro":
            return own.order is not None and not earlier_undefined(hook)
        case "prototype", "function":
            return own.linkage == "strong" and generic.linkage == "static" and earlier
        case "function", "function":
            in_source = own.order is None
            return own.linkage == "strong" if in_source else generic.order is not None
        case _:
            return False


def earlier_undefined(hook: Hook) -> bool:
    """Return whether no macro of the hook's name is in force: then the function is what callers get."""
    return hook.universe.macro(hook.name) is None


def _is_replaced(hook: Hook) -> bool:
    """Return whether the macro of the architecture is what callers get all the same."""
    return hook.is_overridden and hook.universe.macro(hook.name) is not None


def _guard_of(generic: Giver) -> str:
    """Return the macro that would switch a generic giver off: of its innermost guard that asks for one."""
    for guard in reversed(generic.guards):
        if guard.wants_undefined:
            return min(guard.wants_undefined)
    return ""


def _near_miss(hook: Hook, guard: str, any_macro: bool = False) -> tuple[str, Span] | None:
    """Return a macro of the architecture that looks like *guard* misspelt: nothing asks for it.

    It only says that a name is taken, unless it may be *any_macro*.
    """
    if not guard:
        return None
    universe = hook.universe
    for word, ref in universe.unit.table.items():
        if ref is not None and word != guard and abs(len(word) - len(guard)) <= _SIMILAR and word[:2] == guard[:2]:
            place = universe.headers.macro_line(word)
            if place is not None and place.path.startswith("arch/") and _distance(word, guard) <= _SIMILAR:
                macro = universe.macro(word)
                is_mark = macro is not None and (not macro.body or [one.text for one in macro.body] == [word])
                if (is_mark or any_macro) and not _is_asked_for(universe, word):
                    return word, place
    return None


def _is_asked_for(universe: Universe, word: str) -> bool:
    for instance in universe.unit.instances:
        if word in words_of(instance.scan):
            directives = instance.scan.directives
            if any(one.kind in ("if", "ifdef", "ifndef", "elif") and word in one.text for one in directives):
                return True
    return False


def _distance(left: str, right: str) -> int:
    """Return how many letters have to be put in, taken out or replaced to make one word the other."""
    row = list(range(len(right) + 1))
    for at, one in enumerate(left, 1):
        previous, row[0] = row[0], at
        for to, other in enumerate(right, 1):
            previous, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, previous + (one != other))
    return row[-1]


# --- announced and not given --------------------------------------------------------------------------------------


def is_announced(hook: Hook) -> bool:
    """Return whether a guard of the architecture takes the generic body away and nothing stands in for it."""
    if hook.definition is not None or not any(one.shape == "function" for one in hook.generic):
        return False
    return bool(announcement(hook)[0])


def _given_besides(hooks: Hooks, profile: Profile, hook: Hook) -> bool:
    """Return whether the guard covers other names, which the architecture gives: then this one is the other half."""
    guard = announcement(hook)[0]
    others = [name for name, guards in hooks.names(profile).items() if guard in guards and name != hook.name]
    return any(hooks.get(profile, name).definition is not None for name in others)


def announcement(hook: Hook) -> tuple[str, Span]:
    """Return the guard that an architecture defines and that alone keeps the generic body out, with its place."""
    for one in hook.generic:
        wants = [guard for guard in one.guards if guard.wants_undefined]
        others = [guard for guard in one.guards if guard not in wants]
        if one.shape != "function" or not wants or not all(_holds(hook.universe, guard.text) for guard in others):
            continue
        for guard in wants[-1].wants_undefined:
            place = hook.universe.headers.macro_line(guard)
            if place is not None and place.path.startswith("arch/"):
                return guard, place
    return "", Span("", 0)


def _holds(universe: Universe, text: str) -> bool:
    """Return whether a branch ``#ifdef X`` is taken at the end of the unit; any other condition counts as not."""
    words = text.split()
    return len(words) == 2 and words[0] == "#ifdef" and universe.macro(words[1]) is not None
