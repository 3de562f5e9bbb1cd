"""Runs an example of a rule: its functions in place of those of the reference tree, checked by that rule alone."""

from __future__ import annotations

from ptlint.core.explanation import without_marks
from ptlint.core.finding import Finding
from ptlint.core.patch import PatchRef
from ptlint.core.rule import Example
from ptlint.core.tree import Snapshot
from ptlint.csrc.universe import SourceText
from ptlint.engine.example_files import has_files, run_files
from ptlint.engine.reference import REFERENCE
from ptlint.engine.rules import LoadedRule
from ptlint.engine.run import Run
from ptlint.engine.steps import Step
from ptlint.passes.outcomes import Runs
from ptlint.passes.shown import changes_in_text
from ptlint.reference import reference_tree


def run_example(rule: LoadedRule, example: Example) -> tuple[Finding, ...]:
    """Return what *rule* reports on *example*; lines are those of the example, from 1.

    The rule sees a patch that adds the functions of the example to the reference tree. ValueError when it has none, or
    when it could not be executed: an example that says nothing proves nothing.
    """
    if has_files(example):
        return run_files(rule, example)
    changes = changes_in_text(example.path, without_marks(example.code))
    if not changes:
        raise ValueError("the example holds no whole function")
    texts = {change.name: SourceText(example.path, change.span.line, change.text) for change in changes}
    before, after = Runs(reference_tree()), Runs(reference_tree(), texts)
    shown: dict[str, bytes] = {example.path: without_marks(example.code).encode()}
    run = Run((rule,), (REFERENCE,), has_tree=False, final=Snapshot(reference_tree(), shown))
    run.step(Step(PatchRef(1, 1, "", "example"), before, after, changes, (example.path,), texts=({}, shown)))
    if run.not_executed or run.left_out:
        raise ValueError(f"not executed: {[entry.what for entry in run.not_executed]} {run.left_out}")
    return run.merged()
