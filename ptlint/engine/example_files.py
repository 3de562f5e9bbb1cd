"""An example of a rule that is about several files: its text, cut at ``// file: PATH`` lines, as two small trees."""

from __future__ import annotations

import re

from ptlint.api import Context
from ptlint.core.explanation import without_marks
from ptlint.core.finding import Finding
from ptlint.core.patch import PatchRef
from ptlint.core.rule import Example
from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import main_profiles
from ptlint.engine.gathered import Gathered
from ptlint.engine.rules import LoadedRule
from ptlint.passes.changes import changes_between
from ptlint.passes.outcomes import Runs, profiles_of

_MARK = re.compile(r"// (file|before): (\S+)")


def has_files(example: Example) -> bool:
    """Return whether *example* names files."""
    return any(_MARK.fullmatch(line.strip()) for line in example.code.splitlines())


def run_files(rule: LoadedRule, example: Example) -> tuple[Finding, ...]:
    """Return what *rule* reports on the patch that *example* shows; lines are those of the example, from 1.

    ``// before: PATH`` begins what a file was before the patch; without any, there was nothing.
    """
    after, former = _cut(example)
    before = MemoryTree({**after, **former} if former else {})
    now = MemoryTree(after)
    profiles = profiles_of(now, main_profiles())
    changes = changes_between(before, now, after)
    books = Runs(before).book(profiles), Runs(now).book(profiles)
    context = Context(PatchRef(1, 1, "", "example"), before, now, changes, profiles, books=books, final=now)
    gathered = Gathered((rule,), profiles)
    gathered.look(context)
    if gathered.left_out:
        raise ValueError(f"not looked at: {gathered.left_out}")
    return gathered.merged()


def _cut(example: Example) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files after and before the patch, each with empty lines above, so that lines count as shown."""
    found: dict[str, dict[str, list[str]]] = {"file": {}, "before": {}}
    current: list[str] | None = None
    for number, line in enumerate(without_marks(example.code).splitlines()):
        mark = _MARK.fullmatch(line.strip())
        if mark is not None:
            current = found[mark[1]][mark[2]] = [""] * (number + 1)
        elif current is not None:
            current.append(line)
    after, before = ({path: "\n".join([*lines, ""]).encode() for path, lines in one.items()} for one in found.values())
    return after, before
