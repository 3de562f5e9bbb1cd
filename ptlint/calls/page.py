"""The call model as one self-contained page: names by architectures, and for each cell its source and its reasons."""

import json
from importlib import resources
from typing import TextIO

from ptlint.calls.facts import ProfileModel, Row
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree

BEFORE, AFTER = 4, 14
"""Lines of source around a definition."""


def write_page(models: tuple[ProfileModel, ...], tree: SourceTree, out: TextIO) -> None:
    """Write the page. It loads nothing from elsewhere; text of the tree stands in it as data, never as markup."""
    excerpts: dict[str, list[object]] = {}
    rows: list[object] = []
    numbers: dict[str, int] = {}
    cells: dict[str, list[int]] = {}
    for at, model in enumerate(models):
        for name, row in model.rows.items():
            cell = json.dumps(_cell(row))
            if cell not in numbers:
                numbers[cell] = len(rows)
                rows.append(json.loads(cell))
                _quote(row, tree, excerpts)
            cells.setdefault(name, [-1] * len(models))[at] = numbers[cell]
    data = {
        "profiles": [model.name for model in models],
        "cells": dict(sorted(cells.items())),
        "rows": rows,
        "excerpts": excerpts,
    }
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    page = (resources.files("ptlint.calls") / "page.html").read_text("utf-8")
    out.write(page.replace("@DATA@", text))


def _cell(row: Row) -> dict[str, object]:
    one = row.definition
    return {
        "kind": one.kind,
        "shape": one.shape,
        "def": _place(one.definition),
        "proto": str(one.prototype),
        "via": list(one.via),
        "signature": row.signature,
        "calls": [f"{call.name} ({call.through})" if call.through else call.name for call in row.calls],
        "ignores": [name for name in row.parameters if name and name not in row.uses],
        "why": [[str(reason.span), reason.text] for reason in row.why],
        "callers": [[caller.name, str(caller.span)] for caller in row.callers],
    }


def _place(span: Span | None) -> str:
    return "" if span is None else str(span)


def _quote(row: Row, tree: SourceTree, excerpts: dict[str, list[object]]) -> None:
    """Add the lines around the definition of *row*, else around its prototype: number of the first, and the lines."""
    span = row.definition.definition or row.definition.prototype
    if str(span) not in excerpts:
        lines = (tree.read(span.path) or b"").decode("utf-8", "replace").splitlines()
        first = max(1, span.line - BEFORE)
        excerpts[str(span)] = [first, span.line, lines[first - 1 : span.line + AFTER]]
