"""Overrides that exist under a configuration symbol only, and do not depend on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ptlint.calls.givers import Giver
from ptlint.csrc.directives import FileScan
from ptlint.csrc.profile import Profile
from ptlint.csrc.segments import words_of
from ptlint.passes.functions import Book
from ptlint.passes.overriding import Hook, Hooks, Misgiven, hooks_in

_WORD = re.compile(r"[A-Za-z_]\w*")
_NOISE = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
MIN_SHARED = 2  # hooks that both branches of a conditional give, so that it is one choice between two sets


def without(profile: Profile, symbol: str) -> Profile:
    """Return *profile* with configuration *symbol* (``CONFIG_X``) unset."""
    config = {name: value for name, value in profile.config.items() if name != symbol.removeprefix("CONFIG_")}
    return replace(profile, name=f"{profile.name} without {symbol}", config=config)


def left_out_of_a_choice(hooks: Hooks, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield the override of *name* that one branch of a choice gives, which the other lacks without need.

    The choice is ``#ifdef CONFIG_X`` with an ``#else``, whose branches give several hooks alike. The override uses
    nothing that only exists with the symbol, and without it the generic body runs.
    """
    hook = hooks.get(profile, name)
    for one in hook.arch if hook.is_overridden else ():
        for guard in one.guards if one.order is not None else ():
            symbol = guard.wants_config
            if symbol and not _is_general(hook, symbol) and _is_choice_without(hook, one, symbol):
                other = hooks.get(without(profile, symbol), name)
                if _falls_back(other) and not _depends(hook, other, one, symbol):
                    yield _fault(profile, name, one, symbol, other, guard.text)


def made_conditional(books: tuple[Book, Book], profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield the override of *name* that a patch puts under a configuration symbol with nothing else changed in it."""
    before, after = (hooks_in(book) for book in books)
    hook, old = after.get(profile, name), before.get(profile, name)
    if not hook.is_overridden or not old.is_overridden:
        return
    for one in hook.arch:
        same = [giver for giver in old.arch if giver.shape == one.shape and _bare(giver.text) == _bare(one.text)]
        for symbol in {guard.wants_config for guard in one.guards} - {""}:
            if not same or any(symbol in {guard.wants_config for guard in giver.guards} for giver in same):
                continue
            narrow = without(profile, symbol)
            other = after.get(narrow, name)
            if before.get(narrow, name).is_overridden and _falls_back(other):
                text = next(guard.text for guard in one.guards if guard.wants_config == symbol)
                yield _fault(profile, name, one, symbol, other, text)


def _fault(profile: Profile, name: str, one: Giver, symbol: str, other: Hook, text: str) -> Misgiven:
    generic = other.definition.prototype if other.definition is not None else one.span
    message = f"without {symbol} {profile.arch} runs the generic {name}(), and this one does not depend on it"
    related = ((generic, f"the generic {name}()"), *((guard.span, text) for guard in one.guards if guard.text == text))
    return Misgiven(name, profile.name, one.span, message, f"under {symbol}", related)


def _falls_back(hook: Hook) -> bool:
    """Return whether generic code gives a body or a value: a name that is not there is no fall-back."""
    return hook.definition is not None and hook.definition.kind == "generic" and hook.definition.definition is not None


def _is_general(hook: Hook, symbol: str) -> bool:
    """Return whether generic headers ask for *symbol* as well: it is no choice of the architecture's own."""
    instances = hook.universe.unit.instances
    return any(symbol in words_of(one.scan) for one in instances if not one.path.startswith("arch/"))


def _is_choice_without(hook: Hook, one: Giver, symbol: str) -> bool:
    """Return whether the conditional on *symbol* around *one* has an ``#else`` that gives other hooks and not this."""
    for instance in hook.universe.unit.by_path.get(one.span.path, ())[:1]:
        branches = _branches(instance.scan, one.span.line, symbol)
        if branches is not None:
            first, second = (_defined_in(instance.scan, *lines) for lines in branches)
            return hook.name not in second and len(first & second) >= MIN_SHARED
    return False


def _branches(scan: FileScan, line: int, symbol: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the lines of both branches of the ``#ifdef`` *symbol* around *line*, None when it has not just two."""
    stack: list[list[int]] = []
    for number, one in enumerate(scan.directives):
        if one.kind in ("if", "ifdef", "ifndef"):
            stack.append([number])
        elif stack and one.kind in ("else", "elif", "elifdef", "elifndef", "endif"):
            stack[-1].append(number)
            if one.kind == "endif":
                chain = [scan.directives[at] for at in stack.pop()]
                if len(chain) == 3 and chain[0].line < line < chain[1].line and symbol in chain[0].text:
                    return (chain[0].line, chain[1].line), (chain[1].line, chain[2].line)
    return None


def _defined_in(scan: FileScan, start: int, end: int) -> set[str]:
    """Return the names that ``#define`` takes between two lines."""
    defines = (one for one in scan.directives if one.kind == "define" and start < one.line < end)
    words = (_WORD.match(one.text.strip()) for one in defines)
    return {word.group() for word in words if word is not None}


def _depends(hook: Hook, other: Hook, one: Giver, symbol: str) -> bool:
    """Return whether the text of an override uses what only exists, or is something else, with *symbol*."""
    tail = "".join(symbol.removeprefix("CONFIG_").split("_")[1:] or [symbol]).lower()
    for word in set(_WORD.findall(_bare(one.text))) - {hook.name}:
        if word == symbol.removeprefix("CONFIG_") or tail in word.replace("_", "").lower():
            return True
        here, there = _place(hook, word), _place(other, word)
        if here and here != there:
            return True
    return False


def _place(hook: Hook, word: str) -> Sequence[str]:
    """Return where *word* is defined under the configuration of *hook*: as a macro, and as anything else."""
    macro = hook.universe.headers.macro_line(word)
    sites = hook.universe.headers.sites(word)
    return [str(macro)] if macro is not None else [str(site.span) for site in sites]


def _bare(text: str) -> str:
    return " ".join(_NOISE.sub(" ", text).split())
