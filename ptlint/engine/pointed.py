"""The lines and files that findings point into, of the steps that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ptlint.core.finding import Finding
from ptlint.core.patch import PatchRef
from ptlint.engine.steps import Step


def with_lines(findings: Iterable[Finding], steps: Sequence[Step]) -> Iterator[Finding]:
    """Yield *findings* with the lines that their other places stand on."""
    by_ref = {step.ref: step for step in steps}
    for finding in findings:
        step = by_ref.get(finding.patch) if finding.patch is not None else None
        if step is not None:
            places = (replace(one, line_text=step.line(one.span, one.function)) for one in finding.related)
            finding = replace(finding, related=tuple(places))
        yield finding


Sources = tuple[dict[str, bytes], dict[tuple[PatchRef | None, str], bytes]]


def sources_of(findings: Sequence[Finding], steps: Sequence[Step]) -> Sources:
    """Return the files that findings point into: of the last step that has one in them, and of the others."""
    wanted: dict[PatchRef | None, set[str]] = {}
    for finding in findings:
        paths = (finding.span.path, *(related.span.path for related in finding.related))
        wanted.setdefault(finding.patch, set()).update(paths)
    last: dict[str, bytes] = {}
    each: dict[tuple[PatchRef | None, str], bytes] = {}
    for step in steps:
        for path in sorted(wanted.get(step.ref, ())):
            data = step.text(path)
            if data is not None:
                last[path] = each[step.ref, path] = data
    return last, {key: data for key, data in each.items() if data != last[key[1]]}
