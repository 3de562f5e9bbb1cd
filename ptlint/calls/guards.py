"""Why a definition is the effective one: the conditionals around it, and the macros that decide them."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ptlint.calls.facts import Definition, Reason
from ptlint.core.span import Span
from ptlint.csrc.definitions import looks_defined
from ptlint.csrc.directives import FileScan
from ptlint.csrc.instance import Instance
from ptlint.csrc.universe import Universe
from ptlint.csrc.words import words_at

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_NOT_DEFINED = re.compile(r"!\s*defined\s*\(?\s*(\w+)")
_DEFINE = re.compile(r"[ \t]*#[ \t]*define[ \t]+")
_ONE_DEFINED = re.compile(r"#ifdef (\w+)|#if (?:defined|IS_ENABLED)\s*\(?\s*(\w+)\s*\)?")


@dataclass(frozen=True, slots=True)
class Guard:
    """A conditional around a definition. ``text`` is the directive that opens its branch, on one line.

    ``macro`` is the macro that ``#ifdef`` or ``#ifndef`` (also spelled ``defined``) asks for, ``""`` for any other
    condition. ``before`` are the directives of the branches above it, none of which is taken.
    """

    text: str
    macro: str
    span: Span
    before: tuple[str, ...] = ()

    @property
    def wants_undefined(self) -> frozenset[str]:
        """Return the macros of which one that is defined switches the branch off."""
        words = set(_NOT_DEFINED.findall(self.text)) if "||" not in self.text else set()
        if self.text.startswith("#ifndef") and self.macro:
            words.add(self.macro)
        if self.text == "#else" and len(self.before) == 1:
            found = _ONE_DEFINED.fullmatch(self.before[0])
            words.update(filter(None, found.groups()) if found else ())
        return frozenset(words)

    @property
    def wants_config(self) -> str:
        """Return the configuration symbol, with ``CONFIG_``, that alone lets the branch in, ``""`` for none."""
        found = _ONE_DEFINED.fullmatch(self.text)
        word = next(filter(None, found.groups()), "") if found else ""
        return word if word.startswith("CONFIG_") else ""


MOST_NESTED = 64
"""Conditionals around a line that are looked at, the innermost: nobody nests more by hand."""

MOST_BRANCHES = 200
"""Branches before one of the same conditional that are kept."""


def enclosing(scan: FileScan, line: int) -> tuple[Guard, ...]:
    """Return the conditionals of a file that *line* stands in, outermost first, its include guard left out."""
    around: tuple[list[int], list[tuple[Guard, ...]]] | None = scan.item_cache.get("around")
    if around is None:
        around = scan.item_cache["around"] = _around(scan)
    lines, guards = around
    at = bisect_right(lines, line)
    return guards[at - 1] if at else ()


def _around(scan: FileScan) -> tuple[list[int], list[tuple[Guard, ...]]]:
    """Return the lines of a file at which the conditionals around it change, and those in force from each on."""
    lines: list[int] = []
    guards: list[tuple[Guard, ...]] = []
    stack: list[Guard] = []
    for index, one in enumerate(scan.directives):
        if one.kind in ("if", "ifdef", "ifndef"):
            stack.append(_guard(scan, index))
        elif one.kind in ("elif", "elifdef", "elifndef", "else") and stack:
            before = (*stack[-1].before[: MOST_BRANCHES - 1], stack[-1].text)
            stack[-1] = replace(_guard(scan, index), before=before)
        elif one.kind == "endif" and stack:
            stack.pop()
        else:
            continue
        lines.append(one.line)
        inner = stack[-MOST_NESTED:]
        guards.append(tuple(guard for guard in inner if not (scan.guard and guard.macro == scan.guard)))
    return lines, guards


def _guard(scan: FileScan, index: int) -> Guard:
    one = scan.directives[index]
    argument = scan.argument(index)
    found = re.fullmatch(r"!?\s*defined\s*\(?\s*(\w+)\s*\)?", argument)
    macro = found.group(1) if found else argument if one.kind in ("ifdef", "ifndef") else ""
    return Guard(f"#{one.kind} {argument}".strip(), macro, Span(scan.path, one.line))


def guard_of(universe: Universe, definition: Definition) -> Guard | None:
    """Return the conditional that decides whether generic code gives this body or an architecture does.

    For a generic definition it is the innermost one around it; for an architecture's, the one around the generic
    definition that it switches off.
    """
    if definition.kind == "generic" and definition.shape != "alias":
        span = definition.prototype
        instances = universe.unit.by_path.get(span.path)
        around = enclosing(instances[0].scan, span.line) if instances else ()
        return around[-1] if around else None
    return next((guard for guard in switched_off(universe, definition.name)), None)


def switched_off(universe: Universe, name: str) -> Iterator[Guard]:
    """Yield the conditionals around inactive generic definitions of *name* that are not taken, innermost."""
    for instance in universe.headers.instances_with(name, but="arch/"):
        for line in _inactive_definitions(instance, name):
            around = enclosing(instance.scan, line)
            if around:
                yield around[-1]


def _inactive_definitions(instance: Instance, name: str) -> tuple[int, ...]:
    """Return the lines at which text that is skipped seems to define *name*, one of each piece of it."""
    active = instance.active
    key = ("inactive", name)
    found: tuple[int, ...] | None = active.facts.get(key)
    if found is None:
        found = active.facts[key] = tuple(_inactive_lines(instance, name))
    return found


def _inactive_lines(instance: Instance, name: str) -> Iterator[int]:
    text = instance.scan.text
    facts = instance.active.facts
    if "blanks" not in facts:
        facts["blanks"] = list(instance.blanks())
    blanks: list[tuple[int, int]] = facts["blanks"]
    done = 0
    for at in words_at(text, name):
        number = bisect_right(blanks, (at, len(text))) - 1
        if at < done or number < 0 or at >= blanks[number][1]:
            continue
        start, end = blanks[number]
        line_start = text.rfind("\n", start, at) + 1 or start
        defines = _DEFINE.fullmatch(text, line_start, at) is not None
        if (defines and line_start > start) or looks_defined(name, text[line_start:end]):
            yield text.count("\n", 0, at) + 1
            done = end


def reasons(universe: Universe, definition: Definition, guard: Guard | None) -> tuple[Reason, ...]:
    """Return why *definition*, decided by *guard*, is the effective one, the fact nearest to the code first."""
    out: list[Reason] = []
    if definition.shape == "alias":
        out.append(Reason(f"{definition.name} is another name for {definition.via[-1]}", definition.prototype))
    if guard is not None and guard.macro:
        place = universe.headers.macro_line(guard.macro)
        if place is not None and place.line:
            out.append(Reason(f"{guard.macro} is defined", place))
        state = "is" if place is not None else "is not"
        out.append(Reason(f"'{guard.text}': {guard.macro} {state} defined", guard.span))
    elif guard is not None:
        out.append(Reason(f"'{guard.text}'" + _values(universe, guard), guard.span))
    if definition.shape == "extern":
        where = definition.definition
        text = "its body is in a file that is built" if where else "no file that is built has its body"
        out.append(Reason(text, where or definition.prototype))
    return tuple(out)


def _values(universe: Universe, guard: Guard) -> str:
    """Return the configuration symbols of a condition with their values."""
    symbols = sorted({word for word in _IDENTIFIER.findall(guard.text) if word.startswith("CONFIG_")})
    values = [f"{word}={universe.profile.config.get(word[7:], 'n')}" for word in symbols]
    return f" with {', '.join(values)}" if values else ""
