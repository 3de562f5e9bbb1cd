"""Overrides that come in two and of which an architecture gives one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.calls.guards import enclosing
from ptlint.csrc.profile import Profile
from ptlint.csrc.segments import words_of
from ptlint.passes.overriding import Hook, Hooks, Misgiven
from ptlint.passes.shadowed import announcement, is_announced

OPPOSITE = {"start": "commit", "commit": "start"}
"""The words of a name that make a transaction of two helpers."""


def half_given(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield hook *name* when the architecture of *profile* gives what belongs to it, and not *name* itself."""
    hook = hooks.get(profile, name)
    if is_announced(hook):
        yield from _missing_half(hooks, profile, hook)
    elif hook.definition is not None and not hook.is_overridden:
        yield from _generic_half(hooks, profile, hook)


def _missing_half(hooks: Hooks, profile: Profile, hook: Hook) -> Iterator[Misgiven]:
    """Yield *hook* when its guard covers other names as well, which are given, and code beyond the guard needs it."""
    guard, place = announcement(hook)
    others = [name for name, guards in hooks.names(profile).items() if guard in guards and name != hook.name]
    given = [other for name in others if (other := hooks.get(profile, name)).is_overridden]
    if given and _is_needed(hook, guard):
        other = given[0]
        related = [(other.definition.prototype, f"{other.name}() is given")] if other.definition is not None else []
        related += [(one.span, f"the generic {hook.name}()") for one in hook.generic if one.shape == "function"][:1]
        message = f"{guard} stands for {hook.name}() as well, which {profile.arch} does not give"
        yield Misgiven(hook.name, profile.name, place, message, "missing", tuple(related))


def _is_needed(hook: Hook, guard: str) -> bool:
    """Return whether code that the guard does not switch off names *hook*."""
    word = re.compile(rf"\b{re.escape(hook.name)}\s*\(")
    for instance in hook.universe.unit.instances:
        if hook.name in words_of(instance.scan) and not instance.path.startswith("arch/"):
            for found in word.finditer(instance.active_text()):
                line = instance.scan.text.count("\n", 0, found.start()) + 1
                if not any(guard in one.wants_undefined for one in enclosing(instance.scan, line)):
                    return True
    universe = hook.universe
    return any(word.search(universe.text_of(path)) for path in universe.c_files() if not path.startswith("arch/"))


def _generic_half(hooks: Hooks, profile: Profile, hook: Hook) -> Iterator[Misgiven]:
    """Yield *hook*, which generic code gives, when the architecture gives the other half of the transaction."""
    parts = hook.name.split("_")
    for at, part in enumerate(parts):
        if part in OPPOSITE:
            twin = hooks.get(profile, "_".join((*parts[:at], OPPOSITE[part], *parts[at + 1 :])))
            if twin.is_overridden and twin.guards and hook.guards and twin.definition is not None:
                place = twin.definition.prototype
                generic = hook.definition.prototype if hook.definition is not None else place
                message = f"{profile.arch} gives {twin.name}() and leaves {hook.name}() to generic code"
                yield Misgiven(
                    hook.name, profile.name, place, message, "twin", ((generic, f"the generic {hook.name}()"),)
                )
