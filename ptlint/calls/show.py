"""The call model as text: a table grouped by definition, JSON, and a graph for graphviz."""

import json
from typing import TextIO

from ptlint.calls.facts import ProfileModel, Row
from ptlint.core.span import Span

SCHEMA_VERSION = 1


def write_json(models: tuple[ProfileModel, ...], out: TextIO) -> None:
    """Write the model as JSON: profiles in order, symbols sorted, every key always present."""
    kept: dict[Row, str] = {}  # most rows are those of several profiles, and setting them out takes long
    profiles = []
    for model in models:
        symbols = []
        for name in sorted(model.rows):
            row = model.rows[name]
            if row not in kept:
                kept[row] = _set_out(_entry(row), 4)
            symbols.append(f"    {json.dumps(name)}: {kept[row]}")
        faults = [{"path": span.path, "line": span.line, "what": what} for span, what in model.not_understood]
        fields = [
            f'   "arch": {json.dumps(model.arch)}',
            f'   "config": {json.dumps(model.name)}',
            '   "symbols": ' + ("{\n" + ",\n".join(symbols) + "\n   }" if symbols else "{}"),
            f'   "not_understood": {_set_out(faults, 3)}',
        ]
        profiles.append("  {\n" + ",\n".join(fields) + "\n  }")
    listed = "[\n" + ",\n".join(profiles) + "\n ]" if profiles else "[]"
    out.write(f'{{\n "schema_version": {SCHEMA_VERSION},\n "profiles": {listed}\n}}\n')


def _set_out(value: object, depth: int) -> str:
    """Return *value* as JSON, a line for each part, that stands at *depth* of a document."""
    return json.dumps(value, indent=1).replace("\n", "\n" + " " * depth)


def _entry(row: Row) -> dict[str, object]:
    one = row.definition
    return {
        "kind": one.kind,
        "shape": one.shape,
        "def": _place(one.definition),
        "proto": _place(one.prototype),
        "guard": row.guard,
        "via": list(one.via),
        "calls": [call.name for call in row.calls],
        "through": {call.name: call.through for call in row.calls if call.through},
        "parameters": list(row.parameters),
        "uses": list(row.uses),
        "signature": row.signature,
        "callers": [{"name": one.name, "place": _place(one.span)} for one in row.callers],
        "why": [{"place": _place(reason.span), "text": reason.text} for reason in row.why],
    }


def _place(span: Span | None) -> str | None:
    return None if span is None else str(span)


def write_table(models: tuple[ProfileModel, ...], out: TextIO, why: bool = False) -> None:
    """Write one block per name: each definition with the profiles in which it is effective."""
    names = sorted({name for model in models for name in model.rows})
    for name in names:
        groups: dict[tuple[str, ...], list[ProfileModel]] = {}
        for model in models:
            if name in model.rows:
                groups.setdefault(_key(model.rows[name]), []).append(model)
        out.write(f"{name}\n")
        for members in sorted(groups.values(), key=lambda group: (-len(group), group[0].name)):
            _write_group(members, name, out, why)
        absent = [model.name for model in models if name not in model.rows]
        if absent:
            out.write(f"  not declared\n    {', '.join(absent)}\n")
        out.write("\n")
    for model in models:
        for span, what in model.not_understood:
            out.write(f"not understood ({model.name}): {span}: {what}\n")


def _key(row: Row) -> tuple[str, ...]:
    one = row.definition
    calls = tuple(f"{call.name}<{call.through}" for call in row.calls)
    callers = tuple(f"{caller.name}@{caller.span}" for caller in row.callers)
    return (one.kind, one.shape, str(one.definition), str(one.prototype), *one.via, *calls, *row.uses, *callers)


def _write_group(members: list[ProfileModel], name: str, out: TextIO, why: bool) -> None:
    row = members[0].rows[name]
    one = row.definition
    via = f" through {' -> '.join(one.via)}" if one.via else ""
    where = one.definition or "no body is built"
    out.write(f"  {one.kind} {one.shape}{via}  {where}\n    {', '.join(model.name for model in members)}\n")
    direct = [call.name for call in row.calls if not call.through]
    if direct:
        out.write(f"    calls {', '.join(direct)}\n")
    for table in dict.fromkeys(call.through for call in row.calls if call.through):
        targets = ", ".join(call.name for call in row.calls if call.through == table)
        out.write(f"    through {table}: {targets}\n")
    ignored = [param for param in row.parameters if param and param not in row.uses]
    if ignored:
        out.write(f"    ignores {', '.join(ignored)}\n")
    if row.callers:
        out.write("    called by\n")
    for caller in row.callers:
        out.write(f"      {caller.name}  {caller.span}\n")
    for reason in row.why if why else ():
        out.write(f"    {reason.span}: {reason.text}\n")


def write_dot(models: tuple[ProfileModel, ...], out: TextIO) -> None:
    """Write the calls of all profiles as one graph; an edge is labelled with the profiles that have it."""
    edges: dict[tuple[str, str, str], list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for model in models:
        for name, row in model.rows.items():
            kinds.setdefault(name, set()).add(row.definition.kind)
            for call in row.calls:
                edges.setdefault((name, call.name, call.through), []).append(model.name)
    out.write("digraph model {\n  rankdir=LR;\n  node [shape=box];\n")
    for name, kind in sorted(kinds.items()):
        out.write(f"  {_quoted(name)} [style={'filled' if 'arch' in kind else 'solid'}];\n")
    for (caller, callee, through), profiles in sorted(edges.items()):
        everywhere = len(profiles) == len(models)
        label = " ".join(filter(None, (through, "" if everywhere else ", ".join(profiles))))
        style = ", style=dashed" if through else ""
        out.write(f"  {_quoted(caller)} -> {_quoted(callee)} [label={_quoted(label)}{style}];\n")
    out.write("}\n")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
