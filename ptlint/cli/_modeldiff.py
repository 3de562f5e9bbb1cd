"""``ptlint model --diff``: what a series changes in the call model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ptlint.cli._models import Selection, models_of
from ptlint.store import FactStore

if TYPE_CHECKING:
    from ptlint.calls.difference import Difference
    from ptlint.core.report import PatchStatus
    from ptlint.core.tree import SourceTree
    from ptlint.tree.result import Applied

SCHEMA_VERSION = 1
BROAD = 12
"""Profiles beyond which a line names their number, and those that it leaves out."""


_SUMMED = {
    "new-override": "overrides that come",
    "lost-override": "overrides that go",
    "dead": "definitions of architectures without effect",
    "signature": "signatures that change",
}


@dataclass(frozen=True)
class ModelDiff:
    """What a series changes: differences, dead overrides, the patches that touch each name, and how patches applied."""

    base: str
    found: "tuple[Difference, ...]"
    patches: Mapping[str, tuple[int, ...]]
    status: "tuple[PatchStatus, ...]"
    looked_at: tuple[str, ...]
    profiles: tuple[str, ...]


def compared(
    inputs: Sequence[str], tree: Path | None, base: str | None, selection: Selection, store: FactStore
) -> ModelDiff:
    """Return what the series in *inputs* changes on *tree*. Raises UsageError, InputError and TreeError."""
    from ptlint.calls.difference import differences
    from ptlint.core.tree import Snapshot
    from ptlint.engine.inputs import enclosing_folder, series_asked
    from ptlint.engine.request import CheckRequest
    from ptlint.errors import UsageError
    from ptlint.tree import apply_series, open_base

    request = CheckRequest(tuple(inputs), tree, base=base)
    folder = tree or enclosing_folder(request)
    if folder is None:
        raise UsageError("no tree: give --tree, or run it inside a kernel repository")
    series = series_asked(request, folder)
    opened = open_base(folder, base, series)
    steps = apply_series(opened.tree, series)
    last = steps[-1].snapshot if steps else Snapshot(opened.tree)
    touched = _touched(opened.tree, steps)
    trees: tuple[SourceTree, SourceTree] = (opened.tree, last)
    selection = selection.touched(last.changed, store)
    names = _names(trees, selection, store, touched)
    before, after = (models_of(one, selection, store, names) if names else () for one in trees)
    found = (*differences(before, after), *_dead(trees, selection, store, names))
    status = tuple(step.status for step in steps)
    return ModelDiff(opened.name, found, touched, status, names, selection.names(store))


def _touched(base: "SourceTree", steps: "Sequence[Applied]") -> dict[str, tuple[int, ...]]:
    """Return the numbers of the patches that change what a name stands for, by name."""
    from ptlint.passes.changes import changes_between

    found: dict[str, tuple[int, ...]] = {}
    before = base
    for step in steps:
        for change in changes_between(before, step.snapshot, step.snapshot.changed):
            numbers = found.get(change.name, ())
            found[change.name] = numbers if step.status.index in numbers else (*numbers, step.status.index)
        before = step.snapshot
    return found


def _names(
    trees: "tuple[SourceTree, SourceTree]", selection: Selection, store: FactStore, touched: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the names that the series concerns: page-table names that it touches, and those whose guard it does."""
    from ptlint.calls.hooks import asked
    from ptlint.calls.tablenames import is_page_table_name
    from ptlint.csrc.universe import load_universe

    found = {name for name in touched if is_page_table_name(name)}
    for name in selection.names(store) if touched else ():
        for tree in trees:
            known = asked(load_universe(tree, selection.profile(name)))
            found.update(hook for hook, guards in known.items() if hook in touched or guards & touched.keys())
    return tuple(sorted(found))


def _dead(
    trees: "tuple[SourceTree, SourceTree]", selection: Selection, store: FactStore, names: Sequence[str]
) -> "list[Difference]":
    """Return the definitions of architectures that have no effect with the series, and had one or were not there."""
    from ptlint.calls.difference import Difference
    from ptlint.passes.outcomes import Runs
    from ptlint.passes.overriding import hooks_in
    from ptlint.passes.shadowed import shadowed

    found: dict[tuple[str, str], list[str]] = {}
    before, after = (hooks_in(Runs(tree).book(())) for tree in trees)
    for profile in map(selection.profile, selection.names(store)):
        for name in names:
            known = {one.key for one in shadowed(before, profile, name)}
            for one in shadowed(after, profile, name):
                if one.key not in known:
                    found.setdefault((name, f"{one.span}: {one.message}"), []).append(profile.name)
    return [Difference(name, "dead", text, tuple(profiles)) for (name, text), profiles in found.items()]


def write_json(diff: ModelDiff, out: TextIO) -> None:
    """Write a difference as JSON, every key always present."""
    from ptlint.calls.difference import as_json

    patches = [
        {"index": one.index, "applied": one.applied, "reason": one.reason if not one.applied else ""}
        for one in diff.status
    ]
    value = {
        "schema_version": SCHEMA_VERSION,
        "base": diff.base,
        "patches": patches,
        "symbols": list(diff.looked_at),
        "profiles": list(diff.profiles),
        "changes": as_json(diff.found, diff.patches),
    }
    json.dump(value, out, indent=1)
    out.write("\n")


def write_text(diff: ModelDiff, out: TextIO) -> None:
    """Write a difference for people: one block a name, one line a change, with the profiles and the patches."""
    from ptlint.calls.difference import KINDS
    from ptlint.report._text import one_line

    for status in diff.status:
        if not status.applied:
            out.write(f"patch {status.index} does not apply whole: {one_line(status.reason)}\n")
    by_name: dict[str, list[Difference]] = {}
    for one in diff.found:
        by_name.setdefault(one.name, []).append(one)
    for name in sorted(by_name):
        numbers = diff.patches.get(name, ())
        by = f"  (patch {', '.join(map(str, numbers))})" if numbers else ""
        out.write(f"{one_line(name)}{by}\n")
        for one in sorted(by_name[name], key=lambda one: KINDS.index(one.kind)):
            out.write(f"  {one.kind}: {one_line(one.text)}\n    {_profiles(one.profiles, diff.profiles)}\n")
        out.write("\n")
    for kind, words in _SUMMED.items():
        names = dict.fromkeys(one_line(one.name) for one in diff.found if one.kind == kind)
        if names:
            out.write(f"{words}: {', '.join(names)}\n")
    same = len(diff.looked_at) - len(by_name)
    tail = f"; of those that the series touches, {same} stay as they are" if same else ""
    what = "1 name changes" if len(by_name) == 1 else f"{len(by_name)} names change"
    out.write(f"{what} in the model of {diff.base}{tail}\n")


def _profiles(some: Sequence[str], every: Sequence[str]) -> str:
    if len(some) == len(every) and len(every) > BROAD:
        return f"all {len(every)} profiles that it can concern"
    left = [name for name in every if name not in some]
    if len(some) > BROAD and len(left) < len(some):
        return f"{len(some)} profiles: all but {', '.join(left)}"
    return ", ".join(some)
