"""What changes in the model from one tree to another, as a reviewer reads it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ptlint.calls.facts import ProfileModel, Row

KINDS = ("new-override", "lost-override", "dead", "new", "gone", "moved", "signature", "parameter", "calls")
"""What can change, in the order in which a reader wants it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changes for one name, with the profiles for which it does.

    ``kind``: one of ``KINDS``: a ``parameter`` begins or ceases to matter, a ``moved`` definition is another one. A
    name that is new and switches a generic definition off is a ``new-override``, too.
    """

    name: str
    kind: str
    text: str
    profiles: tuple[str, ...]


_TURNS = {
    ("generic", "arch"): ("new-override", "is overridden"),
    ("arch", "generic"): ("lost-override", "falls back to generic code"),
}


def differences(before: Iterable[ProfileModel], after: Iterable[ProfileModel]) -> tuple[Difference, ...]:
    """Return what differs between the models of the same profiles, by name; equal changes are one."""
    old = {model.name: model for model in before}
    found: dict[tuple[str, str, str], list[str]] = {}
    for model in after:
        rows = old[model.name].rows if model.name in old else {}
        for name in sorted({*rows, *model.rows}):
            for kind, text in _changes(rows.get(name), model.rows.get(name)):
                found.setdefault((name, kind, text), []).append(model.name)
    made = (Difference(*key, tuple(profiles)) for key, profiles in found.items())
    return tuple(sorted(made, key=lambda one: (one.name, KINDS.index(one.kind), one.text)))


def _changes(old: Row | None, new: Row | None) -> list[tuple[str, str]]:
    if new is None:
        return [] if old is None else [("gone", f"is no longer declared; it was {_given(old)}")]
    if old is None:
        overrides = new.definition.kind == "arch" and bool(new.guard)
        words = "is new, and overridden" if overrides else "is new"
        return [("new-override" if overrides else "new", f"{words}: {_given(new)}{_ignored(new)}")]
    found: list[tuple[str, str]] = []
    was, now = old.definition, new.definition
    if (was.kind, was.shape, was.function) != (now.kind, now.shape, now.function) or _path(old) != _path(new):
        kind, words = _TURNS.get((was.kind, now.kind), ("moved", "moves"))
        found.append((kind, f"{words}: {_given(old)} -> {_given(new)}"))
    if old.signature and new.signature and _types(old) != _types(new):
        found.append(("signature", f"{old.signature} -> {new.signature}"))
    found += [("parameter", text) for text in _parameters(old, new)]
    calls = [f"{call.through or 'call'} {call.name}" for call in old.calls]
    others = [f"{call.through or 'call'} {call.name}" for call in new.calls]
    lost, gained = ([one.split(" ", 1)[1] for one in left if one not in right] for left, right in _both(calls, others))
    if gained or lost:
        parts = [f"calls {', '.join(gained)}"] if gained else []
        parts += [f"no longer calls {', '.join(lost)}"] if lost else []
        found.append(("calls", " and ".join(parts)))
    return found


def _types(row: Row) -> str:
    """Return a signature without the names of its parameters."""
    names = "|".join(re.escape(name) for name in row.parameters if name)
    return re.sub(rf"\b(?:{names})\b(?=\s*[,)\[])", "", row.signature) if names else row.signature


def _both(one: list[str], other: list[str]) -> tuple[tuple[list[str], list[str]], tuple[list[str], list[str]]]:
    return (one, other), (other, one)


def _parameters(old: Row, new: Row) -> list[str]:
    """Return the parameters of both that matter on one side only."""
    shared = [name for name in new.parameters if name and name in old.parameters]
    begins = [f"{name} matters from here on" for name in shared if name in new.uses and name not in old.uses]
    ceases = [f"{name} is ignored from here on" for name in shared if name in old.uses and name not in new.uses]
    return begins + ceases


def _given(row: Row) -> str:
    one = row.definition
    via = f" through {' -> '.join(one.via)}" if one.via else ""
    return f"{one.kind} {one.shape}{via} in {one.definition.path if one.definition is not None else 'no built file'}"


def _ignored(row: Row) -> str:
    ignored = [name for name in row.parameters if name and name not in row.uses]
    return f", ignores {', '.join(ignored)}" if ignored else ""


def _path(row: Row) -> str:
    return row.definition.definition.path if row.definition.definition is not None else ""


def as_json(found: Iterable[Difference], patches: Mapping[str, tuple[int, ...]]) -> list[dict[str, object]]:
    """Return differences as JSON values; *patches* names the patches that touch a name."""
    return [
        {
            "symbol": one.name,
            "kind": one.kind,
            "text": one.text,
            "profiles": list(one.profiles),
            "patches": list(patches.get(one.name, ())),
        }
        for one in found
    ]
